"""What a round's finished tasks came to, into the ledger: results, approvals, cases, the events they complete.

In the caller's transaction, and in the order in which everybody takes locks: events, writes, cases; audit comes last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import outbox, reach
from counterfoil.lifecycle import WriteState
from destinations.remote import Remote
from engine.sending import completing, reversing
from engine.sending.approving import Asked, ask_policy
from engine.sending.tasks import Performed
from engine.sending.verdicts import Judged, judge
from exceptions_queue import approvals, cases, failures, outages


@dataclass(slots=True)
class Recorded:
    """What follows outside the transaction, and the audit entries that end it."""

    entries: list[audit.Entry] = field(default_factory=list)
    new_cases: list[cases.NewCase] = field(default_factory=list)
    results: list[outbox.Result] = field(default_factory=list)


def record(conn: Connection, done: Sequence[Performed], destinations: Mapping[str, Remote]) -> Recorded:
    """Keep what tasks came to; those whose lease was lost meanwhile leave no trace."""
    recorded = Recorded()
    if not done:
        return recorded
    looked = [one for one in done if one.image is not None]
    asked = ask_policy(conn, looked, destinations)
    judged = {one.write.id: _judged(one, asked, destinations) for one in done}
    kept = outbox.record_results(conn, [one.result for one in judged.values()])
    ours = [one for one in done if one.write.id in kept]
    recorded.results = [judged[one.write.id].result for one in ours]
    recorded.entries += [_entry(one, judged[one.write.id]) for one in ours]
    recorded.entries += approvals.request_many(
        conn, [request for id, one in asked.items() if id in kept and (request := one.request) is not None]
    )
    recorded.entries += reversing.finish(conn, [(one.write, judged[one.write.id].result) for one in ours])
    _open_cases(conn, ours, judged, recorded)
    _count_reach(conn, done, recorded)
    return recorded


def _judged(done: Performed, asked: Mapping[UUID, Asked], destinations: Mapping[str, Remote]) -> Judged:
    if done.write.id in asked:
        return asked[done.write.id].judged
    return judge(done, destinations[done.write.destination].operations[done.write.operation])


def _open_cases(conn: Connection, ours: Sequence[Performed], judged: Mapping[UUID, Judged], recorded: Recorded) -> None:
    """Failures become cases; events whose plans are complete, or cannot be, come to rest."""
    failed: dict[UUID, failures.Failure] = {}
    incidents = []
    for one in ours:
        failure = judged[one.write.id].failure
        if failure is None:
            continue
        failed[one.write.event_id] = failure
        incidents.append(incident_of(failure, one.write.event_id, one.write.source, one.write.handler))
    opened = cases.open_many(conn, incidents)
    recorded.entries += opened.entries
    recorded.new_cases += opened.new
    events = {one.write.event_id for one in ours if one.write.reverses is None}
    recorded.entries += completing.complete(conn, events, failed, opened)


def incident_of(failure: failures.Failure, event_id: UUID, source: str, handler: str | None) -> cases.Incident:
    """The failure of a write as an incident of its event."""
    return cases.Incident(
        event_id=event_id,
        failure_class=failure.code,
        source=source,
        handler=handler,
        rule=failure.rule,
        destination=failure.destination,
        detail={"sentence": str(failure), **failure.data},
        amount_minor=failure.amount_minor,
        currency=failure.currency,
    )


def _count_reach(conn: Connection, done: Sequence[Performed], recorded: Recorded) -> None:
    """The circuit breaker counts what did not answer; an outage is one case, whatever its number of writes."""
    for name in sorted({one.write.destination for one in done}):
        there = [one for one in done if one.write.destination == name]
        silent = [_told(one) for one in there if one.down]
        if reach.count(conn, name, answers=len(there) - len(silent), failures=silent):
            opened = outages.begin(conn, name, silent[-1])
            recorded.entries += opened.entries
            recorded.new_cases += opened.new


def _told(done: Performed) -> str:
    if done.failed is not None:
        return done.failed
    return done.sent.detail if done.sent else done.finding.detail if done.finding else "no answer"


def _entry(done: Performed, judged: Judged) -> audit.Entry:
    result = judged.result
    detail: dict[str, object] = {"key": done.write.key, "after": done.write.kind, "detail": result.detail}
    if result.status == WriteState.CONFIRMED and result.receipt:
        detail["reference"] = result.receipt.get("reference")
    if judged.failure is not None:
        detail["class"] = judged.failure.code
    return audit.Entry("engine", f"write.{result.status}", f"write:{result.id}", detail)
