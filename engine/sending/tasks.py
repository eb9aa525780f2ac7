"""What is done with one claimed write on the wire. No database here: what came of it is returned, never lost.

A task cannot raise: whatever breaks is an answer too, and the one who asked records it.
"""

from dataclasses import dataclass, field, replace

from contracts.money import Money
from counterfoil import failpoints, telemetry
from counterfoil.ledger.outbox import ClaimedWrite
from destinations.base import Effect
from destinations.http import Failed, Http, requests_made
from destinations.references import ReceiptMissing, resolve
from destinations.remote import Attempt, Finding, Image, Remote, Sent


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of one task; exactly one of `image`, `sent`, `finding` and `failed` says it."""

    write: ClaimedWrite
    image: Image | None = None
    sent: Sent | None = None
    finding: Finding | None = None
    #: Nothing was written, for sure: the reason, and whether the destination as a whole does not answer.
    failed: str | None = None
    down: bool = False
    #: Taken up at all; what was not keeps its place.
    begun: bool = True
    #: What does not stand there as sent.
    differences: list[str] = field(default_factory=list)
    #: `look` before a reversal: what somebody changed since.
    changed: list[str] = field(default_factory=list)
    #: How many requests it took.
    requests: int = 1


def effect_of(write: ClaimedWrite) -> Effect:
    """The effect as it was planned, with the references that are known by now. Raises: ReceiptMissing."""
    money = None
    if write.amount_minor is not None and write.currency is not None:
        money = Money(write.amount_minor, write.currency)
    body = resolve(write.action["body"], write.references)
    evidence = write.action.get("evidence") or {}
    return Effect(write.destination, write.operation, write.key, write.subject or "", money, body, evidence)


def perform(write: ClaimedWrite, destination: Remote, http: Http) -> Performed:
    """Look, send or settle, and say how many requests it took."""
    before = requests_made()
    done = _performed(write, destination, http)
    return replace(done, requests=requests_made() - before)


def _performed(write: ClaimedWrite, destination: Remote, http: Http) -> Performed:
    try:
        effect = effect_of(write)
    except ReceiptMissing as missing:
        return Performed(write, failed=str(missing))
    try:
        match write.kind:
            case "look":
                return _look(write, effect, destination, http)
            case "send":
                return _send(write, effect, destination, http)
            case "settle":
                return _settle(write, effect, destination, http)
    except Exception as bug:
        # A fault of ours in the middle of a send says nothing about whether it arrived.
        telemetry.report_failure(bug, failure_class="handler_bug", owner="platform", handler=None, event_id=None)
        telemetry.log.error("write.broken", write_id=str(write.id), kind=write.kind, reason=type(bug).__name__)
        return broken(write, bug)


def _look(write: ClaimedWrite, effect: Effect, destination: Remote, http: Http) -> Performed:
    try:
        image = destination.look(http, effect)
    except Failed as failed:
        return Performed(write, failed=str(failed), down=failed.down)
    original = write.action.get("original")
    if original is None:
        return Performed(write, image=image)
    # A reversal sees whether what it would take back still stands as we wrote it.
    written = Effect.from_json(original["effect"])
    return Performed(write, image=image, changed=destination.changed_since(written, original["receipt"], image))


def _send(write: ClaimedWrite, effect: Effect, destination: Remote, http: Http) -> Performed:
    if _is_forgotten(write, destination):
        finding = destination.probe(http, effect, _attempt(write))
        if finding.outcome != "did_not_happen":
            return Performed(write, finding=finding, down=finding.down)
    image = Image.from_json(write.pre_image) if write.pre_image else None
    sent = destination.send(http, effect, write.sent_key, image)
    failpoints.passing("write.sent")
    if sent.meaning not in ("done", "already"):
        return Performed(write, sent=sent, down=sent.down)
    try:
        return Performed(write, sent=sent, differences=destination.read_back(http, effect, sent))
    except Failed as failed:
        # It said yes; that we cannot read it back now is a doubt, which a probe settles.
        doubt = Sent("unknown", f"{sent.detail}; not read back: {failed}", sent.reference, sent.receipt)
        return Performed(write, sent=doubt)


def _settle(write: ClaimedWrite, effect: Effect, destination: Remote, http: Http) -> Performed:
    finding = destination.probe(http, effect, _attempt(write))
    return Performed(write, finding=finding, down=finding.down)


def _is_forgotten(write: ClaimedWrite, destination: Remote) -> bool:
    """Whether an earlier attempt is older than the destination's memory: its key is new again, and proves nothing."""
    lifetime = destination.operations[write.operation].key_lifetime_seconds
    if lifetime is None or write.first_sent_at is None:
        return False
    return (write.now - write.first_sent_at).total_seconds() > lifetime


def _attempt(write: ClaimedWrite) -> Attempt:
    assert write.first_sent_at is not None, "Bug: in doubt and never sent"
    assert write.last_sent_at is not None, "Bug: in doubt and never sent"
    image = Image.from_json(write.pre_image) if write.pre_image else None
    return Attempt(write.sent_key, write.first_sent_at, write.last_sent_at, write.now, image)


def broken(write: ClaimedWrite, bug: Exception) -> Performed:
    """Our own fault: certainly nothing was written by a look, and nobody knows what a send did."""
    detail = f"{write.destination}: {type(bug).__name__} in our own code"
    if write.kind == "send":
        return Performed(write, sent=Sent("unknown", detail))
    if write.kind == "settle":
        return Performed(write, finding=Finding("unknown", detail))
    return Performed(write, failed=detail)
