"""Approvals: open requests, one request with exactly what is shown, and what a case waits to have approved."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from console import answers
from console.asks import ApprovalsAsk
from console.fields import money
from console.queries import page
from console.queries.finding import among, collected
from counterfoil import clock, database, tables


def find_page(ask: ApprovalsAsk) -> answers.Page[answers.Request]:
    """One page of open requests."""
    write, approval = tables.Write, tables.Approval
    wanted = page.narrowed(
        select(approval).join(write, col(write.id) == col(approval.write_id)).where(approval.status == "open"),
        (write.destination, ask.destination),
        (write.operation, ask.operation),
        (write.handler, ask.handler),
        (approval.rule, ask.rule),
        (write.event_id, ask.event),
    )
    if ask.q is not None:
        wanted = wanted.where(page.holding(ask.q, write.key, write.subject, approval.digest))
    with Session(database.engine()) as session:
        rows, following = page.read(session, wanted, at=col(approval.opened_at), row_id=col(approval.id), ask=ask)
        return answers.Page(items=_shown(session, rows), next_cursor=following)


def find(write_id: UUID) -> answers.Approval | None:
    """The newest request about a write; None when nobody was ever asked about it."""
    with Session(database.engine()) as session:
        return of_write(session, write_id)


def of_write(session: Session, write_id: UUID) -> answers.Approval | None:
    """As `find`, in a session."""
    newest = col(tables.Approval.opened_at).desc(), col(tables.Approval.id).desc()
    row = session.exec(select(tables.Approval).where(tables.Approval.write_id == write_id).order_by(*newest)).first()
    write = session.get(tables.Write, write_id)
    if row is None or write is None:
        return None
    votes = session.exec(
        select(tables.ApprovalVote)
        .where(tables.ApprovalVote.approval_id == row.id)
        .order_by(col(tables.ApprovalVote.voted_at))
    ).all()
    others = session.exec(
        select(tables.Write)
        .where(tables.Write.event_id == write.event_id, tables.Write.id != write_id, col(tables.Write.reverses) == None)  # noqa: E711
        .order_by(col(tables.Write.position))
    ).all()
    return answers.Approval(
        **_shown(session, [row])[0].model_dump(),
        shown=row.shown,
        votes=[answers.Vote(**{name: getattr(vote, name) for name in answers.Vote.model_fields}) for vote in votes],
        with_it=[_sibling(other) for other in others] if write.reverses is None else [],
        edits=(write.action.get("evidence") or {}).get("edits", []),
    )


def shown_under(write_id: UUID, digest: str) -> dict[str, Any] | None:
    """What people were shown about a write under this digest; requests that are over keep it."""
    row = tables.Approval
    with Session(database.engine()) as session:
        found = session.exec(select(row).where(row.write_id == write_id, row.digest == digest)).first()
    return None if found is None else found.shown


def is_of(write_id: UUID, person: str) -> bool:
    """Whether somebody had a hand in what a write is, and so may not approve it; the database's own rule."""
    with database.transaction() as conn:
        row = conn.execute("SELECT write_is_of(%s, %s) AS it", (write_id, person)).fetchone()
    return row is not None and bool(row["it"])


def of_events(session: Session, event_ids: Sequence[UUID], *, most: int) -> list[answers.Request]:
    """What these events wait to have approved, oldest first."""
    approval, write = tables.Approval, tables.Write
    theirs = rows_of(col(write.id)).where(among(col(write.event_id), event_ids))
    rows = session.exec(
        select(approval)
        .where(col(approval.write_id) == collected(theirs), approval.status == "open")
        .order_by(col(approval.id))
        .limit(most)
    ).all()
    return _shown(session, rows)


def _shown(session: Session, rows: Sequence[tables.Approval]) -> list[answers.Request]:
    """Rows as answers; their writes and votes in one question each."""
    ids = [row.write_id for row in rows]
    writes = {one.id: one for one in session.exec(select(tables.Write).where(col(tables.Write.id).in_(ids))).all()}
    vote = tables.ApprovalVote
    given = dict(
        session.exec(
            select(vote.approval_id, func.count())
            .where(col(vote.approval_id).in_([row.id for row in rows]), vote.decision == "approve")
            .group_by(col(vote.approval_id))
        ).all()
    )
    return [_request(row, writes[row.write_id], given.get(row.id, 0)) for row in rows]


def _request(row: tables.Approval, write: tables.Write, given: int) -> answers.Request:
    assert row.opened_at is not None
    copied: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("write_id", "status", "digest", "rule", "needed", "edited_by", "opened_at", "expires_at")
    }
    return answers.Request(
        **copied,
        event_id=write.event_id,
        key=write.key,
        destination=write.destination,
        operation=write.operation,
        title=str(row.shown.get("title", write.operation)),
        handler=write.handler,
        amount=money(write.amount_minor, write.currency),
        write_status=write.status,
        given=given,
        age_seconds=round(max((clock.now() - row.opened_at).total_seconds(), 0.0), 3),
    )


def _sibling(write: tables.Write) -> answers.Sibling:
    copied = {name: getattr(write, name) for name in ("key", "destination", "operation", "status")}
    return answers.Sibling(write_id=write.id, amount=money(write.amount_minor, write.currency), **copied)
