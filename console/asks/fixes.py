"""What may be asked about rules."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from console.asks.base import Change, Digest, ListAsk, TryOrChange
from console.fields import Asked, Word
from contracts import fixes
from counterfoil.lifecycle import FixState


def _whole(value: Any) -> Any:
    """To JSON 42.0 is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# How paths are written is said by the rule's own check: JSON Schema takes a name that does not fit for one that may
# have any value.
Path = str
Text = Annotated[str, StringConstraints(min_length=1, max_length=fixes.TEXT_MAX)]
Whole = Annotated[int, Field(gt=-fixes.WHOLE_MAX, lt=fixes.WHOLE_MAX)]
Condition = Annotated[Text | bool | Whole | None, BeforeValidator(_whole)]


class FixesAsk(ListAsk):
    """Filters of the list of rules."""

    status: FixState | None = Field(None, description="state of the rule")
    source: Word | None = Field(None, description="source, e.g. `stripe`")


class FixContent(Asked):
    """What a rule says."""

    source: Word = Field(description="source, e.g. `stripe`")
    types: Annotated[list[Word], Field(min_length=1, max_length=fixes.TYPES_MAX)] = Field(
        description="types of events, e.g. `invoice.paid`"
    )
    when: Annotated[dict[Path, Condition], Field(min_length=1, max_length=fixes.CONDITIONS_MAX)] = Field(
        description="conditions by path; `[]` is each element of a list, null is missing"
    )
    set: Annotated[dict[Path, Text], Field(min_length=1, max_length=fixes.SETTINGS_MAX)] = Field(
        description="what stands there instead; each path also stands under `when`, with what it replaces"
    )


class FixAsk(TryOrChange, FixContent):
    """Propose a rule, or show what it would do."""


class FixApproveAsk(Change):
    """A yes to exactly this rule."""

    digest: Digest = Field(description="of what the rule says; `GET /fixes/{id}` has it")
    replay: bool = Field(False, description="also run again what it clears")
