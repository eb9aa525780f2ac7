"""From what people typed to conditions over events, cases and writes: one table of fields for each list.

A field that a list does not know is refused with its place in the text. What an index finds is found by it, everything
else is asked of a bounded number of rows (`finding`); text inside of keys is looked for among the newest rows only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import and_, or_, union_all
from sqlalchemy import select as rows_of
from sqlmodel import Session, col

import destinations
from console import problems
from console.asks import FilteredAsk, ListAsk
from console.queries import amounting, blocking, finding, identities, owning, page
from console.queries.finding import Bounds, Condition, Ids, Narrowed, Part
from console.searching import Amount, NotUnderstood, Span, Term, Wanted, parse
from counterfoil import clock
from counterfoil.lifecycle import CaseState, EventState, WriteState
from counterfoil.settings import settings
from counterfoil.tables import Case, CaseEvent, Event, Mention, Write
from ingest.sources import SourcesUnusable, find_sources

Kind = Literal["events", "cases", "writes"]

#: A case of ten thousand events is looked at no longer than a hundred others; they are in it because they are alike.
ASKED_OF_A_CASE: Final = 100

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


def narrowed(session: Session, kind: Kind, wanted: Wanted, ask: ListAsk) -> Narrowed:
    """Every term as a condition over one list; words are the list's own business. Raises: NotAcceptable."""
    asking = Asking(session, kind, finding.bounds(ask))
    try:
        parts = [_part(asking, term) for term in wanted.terms if not isinstance(term.value, Span)]
    except NotUnderstood as wrong:
        raise refusal(wrong) from None
    times = [_in_time(kind, term.field, term.value) for term in wanted.terms if isinstance(term.value, Span)]
    return Narrowed(parts, times)


def asked(session: Session, kind: Kind, ask: FilteredAsk, matches: Callable[[str], Part]) -> Narrowed:
    """What `q` asks of a list; its words as the list understands them. Raises: NotAcceptable."""
    if ask.q is None:
        return Narrowed()
    wanted = understood(ask.q)
    found = narrowed(session, kind, wanted, ask)
    words = wanted.words if wanted.terms or len(wanted.words) > 1 else (ask.q,)
    return found._replace(parts=[*found.parts, *map(matches, words)])


def applies(kind: Kind, wanted: Wanted) -> bool:
    """Whether a list knows every field that was named, and every state."""
    return all(
        term.field in (*_FIELDS[kind], "since", "until", "at", "status")
        and (term.field != "status" or term.value in set(_STATES[kind]))
        for term in wanted.terms
    )


class Asking(NamedTuple):
    """Of which list it is asked, and between which ids its page lies."""

    session: Session
    kind: Kind
    bounds: Bounds = Bounds()


Field = Callable[[Asking, Any], Part]


def _part(asking: Asking, term: Term) -> Part:
    kind = asking.kind
    if isinstance(term.value, Amount):
        return _amounts(asking, term)
    if term.field == "status":
        if term.value not in set(_STATES[kind]):
            raise NotUnderstood(term.position, f"the status of {kind} is one of {', '.join(_STATES[kind])}")
        return Part(col({"events": Event, "cases": Case, "writes": Write}[kind].status) == term.value)  # type: ignore[attr-defined]
    field = _FIELDS[kind].get(term.field)
    if field is None:
        known = ", ".join([*_FIELDS[kind], "status", "amount", "since", "until", "at"])
        raise NotUnderstood(term.position, f"{kind} have no {term.field}; they have {known}")
    return field(asking, term.value)


def _amounts(asking: Asking, term: Term) -> Part:
    if asking.kind == "events":
        return _named(asking, amounting.naming(term))
    return Part(amounting.at_stake(term) if asking.kind == "cases" else amounting.of_write(term))


def _in_time(kind: Kind, field: str, span: Span) -> Condition:
    at, row_id = _AT[kind]
    if field == "since":
        found = page.window(at, row_id, span.begins, None)
    elif field == "until":
        found = page.window(at, row_id, None, span.begins)
    else:
        found = page.window(at, row_id, *page.around(span.begins, span.ends, whole=span.is_day))
    return and_(*found)


# Rows by their events.


def _of_events(kind: Kind, ids: Sequence[UUID], floor: UUID | None = None) -> Part:
    """The rows of these events."""
    if kind == "cases":
        cases = rows_of(col(CaseEvent.case_id)).where(finding.among(col(CaseEvent.event_id), ids))
        return Part(col(Case.id) == finding.collected(cases), is_found=True, is_empty=not ids)
    return Part(finding.among(_EVENT_OF[kind], ids), is_found=True, floor=floor, is_empty=not ids)


def _each(kind: Kind, events: Ids, event_id: Any) -> Part:
    """Of each row it is asked whether its event is one of these."""
    if kind == "cases":
        held, of_case = col(CaseEvent.event_id), col(CaseEvent.case_id) == col(Case.id)
        theirs = rows_of(held).where(of_case).order_by(held.desc()).limit(ASKED_OF_A_CASE).correlate(Case).subquery()
        is_one = finding.asked(events.where(event_id == theirs.c.event_id).correlate(theirs))
        return Part(finding.asked(theirs.select().where(is_one)), is_dear=True)
    return Part(finding.asked(events.where(event_id == _EVENT_OF[kind])), is_dear=True)


def _few_ids(asking: Asking, events: Ids, event_id: Any, *name: str) -> list[UUID] | None:
    """The events' ids, if they are few. `name`: other lists of the answer may ask the same."""
    session, bounds = asking.session, asking.bounds if asking.kind == "events" else Bounds()

    def ids() -> list[UUID] | None:
        return finding.few(session, events.where(*bounds.of(event_id)))

    return page.once(session, (*name, bounds), ids) if name else ids()


def _newest_ids(asking: Asking, events: Ids, event_id: Any, *name: str) -> tuple[list[UUID] | None, UUID | None]:
    """Of a list of events the newest, which an index has in order, and down to where they are all."""
    if asking.kind != "events":
        return _few_ids(asking, events, event_id, *name), None
    return finding.newest(asking.session, events.where(*asking.bounds.of(event_id)), event_id)


def _few(asking: Asking, events: Ids, event_id: Any) -> Part:
    """By the events' ids, if they are few; else each row is asked."""
    found = _few_ids(asking, events, event_id)
    return _each(asking.kind, events, event_id) if found is None else _of_events(asking.kind, found)


def _newest(asking: Asking, events: Ids, event_id: Any) -> Part:
    """By the ids of the newest; of what is no list of events each row is asked, where they are many."""
    found, floor = _newest_ids(asking, events, event_id)
    return _each(asking.kind, events, event_id) if found is None else _of_events(asking.kind, found, floor)


# What an event names.


def naming(value: str) -> Condition:
    """Over mentions: an id as it is, an address, or the beginning of a name."""
    return or_(*_ways(value))


def _ways(value: str) -> tuple[Condition, ...]:
    small = value.strip().lower()
    if "@" in small:
        return (exactly("email", small),)
    name = and_(col(Mention.kind) == "name", col(Mention.value).startswith(small, autoescape=True))
    return exactly("id", value), name


def exactly(kind: str, value: str) -> Condition:
    """Over mentions: what has this kind and value, in the order of the events."""
    # Only amounts have one: with it, what comes next in the key of the mentions is the event.
    return and_(col(Mention.kind) == kind, col(Mention.value) == value, col(Mention.amount_minor) == 0)


def _mentioned(condition: Condition) -> tuple[Ids, Any]:
    return rows_of(col(Mention.event_id)).where(condition), col(Mention.event_id)


def _named(asking: Asking, condition: Condition) -> Part:
    return _few(asking, *_mentioned(condition))


def _customer(asking: Asking, value: str) -> Part:
    first, *names = _ways(value)
    found, floor = _newest_ids(asking, *_mentioned(first), "named", value)
    for name in names:
        more = _few_ids(asking, *_mentioned(name), "beginning", value)
        found = None if found is None or more is None else [*found, *more]
    if found is None:
        return _each(asking.kind, *_mentioned(naming(value)))
    return _of_events(asking.kind, found, floor)


def _named_exactly(kind: str, change: Callable[[str], str] = str) -> Field:
    return lambda asking, value: _newest(asking, *_mentioned(exactly(kind, change(value))))


# What stands in cases, and what belongs to whom.


def _blocked(of_case: Callable[[Session, str], Condition]) -> Field:
    def blocked(asking: Asking, value: str) -> Part:
        by = of_case(asking.session, value)
        if asking.kind == "events":
            return _of_events("events", *blocking.newest(asking.session, by, asking.bounds))
        return _few(asking, *blocking.events(by))

    return blocked


def _class(_: Session, value: str) -> Condition:
    return col(Case.failure_class) == value


def _in_case(asking: Asking, value: UUID) -> Part:
    event_id, case_id = col(CaseEvent.event_id), col(CaseEvent.case_id)
    if asking.kind != "events":
        return _few(asking, rows_of(event_id).where(case_id == value), event_id)
    held = rows_of(event_id).where(finding.only(case_id, value), *asking.bounds.of(event_id))
    return _of_events("events", *finding.newest(asking.session, held, case_id, event_id))


# Columns.


def _equal(column: Any, *, is_found: bool = False) -> Field:
    return lambda _, value: Part(col(column) == value, is_found)


def _of_event(column: Any) -> Field:
    """A column of their event, which has no index."""
    return lambda asking, value: _each(asking.kind, rows_of(col(Event.id)).where(col(column) == value), col(Event.id))


def _of_write(column: Any) -> Field:
    """A column of its writes, which has no index."""
    return lambda asking, value: _each(
        asking.kind, rows_of(col(Write.event_id)).where(col(column) == value), col(Write.event_id)
    )


def _about(asking: Asking, value: str) -> Part:
    return _few(asking, rows_of(col(Event.id)).where(col(Event.subject) == value), col(Event.id))


def _about_it(of: Any, subject: Any) -> Field:
    """Rows of a list that say themselves what they are about; their index has them in order."""
    row_id = col(of)

    def about(asking: Asking, value: str) -> Part:
        wanted = rows_of(row_id).where(finding.only(col(subject), value), *asking.bounds.of(row_id))
        ids, floor = finding.newest(asking.session, wanted, col(subject), row_id)
        return Part(finding.among(row_id, ids), is_found=True, floor=floor)

    return about


def _keyed(asking: Asking, value: str) -> Part:
    return _few(asking, rows_of(col(Event.id)).where(identities.has_key(asking.session, value)), col(Event.id))


def _known_by(asking: Asking, value: str) -> Part:
    """Its own key, or that of a write that was made for it."""
    own = rows_of(col(Event.id)).where(identities.has_key(asking.session, value))
    made = rows_of(col(Write.event_id)).where(col(Write.key) == value)
    return _of_events(
        "events", asking.session.connection().execute(union_all(own.subquery().select(), made)).scalars().all()
    )


_EVENT_OF: Mapping[Kind, Any] = {"events": col(Event.id), "writes": col(Write.event_id)}

_NAMES: Mapping[str, Field] = {
    "customer": _customer,
    "invoice": _named_exactly("id"),
    "deal": _named_exactly("id"),
    "email": _named_exactly("email", lambda value: value.strip().lower()),
}

_FIELDS: Mapping[Kind, Mapping[str, Field]] = {
    "events": {
        "source": _equal(Event.source),
        "type": _equal(Event.type),
        "handler": _equal(Event.handler),
        "subject": _about_it(Event.id, Event.subject),
        "event": _equal(Event.id, is_found=True),
        "key": _known_by,
        "destination": _of_write(Write.destination),
        "operation": _of_write(Write.operation),
        "class": _blocked(_class),
        "case": _in_case,
        "owner": _blocked(owning.by),
        **_NAMES,
    },
    "cases": {
        "class": _equal(Case.failure_class),
        "source": _equal(Case.source),
        "handler": _equal(Case.handler),
        "destination": _equal(Case.destination),
        "case": _equal(Case.id, is_found=True),
        "owner": lambda asking, value: Part(owning.by(asking.session, value)),
        "event": lambda asking, value: _of_events("cases", [value]),
        "key": _keyed,
        "type": _of_event(Event.type),
        "subject": _about,
        **_NAMES,
    },
    "writes": {
        "destination": _equal(Write.destination),
        "operation": _equal(Write.operation),
        "handler": _equal(Write.handler),
        "subject": _about_it(Write.id, Write.subject),
        "key": _equal(Write.key, is_found=True),
        "event": _equal(Write.event_id, is_found=True),
        "source": _of_event(Event.source),
        "type": _of_event(Event.type),
        "class": _blocked(_class),
        "case": _in_case,
        "owner": _blocked(owning.by),
        **_NAMES,
    },
}


# Free words.


def named(session: Session, kind: Kind, value: str, ask: ListAsk) -> Part | None:
    """Rows of events that name exactly this, or a name that begins with it; None: none does."""
    found = _customer(Asking(session, kind, finding.bounds(ask)), value)
    return None if found.is_empty else found


def named_first(value: str, most: int) -> Ids:
    """Some events that name it, whichever an index has first: a few of each way."""
    ways = (rows_of(col(Mention.event_id)).where(way).limit(most).subquery().select() for way in _ways(value))
    found: Ids = union_all(*ways).subquery().select().limit(most)
    return found
