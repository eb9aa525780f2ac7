"""What a person does about a case and the payloads that it blocks."""

from uuid import UUID

from pydantic import Field

from console.asks.base import Change, FromStep
from console.fields import Document, MomentIn, Word


class AssignAsk(Change):
    """Give a case to a person."""

    to: Word = Field(description="id of a person in the owners file")


class SnoozeAsk(Change):
    """Let a case sleep."""

    until: MomentIn = Field(description="when it opens again")


class EditAsk(Change):
    """A corrected copy of an event's payload; the original stays."""

    verbatim = ("payload",)

    event_id: UUID | None = Field(None, description="which event; may be left out when the case has exactly one")
    payload: Document = Field(description="the whole corrected payload; kept as it is written, to the last digit")


class AcceptAsk(Change):
    """The newer of two contents of one identity; the first stays as it was received."""

    event_id: UUID | None = Field(None, description="which event; may be left out when the case has exactly one")


class CaseReplayAsk(Change):
    """Run all blocked events of a case again."""

    from_step: FromStep = Field("start", alias="from", description="where to begin")
