"""Events: the list, and one event with everything that is known about it."""

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from console import answers
from console.asks import EventsAsk
from console.queries import audit, cases, filters, identities, judgement, page, related, runs, writes
from console.queries.finding import Narrowed, Part
from counterfoil import database, tables

#: An escape that may be half of a surrogate pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def find_page(ask: EventsAsk, session: Session | None = None) -> answers.Page[answers.Event]:
    """One page of events."""
    with page.looking(session) as session:
        q = _asked(session, ask)
        rows, following = page.read(
            session,
            _narrowed(session, select(tables.Event), ask).where(*q.conditions),
            at=col(tables.Event.received_at),
            row_id=col(tables.Event.id),
            ask=ask,
            through=_through(ask, q),
            looked=q.looked,
            floor=q.floor,
        )
        return answers.Page(items=shown(session, rows), next_cursor=following)


def find(event_id: UUID) -> answers.EventDetail | None:
    """One event with its payload, runs, writes, cases, notifications and audit."""
    with Session(database.engine()) as session:
        event = session.get(tables.Event, event_id)
        if event is None:
            return None
        versions = _payloads(session, event_id)
        their_writes = writes.of_event(session, event_id)
        their_cases = cases.of_event(session, event_id)
        case_ids = [case.id for case in their_cases]
        return answers.EventDetail(
            **shown(session, [event])[0].model_dump(),
            payload=_current(versions, event.payload_version),
            payload_version=event.payload_version,
            original_payload=_current(versions, 0) if event.payload_version else None,
            corrections=[_correction(version) for version in versions if version.version],
            fault=event.fault,
            runs=runs.of_event(session, event_id),
            classifications=judgement.of_event(session, event_id),
            writes=their_writes,
            cases=their_cases,
            incidents=cases.incidents(session, event_id),
            notifications=cases.notifications(session, case_ids),
            same_fact=related.same_fact(session, event_id),
            caused_by=related.caused_by(session, event_id),
            caused=related.caused(session, event_id),
            audit=audit.about(
                session,
                [f"event:{event_id}"]
                + [f"write:{write.id}" for write in their_writes]
                + [f"case:{case_id}" for case_id in case_ids],
            ),
        )


def state_of(event_id: UUID) -> dict[str, Any] | None:
    """Where an event stands now."""
    with Session(database.engine()) as session:
        event = session.get(tables.Event, event_id)
        return None if event is None else {"status": event.status, "outcome": event.outcome}


def shown(session: Session, rows: Sequence[tables.Event]) -> list[answers.Event]:
    """Rows as answers; the owners of all their cases in one question."""
    owner_of = cases.owners_of(session, [row.case_id for row in rows if row.case_id])
    return [_shown(row, owner_of.get(row.case_id) if row.case_id else None) for row in rows]


def readable(body: str) -> Any:
    """A payload as JSON, or as the text it is."""
    try:
        # Text where a binary float would round: what was sent is shown as it was sent.
        found = json.loads(body, parse_float=_exact)
    except ValueError:
        return body
    # Half of a surrogate pair, kept because one element of a batch held it, cannot be answered as JSON in UTF-8.
    return body if _SURROGATE.search(body) and not _encodable(found) else found


def _encodable(found: Any) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _exact(digits: str) -> float | str:
    number = float(digits)
    return number if Decimal(repr(number)) == Decimal(digits) else digits


def _shown(row: tables.Event, owner: str | None) -> answers.Event:
    fields = answers.Event.model_fields.keys() - {"owner"}
    return answers.Event(owner=owner, **{name: getattr(row, name) for name in fields})


def _payloads(session: Session, event_id: UUID) -> Sequence[tables.Payload]:
    return session.exec(
        select(tables.Payload).where(tables.Payload.event_id == event_id).order_by(col(tables.Payload.version))
    ).all()


def _current(versions: Iterable[tables.Payload], number: int) -> Any:
    return next((readable(version.body) for version in versions if version.version == number), None)


def _correction(version: tables.Payload) -> answers.Correction:
    assert version.recorded_at is not None
    return answers.Correction(
        version=version.version,
        author=version.author,
        reason=version.reason,
        recorded_at=version.recorded_at,
        payload=readable(version.body),
    )


def _narrowed(session: Session, wanted: SelectOfScalar[tables.Event], ask: EventsAsk) -> SelectOfScalar[tables.Event]:
    wanted = page.narrowed(
        wanted,
        (tables.Event.source, ask.source),
        (tables.Event.type, ask.type),
        (tables.Event.subject, ask.subject),
        (tables.Event.status, ask.status),
    )
    if ask.key is not None:
        wanted = wanted.where(identities.has_key(session, ask.key, ask.source))
    return wanted


def _asked(session: Session, ask: EventsAsk) -> Narrowed:
    """What `q` asks for. As it stands first: a key may hold blanks and whatever looks like a field."""
    if ask.q is not None and filters.understood(ask.q).terms:
        whole = identities.has_key(session, ask.q)
        if _is_known(session, whole):
            return Narrowed([Part(whole, is_found=True)])
    return filters.asked(session, "events", ask, lambda word: _matches(session, word, ask))


def _matches(session: Session, word: str, ask: EventsAsk) -> Part:
    """An id, key or object id exactly; else what events name; only when there is neither, text inside of the keys."""
    known = identities.sources(session)
    exactly = [
        identities.has_key(session, word),
        col(tables.Event.subject).in_([word, *(f"{source}:{word}" for source in known)]),
    ]
    with suppress(ValueError):
        exactly.append(col(tables.Event.id) == UUID(word))
    exact = or_(*exactly)
    if _is_known(session, exact):
        return Part(exact, is_found=True)
    named = filters.named(session, "events", word, ask)
    if named is not None:
        return named
    columns, row_id = (tables.Event.key, tables.Event.subject, tables.Event.type), col(tables.Event.id)
    at = col(tables.Event.received_at)
    return Part(page.holding_lately(session, word, *columns, at=at, row_id=row_id, ask=ask), is_found=True)


def _through(ask: EventsAsk, q: Narrowed) -> Sequence[ColumnElement[bool]] | None:
    """The time in which to look for what no index finds; None: one does."""
    if ask.key is not None or ask.subject is not None or ask == EventsAsk(limit=ask.limit, cursor=ask.cursor):
        return None
    return q.times if q.is_loose else None


def _is_known(session: Session, condition: ColumnElement[bool]) -> bool:
    return session.exec(select(tables.Event.id).where(condition).limit(1)).first() is not None
