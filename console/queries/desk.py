"""A person's desk: their live cases and the approvals they may give, by what it costs to leave them; and what is new.

Cases are ordered by the database: overdue first, then rough money (`exceptions_queue.weighing`) times age. Of
approvals the hundred that expire first are weighed: silence is a no, so time is what they lack.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlmodel import Session, col, select

from console import answers
from console.fields import Money, money
from console.queries import cases, kept, roster
from counterfoil import database, tables
from counterfoil.database import Connection
from counterfoil.lifecycle import CASE_LIVE, CaseState
from exceptions_queue import weighing

#: Rows of a desk; the rest is in the lists.
ROWS_MAX = 50
#: Of those that look dearest at first sight so many are weighed by what they block now; and requests looked at.
CANDIDATES_MAX = 300
APPROVALS_MAX = 100
#: Of requests that somebody may have had a hand in themselves.
APPROVALS_LOOKED_MAX = 300
#: Shorter than a lunch: whoever comes back after this sees what happened meanwhile.
VISIT_ENDS_AFTER = timedelta(minutes=10)
#: A look is recorded at most this often.
LOOK_EVERY = timedelta(minutes=1)
#: An approval that would lapse this soon stands with what is overdue.
LAPSES_SOON = timedelta(hours=4)
#: Closed by others meanwhile: enough to see what happened.
CLOSED_MAX = 8
#: What stands on a desk; what is asleep comes back by itself.
CASE_AWAKE = CASE_LIVE - {CaseState.SNOOZED}

_KINDS = (
    "SELECT failure_class, source, handler, owner FROM cases WHERE status IN ('open', 'acknowledged', 'snoozed')"
    " GROUP BY 1, 2, 3, 4"
)
_MINE = """
    SELECT c.id, c.failure_class, c.status, c.opened_at, c.due_at, c.dollars
    FROM cases c JOIN unnest(%(classes)s::text[], %(sources)s::text[], %(handlers)s::text[], %(owners)s::text[])
         AS k(failure_class, source, handler, owner) ON c.failure_class = k.failure_class
         AND coalesce(c.source, '') = k.source AND coalesce(c.handler, '') = k.handler
         AND coalesce(c.owner, '') = k.owner
    WHERE c.status IN ('open', 'acknowledged', 'snoozed')
"""
_COUNTS = f"""
WITH mine AS ({_MINE})
SELECT count(*) FILTER (WHERE status <> 'snoozed') AS live,
       count(*) FILTER (
           WHERE status <> 'snoozed' AND (%(with_approvals)s OR failure_class <> 'approval_needed')
       ) AS listed,
       count(*) FILTER (WHERE status = 'snoozed') AS asleep,
       count(*) FILTER (WHERE due_at < %(now)s) AS overdue,
       count(*) FILTER (WHERE due_at >= %(now)s AND due_at < %(midnight)s) AS due_today,
       count(*) FILTER (WHERE failure_class = 'write_in_doubt') AS in_doubt
FROM mine
"""
# First by what ever came into a case, which is never less than what it blocks; then the first few hundred by what
# they block now.
_RANKED = f"""
WITH mine AS ({_MINE}), first AS MATERIALIZED (
    SELECT id, coalesce(due_at < %(now)s, false) AS urgent, extract(epoch FROM %(now)s - opened_at)::float8 AS age
    FROM mine WHERE status <> 'snoozed' AND (%(with_approvals)s OR failure_class <> 'approval_needed')
    ORDER BY urgent DESC, greatest(dollars, %(floor)s) * extract(epoch FROM %(now)s - opened_at)::float8 DESC, id
    LIMIT %(candidates)s
)
SELECT f.id, f.urgent, greatest(s.dollars, %(floor)s) * f.age AS pressing
FROM first f CROSS JOIN LATERAL (
    SELECT sum(o.amount_minor * (%(rates)s::jsonb -> o.currency)::float8) AS dollars
    FROM case_events o WHERE o.case_id = f.id AND o.cleared_at IS NULL
) s
ORDER BY f.urgent DESC, pressing DESC, f.id LIMIT %(most)s
"""
# Whoever had a hand in it, or answered already, is not asked. What takes a look at each row looks at a few, in order.
_ASKED = """
SELECT * FROM (
    SELECT a.write_id, a.shown ->> 'title' AS title, a.shown -> 'lines' ->> 0 AS line, a.rule, a.needed, a.opened_at,
           a.expires_at, w.key, w.destination, w.handler, w.amount_minor, w.currency, e.source,
           (SELECT count(*) FROM approval_votes v WHERE v.approval_id = a.id AND v.decision = 'approve') AS given
    FROM approvals a JOIN writes w ON w.id = a.write_id JOIN events e ON e.id = w.event_id
    WHERE a.status = 'open' AND a.expires_at > %(now)s
      AND NOT EXISTS (SELECT 1 FROM approval_votes v WHERE v.approval_id = a.id AND lower(v.person) = lower(%(person)s))
    ORDER BY a.expires_at LIMIT %(looked)s
) AS asked WHERE NOT write_is_of(write_id, %(person)s) LIMIT %(most)s
"""


class Waiting(NamedTuple):
    """One write that a person may say yes or no to."""

    write_id: UUID
    title: str
    line: str
    amount: Money | None
    destination: str
    handler: str | None
    needed: int
    given: int
    opened_at: datetime
    expires_at: datetime


class Row(NamedTuple):
    """One thing on a desk: a case or an approval."""

    urgent: bool
    pressing: float
    case: answers.Case | None = None
    asked: Waiting | None = None
    #: New, or grown, since the person looked last.
    news: str = ""


class Desk(NamedTuple):
    """Everything that waits for one person."""

    rows: list[Row]
    counts: Mapping[str, int]
    approvals: int
    #: Since when things are news; None: the first look.
    since: datetime | None
    closed: list[tables.Case]


def read(
    person: str, now: datetime, since: datetime | None, may_approve: Callable[[str | None, str | None], bool] | None
) -> Desk:
    """What waits for a person. `may_approve`: by source and handler; None: they approve nothing anywhere."""
    with database.transaction() as conn:
        asked = _asked(conn, person, now, may_approve) if may_approve else []
        counts, ranked = _ordered(conn, person, now, with_approvals=may_approve is None)
    with Session(database.engine()) as session:
        rows = _cases(session, ranked, person, since) + [_of(one, now, since) for one in asked]
        closed = [] if since is None else _closed(session, person, since)
    rows.sort(key=lambda row: (not row.urgent, -row.pressing))
    return Desk(rows[:ROWS_MAX], counts, len(asked), since, closed)


def look(person: str, now: datetime) -> datetime | None:
    """Remember that somebody looks at their desk; returns when their visit before this one ended."""
    with database.transaction() as conn:
        row = conn.execute("SELECT looked_at, before_at FROM desk_looks WHERE person = %s", (person,)).fetchone()
        if row is None:
            conn.execute(
                "INSERT INTO desk_looks (person, looked_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (person, now)
            )
            return None
        away = now - row["looked_at"]
        before: datetime | None = row["looked_at"] if away > VISIT_ENDS_AFTER else row["before_at"]
        if away > LOOK_EVERY:
            conn.execute(
                "UPDATE desk_looks SET looked_at = %s, before_at = %s WHERE person = %s", (now, before, person)
            )
    return before


def _ordered(
    conn: Connection, person: str, now: datetime, *, with_approvals: bool
) -> tuple[Mapping[str, int], Sequence[Mapping[str, Any]]]:
    """How much is this person's, and the first of it; of a desk that nobody can see over, as it was a moment ago."""

    def order() -> tuple[Mapping[str, int], Sequence[Mapping[str, Any]]]:
        values = _values(conn, person, now, with_approvals=with_approvals)
        counts = conn.execute(_COUNTS, values).fetchone()
        assert counts is not None
        return counts, conn.execute(_RANKED, values).fetchall()

    return kept.find(("desk", person, with_approvals), order, is_costly=lambda found: found[0]["live"] >= kept.MANY)


def _values(conn: Connection, person: str, now: datetime, *, with_approvals: bool) -> dict[str, Any]:
    """What the statements need: the kinds of live cases that are this person's now, of which there are few."""
    kinds = [
        row
        for row in conn.execute(_KINDS).fetchall()
        if roster.owner_of(row["failure_class"], row["source"], row["handler"], row["owner"]) == person
    ]
    return {
        "classes": [row["failure_class"] for row in kinds],
        "sources": [row["source"] or "" for row in kinds],
        "handlers": [row["handler"] or "" for row in kinds],
        "owners": [row["owner"] or "" for row in kinds],
        "rates": Jsonb(weighing.per_minor()),
        "floor": weighing.FLOOR,
        "now": now,
        "midnight": (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0),
        "with_approvals": with_approvals,
        "candidates": CANDIDATES_MAX,
        "most": ROWS_MAX,
    }


def _asked(
    conn: Connection, person: str, now: datetime, may: Callable[[str | None, str | None], bool]
) -> list[Waiting]:
    found = conn.execute(
        _ASKED, {"person": person, "now": now, "most": APPROVALS_MAX, "looked": APPROVALS_LOOKED_MAX}
    ).fetchall()
    return [
        Waiting(
            row["write_id"],
            row["title"] or "A write",
            row["line"] or "",
            money(row["amount_minor"], row["currency"]),
            row["destination"],
            row["handler"],
            row["needed"],
            row["given"],
            row["opened_at"],
            row["expires_at"],
        )
        for row in found
        if may(row["source"], row["handler"])
    ]


def _of(one: Waiting, now: datetime, since: datetime | None) -> Row:
    age = (now - one.opened_at).total_seconds()
    money = [(one.amount.currency, one.amount.amount_minor)] if one.amount else []
    pressing = max(weighing.dollars(money), weighing.FLOOR) * age
    news = "new" if since is not None and one.opened_at > since else ""
    return Row(one.expires_at < now + LAPSES_SOON, pressing, asked=one, news=news)


def _cases(session: Session, ranked: Sequence[Mapping[str, Any]], person: str, since: datetime | None) -> list[Row]:
    case = tables.Case
    rows = session.exec(select(case).where(col(case.id).in_([row["id"] for row in ranked]))).all()
    # The order may be a moment old; what was closed or given away since is gone.
    found = [one for one in rows if one.status in CASE_AWAKE and _is_theirs(one, person)]
    shown = {one.id: one for one in cases.shown(session, found)}
    news = {row.id: _news(row, since) for row in found}
    return [
        Row(row["urgent"], row["pressing"], case=shown[row["id"]], news=news[row["id"]])
        for row in ranked
        if row["id"] in shown
    ]


def _news(row: tables.Case, since: datetime | None) -> str:
    if since is None or row.opened_at is None or row.last_seen_at is None:
        return ""
    return "new" if row.opened_at > since else "grew" if row.last_seen_at > since else ""


def _closed(session: Session, person: str, since: datetime) -> list[tables.Case]:
    """Cases of this person that were closed since, newest first; a few."""
    rows = session.exec(
        select(tables.Case)
        .where(col(tables.Case.closed_at) > since)
        .order_by(col(tables.Case.closed_at).desc())
        .limit(ROWS_MAX)
    ).all()
    return [one for one in rows if _is_theirs(one, person)][:CLOSED_MAX]


def _is_theirs(row: tables.Case, person: str) -> bool:
    return roster.owner_of(row.failure_class, row.source, row.handler, row.owner) == person
