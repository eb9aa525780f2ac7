"""What a person can do. The API and the commands call these and nothing else, so neither can do more or less.

Each takes a connection first and does not commit; `doing` opens the transaction, remembers the answer for an
Idempotency-Key, turns refusals into problems and rings the bell once the change is committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import destinations
from console import asks, problems
from console.access import people
from console.answers import Difference, Queued
from console.queries import events
from console.readmission import readmit
from counterfoil import audit, database, queue
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import dry_run, registry
from engine.pipeline import Pipeline
from exceptions_queue import approvals, cases, replay


@contextmanager
def doing() -> Iterator[Connection]:
    """One change: a transaction; refusals of the floors below become problems; workers are told afterwards."""
    with problems.told(), database.transaction() as conn:
        yield conn
    queue.ring()


def replay_event(conn: Connection, who: str, event_id: UUID, ask: asks.ReplayAsk) -> Queued:
    """Send an event back to the start, or to the step that failed."""
    assert ask.reason is not None, "Bug: only a dry run needs no reason"
    readmit(conn, event_id=event_id, who=who, reason=ask.reason)
    generation = replay.replay_event(conn, event_id, from_step=ask.from_step, who=who, reason=ask.reason)
    return Queued.model_validate(
        {"event_id": event_id, "status": "queued", "generation": generation, "from": ask.from_step}
    )


def difference(event_id: UUID) -> Difference:
    """What a replay would change: the real steps, no commit, no call to anybody."""
    pipeline = Pipeline(
        registry.find(settings().handlers_package), destinations.find(), crashes_max=settings().crashes_max
    )
    with problems.told(), database.transaction() as conn:
        readmit(conn, event_id=event_id, who="dry run", reason="dry run")
        found = dry_run.compare(conn, pipeline, event_id)
        conn.rollback()
    was = events.state_of(event_id)
    if found is None or was is None:
        raise problems.NotFound(f"there is no event {event_id}")
    return Difference.model_validate({**found, "was": was})


def acknowledge(conn: Connection, who: str, case_id: UUID, ask: asks.Change) -> None:
    """Say that somebody has the case."""
    cases.acknowledge(conn, case_id, who=who, reason=ask.reason)


def assign(conn: Connection, who: str, case_id: UUID, ask: asks.AssignAsk) -> None:
    """Give a case to a person of the roster."""
    cases.assign(conn, case_id, who=who, reason=ask.reason, to=ask.to)


def snooze(conn: Connection, who: str, case_id: UUID, ask: asks.SnoozeAsk) -> None:
    """Let a case sleep until a moment."""
    cases.snooze(conn, case_id, who=who, reason=ask.reason, until=ask.until)


def resolve(conn: Connection, who: str, case_id: UUID, ask: asks.Change) -> None:
    """Close a case whose events are no longer blocked."""
    cases.resolve(conn, case_id, who=who, reason=ask.reason)


def dismiss(conn: Connection, who: str, case_id: UUID, ask: asks.Change) -> None:
    """Close a case and ignore what it blocks, with a name and a reason; what waits for approval in it is rejected."""
    rejected = approvals.withdraw(conn, case_id, who=who, reason=ask.reason)
    cases.dismiss(conn, case_id, who=who, reason=ask.reason)
    audit.append(conn, "desk", rejected)


def edit(conn: Connection, who: str, case_id: UUID, ask: asks.EditAsk) -> None:
    """Put a corrected copy beside an event's payload and send it back to the start."""
    people.must_be_one(who)
    cases.edit(conn, case_id, ask.event_id, ask.payload, who=who, reason=ask.reason)


def accept(conn: Connection, who: str, case_id: UUID, ask: asks.AcceptAsk) -> None:
    """Take the newer of two contents of one identity as a corrected copy of the first."""
    cases.accept(conn, case_id, ask.event_id, who=who, reason=ask.reason)


def plan_replay(conn: Connection, who: str, ask: asks.ReplaysPlanAsk) -> UUID:
    """Count what a filter finds and, unless it is a dry run, start."""
    wanted = ask.filter.model_dump(mode="json", by_alias=True, exclude_none=True)
    if not wanted:
        raise problems.NotAcceptable(
            "name at least one filter: replaying everything is never meant",
            [problems.Fault(field="filter", detail="needs at least one member")],
        )
    planned = replay.plan_replay(conn, wanted, from_step=ask.from_step, who=who, reason=ask.reason)
    if not ask.dry_run:
        _start(conn, planned, who, ask.reason)
    return planned


def replay_case(conn: Connection, who: str, case_id: UUID, ask: asks.CaseReplayAsk) -> UUID:
    """Replay every blocked event of a case as one job."""
    if not cases.exists(conn, case_id):
        raise cases.CaseNotFound(case_id)
    planned = replay.plan_replay(conn, {"case": str(case_id)}, from_step=ask.from_step, who=who, reason=ask.reason)
    _start(conn, planned, who, ask.reason)
    return planned


def start_replay(conn: Connection, who: str, replay_id: UUID, ask: asks.Change) -> None:
    """Start a planned replay."""
    _start(conn, replay_id, who, ask.reason)


def _start(conn: Connection, replay_id: UUID, who: str, reason: str) -> None:
    readmit(conn, replay_id=replay_id, who=who, reason=reason)
    replay.start(conn, replay_id, who=who, reason=reason)


def pause_replay(conn: Connection, who: str, replay_id: UUID, ask: asks.Change) -> None:
    """Hold a running replay; what was queued already goes on."""
    replay.pause(conn, replay_id, who=who, reason=ask.reason)


def resume_replay(conn: Connection, who: str, replay_id: UUID, ask: asks.Change) -> None:
    """Let a paused replay go on where it was."""
    replay.resume(conn, replay_id, who=who, reason=ask.reason)


def cancel_replay(conn: Connection, who: str, replay_id: UUID, ask: asks.Change) -> None:
    """Stop a replay; what was queued already stays queued."""
    replay.cancel(conn, replay_id, who=who, reason=ask.reason)
