"""Which writes to take back, as data: validated, kept with the reversal, and turned into SQL in one place."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from counterfoil.lifecycle import WriteState
from exceptions_queue.refusals import FilterRefused

#: More ids than this are not named one by one.
IDS_MAX = 1000


class WriteFilter(BaseModel):
    """Every member narrows; at least one beside the state is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    destination: str | None = None
    operation: str | None = None
    handler: str | None = None
    event: UUID | None = None
    subject: str | None = None
    #: Unset: what is confirmed. In another state nothing can be taken back, and the plan says so.
    status: WriteState | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    ids: tuple[UUID, ...] | None = Field(None, min_length=1, max_length=IDS_MAX)

    def named(self) -> dict[str, Any]:
        """Only what was asked for, as JSON; what is kept with the reversal."""
        return self.model_dump(mode="json", exclude_none=True)


def understood(wanted: Mapping[str, Any]) -> WriteFilter:
    """The filter, checked. Raises: FilterRefused, in words."""
    try:
        chosen = WriteFilter.model_validate_json(msgspec.json.encode(wanted, enc_hook=str))
    except ValidationError as failure:
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in failure.errors(include_input=False))
        raise FilterRefused("; ".join(faults)) from None
    if not chosen.named().keys() - {"status"}:
        raise FilterRefused("name at least one of destination, operation, handler, event, subject, since, until, ids")
    return chosen


_CONDITIONS = {
    "destination": "w.destination = %(destination)s",
    "operation": "w.operation = %(operation)s",
    "handler": "w.handler = %(handler)s",
    "event": "w.event_id = %(event)s",
    "subject": "w.subject = %(subject)s",
    "status": "w.status = %(status)s",
    "since": "coalesce(w.confirmed_at, w.created_at) >= %(since)s::timestamptz",
    "until": "coalesce(w.confirmed_at, w.created_at) < %(until)s::timestamptz",
    "ids": "w.id = ANY(%(ids)s::uuid[])",
}


def as_sql(wanted: WriteFilter) -> tuple[str, dict[str, Any]]:
    """A condition over `writes w` and its values. What takes another write back is never chosen by a filter."""
    named = {"status": WriteState.CONFIRMED.value, **wanted.named()}
    return " AND ".join(["w.reverses IS NULL", *(_CONDITIONS[name] for name in named)]), named
