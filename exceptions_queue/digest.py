"""The digest: once a day each person is told in one message what is theirs and open; on a quiet day, nothing.

It is for what has no message of its own: growth below tenfold, classes of small matters, and everything that was told
before and still lies there. A row per person and day is what makes it one: whoever inserts it writes the message, in
the same transaction, so neither two sweepers nor a crash make it two.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from counterfoil import clock, keys
from counterfoil.database import Connection
from exceptions_queue import messages, owners, weighing
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.cases.reading import stakes
from exceptions_queue.roster import Roster

#: Lines of a digest: what does not fit is on the desk, and nobody reads on.
ROWS_MAX: Final = 15
CLOSED_MAX: Final = 5
#: Closed cases that are looked through for a person's.
CLOSED_LOOKED_AT: Final = 1000
#: Before the first digest, "since" is a day.
FIRST_SINCE: Final = timedelta(days=1)


class Mine(NamedTuple):
    """What a person's digest is made of."""

    rows: Sequence[Mapping[str, Any]]  #: the first ones, the most pressing first
    open: int
    overdue: int
    approvals: int
    lapses_at: datetime | None
    closed: Sequence[Mapping[str, Any]]


def run_once(conn: Connection) -> dict[str, int]:
    """Make the digests whose hour has come; the caller commits. Any number of processes may do it at once."""
    roster, at = owners.roster(), clock.now()
    due = _due(conn, roster, at)
    if not due:
        return {"digests": 0}
    kinds = conn.execute(_KINDS).fetchall()
    made = sum(_make(conn, roster, person, day, kinds, at) for person, day in due)
    return {"digests": made}


def _due(conn: Connection, roster: Roster, at: datetime) -> list[tuple[str, date]]:
    """Everybody whose hour has passed today where they live, and whose day was not summed up yet."""
    days = {name: day for name, person in roster.people.items() if (day := person.day_to_sum_up(at)) is not None}
    if not days:
        return []
    rows = conn.execute("SELECT person, day FROM digests WHERE day = ANY(%s)", (list(set(days.values())),)).fetchall()
    done = {(row["person"], row["day"]) for row in rows}
    return [one for one in days.items() if one not in done]


def _make(
    conn: Connection, roster: Roster, name: str, day: date, kinds: Iterable[Mapping[str, Any]], at: datetime
) -> bool:
    """Sum up one day of one person; True when there is something to tell them."""
    person = roster.people[name]
    hour = datetime.combine(day, time.fromisoformat(person.digest), person.zone)
    row = conn.execute("SELECT max(made_at) AS at FROM digests WHERE person = %s", (name,)).fetchone()
    since = (row["at"] if row is not None else None) or at - FIRST_SINCE
    mine = _read(conn, roster, name, kinds, hour, since, at)
    title, body = (_title(mine), _body(conn, name, mine, since, at)) if mine.open else ("", "")
    kept = conn.execute(
        "INSERT INTO digests (id, person, day, cases, title, body) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (day, person) DO NOTHING RETURNING id",
        (keys.new_id(), name, day, mine.open, title, body),
    ).fetchone()
    if kept is None or not mine.open:
        return False
    record_notices(conn, [Notice(None, "digest", name, digest_id=kept["id"])])
    return True


_KINDS: Final = (
    "SELECT failure_class, source, handler, owner FROM cases WHERE status IN ('open', 'acknowledged', 'snoozed')"
    " GROUP BY 1, 2, 3, 4"
)
# Which case is whose is asked of the roster once per kind, of which there are few.
_MINE: Final = """
FROM cases c JOIN unnest(%(classes)s::text[], %(sources)s::text[], %(handlers)s::text[], %(owners)s::text[])
     AS k(failure_class, source, handler, owner) ON c.failure_class = k.failure_class
     AND coalesce(c.source, '') = k.source AND coalesce(c.handler, '') = k.handler AND coalesce(c.owner, '') = k.owner
WHERE c.status IN ('open', 'acknowledged')
"""
_COUNTS: Final = f"""
SELECT count(*) AS open, count(*) FILTER (WHERE c.due_at < %(at)s) AS overdue,
       coalesce(bool_or(c.opened_at < %(hour)s), false) AS then {_MINE}
"""
_FIRST: Final = f"""
SELECT c.id, c.title, c.opened_at, c.last_seen_at, c.status, c.events, coalesce(c.due_at < %(at)s, false) AS overdue
{_MINE}
ORDER BY overdue DESC, greatest(c.dollars, %(floor)s) * extract(epoch FROM %(at)s - c.opened_at)::float8 DESC, c.id
LIMIT %(most)s
"""
_ASKED: Final = f"""
WITH mine AS (SELECT c.id {_MINE} AND c.failure_class = 'approval_needed')
SELECT count(*) AS n, min(a.expires_at) AS lapses_at
FROM approvals a JOIN writes w ON w.id = a.write_id JOIN events e ON e.id = w.event_id JOIN mine m ON m.id = e.case_id
WHERE a.status = 'open' AND a.expires_at > %(at)s
"""
_CLOSED: Final = """
SELECT title, failure_class, source, handler, owner, status, closed_by FROM cases
WHERE closed_at > %s ORDER BY closed_at DESC LIMIT %s
"""


def _read(
    conn: Connection,
    roster: Roster,
    name: str,
    kinds: Iterable[Mapping[str, Any]],
    hour: datetime,
    since: datetime,
    at: datetime,
) -> Mine:
    """What is open for a person, if any of it was at their hour: what came since has had a message of its own."""
    theirs = [kind for kind in kinds if _owner(roster, kind, at) == name]
    values = {
        "classes": [kind["failure_class"] for kind in theirs],
        "sources": [kind["source"] or "" for kind in theirs],
        "handlers": [kind["handler"] or "" for kind in theirs],
        "owners": [kind["owner"] or "" for kind in theirs],
        "at": at,
        "hour": hour,
        "floor": weighing.FLOOR,
        "most": ROWS_MAX,
    }
    counts = conn.execute(_COUNTS, values).fetchone() if theirs else None
    if counts is None or not counts["then"]:
        return Mine([], 0, 0, 0, None, [])
    asked = conn.execute(_ASKED, values).fetchone() or {"n": 0, "lapses_at": None}
    closed = [
        row for row in conn.execute(_CLOSED, (since, CLOSED_LOOKED_AT)).fetchall() if _owner(roster, row, at) == name
    ]
    rows = conn.execute(_FIRST, values).fetchall()
    return Mine(rows, counts["open"], counts["overdue"], asked["n"], asked["lapses_at"], closed)


def _owner(roster: Roster, case: Mapping[str, Any], at: datetime) -> str:
    return roster.owner_of(
        case["failure_class"], source=case["source"], handler=case["handler"], assigned=case["owner"], at=at
    )


def _title(mine: Mine) -> str:
    cases = f"{mine.open} open {'case' if mine.open == 1 else 'cases'}"
    return f"Your day: {cases}, {mine.overdue} overdue" if mine.overdue else f"Your day: {cases}"


def _body(conn: Connection, name: str, mine: Mine, since: datetime, at: datetime) -> str:
    """Plain lines: open, waiting, closed, and where the desk is."""
    console = messages.console_address()
    held = stakes(conn, [row["id"] for row in mine.rows])
    lines = ["Open, overdue first, then by money and age:"]
    for row in mine.rows:
        lines.append(_line(row, messages.amounts(held[row["id"]].at_stake), since, at))
        lines.append(f"  {_place(row['id'], console)}")
    if mine.open > len(mine.rows):
        more = f"{console}/cases?owner={name}" if console else f"counterfoil cases --owner {name}"
        lines.append(f"and {mine.open - len(mine.rows)} more: {more}")
    if mine.approvals and mine.lapses_at is not None:
        where = f": {console}/approvals" if console else ""
        lines.append(f"Waiting for a yes or no: {mine.approvals}, the first until {_moment(mine.lapses_at)}{where}")
    if mine.closed:
        lines.append(f"Closed since {_moment(since)}: {len(mine.closed)}")
        lines += [
            f"- {messages.one_line(row['title'])} ({row['status']} by {row['closed_by']})"
            for row in mine.closed[:CLOSED_MAX]
        ]
    return "\n".join([*lines, f"Your desk: {console}/"] if console else lines)


def _line(row: Mapping[str, Any], at_stake: str, since: datetime, at: datetime) -> str:
    news = "new" if row["opened_at"] > since else "has grown" if row["last_seen_at"] > since else ""
    parts = [
        "OVERDUE" if row["overdue"] else "",
        messages.one_line(row["title"]),
        at_stake,
        _age(at - row["opened_at"]),
        "in work" if row["status"] == "acknowledged" else "",
        news,
    ]
    return "- " + ", ".join(filter(None, parts))


def _place(case_id: UUID, console: str | None) -> str:
    return f"{console}/cases/{case_id}" if console else f"counterfoil cases {case_id}"


def _age(length: timedelta) -> str:
    hours = int(length.total_seconds() // 3600)
    return f"{hours // 24} d old" if hours >= 48 else f"{hours} h old"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
