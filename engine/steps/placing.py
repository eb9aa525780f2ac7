"""Where each effect of a plan goes, and the rows that say so.

confirmed           ours, and nobody needs to be asked: written in the commit's own transaction
planned             behind a network, or ours and held with its plan: on its way as soon as nothing holds it
awaiting_approval   the policy asks a person first (what is looked at before is judged when it was looked at)
shadow              the handler is not let out: recorded, never sent
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from counterfoil import audit, keys
from counterfoil.database import Connection
from counterfoil.ledger import finish, planning
from counterfoil.lifecycle import EventState, WriteState
from destinations.base import Destination, Effect, is_own
from destinations.remote import is_remote
from engine import controls
from engine.passing import Pass, Verdict
from engine.sending import approving
from exceptions_queue import approvals, caps, failures
from exceptions_queue.policy import Decision, policy

W = WriteState


@dataclass(slots=True)
class Placed:
    """One effect of one pass, and where it goes."""

    id: UUID
    one: Pass
    effect: Effect
    position: int
    status: WriteState
    decision: Decision
    #: Goes unasked as far as caps let it, and counts against them.
    counts: bool = False


def places(conn: Connection, one: Pass, destinations: Mapping[str, Destination]) -> list[Placed]:
    """Where the effects of one pass go; empty when a pause parks the event."""
    assert one.spec is not None, "Bug: effects without a handler"
    held = controls.current(conn)
    parked = held.parked_by(one.event.source, one.spec.name) or next(
        (
            by
            for effect in one.effects
            if is_own(destinations[effect.destination]) and (by := held.holds(effect.destination, effect.operation))
        ),
        None,
    )
    if parked is not None:
        one.effects, one.parked = (), parked
        one.verdict = Verdict(EventState.WAITING, f"parked: {parked.replace(':', ' ')} is paused")
        return []
    out = held.lets_out(one.spec.name, one.event.subject or one.event.key, one.event.body)
    return [
        _place(one, position, effect, destinations[effect.destination], out)
        for position, effect in enumerate(one.effects)
    ]


_NOBODY = Decision(0, "none")


def _place(one: Pass, position: int, effect: Effect, destination: Destination, out: bool) -> Placed:
    found = Placed(keys.new_id(), one, effect, position, W.SHADOW, _NOBODY)
    if not out:
        return found
    remote = is_remote(destination)
    if is_remote(destination) and destination.operations[effect.operation].looks:
        found.status = W.PLANNED
        return found
    handler = one.spec.name if one.spec else None
    found.decision = policy().decide(approving.proposed(effect, destination, handler, set(), None))
    if found.decision.needed:
        found.status = W.AWAITING_APPROVAL
    else:
        found.status = W.PLANNED if remote else W.CONFIRMED
    return found


def hold_at_caps(conn: Connection, placed: Sequence[Placed], destinations: Mapping[str, Destination]) -> None:
    """What a cap does not let through waits for a person. What is looked at first is held to its caps then."""
    free = [one for one in placed if one.status in (W.CONFIRMED, W.PLANNED) and not looks_first(one, destinations)]
    full = caps.over(conn, [use_of(one, destinations) for one in free])
    for one in free:
        if one.id in full:
            one.status, one.decision = W.AWAITING_APPROVAL, Decision(1, f"cap:{full[one.id]}")
        else:
            one.counts = True


def use_of(one: Placed, destinations: Mapping[str, Destination]) -> caps.Use:
    """An effect as caps count it."""
    handler = one.one.spec.name if one.one.spec else None
    return approving.use_of(one.id, one.effect, destinations[one.effect.destination], handler)


def looks_first(one: Placed, destinations: Mapping[str, Destination]) -> bool:
    """Whether its target is looked at before anything is decided about it."""
    destination = destinations[one.effect.destination]
    return is_remote(destination) and destination.operations[one.effect.operation].looks


def ask(conn: Connection, found: Sequence[Placed], destinations: Mapping[str, Destination]) -> list[audit.Entry]:
    """Ask people about those that wait for them. Returns the audit entries."""
    asked = [
        approvals.Request(
            one.id,
            approving.shown(one.effect, one.effect.digest, destinations[one.effect.destination], None, one.decision),
            one.decision.rule,
            one.decision.needed,
            one.decision.expires_hours,
        )
        for one in found
        if one.status is W.AWAITING_APPROVAL
    ]
    return approvals.request_many(conn, asked)


def tell(found: Placed) -> None:
    """What a planned effect means for its event: it waits for a person, for its writes, or is in shadow."""
    one, effect = found.one, found.effect
    assert one.verdict is not None, "Bug: a pass without a verdict"
    if one.verdict.failure is not None:
        return
    if found.status is W.AWAITING_APPROVAL:
        needed = failures.ApprovalNeeded(
            f"{effect.key} waits for approval ({found.decision.rule})",
            rule=found.decision.rule,
            destination=effect.destination,
            data={"write_id": str(found.id), "key": effect.key},
            amount_minor=effect.amount.amount_minor if effect.amount else None,
            currency=effect.amount.currency if effect.amount else None,
        )
        one.verdict = Verdict(EventState.WAITING, str(needed), failure=needed)
    elif found.status is W.SHADOW:
        one.verdict = Verdict(EventState.IGNORED, "in shadow: planned and recorded, not written")
    else:
        one.verdict = Verdict(EventState.WAITING, "its writes are on their way")


def written_row(found: Placed) -> finish.WriteRow:
    """A write that is done in the transaction that records it."""
    one, effect = found.one, found.effect
    return finish.WriteRow(
        id=found.id,
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        # In one transaction with the effect itself, so nobody ever sees the states between.
        status=WriteState.CONFIRMED.value,
        subject=effect.subject,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={"body": effect.body, "evidence": effect.evidence},
        digest=effect.digest,
        event_id=one.event.id,
        run_id=one.run_id,
        handler=one.spec.name if one.spec else None,
        attempts=1,
        # Known beforehand: a destination in our own database files the effect under the write's own id.
        receipt={"status": "written", "reference": str(found.id)},
        confirmed=True,
    )


def order_key(one: Pass) -> str:
    """What decides between two events of one second; where the state was read anew, who was later does."""
    return "" if one.spec is not None and one.spec.ordering == "reread" else one.event.key


def planned_row(found: Placed, destinations: Mapping[str, Destination]) -> planning.PlannedWrite:
    """A write that happens later, or never."""
    one, effect = found.one, found.effect
    return planning.PlannedWrite(
        id=found.id,
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        status=found.status.value,
        subject=effect.subject,
        target=approving.target_of(effect, destinations[effect.destination]),
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={"body": effect.body, "evidence": effect.evidence},
        digest=effect.digest,
        event_id=one.event.id,
        run_id=one.run_id,
        handler=one.spec.name if one.spec else None,
        position=found.position,
        order_at=one.event.occurred_at or one.event.received_at,
        order_key=order_key(one),
        approval_rule=found.decision.rule if found.decision.needed else None,
        approvals_needed=found.decision.needed,
        replayed=one.event.replay_id is not None,
        due=found.status is W.PLANNED,
    )
