"""Writes: every effect at a destination, and the proof of one."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from console import answers
from console.asks import WritesAsk
from console.fields import money
from console.queries import filters, page
from console.queries.finding import Narrowed, Part
from counterfoil import database, tables
from counterfoil.lifecycle import WriteState


def find_page(ask: WritesAsk, session: Session | None = None) -> answers.Page[answers.Write]:
    """One page of writes."""
    wanted = page.narrowed(
        select(tables.Write),
        (tables.Write.status, ask.status),
        (tables.Write.destination, ask.destination),
        (tables.Write.subject, ask.subject),
        (tables.Write.event_id, ask.event),
        (tables.Write.key, ask.key),
    )
    with page.looking(session) as session:
        q = filters.asked(session, "writes", ask, lambda word: _matches(session, word, ask))
        rows, following = page.read(
            session,
            wanted.where(*q.conditions),
            at=col(tables.Write.created_at),
            row_id=col(tables.Write.id),
            ask=ask,
            through=_through(ask, q),
            looked=q.looked,
            floor=q.floor,
        )
    return answers.Page(items=[shown(row) for row in rows], next_cursor=following)


def _through(ask: WritesAsk, q: Narrowed) -> Sequence[ColumnElement[bool]] | None:
    """The time in which to look for what no index finds; None: one does."""
    if any(one is not None for one in (ask.subject, ask.event, ask.key)):
        return None
    if ask == WritesAsk(limit=ask.limit, cursor=ask.cursor) or not q.is_loose:
        return None
    # Of writes, states other than confirmed are found by an index.
    said = {ask.status, *(filters.understood(ask.q).values("status") if ask.q is not None else ())}
    return None if said - {None, WriteState.CONFIRMED} else q.times


def _matches(session: Session, word: str, ask: WritesAsk) -> Part:
    """Its key exactly; else what its event names; only when there is neither, text inside of key and subject."""
    exactly = col(tables.Write.key) == word
    if session.exec(select(tables.Write.id).where(exactly)).first() is not None:
        return Part(exactly, is_found=True)
    named = filters.named(session, "writes", word, ask)
    if named is not None:
        return named
    columns, row_id = (tables.Write.key, tables.Write.subject), col(tables.Write.id)
    at = col(tables.Write.created_at)
    return Part(page.holding_lately(session, word, *columns, at=at, row_id=row_id, ask=ask), is_found=True)


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
