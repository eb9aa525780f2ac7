"""Taking back a write: the inverse is a write of its own, with its own key, and goes the same way.

    confirmed ─▶ reversing ─┬─ the inverse is confirmed ──────────────▶ reversed
                            └─ changed since, refused, not approved ──▶ confirmed (kept, with the reason)

Before it is sent the target is read again: what somebody changed since is never overwritten.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.money import Money
from counterfoil import audit, clock, keys
from counterfoil.database import Connection
from counterfoil.ledger import move, outbox
from counterfoil.ledger.outbox import ClaimedWrite, Result
from counterfoil.lifecycle import WriteState
from destinations.base import KEY_LENGTH_MAX, Destination, Effect, is_own
from destinations.remote import Image, NoInverse, is_remote
from engine.sending.approving import target_of
from exceptions_queue.refusals import NotNow, NotThere, signed


class WriteNotFound(NotThere):
    """There is no such write."""


class NotReversible(NotNow):
    """The write cannot be taken back now; the message says why."""


_ORIGINAL = """
SELECT w.id, w.key, w.status, w.destination, w.operation, w.subject, w.amount_minor, w.currency, w.action, w.event_id,
       w.handler, w.receipt, w.pre_image, w.reverses FROM writes w WHERE w.id = %s FOR UPDATE
"""


def begin(conn: Connection, write_id: UUID, destinations: Mapping[str, Destination], *, who: str, reason: str) -> UUID:
    """Plan the inverse of a confirmed write; returns the id of the inverse. Ring the bell after the commit.

    Raises: WriteNotFound, NotReversible, ReasonMissing.
    """
    who, reason = signed(who, reason)
    row = conn.execute(_ORIGINAL, (write_id,)).fetchone()
    if row is None:
        raise WriteNotFound(f"there is no write {write_id}")
    if row["status"] != WriteState.CONFIRMED:
        raise NotReversible(f"the write is {row['status']}: only what is confirmed can be taken back")
    if row["reverses"] is not None:
        raise NotReversible("this write takes another one back; replay the event to write it again")
    original = original_effect(row)
    effect = inverse_of(original, row, destinations[row["destination"]])
    id = keys.new_id()
    inserted = outbox.plan_writes(conn, [_row(id, row, original, effect, destinations, who, reason)])
    if not inserted:
        raise NotReversible("it was tried before and kept; look at the earlier reversal")
    move(conn, "write", [write_id], WriteState.REVERSING, sets={"detail": f"being taken back: {reason}"})
    detail = {"reason": reason, "by": str(id), "key": effect.key}
    audit.append(conn, "desk", [audit.Entry(who, "write.reversing", f"write:{write_id}", detail)])
    return id


def original_effect(row: Mapping[str, Any]) -> Effect:
    """A write's row as the effect it was."""
    money = Money(row["amount_minor"], row["currency"]) if row["amount_minor"] is not None else None
    return Effect(row["destination"], row["operation"], row["key"], row["subject"] or "", money, row["action"]["body"])


def inverse_of(original: Effect, row: Mapping[str, Any], destination: Destination) -> Effect:
    """The effect that takes a write back, under its own key. Raises: NotReversible."""
    try:
        if is_remote(destination):
            image = Image.from_json(row["pre_image"]) if row["pre_image"] else None
            effect = destination.inverse(original, row["receipt"] or {}, image)
        else:
            assert is_own(destination), f"Bug: {destination.name} has no safety that is known"
            effect = destination.inverse(original, on=clock.now().date())
    except NoInverse as none:
        raise NotReversible(str(none)) from none
    key = f"reverse:{original.key}"
    if len(key) > KEY_LENGTH_MAX:
        key = f"reverse:{keys.digest(original.key)}"
    return Effect(
        effect.destination, effect.operation, key, effect.subject, effect.amount, effect.body, effect.evidence
    )


def finish(conn: Connection, done: Sequence[tuple[ClaimedWrite, Result]]) -> list[audit.Entry]:
    """What became of inverses decides what becomes of their originals. Returns the audit entries."""
    entries = []
    for write, result in done:
        if write.reverses is None:
            continue
        if result.status == WriteState.CONFIRMED:
            moved = move(conn, "write", [write.reverses], WriteState.REVERSED, sets={"detail": result.detail})
        elif result.status in (WriteState.SUPERSEDED, WriteState.REFUSED):
            moved = move(conn, "write", [write.reverses], WriteState.CONFIRMED, sets={"detail": result.detail})
        else:
            continue
        told = "write.reversed" if result.status == WriteState.CONFIRMED else "write.kept"
        entries += [audit.Entry("engine", told, f"write:{one}", {"detail": result.detail}) for one in sorted(moved)]
    return entries


def _row(
    id: UUID,
    row: Mapping[str, Any],
    original: Effect,
    effect: Effect,
    destinations: Mapping[str, Destination],
    who: str,
    reason: str,
) -> outbox.PlannedWrite:
    return outbox.PlannedWrite(
        id=id,
        key=effect.key,
        destination=effect.destination,
        operation=effect.operation,
        status=WriteState.PLANNED.value,
        subject=effect.subject,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        action={
            "body": effect.body,
            "evidence": {"reverses": str(row["id"]), "asked_by": who, "reason": reason},
            "original": {"effect": original.as_json(), "receipt": row["receipt"] or {}},
        },
        digest=effect.digest,
        event_id=row["event_id"],
        run_id=None,
        handler=row["handler"],
        target=target_of(effect, destinations[effect.destination]),
        reverses=row["id"],
    )
