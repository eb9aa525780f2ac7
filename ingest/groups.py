"""One group on its way through the ledger: copies folded, recorded, and what was known already looked at once more.

Off the usual path, before the answer: a reference whose values arrive is completed, and one identity with two
contents becomes an event of its own with a fault, for the engine to open a case.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from msgspec.structs import replace

from counterfoil import keys
from counterfoil.ledger.link import Link
from counterfoil.ledger.record import (
    NewEvent,
    Stored,
    complete_references,
    count_again,
    record_events,
    stored_bodies,
)
from ingest.known import Again
from ingest.limits import Limits
from ingest.sources import Source

#: SQLSTATE classes that are about one row: bad data, a broken constraint, a limit of the program.
ROW_FAULTS = ("22", "23", "54")


class Verdict(msgspec.Struct, gc=False):
    """What became of one event, as the sender is told: the id of its row, and whether that was there before."""

    id: UUID
    key: str
    duplicate: bool


@dataclass(slots=True)
class Group:
    """What became of one group."""

    verdicts: list[list[Verdict]] = field(default_factory=list)  #: per request, in its own order
    events: int = 0
    new: dict[str, int] = field(default_factory=dict)  #: per source
    duplicate: dict[str, int] = field(default_factory=dict)

    def tell(self, source: str, verdicts: list[Verdict]) -> None:
        """Take down what the next request is told."""
        self.verdicts.append(verdicts)
        self.events += len(verdicts)
        for verdict in verdicts:
            count = self.duplicate if verdict.duplicate else self.new
            count[source] = count.get(source, 0) + 1


def fold(requests: Iterable[Sequence[NewEvent]]) -> dict[tuple[str, str], NewEvent]:
    """One event per identity, counting its copies; of twins the one that holds the values."""
    chosen: dict[tuple[str, str], NewEvent] = {}
    for events in requests:
        for event in events:
            row = event.row
            identity = (row.source, row.key)
            known = chosen.get(identity)
            if known is None:
                # Set, not kept: a group that is recorded again in halves is folded again.
                row.deliveries = 1
                chosen[identity] = event
            elif known.row.form == "reference" and row.form == "full":
                row.deliveries = known.row.deliveries + 1
                chosen[identity] = event
            else:
                known.row.deliveries += 1
    return chosen


def is_row_fault(fault: Exception) -> bool:
    """Whether a statement failed because of what is in it, rather than because of Postgres."""
    sqlstate = getattr(fault, "sqlstate", None)
    if sqlstate is None:
        return isinstance(fault, UnicodeError)
    return str(sqlstate)[:2] in ROW_FAULTS


def is_unstorable(fault: Exception) -> bool:
    """Whether it is the sender's doing: a value that no Postgres takes. A broken constraint is ours."""
    return is_row_fault(fault) and not str(getattr(fault, "sqlstate", None)).startswith("23")


async def record(
    link: Link, requests: Sequence[Sequence[NewEvent] | Again], sources: Mapping[str, Source], limits: Limits
) -> Group:
    """Record the events of a group of requests and judge each against what stands now."""
    chosen = fold(events for events in requests if not isinstance(events, Again))
    known = await record_events(link.record, list(chosen.values()), limits.group_seconds) if chosen else {}
    if again := [request.id for request in requests if isinstance(request, Again)]:
        await count_again(link.again, again, limits.group_seconds)
    group = Group()
    completions: dict[UUID, NewEvent] = {}
    suspects: list[tuple[NewEvent, Stored]] = []
    for events in requests:
        if isinstance(events, Again):
            group.tell(events.source, [Verdict(events.id, events.key, True)])
            continue
        verdicts = []
        for event in events:
            row = event.row
            stands = known.get((row.source, row.key)) if known else None
            if stands is None:
                first = chosen[row.source, row.key].row
                stands = Stored(first.id, first.content_hash, first.form)
            # Its own id also stands there when this is the second attempt of a group.
            verdicts.append(Verdict(stands.id, row.key, stands.id != row.id))
            if stands.id != row.id:
                _compare(event, stands, completions, suspects)
        group.tell(events[0].row.source, verdicts)
    if completions:
        await complete_references(link.connection, list(completions.items()), limits.group_seconds)
    if suspects:
        await _record_conflicts(link, suspects, sources, limits)
    return group


def _compare(
    event: NewEvent, stands: Stored, completions: dict[UUID, NewEvent], suspects: list[tuple[NewEvent, Stored]]
) -> None:
    """Note whether a duplicate brings values that were missing, or other content than what stands."""
    row = event.row
    if row.form != "full" or row.content_hash is None:
        return
    if stands.form == "reference":
        completions[stands.id] = event
    elif stands.content_hash is not None and stands.content_hash != row.content_hash:
        suspects.append((event, stands))


async def _record_conflicts(
    link: Link, suspects: Sequence[tuple[NewEvent, Stored]], sources: Mapping[str, Source], limits: Limits
) -> None:
    """Where the business content of one identity really differs, keep the later one as an event with a fault.

    Key order, white space and attempt counters make no difference. Where the first text is no longer kept, the
    hashes decide: a case too many is better than a change unseen.
    """
    bodies = await stored_bodies(link.connection, [stands.id for _, stands in suspects], limits.group_seconds)
    conflicts = [
        _conflict(event, stands)
        for event, stands in suspects
        if not _same_business(sources[event.row.source], bodies.get(stands.id), event.body)
    ]
    if conflicts:
        await record_events(link.record, list(fold([conflicts]).values()), limits.group_seconds)


def _same_business(source: Source, stored: str | None, arrived: str) -> bool:
    if stored is None:
        return False
    try:
        return source.provider.business(stored.encode()) == source.provider.business(arrived.encode())
    except Exception:
        # What is stored passed this parser once; if it does not now, a person should look.
        return False


def _conflict(event: NewEvent, stands: Stored) -> NewEvent:
    """The later content as an event of its own; the same content again is a duplicate of that."""
    row = event.row
    assert row.content_hash is not None, "Bug: only contents that have a hash are compared"
    fault = {
        "class": "identity_conflict",
        "rule": "content",
        "detail": "the same identity arrived before with other business content",
        "original": str(stands.id),
    }
    key = f"{row.key}#conflict:{row.content_hash.hex()[:12]}"
    return NewEvent(replace(row, id=keys.new_id(), key=key, fault=fault), event.body)
