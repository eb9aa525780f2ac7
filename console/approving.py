"""What a person can do with what waits for approval. The API and the commands call these and nothing else."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import destinations
from console import asks, problems
from console.answers import Batch, BatchItem
from console.fields import Money, money
from counterfoil import database
from counterfoil.database import Connection
from engine import learning
from engine.sending.editing import edited
from exceptions_queue import approvals


def approve(conn: Connection, who: str, write_id: UUID, ask: asks.ApproveAsk) -> None:
    """Say yes to exactly what was shown."""
    if approvals.approve(conn, write_id, digest=ask.digest, who=who, reason=ask.reason):
        learning.learn(conn, [write_id], who=who)


def reject(conn: Connection, who: str, write_id: UUID, ask: asks.Change) -> None:
    """Say no: the write is not made, nor the rest of its plan."""
    approvals.reject(conn, write_id, who=who, reason=ask.reason)


def edit(conn: Connection, who: str, write_id: UUID, ask: asks.ActionAsk) -> None:
    """Put another action in the place of the planned one, for somebody else to approve."""
    known = destinations.find()
    amount = ask.amount.model_dump() if ask.amount else None

    def show(write: dict[str, Any], change: dict[str, Any]) -> approvals.Edited:
        return edited(conn, known, write, ask.body, amount, change)

    approvals.edit(conn, write_id, body=ask.body, show=show, who=who, reason=ask.reason)


def approve_many(conn: Connection, who: str, ask: asks.BatchAsk) -> Batch:
    """Say yes to many, each under its own digest."""
    wanted = [(item.write_id, item.digest) for item in ask.items]
    found = approvals.approve_many(conn, wanted, who=who, reason=ask.reason)
    learning.learn(conn, [one.write_id for one in found if one.outcome == "approved"], who=who)
    return _batch(conn, found, dry_run=False)


def try_many(who: str, ask: asks.BatchAsk) -> Batch:
    """What saying yes to many would come to: the real answers, taken back before anybody sees them."""
    wanted = [(item.write_id, item.digest) for item in ask.items]
    with problems.told(), database.transaction() as conn:
        found = _batch(conn, approvals.approve_many(conn, wanted, who=who, reason=ask.reason), dry_run=True)
        conn.rollback()
    return found


_ABOUT = "SELECT id, key, amount_minor, currency FROM writes WHERE id = ANY(%s)"


def _batch(conn: Connection, answers: Sequence[approvals.Answer], *, dry_run: bool) -> Batch:
    rows = {row["id"]: row for row in conn.execute(_ABOUT, ([one.write_id for one in answers],))}
    items, sums = [], dict[str, int]()
    for one in answers:
        row = rows.get(one.write_id, {"key": None, "amount_minor": None, "currency": None})
        amount = money(row["amount_minor"], row["currency"])
        if amount is not None and one.outcome != "refused":
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.amount_minor
        items.append(
            BatchItem(
                write_id=one.write_id,
                key=row["key"],
                amount=amount,
                outcome=one.outcome,
                detail=one.detail,
                difference=one.difference,
            )
        )
    return Batch(
        dry_run=dry_run,
        count=sum(one.outcome != "refused" for one in answers),
        sums=[Money(amount_minor=total, currency=currency) for currency, total in sorted(sums.items())],
        items=items,
    )
