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

#: Told that it is too much, all workers rest for so long; each write has its own, longer wait besides (seconds).
TOO_MUCH_SECONDS = 1.0


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
    if looked:
        # Before the caps that the policy asks: events, caps, writes, as in a commit.
        outbox.lock_events(conn, [one.write.event_id for one in done])
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
        if one.write.reverses is not None:
            # Beside the event's own: the event itself may be done.
            incidents.append(reversing.incident_of(failure, one.write.event_id, one.write.source, one.write.handler))
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


def count_reach(
    conn: Connection, done: Sequence[Performed], destinations: Mapping[str, Remote], recorded: Recorded
) -> None:
    """What the requests cost, and what they say of their destinations: an outage is one case, however many wait.

    The caller has locked the destinations' rows.
    """
    for name in sorted({one.write.destination for one in done}):
        there = [one for one in done if one.write.destination == name]
        # One was taken with the claim.
        reach.spend(conn, name, sum(one.requests - 1 for one in there))
        if any(_is_too_much(one) for one in there):
            reach.hold_back(conn, name, destinations[name].rate_per_second, TOO_MUCH_SECONDS)
        silent = [_told(one) for one in there if one.down]
        answers = sum(1 for one in there if _proves_writing(one))
        change = reach.count(conn, name, answers=answers, failures=silent)
        if change == "opened":
            opened = outages.begin(conn, name, silent[-1])
            away = audit.Entry("engine", "destination.away", f"destination:{name}", {"last": silent[-1]})
            recorded.entries += [away, *opened.entries]
            recorded.new_cases += opened.new
        elif change == "recovered":
            recorded.entries += outages.end(conn, name)


def _proves_writing(done: Performed) -> bool:
    """Whether it ends a trial. That reading works does not say that writing does; what is not there is sent again."""
    if done.down or not done.requests or done.write.kind == "look":
        return False
    return done.finding is None or done.finding.outcome != "did_not_happen"


def _is_too_much(done: Performed) -> bool:
    """The destination said that the account as a whole sends too much, not that one record is busy."""
    if done.sent is None or done.sent.meaning != "retry" or done.down:
        return False
    receipt = done.sent.receipt
    return receipt.get("status", receipt.get("http_status")) == 429 and receipt.get("code") != "lock_timeout"


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
