"""Echoes: which of a group's events did our own writes cause? They are linked to the write, and mostly nothing more.

                  certain                              a write on its way may have caused it
    skip          ignored, with the write's key        waits until that write is settled, for a while
    handle        linked                               handled; without a link

Inside the commit, because each part of a write explains one event only. Costs a glance at the payload where nothing
of the kind is in it, one or two indexed queries per group otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from counterfoil import clock
from counterfoil.database import Connection
from counterfoil.ledger import echoes as ledger
from counterfoil.lifecycle import EventState
from destinations.base import Destination
from destinations.echoes import Clue, Echoes, SentWrite
from engine.passing import Pass, Verdict

#: An event that may be ours waits no longer than this; then it is taken for somebody else's.
WAIT_MAX = timedelta(minutes=15)
#: The first wait; the others are as long as it waited until then.
WAIT_SECONDS, WAIT_SECONDS_MAX = 2.0, 120.0


@dataclass(slots=True)
class _Seen:
    """One pass with what its event says of its origin."""

    one: Pass
    clue: Clue
    echoes: Echoes
    candidates: list[SentWrite] = field(default_factory=list)


def recognise(conn: Connection, passes: Sequence[Pass], destinations: Mapping[str, Destination]) -> None:
    """Link events to the writes that caused them, and end the passes of those that are nothing but our own doing."""
    seen = [found for one in passes if (found := _seen(one, destinations)) is not None]
    if not seen:
        return
    writes = _candidates(conn, seen)
    known = ledger.echoes_of(conn, list(writes), [each.one.event.id for each in seen])
    before = {row["event_id"]: row["key"] for row in known}
    taken = {(row["write_id"], row["part"]) for row in known}
    rows: dict[UUID, tuple[ledger.EchoRow, SentWrite]] = {}
    for each in seen:
        event = each.one.event
        write = None if event.id in before else _cause(each, taken)
        if write is not None:
            taken.add((write.id, each.clue.part))
            rows[event.id] = ledger.EchoRow(write.id, each.clue.part, event.id), write
    recorded = ledger.record_echoes(conn, [row for row, _ in rows.values()])
    evidence: dict[UUID, str] = {}
    for each in seen:
        event = each.one.event
        if event.id in before:
            _ours(each.one, before[event.id])
        elif event.id in recorded:
            write = rows[event.id][1]
            _ours(each.one, write.key)
            if write.is_unsettled and not any(write.id == row["write_id"] for row in known):
                evidence[write.id] = _told(each)
        elif (write := _perhaps(each, taken)) is not None and _wait(each.one, write) and event.attempts == 1:
            evidence[write.id] = _told(each)
    ledger.note_evidence(conn, evidence)


def _seen(one: Pass, destinations: Mapping[str, Destination]) -> _Seen | None:
    echoes: Echoes | None = getattr(destinations.get(one.event.provider), "echoes", None)
    if echoes is None or one.event.fault is not None:
        return None
    clue = echoes.clue(one.event.type, one.event.body)
    return None if clue is None else _Seen(one, clue, echoes)


def _candidates(conn: Connection, seen: Sequence[_Seen]) -> dict[UUID, SentWrite]:
    """The writes that may have caused an event, at each of those they may have caused."""
    every: dict[UUID, SentWrite] = {}
    for name in sorted({each.one.event.provider for each in seen}):
        there = [each for each in seen if each.one.event.provider == name]
        rows = ledger.sent_by_key(conn, name, {key for each in there for key in each.clue.keys})
        records = [(each.clue.record, _at(each)) for each in there if each.clue.record is not None]
        rows += ledger.sent_to_records(conn, name, records)
        writes = {row["id"]: SentWrite(**row) for row in rows}
        for each in there:
            keys = each.clue.keys
            each.candidates = [write for write in writes.values() if not keys or write.key in keys]
        every |= writes
    return every


def _at(seen: _Seen) -> Any:
    return seen.clue.at or seen.one.event.occurred_at or seen.one.event.received_at


def _cause(seen: _Seen, taken: set[tuple[UUID, str]]) -> SentWrite | None:
    """The write that is nearest to the event among those that did this and explain nothing else."""
    near = [
        (distance, write.id)
        for write in seen.candidates
        if (write.id, seen.clue.part) not in taken and (distance := seen.echoes.caused(seen.clue, write)) is not None
    ]
    nearest = min(near)[1] if near else None
    return next((write for write in seen.candidates if write.id == nearest), None)


def _perhaps(seen: _Seen, taken: set[tuple[UUID, str]]) -> SentWrite | None:
    may = [
        write
        for write in seen.candidates
        if (write.id, seen.clue.part) not in taken and seen.echoes.may_have_caused(seen.clue, write)
    ]
    return min(may, key=lambda write: write.id) if may else None


def _skips(one: Pass) -> bool:
    """Whether there is a handler, and it wants nothing of our own doing."""
    return one.spec is not None and one.spec.echoes == "skip"


def _ours(one: Pass, key: str) -> None:
    one.caused_by = key
    if _skips(one):
        one.effects = ()
        one.verdict = Verdict(EventState.IGNORED, f"caused by our own write {key}")


def _wait(one: Pass, write: SentWrite) -> bool:
    """Let the event wait for the write, unless it would change nothing or has waited long enough."""
    assert one.verdict is not None, "Bug: a pass without a verdict"
    if not _skips(one) or one.verdict.status in (EventState.IGNORED, EventState.SUPERSEDED):
        return False
    waited = clock.now() - one.event.received_at
    if waited > WAIT_MAX:
        return False
    one.effects = ()
    seconds = min(max(WAIT_SECONDS, waited.total_seconds()), WAIT_SECONDS_MAX)
    one.verdict = Verdict(
        EventState.WAITING, f"may come from our own write {write.key}, which is not settled", due_seconds=seconds
    )
    return True


def _told(seen: _Seen) -> str:
    return f"the event {seen.one.event.id} speaks for its having happened"
