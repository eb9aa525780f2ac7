"""Reversals of many writes: how far they are, what was kept, and what could not be taken back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from console import answers
from console.asks import ReversalsAsk
from console.queries import page
from counterfoil import database, tables

#: Writes listed with a reversal by what became of them.
LISTED_MAX = 100


def find_page(ask: ReversalsAsk) -> answers.Page[answers.Reversal]:
    """One page of reversals."""
    wanted = select(tables.Reversal)
    if ask.status is not None:
        wanted = wanted.where(tables.Reversal.status == ask.status)
    if ask.q is not None:
        wanted = wanted.where(col(tables.Reversal.reason).contains(ask.q, autoescape=True))
    with Session(database.engine()) as session:
        rows, following = page.read(
            session, wanted, at=col(tables.Reversal.created_at), row_id=col(tables.Reversal.id), ask=ask
        )
        return answers.Page(items=[_shown(session, row) for row in rows], next_cursor=following)


def find(reversal_id: UUID) -> answers.Reversal | None:
    """One reversal with its report."""
    with Session(database.engine()) as session:
        row = session.get(tables.Reversal, reversal_id)
        return None if row is None else _shown(session, row)


def _shown(session: Session, row: tables.Reversal) -> answers.Reversal:
    counts = _counts(session, row.id)
    copied = answers.Reversal.model_fields.keys() - {"report", "kept", "could_not"}
    return answers.Reversal(
        report=_report(counts),
        kept=_items(session, row.id, "kept"),
        could_not=_items(session, row.id, "failed"),
        **{name: getattr(row, name) for name in copied},
    )


def _report(counts: Mapping[str, int]) -> answers.Report:
    return answers.Report(
        reversed=counts.get("reversed", 0),
        kept=counts.get("kept", 0),
        could_not=counts.get("failed", 0),
        left=sum(counts.get(state, 0) for state in ("planned", "begun", "skipped")),
    )


def _counts(session: Session, reversal_id: UUID) -> dict[str, int]:
    item = tables.ReversalItem
    rows = session.exec(
        select(item.status, func.count()).where(item.reversal_id == reversal_id).group_by(col(item.status))
    )
    return dict(rows.all())


def _items(session: Session, reversal_id: UUID, status: str) -> Sequence[answers.ReversalItem]:
    item, write = tables.ReversalItem, tables.Write
    rows = session.exec(
        select(item, write.key)
        .join(write, col(write.id) == col(item.write_id))
        .where(item.reversal_id == reversal_id, item.status == status)
        .order_by(col(item.position))
        .limit(LISTED_MAX)
    )
    return [
        answers.ReversalItem(write_id=row.write_id, key=key, inverse_id=row.inverse_id, detail=row.detail)
        for row, key in rows
    ]
