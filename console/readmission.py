"""Whether an event that was turned aside at the door would come in today: the door's own judgement, asked again."""

from uuid import UUID

from console import problems
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue import cases
from ingest.providers.base import Received
from ingest.sources import Source, SourcesUnusable, find_sources


def readmit(
    conn: Connection, *, event_id: UUID | None = None, replay_id: UUID | None = None, who: str, reason: str
) -> None:
    """Before an event, or those of a planned replay, go to the start. Raises: Conflict."""
    sources: dict[str, Source] | None = None

    def belongs(event: cases.Foreign) -> bool:
        nonlocal sources
        if sources is None:
            sources = _sources()
        source = sources.get(event.source)
        return source is not None and source.objection(_seen(event)) is None

    cases.readmit(conn, belongs, event_id=event_id, replay_id=replay_id, who=who, reason=reason)


def _sources() -> dict[str, Source]:
    try:
        return find_sources(settings())
    except SourcesUnusable as unusable:
        found = "; ".join(unusable.problems)
        raise problems.Conflict(f"whether the event belongs to its source cannot be judged: {found}") from None


def _seen(event: cases.Foreign) -> Received:
    """As much of the event as a source judges by."""
    return Received("", "", b"", b"", livemode=event.livemode, account=event.account)
