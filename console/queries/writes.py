"""Writes: every effect at a destination, and the proof of one."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from console import answers
from console.asks import WritesAsk
from console.fields import money
from console.queries import filters, page
from counterfoil import database, tables
from counterfoil.lifecycle import WriteState


def find_page(ask: WritesAsk) -> answers.Page[answers.Write]:
    """One page of writes."""
    wanted = page.narrowed(
        select(tables.Write),
        (tables.Write.status, ask.status),
        (tables.Write.destination, ask.destination),
        (tables.Write.subject, ask.subject),
        (tables.Write.event_id, ask.event),
        (tables.Write.key, ask.key),
    )
    with Session(database.engine()) as session:
        if ask.q is not None:
            asked = filters.understood(ask.q)
            words = asked.words if asked.terms or len(asked.words) > 1 else (ask.q,)
            wanted = wanted.where(
                *filters.conditions(session, "writes", asked), *(_matches(session, word, ask) for word in words)
            )
        rows, following = page.read(
            session,
            wanted,
            at=col(tables.Write.created_at),
            row_id=col(tables.Write.id),
            ask=ask,
            through=_through(session, ask),
            whole=ask.q is not None and filters.is_blocked(filters.understood(ask.q)),
        )
    return answers.Page(items=[shown(row) for row in rows], next_cursor=following)


def _through(session: Session, ask: WritesAsk) -> list[ColumnElement[bool]] | None:
    """The time in which to look for what no index finds; None: one does."""
    if any(one is not None for one in (ask.subject, ask.event, ask.key)):
        return None
    if ask.status not in (None, WriteState.CONFIRMED) or ask == WritesAsk(limit=ask.limit, cursor=ask.cursor):
        return None
    if ask.q is None:
        return []
    wanted = filters.understood(ask.q)
    return filters.in_time("writes", wanted) if filters.is_loose(session, "writes", wanted) else None


def _matches(session: Session, word: str, ask: WritesAsk) -> ColumnElement[bool]:
    """Its key exactly; else what its event names; only when there is neither, text inside of key and subject."""
    exactly = col(tables.Write.key) == word
    if session.exec(select(tables.Write.id).where(exactly)).first() is not None:
        return exactly
    naming = filters.named(session, word)
    if naming != []:
        return col(tables.Write.event_id).in_(naming)
    columns = (tables.Write.key, tables.Write.subject)
    return page.holding_lately(word, *columns, at=col(tables.Write.created_at), row_id=col(tables.Write.id), ask=ask)


def find(write_id: UUID) -> answers.Write | None:
    """One write."""
    with Session(database.engine()) as session:
        row = session.get(tables.Write, write_id)
        return None if row is None else shown(row)


def of_event(session: Session, event_id: UUID) -> list[answers.Write]:
    """The writes that an event caused, in the order in which they were planned."""
    rows = session.exec(
        select(tables.Write).where(tables.Write.event_id == event_id).order_by(col(tables.Write.id))
    ).all()
    return [shown(row) for row in rows]


def entry(session: Session, write_key: str) -> dict[str, Any] | None:
    """The journal entry of a write as the books hold it now: what a read-back sees."""
    found = session.exec(select(tables.BooksEntry).where(tables.BooksEntry.write_key == write_key)).first()
    if found is None:
        return None
    lines = session.exec(
        select(tables.BooksLine).where(tables.BooksLine.entry_id == found.id).order_by(col(tables.BooksLine.position))
    ).all()
    return {
        "entry_id": str(found.id),
        "date": found.entry_date.isoformat(),
        "memo": found.memo,
        "currency": found.currency,
        "refers_to": found.refers_to,
        "lines": [{"account": line.account, "amount_minor": line.amount_minor, "memo": line.memo} for line in lines],
    }


def shown(row: tables.Write) -> answers.Write:
    """A row as an answer."""
    fields = answers.Write.model_fields.keys() - {"amount"}
    return answers.Write(amount=money(row.amount_minor, row.currency), **{name: getattr(row, name) for name in fields})
