"""Which events to replay, as data: validated, kept with the replay, and turned into SQL in one place."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from counterfoil.lifecycle import EventState
from exceptions_queue.refusals import FilterRefused

#: More ids than this are not named one by one.
IDS_MAX = 1000


class ReplayFilter(BaseModel):
    """Every member narrows; at least one is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    failure_class: str | None = Field(None, alias="class")
    source: str | None = None
    type: str | None = None
    handler: str | None = None
    status: EventState | None = None
    case: UUID | None = None
    subject: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    ids: tuple[UUID, ...] | None = Field(None, min_length=1, max_length=IDS_MAX)

    def named(self) -> dict[str, Any]:
        """Only what was asked for, as JSON; what is kept with the replay."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def understood(wanted: ReplayFilter | Mapping[str, Any]) -> ReplayFilter:
    """The filter, checked. Raises: FilterRefused, in words."""
    if not isinstance(wanted, ReplayFilter):
        try:
            wanted = ReplayFilter.model_validate_json(_as_json(wanted))
        except ValidationError as failure:
            faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in failure.errors(include_input=False))
            raise FilterRefused("; ".join(faults)) from None
    if not wanted.named():
        raise FilterRefused(
            "name at least one of class, source, type, handler, status, case, subject, since, until, ids"
        )
    return wanted


def _as_json(wanted: Mapping[str, Any]) -> bytes:
    import msgspec

    return msgspec.json.encode(wanted, enc_hook=str)


# Without a status, a class or case means what it blocks now; with one, whatever ever stood in it (so that what was
# dismissed by mistake can be found again).
_IN_A_CASE = """EXISTS (
    SELECT 1 FROM case_events m JOIN cases c ON c.id = m.case_id
    WHERE m.event_id = e.id AND (%(status)s::text IS NOT NULL OR m.cleared_at IS NULL) AND {what})"""

_CONDITIONS = {
    "class": _IN_A_CASE.format(what="c.failure_class = %(class)s"),
    "case": _IN_A_CASE.format(what="c.id = %(case)s"),
    "source": "e.source = %(source)s",
    "type": "e.type = %(type)s",
    "handler": "e.handler = %(handler)s",
    "status": "e.status = %(status)s",
    "subject": "e.subject = %(subject)s",
    "since": "e.received_at >= %(since)s::timestamptz",
    "until": "e.received_at < %(until)s::timestamptz",
    "ids": "e.id = ANY(%(ids)s::uuid[])",
}


def as_sql(wanted: ReplayFilter) -> tuple[str, dict[str, Any]]:
    """A condition over `events e` and its values."""
    named = wanted.named()
    values: dict[str, Any] = {"status": None, **named}
    return " AND ".join(_CONDITIONS[name] for name in named), values
