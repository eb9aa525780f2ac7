"""May it be sent as it stands? Asked once the target was looked at: the policy first, then what changed since.

planned    the policy decides: sent, or a person is asked about exactly this action over exactly this target
approved   the target stands as it was shown: sent; it changed: shown again, and asked again
reversal   the target stands as we wrote it: goes on; somebody changed it since: kept
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from contracts.money import DECIMALS, Money
from counterfoil.database import Connection
from counterfoil.ledger import outbox
from counterfoil.ledger.outbox import ClaimedWrite, Result
from counterfoil.lifecycle import WriteState
from destinations.base import Destination, Effect
from destinations.references import ReceiptMissing
from destinations.remote import Image, Remote, is_remote
from engine.sending.tasks import Performed, effect_of
from engine.sending.verdicts import Judged
from exceptions_queue import approvals, caps, failures
from exceptions_queue.policy import Decision, Proposed, policy


@dataclass(frozen=True, slots=True)
class Asked:
    """What becomes of a write that was looked at, and the request when a person is asked."""

    judged: Judged
    request: approvals.Request | None = None


def ask_policy(conn: Connection, looked: Sequence[Performed], destinations: Mapping[str, Remote]) -> dict[UUID, Asked]:
    """Judge writes whose target was seen, by the id of the write."""
    if not looked:
        return {}
    known = known_targets(conn, [target for one in looked if (target := _target(one, destinations)) is not None])
    decided = {one.write.id: _decision(one, destinations[one.write.destination], known) for one in looked}
    _hold_at_caps(conn, [one for one in looked if not decided[one.write.id].needed], destinations, decided)
    return {one.write.id: _ask(one, destinations[one.write.destination], decided[one.write.id]) for one in looked}


def _hold_at_caps(
    conn: Connection, free: Sequence[Performed], destinations: Mapping[str, Remote], decided: dict[UUID, Decision]
) -> None:
    """What a cap does not let through waits for a person; the rest counts. What a person takes back is not held."""
    uses = [
        use_of(one.write.id, effect_of(one.write), destinations[one.write.destination], one.write.handler)
        for one in free
        if one.write.reverses is None
    ]
    full = caps.over(conn, uses)
    decided.update({id: Decision(1, f"cap:{name}") for id, name in full.items()})
    caps.count(conn, [use for use in uses if use.write_id not in full])


def use_of(write_id: UUID, effect: Effect, destination: Destination, handler: str | None) -> caps.Use:
    """An effect as caps count it."""
    return caps.Use(
        write_id=write_id,
        destination=effect.destination,
        operation=effect.operation,
        handler=handler,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        account=target_of(effect, destination) or effect.subject or None,
    )


def known_targets(conn: Connection, targets: Sequence[str]) -> set[str]:
    """Those of these records that something was written to before."""
    rows = conn.execute(
        "SELECT DISTINCT target FROM writes WHERE target = ANY(%s) AND confirmed_at IS NOT NULL",
        (sorted(set(targets)),),
    )
    return {row["target"] for row in rows}


def _target(done: Performed, destinations: Mapping[str, Remote]) -> str | None:
    return target_of(effect_of(done.write), destinations[done.write.destination])


def target_of(effect: Effect, destination: Destination) -> str | None:
    """The record that an effect changes, as it is kept: with its destination before it."""
    if not is_remote(destination):
        return None
    target = destination.target(effect)
    return f"{effect.destination}:{target}" if target else None


def _ask(done: Performed, destination: Remote, decision: Decision) -> Asked:
    write, image = done.write, done.image
    assert image is not None, "Bug: asked about a target that nobody looked at"
    if done.changed:
        result = _result(write, WriteState.SUPERSEDED, f"kept: {'; '.join(done.changed)}", image)
        return Asked(Judged(result))
    if write.status == WriteState.APPROVED:
        if write.pre_image is not None and write.pre_image.get("version") == image.version:
            return Asked(Judged(_go(write, image)))
        return _request(write, destination, image, replace(decision, rule="target_changed"))
    if decision.needed:
        return _request(write, destination, image, decision)
    return Asked(Judged(_go(write, image)))


def _decision(done: Performed, destination: Remote, known: set[str]) -> Decision:
    """What the policy says; never fewer people than the write needed before."""
    write = done.write
    must_ask = "asked_before" if write.approved else None
    found = policy().decide(proposed(effect_of(write), destination, write.handler, known, must_ask))
    return replace(found, needed=max(found.needed, write.approvals_needed))


def proposed(
    effect: Effect, destination: Destination, handler: str | None, known: set[str], must_ask: str | None
) -> Proposed:
    """An effect as the policy looks at it."""
    operation = destination.operations.get(effect.operation) if is_remote(destination) else None
    target = target_of(effect, destination)
    fields = effect.body.get("properties") or effect.body.get("values") or effect.body
    return Proposed(
        destination=effect.destination,
        operation=effect.operation,
        handler=handler,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        fields=frozenset(fields) if isinstance(fields, Mapping) else frozenset(),
        confidence=_confidence(effect),
        is_new_target=target is not None and target not in known and "reverses" not in effect.evidence,
        spends=operation.spends if operation else False,
        deletes=operation.deletes if operation else False,
        must_ask=must_ask,
    )


def _confidence(effect: Effect) -> float | None:
    """What the plan says about its own certainty; anything that is no share of one counts as none at all."""
    said = effect.evidence.get("confidence")
    if said is None:
        return None
    return float(said) if isinstance(said, int | float) and 0 <= said <= 1 else 0.0


def shown(
    effect: Effect, digest: str, destination: Destination, image: Image | None, decision: Decision
) -> dict[str, Any]:
    """Exactly what a person is shown before saying yes; its digest is what the yes is bound to.

    `digest`: of the effect as planned (its references may be filled in by now).
    """
    operation = destination.operations[effect.operation] if is_remote(destination) else None
    lines = destination.render(effect) if is_remote(destination) else _rendered(effect)
    return {
        "effect_digest": digest,
        "key": effect.key,
        "destination": effect.destination,
        "operation": effect.operation,
        "title": operation.title if operation else f"{effect.operation} in {effect.destination}",
        "lines": lines,
        "amount": effect.amount.as_json() if effect.amount else None,
        "body": effect.body,
        "before": image.as_json() if image else None,
        "evidence": effect.evidence,
        "confidence": effect.evidence.get("confidence"),
        "rule": decision.rule,
        "people_needed": decision.needed,
        "can_be_undone": undone_by(effect, destination),
        "alternatives": ["approve", "edit, then somebody else approves", "reject: the event ends without this write"],
    }


def undone_by(effect: Effect, destination: Destination) -> str | None:
    """How it would be taken back, in words; None: it cannot be. What takes another write back is not undone itself."""
    if "reverses" in effect.evidence:
        return None
    return destination.operations[effect.operation].undone_by if is_remote(destination) else "by a reversing entry"


def _rendered(effect: Effect) -> list[str]:
    lines = [f"{effect.body.get('date')}: {effect.body.get('memo')}"]
    for line in effect.body.get("lines", []):
        side = "debit" if line["amount_minor"] > 0 else "credit"
        lines.append(f"{side} {line['account']} {_money(abs(line['amount_minor']), effect.body.get('currency'))}")
    return lines


def _money(minor: int, currency: Any) -> str:
    return str(Money(minor, currency)) if currency in DECIMALS else f"{minor} minor units of {currency}"


def _go(write: ClaimedWrite, image: Image) -> Result:
    result = _result(write, WriteState(write.status), "looked at", image)
    result.looked, result.due_seconds = True, outbox.NEXT_SECONDS
    return result


def _request(write: ClaimedWrite, destination: Remote, image: Image, decision: Decision) -> Asked:
    try:
        effect = effect_of(write)
    except ReceiptMissing as missing:
        raise AssertionError(f"Bug: looked at before its turn: {missing}") from missing
    result = _result(write, WriteState.AWAITING_APPROVAL, f"waits for approval ({decision.rule})", image)
    result.approval_rule, result.approvals_needed = decision.rule, decision.needed
    asked = approvals.Request(
        write.id,
        shown(effect, write.digest, destination, image, decision),
        decision.rule,
        decision.needed,
        decision.expires_hours,
    )
    failure = failures.ApprovalNeeded(
        f"{effect.key} waits for approval ({decision.rule})",
        rule=decision.rule,
        destination=write.destination,
        data={"write_id": str(write.id), "key": write.key},
        amount_minor=write.amount_minor,
        currency=write.currency,
    )
    return Asked(Judged(result, failure), asked)


def _result(write: ClaimedWrite, status: WriteState, detail: str, image: Image) -> Result:
    result = Result(write.id, write.fence, write.event_id, status.value, detail)
    result.pre_image = image.as_json()
    return result
