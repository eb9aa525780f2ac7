"""From what people typed to conditions over events, cases and writes: one table of fields for each list.

A field that a list does not know is refused with its place in the text. Everything goes by an index; text inside of
keys is looked for among the newest rows only.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

import destinations
from console import problems
from console.queries import amounting, identities, owning, page
from console.searching import Amount, NotUnderstood, Span, Term, Wanted, parse
from counterfoil import clock
from counterfoil.lifecycle import CASE_LIVE, CaseState, EventState, WriteState
from counterfoil.settings import settings
from counterfoil.tables import Case, CaseEvent, Event, Mention, Write
from ingest.sources import SourcesUnusable, find_sources

Condition = ColumnElement[bool]
#: A question whose answer are ids.
Ids = Select[UUID]
Field = Callable[[Session, Any], Condition]
Kind = Literal["events", "cases", "writes"]

#: So few events are named one by one, which no plan can get wrong; more are left to the planner.
FEW = 1000

_STATES = {"events": EventState, "cases": CaseState, "writes": WriteState}
_AT = {
    "events": (col(Event.received_at), col(Event.id)),
    "cases": (col(Case.opened_at), col(Case.id)),
    "writes": (col(Write.created_at), col(Write.id)),
}


def understood(q: str) -> Wanted:
    """What a text asks for. Raises: NotAcceptable, with the place in the text."""
    try:
        return parse(q, clock.now(), prefixes=_prefixes())
    except NotUnderstood as wrong:
        raise refusal(wrong) from None


def _prefixes() -> set[str]:
    """What ids and keys may begin with; sources that cannot be read are somebody else's alarm."""
    try:
        return {*find_sources(settings()), *destinations.find()}
    except SourcesUnusable:
        return {*destinations.find()}


def refusal(wrong: NotUnderstood) -> problems.NotAcceptable:
    """As a problem that names the parameter."""
    return problems.NotAcceptable(
        f"the filter cannot be understood at {wrong}", [problems.Fault(field="q", detail=str(wrong))]
    )


def conditions(session: Session, kind: Kind, wanted: Wanted) -> list[Condition]:
    """Every term as a condition over one list; words are the list's own business. Raises: NotAcceptable."""
    try:
        return [_condition(session, kind, term) for term in wanted.terms]
    except NotUnderstood as wrong:
        raise refusal(wrong) from None


#: Fields that no index answers: what is asked by nothing else is looked for among a bounded number of rows.
_LOOSE: Mapping[Kind, frozenset[str]] = {
    "events": frozenset({"status", "source", "type", "handler", "since", "until", "at"}),
    "cases": frozenset(),
    "writes": frozenset({"status", "destination", "operation", "handler", "amount", "since", "until", "at"}),
}


def is_loose(session: Session, kind: Kind, wanted: Wanted) -> bool:
    """Whether nothing that was asked for is found by an index. Of writes, states other than confirmed are."""
    states = {str(value) for value in wanted.values("status")}
    if wanted.words or (kind == "writes" and states - {WriteState.CONFIRMED}):
        return False
    return all(term.field in _LOOSE[kind] or _is_frequent(session, kind, term) for term in wanted.terms)


def _is_frequent(session: Session, kind: Kind, term: Term) -> bool:
    """A class, or somebody's desk, that blocks so many events that the newest rows hold some."""
    blocked = _BLOCKED.get(term.field) if kind != "cases" else None
    return blocked is not None and not isinstance(few(session, blocked(session, term.value)), list)


def is_blocked(wanted: Wanted) -> bool:
    """Whether what blocks it was asked for, which is found by an index however old it is."""
    return any(term.field in _BLOCKED for term in wanted.terms)


def in_time(kind: Kind, wanted: Wanted) -> list[Condition]:
    """The spans of time that were asked for."""
    return [_in_time(kind, term.field, term.value) for term in wanted.terms if isinstance(term.value, Span)]


def applies(kind: Kind, wanted: Wanted) -> bool:
    """Whether a list knows every field that was named, and every state."""
    return all(
        term.field in (*_FIELDS[kind], "since", "until", "at", "status")
        and (term.field != "status" or term.value in set(_STATES[kind]))
        for term in wanted.terms
    )


def _condition(session: Session, kind: Kind, term: Term) -> Condition:
    if isinstance(term.value, Span):
        return _in_time(kind, term.field, term.value)
    if isinstance(term.value, Amount):
        return _amounts(session, kind, term)
    if term.field == "status":
        if term.value not in set(_STATES[kind]):
            raise NotUnderstood(term.position, f"the status of {kind} is one of {', '.join(_STATES[kind])}")
        return col({"events": Event, "cases": Case, "writes": Write}[kind].status) == term.value  # type: ignore[attr-defined]
    field = _FIELDS[kind].get(term.field)
    if field is None:
        known = ", ".join([*_FIELDS[kind], "status", "amount", "since", "until", "at"])
        raise NotUnderstood(term.position, f"{kind} have no {term.field}; they have {known}")
    return field(session, term.value)


def _amounts(session: Session, kind: Kind, term: Term) -> Condition:
    if kind == "events":
        return col(Event.id).in_(few(session, amounting.events_naming(term)))
    return amounting.at_stake(term) if kind == "cases" else amounting.of_write(term)


def _in_time(kind: Kind, field: str, span: Span) -> Condition:
    at, row_id = _AT[kind]
    if field == "since":
        found = page.window(at, row_id, span.begins, None)
    elif field == "until":
        found = page.window(at, row_id, None, span.begins)
    else:
        found = page.window(at, row_id, *page.around(span.begins, span.ends, whole=span.is_day))
    return and_(*found)


def few(session: Session, ids: Ids) -> Any:
    """The answer itself, if it is short; else the question. For `IN`."""
    if session.connection().execute(ids.offset(FEW).limit(1)).first() is not None:
        return ids
    return [row[0] for row in session.connection().execute(ids)]


# What an event names.


def naming(value: str) -> Condition:
    """Over mentions: an id as it is, an address, or the beginning of a name."""
    small = value.strip().lower()
    if "@" in small:
        return and_(col(Mention.kind) == "email", col(Mention.value) == small)
    return or_(
        and_(col(Mention.kind) == "id", col(Mention.value) == value),
        and_(col(Mention.kind) == "name", col(Mention.value).startswith(small, autoescape=True)),
    )


def _events_naming(condition: Condition) -> Ids:
    return rows_of(col(Mention.event_id)).where(condition)


def _named_customer(value: str) -> Ids:
    return _events_naming(naming(value))


def _named_id(value: str) -> Ids:
    return _events_naming(and_(col(Mention.kind) == "id", col(Mention.value) == value))


def _named_email(value: str) -> Ids:
    return _events_naming(and_(col(Mention.kind) == "email", col(Mention.value) == value.strip().lower()))


_NAMES: Mapping[str, Callable[[str], Ids]] = {
    "customer": _named_customer,
    "invoice": _named_id,
    "deal": _named_id,
    "email": _named_email,
}


# What stands in cases, and what belongs to whom.


def _blocked(*of_case: Condition) -> Ids:
    member = CaseEvent
    return (
        rows_of(col(member.event_id))
        .join(Case, col(Case.id) == col(member.case_id))
        .where(col(member.cleared_at).is_(None), col(Case.status).in_(sorted(CASE_LIVE)), *of_case)
    )


def _blocked_on_desk(session: Session, person: str) -> Ids:
    return _blocked(owning.by(session, person))


_BLOCKED: Mapping[str, Callable[[Session, Any], Ids]] = {
    "class": lambda _, value: _blocked(col(Case.failure_class) == value),
    "owner": _blocked_on_desk,
}


def _events(*of_event: Condition) -> Ids:
    return rows_of(col(Event.id)).where(*of_event)


def _cases_with(events: Any) -> Condition:
    return col(Case.id).in_(rows_of(col(CaseEvent.case_id)).where(col(CaseEvent.event_id).in_(events)))


def _equal(column: Any) -> Field:
    return lambda _, value: col(column) == value


def _in(column: Any, of: Callable[[str], Ids]) -> Field:
    return lambda session, value: col(column).in_(few(session, of(value)))


def _with(of: Callable[[str], Ids]) -> Field:
    return lambda session, value: _cases_with(few(session, of(value)))


def _known_by(session: Session, value: str) -> Condition:
    """Its own key, or that of a write that was made for it."""
    made = session.exec(select(Write.event_id).where(col(Write.key) == value)).all()
    return or_(identities.has_key(session, value), col(Event.id).in_(made))


def _of_write(column: Any) -> Field:
    return lambda _, value: col(Event.id).in_(rows_of(col(Write.event_id)).where(col(column) == value))


_OF_EVENT: Mapping[str, Any] = {
    "source": Event.source,
    "type": Event.type,
    "subject": Event.subject,
    "handler": Event.handler,
}

_FIELDS: Mapping[Kind, Mapping[str, Field]] = {
    "events": {
        **{name: _equal(column) for name, column in _OF_EVENT.items()},
        "event": _equal(Event.id),
        "key": _known_by,
        "destination": _of_write(Write.destination),
        "operation": _of_write(Write.operation),
        "class": lambda session, value: col(Event.id).in_(few(session, _blocked(col(Case.failure_class) == value))),
        "case": lambda _, value: col(Event.id).in_(
            rows_of(col(CaseEvent.event_id)).where(col(CaseEvent.case_id) == value)
        ),
        "owner": lambda session, value: col(Event.id).in_(few(session, _blocked_on_desk(session, value))),
        **{name: _in(Event.id, of) for name, of in _NAMES.items()},
    },
    "cases": {
        "class": _equal(Case.failure_class),
        "source": _equal(Case.source),
        "handler": _equal(Case.handler),
        "destination": _equal(Case.destination),
        "case": _equal(Case.id),
        "owner": owning.by,
        "event": lambda _, value: col(Case.id).in_(
            rows_of(col(CaseEvent.case_id)).where(col(CaseEvent.event_id) == value)
        ),
        "key": lambda session, value: _cases_with(_events(identities.has_key(session, value))),
        "type": lambda _, value: _cases_with(_events(col(Event.type) == value)),
        "subject": lambda _, value: _cases_with(_events(col(Event.subject) == value)),
        **{name: _with(of) for name, of in _NAMES.items()},
    },
    "writes": {
        "destination": _equal(Write.destination),
        "operation": _equal(Write.operation),
        "handler": _equal(Write.handler),
        "subject": _equal(Write.subject),
        "key": _equal(Write.key),
        "event": _equal(Write.event_id),
        "source": lambda _, value: col(Write.event_id).in_(_events(col(Event.source) == value)),
        "type": lambda _, value: col(Write.event_id).in_(_events(col(Event.type) == value)),
        "class": lambda session, value: col(Write.event_id).in_(
            few(session, _blocked(col(Case.failure_class) == value))
        ),
        "case": lambda _, value: col(Write.event_id).in_(
            rows_of(col(CaseEvent.event_id)).where(col(CaseEvent.case_id) == value)
        ),
        "owner": lambda session, value: col(Write.event_id).in_(few(session, _blocked_on_desk(session, value))),
        **{name: _in(Write.event_id, of) for name, of in _NAMES.items()},
    },
}


# Free words.


def named(session: Session, value: str) -> list[UUID] | Ids:
    """Events that name exactly this, or a name that begins with it; an empty list: none does. For `IN`."""
    found: list[UUID] | Ids = few(session, _events_naming(naming(value)))
    return found


def with_named(session: Session, value: str) -> list[Condition]:
    """Cases of events that name it; empty: no event does."""
    found = named(session, value)
    if isinstance(found, list):
        return [_cases_with(found)] if found else []
    # Very many events name it: asked of each case, and only of those that everything else fits.
    member = CaseEvent
    events = (
        rows_of(col(member.event_id))
        .join(Mention, col(Mention.event_id) == col(member.event_id))
        .where(col(member.case_id) == col(Case.id), naming(value))
        .offset(0)
    )
    return [events.exists()]
