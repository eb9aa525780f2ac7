"""Reversals of many writes: how far they are, what was kept, and what could not be taken back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, true
from sqlalchemy import select as rows_of
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
        return answers.Page(items=_shown(session, rows), next_cursor=following)


def find(reversal_id: UUID) -> answers.Reversal | None:
    """One reversal with its report."""
    with Session(database.engine()) as session:
        row = session.get(tables.Reversal, reversal_id)
        return None if row is None else _shown(session, [row])[0]


def _shown(session: Session, rows: Sequence[tables.Reversal]) -> list[answers.Reversal]:
    """Rows as answers; items of all of them in one question each."""
    ids = [row.id for row in rows]
    counts, kept, failed = _counts(session, ids), _items(session, ids, "kept"), _items(session, ids, "failed")
    copied = answers.Reversal.model_fields.keys() - {"report", "kept", "could_not"}
    return [
        answers.Reversal(
            report=_report(counts.get(row.id, {})),
            kept=kept.get(row.id, []),
            could_not=failed.get(row.id, []),
            **{name: getattr(row, name) for name in copied},
        )
        for row in rows
    ]


def _report(counts: Mapping[str, int]) -> answers.Report:
    return answers.Report(
        reversed=counts.get("reversed", 0),
        kept=counts.get("kept", 0),
        could_not=counts.get("failed", 0),
        left=sum(counts.get(state, 0) for state in ("planned", "begun", "skipped")),
    )


def _counts(session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    item = tables.ReversalItem
    rows = session.exec(
        select(item.reversal_id, item.status, func.count())
        .where(col(item.reversal_id).in_(ids))
        .group_by(col(item.reversal_id), col(item.status))
    ).all()
    found: dict[UUID, dict[str, int]] = {}
    for reversal_id, status, count in rows:
        found.setdefault(reversal_id, {})[status] = count
    return found


def _items(session: Session, ids: Sequence[UUID], status: str) -> dict[UUID, list[answers.ReversalItem]]:
    """The first of each reversal in one state: each is asked by index, all in one statement."""
    item, write = tables.ReversalItem, tables.Write
    first = (
        rows_of(col(item.write_id), col(item.inverse_id), col(item.detail), col(item.position))
        .where(col(item.reversal_id) == col(tables.Reversal.id), col(item.status) == status)
        .order_by(col(item.position))
        .limit(LISTED_MAX)
        .lateral()
    )
    wanted = (
        rows_of(col(tables.Reversal.id), first.c.write_id, col(write.key), first.c.inverse_id, first.c.detail)
        .select_from(tables.Reversal)
        .join(first, true())
        .join(write, col(write.id) == first.c.write_id)
        .where(col(tables.Reversal.id).in_(ids))
        .order_by(first.c.position)
    )
    found: dict[UUID, list[answers.ReversalItem]] = {}
    for reversal_id, write_id, key, inverse_id, detail in session.connection().execute(wanted):
        one = answers.ReversalItem(write_id=write_id, key=key, inverse_id=inverse_id, detail=detail)
        found.setdefault(reversal_id, []).append(one)
    return found
