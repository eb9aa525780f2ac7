"""What came of a task means for its write: a result for the ledger, and a failure when a person must know.

look     stands as shown ─▶ send | policy asks ─▶ awaiting_approval | changed since ─▶ shown again, or kept
send     done ─▶ confirmed (read back: else write_not_applied) | refused | certainly not done ─▶ later | unknown
settle   happened ─▶ confirmed | was not there ─▶ sent again | unknown ─▶ asked again, then the owner
"""

from dataclasses import dataclass

from counterfoil.ledger import outbox
from counterfoil.ledger.outbox import ClaimedWrite, Result
from counterfoil.lifecycle import WriteState
from destinations.remote import Finding, Operation, Sent
from engine.retry import next_wait_seconds
from engine.sending.tasks import Performed
from exceptions_queue import failures

#: How often one write is sent in its life: every one of them after a proof that the one before was not executed.
SENDS_MAX = 12
#: A probe right after the doubt would find what the destination has not finished yet (seconds).
SETTLE_SECONDS = 1.0
#: While the destination as a whole does not answer, its outage is the case: a doubt is asked about so many times more,
#: so far apart (seconds), before it is one of its own. A day: what lasts longer is no outage but a lost permission.
AWAY_PROBES_MAX = 48
AWAY_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A result, and what a person must see of it."""

    result: Result
    failure: failures.Failure | None = None


def judge(done: Performed, operation: Operation) -> Judged:
    """What a finished task means. A `look` that found what it should is judged by the policy first, not here."""
    if not done.begun:
        result = _result(done.write, _before_sending(done.write), done.failed or "not begun")
        result.due_seconds = outbox.NEXT_SECONDS
        return Judged(result)
    if done.failed is not None:
        return _again(done.write, done.failed)
    if done.sent is not None:
        return _sent(done, done.sent, operation)
    assert done.finding is not None, "Bug: a task that came to nothing"
    return _settled(done.write, done.finding)


def _result(write: ClaimedWrite, status: WriteState, detail: str) -> Result:
    return Result(write.id, write.fence, write.event_id, status.value, detail)


def _before_sending(write: ClaimedWrite) -> WriteState:
    """Where a write stands that was certainly not executed."""
    if write.kind != "send":
        return WriteState(write.status)
    return WriteState.APPROVED if write.approved else WriteState.PLANNED


def _sent(done: Performed, sent: Sent, operation: Operation) -> Judged:
    write = done.write
    if sent.meaning in ("done", "already"):
        return _confirmed_or_not(done, sent)
    if sent.meaning == "refused":
        result = _result(write, WriteState.REFUSED, sent.detail)
        result.receipt = dict(sent.receipt) or None
        return Judged(result, _failure(failures.WriteRefused, write, sent.detail, "refused"))
    if sent.meaning == "retry":
        return _again(write, sent.detail, sent.after_seconds)
    result = _result(write, WriteState.IN_DOUBT, sent.detail)
    result.due_seconds = max(SETTLE_SECONDS, operation.lag_seconds)
    return Judged(result)


def _confirmed_or_not(done: Performed, sent: Sent) -> Judged:
    write = done.write
    if done.differences:
        told = "; ".join(done.differences)
        result = _result(write, WriteState.REFUSED, f"accepted, but not there when read back: {told}")
        result.read_back = {"differences": done.differences}
        return Judged(result, _failure(failures.WriteNotApplied, write, told, "read_back"))
    result = _result(write, WriteState.CONFIRMED, sent.detail)
    result.receipt = {**sent.receipt, "status": sent.meaning, "reference": sent.reference}
    result.read_back = {"differences": []}
    return Judged(result)


def _again(write: ClaimedWrite, detail: str, after_seconds: float | None = None) -> Judged:
    """Certainly not executed: later, and after the horizon a person."""
    result = _result(write, _before_sending(write), detail)
    result.missed = write.kind == "look"
    times = write.looks + 1 if write.kind == "look" else write.attempts
    wait = next_wait_seconds("destination_unavailable", times, write.key)
    if wait is None:
        if write.reverses is not None:
            # Certainly not taken back: what it would have taken back stands, and may be taken back anew.
            result.status, result.detail = WriteState.REFUSED.value, f"given up: {detail}"
        return Judged(result, _failure(failures.DestinationUnavailable, write, detail, "horizon"))
    result.due_seconds = max(wait, after_seconds or 0.0)
    return Judged(result)


def _settled(write: ClaimedWrite, finding: Finding) -> Judged:
    if finding.outcome == "happened":
        result = _result(write, WriteState.CONFIRMED, finding.detail)
        result.receipt = {**finding.receipt, "status": "found", "reference": finding.reference}
        return Judged(result)
    result = _result(write, WriteState.IN_DOUBT, finding.detail)
    if finding.outcome == "did_not_happen" and write.attempts < SENDS_MAX:
        result.absent, result.due_seconds = True, outbox.NEXT_SECONDS
        return Judged(result)
    wait = next_wait_seconds("write_in_doubt", write.probes, write.key)
    if wait is None and finding.down and write.probes < AWAY_PROBES_MAX:
        wait = AWAY_SECONDS
    if finding.after_seconds:
        # Whoever died while they asked was counted too; nobody is asked what the destination will know in a moment.
        wait = max(wait or 0.0, finding.after_seconds)
    if wait is None or finding.outcome == "did_not_happen":
        return Judged(result, _failure(failures.WriteInDoubt, write, finding.detail, "unsettled"))
    result.due_seconds = wait
    return Judged(result)


def _failure(kind: type[failures.Failure], write: ClaimedWrite, detail: str, rule: str) -> failures.Failure:
    return kind(
        detail,
        rule=f"{write.operation}:{rule}",
        destination=write.destination,
        data={"write_id": str(write.id), "key": write.key},
        amount_minor=write.amount_minor,
        currency=write.currency,
    )
