"""The one box: what is hit exactly is opened, else what fits stands in groups; nothing found says how to ask."""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session, col, select

from console import asks, problems
from console.pages.page import Go, Page, Shown, Visit
from console.queries import cases, events, filters, finding, identities, mentions, subjects, writes
from console.searching import FIELDS, Wanted
from counterfoil import database
from counterfoil.tables import Case, Event, Mention, Replay, Run, Write

#: Of each group; with one more it is known that there are more.
SHOWN, COUNTED_MAX = 5, 50
SUBJECTS_MAX = 8
_WHERE: tuple[tuple[str, Any], ...] = (
    ("events", Event),
    ("cases", Case),
    ("writes", Write),
    ("runs", Run),
    ("replays", Replay),
)


class Group(NamedTuple):
    """What was found of one kind."""

    kind: filters.Kind
    items: list[Any]
    total: int
    more: bool
    href: str


def search(visit: Visit) -> Shown | Go:
    """Whatever was typed."""
    q = " ".join(visit.query.get("q", "").split())
    if not q:
        return _shown(q)
    try:
        ask = asks.EventsAsk(q=q)
    except ValidationError:
        raise problems.NotAsked("this is more than can be searched for: up to 500 characters") from None
    assert ask.q is not None, "Bug: there is a text"
    try:
        wanted = filters.understood(ask.q)
    except problems.NotAcceptable as refused:
        return _shown(q, problem=refused.shown())._replace(status=refused.status)
    with Session(database.engine()) as session:
        if not wanted.terms and (there := _exactly(session, q)):
            return Go(there)
        groups, beyond = _groups(session, q, wanted)
        about = _subjects(session, wanted)
    found = [one.id for group in groups if group.kind == "events" for one in group.items]
    return _shown(q, wanted=wanted, groups=groups, beyond=beyond, amounts=mentions.amounts(found), subjects=about)


def _shown(q: str, **more: Any) -> Shown:
    data: dict[str, Any] = {
        "q": q,
        "wanted": None,
        "groups": [],
        "beyond": {},
        "amounts": {},
        "subjects": [],
        "fields": FIELDS,
    }
    return Shown("search/found.html", f"Search: {q}" if q else "Search", data | more)


def _exactly(session: Session, q: str) -> str | None:
    """Where the one thing is that is called this."""
    try:
        return _by_id(session, UUID(q))
    except ValueError:
        pass
    found = session.exec(select(Event.id).where(identities.has_key(session, q)).limit(2)).all()
    if len(found) == 1:
        return f"/events/{found[0]}"
    write = session.exec(select(Write.id).where(col(Write.key) == q)).first()
    if write is not None:
        return f"/writes/{write}"
    if "@" not in q and subjects.exists(session, q):
        return f"/subjects/{quote(q, safe=':')}"
    return None


def _by_id(session: Session, wanted: UUID) -> str | None:
    for kind, table in _WHERE:
        if session.exec(select(table.id).where(table.id == wanted)).first() is not None:
            return f"/{kind}/{wanted}"
    return None


def _groups(session: Session, q: str, wanted: Wanted) -> tuple[list[Group], dict[str, str]]:
    """Of each kind that knows every field that was named; and where to look on for what was looked through in part."""
    lists: tuple[tuple[filters.Kind, Callable[[], Any]], ...] = (
        ("events", lambda: events.find_page(asks.EventsAsk(q=q, limit=COUNTED_MAX), session)),
        ("cases", lambda: cases.find_page(asks.CasesAsk(q=q, limit=COUNTED_MAX), session)),
        ("writes", lambda: writes.find_page(asks.WritesAsk(q=q, limit=COUNTED_MAX), session)),
    )
    found, beyond = [], {}
    for kind, read in lists:
        if not filters.applies(kind, wanted):
            continue
        page = read()
        query = urlencode({"status": "", "q": q} if kind == "cases" else {"q": q})
        href, more = f"/{kind}?{query}", page.next_cursor is not None
        if page.items:
            found.append(Group(kind, page.items[:SHOWN], len(page.items), more, href))
        elif more:
            beyond[str(kind)] = href
    return found, beyond


def _subjects(session: Session, wanted: Wanted) -> list[str]:
    """Things that the events of a name or an address are about."""
    said = [*wanted.words, *(value for field in ("customer", "email") for value in wanted.values(field))]
    if not said:
        return []
    named = filters.named_first(str(said[0]), COUNTED_MAX)
    ids = session.exec(
        select(Mention.value)
        .where(col(Mention.event_id) == finding.collected(named), col(Mention.kind) == "id")
        .distinct()
        .limit(COUNTED_MAX)
    ).all()
    # Whoever types a name means the customer.
    found = sorted(
        (value for value in ids if ":" not in value), key=lambda value: (not value.startswith("cus_"), value)
    )
    return found[:SUBJECTS_MAX]


PAGES = (Page("GET", "/search", search),)
