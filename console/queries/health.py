"""How the system is, in words: what is missing, what waits and for how long, who does not answer, what people hold."""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from console import ready
from console.queries import controls
from counterfoil import database
from counterfoil.database import Connection

#: Due for longer than this means that nobody works, or not enough.
LATE_SECONDS = 60.0
#: Beyond it "many" says as much as the number.
COUNTED_MAX = 10_000
#: Refused signatures that a person should look at, within an hour.
REFUSED_MANY = 20

_QUEUE = """
SELECT count(*) AS due, extract(epoch FROM now() - min(due_at))::float8 AS oldest_seconds
FROM (SELECT due_at FROM events WHERE due_at <= now() ORDER BY due_at LIMIT %s) AS due
"""
_LAST = "SELECT received_at FROM events ORDER BY id DESC LIMIT 1"
_UNTOLD = """
SELECT count(*) AS n FROM notifications
WHERE status IN ('pending', 'sending') AND due_at < now() - interval '5 minutes'
"""
_REFUSED = """
SELECT source, sum(count)::bigint AS n FROM rejection_counts
WHERE minute >= now() - interval '1 hour' AND reason LIKE 'signature%%' GROUP BY source
HAVING sum(count) >= %s ORDER BY source
"""


class Remark(NamedTuple):
    """One sentence about the system; where a person looks further."""

    kind: Literal["good", "wait", "bad"]
    words: str
    href: str | None = None


class Health(NamedTuple):
    """One sentence about the whole, and the remarks that it rests on."""

    kind: Literal["good", "wait", "bad"]
    words: str
    remarks: list[Remark]


def look(now: datetime) -> Health:
    """How the system is now."""
    with database.transaction() as conn:
        remarks = [Remark("bad", words) for words in ready.missing_in(conn)]
        queue = _one(conn, _QUEUE, COUNTED_MAX + 1)
        last = conn.execute(_LAST).fetchone()
        remarks += [*_late(queue), *_held(conn), *_refused(conn), *_untold(conn)]
    remarks += _away()
    kind: Literal["good", "wait", "bad"] = "good"
    if remarks:
        kind = "bad" if any(remark.kind == "bad" for remark in remarks) else "wait"
    return Health(kind, f"{_opening(remarks)}: {_last_event(last, now)}, {_waiting(queue)}.", remarks)


def _opening(remarks: list[Remark]) -> str:
    if not remarks:
        return "All is well"
    wrong = sum(remark.kind == "bad" for remark in remarks)
    if wrong:
        return "One thing needs somebody" if wrong == 1 else f"{wrong} things need somebody"
    return "It works, with something held"


def _last_event(row: dict[str, Any] | None, now: datetime) -> str:
    if row is None:
        return "no event has arrived yet"
    return f"the last event came {ago(now - row['received_at'])}"


def _waiting(queue: dict[str, Any]) -> str:
    if not queue["due"]:
        return "and none waits for a worker"
    age = max(queue["oldest_seconds"] or 0.0, 0.0)
    return f"{_many(queue['due'], 'event waits', 'events wait')} for a worker, the oldest for {span(age)}"


def _late(queue: dict[str, Any]) -> list[Remark]:
    if (queue["oldest_seconds"] or 0.0) <= LATE_SECONDS:
        return []
    words = f"{_waiting(queue)}: is a worker running?"
    return [Remark("bad", words[0].upper() + words[1:], "/events?status=queued")]


def _held(conn: Connection) -> list[Remark]:
    return [
        Remark(
            "wait",
            f"{pause.paused_by} paused {pause.scope} {pause.name}: {pause.reason}."
            + (
                f" {_many(pause.events_parked, 'event waits', 'events wait')} for the end of it."
                if pause.events_parked
                else ""
            ),
            "/handlers#pauses",
        )
        for pause in controls.pauses(conn)
    ]


def _refused(conn: Connection) -> list[Remark]:
    return [
        Remark(
            "bad",
            f"{row['n']} requests to {row['source']} were refused within the hour, because their signature is wrong:"
            " is its secret the provider's?",
            "/sources",
        )
        for row in conn.execute(_REFUSED, (REFUSED_MANY,))
    ]


def _untold(conn: Connection) -> list[Remark]:
    waiting = _one(conn, _UNTOLD)["n"]
    if not waiting:
        return []
    return [Remark("bad", f"{_many(waiting, 'message', 'messages')} to owners could not be sent yet", "/owners")]


def _away() -> list[Remark]:
    return [
        Remark(
            "bad",
            f"{one.name} does not answer; {_many(one.waiting, 'write waits', 'writes wait')} for it."
            + (f" It said: {one.detail}" if one.detail else ""),
            "/handlers#destinations",
        )
        for one in controls.every_destination()
        if one.breaker != "closed"
    ]


def _one(conn: Connection, sql: str, *values: Any) -> dict[str, Any]:
    row = conn.execute(sql, values).fetchone()
    assert row is not None
    return row


def _many(count: int, one: str, many: str) -> str:
    if count > COUNTED_MAX:
        return f"more than {COUNTED_MAX:,} {many}"
    return f"{count:,} {one if count == 1 else many}"


def ago(passed: timedelta) -> str:
    """`12 s ago`."""
    return "just now" if passed.total_seconds() < 2 else f"{span(passed.total_seconds())} ago"


def span(seconds: float) -> str:
    """`12 s`, `4 min`, `3 h`, `2 d`."""
    for most, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h")):
        if seconds < most:
            return f"{max(1, round(seconds / unit))} {name}"
    return f"{round(seconds / 86_400)} d"
