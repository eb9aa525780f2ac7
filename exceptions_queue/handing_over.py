"""What a change of the owners file moves: told in the audit, case by case, and to whoever owns more than before.

Ownership is resolved live, so the cases have moved already when this is written; what is written is who had them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from counterfoil import audit, clock, keys
from counterfoil.database import Connection
from counterfoil.lifecycle import CASE_LIVE
from exceptions_queue import durations, owners
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.roster import Roster

#: Cases that get an entry of their own, and of those the ones that a person is told of one by one; the entry of the
#: change counts all.
NAMED_MAX = 1000
TOLD_MAX = 20

#: What a roster is kept without: ways to reach somebody may hold secrets.
_LEFT_OUT: Any = {"fallback": True, "people": {"__all__": {"channels", "contact"}}}
_LIVE = [state.value for state in CASE_LIVE]


def keep(conn: Connection) -> dict[str, int]:
    """Keep the roster in force, and tell what it moved if it is another one than before. For the sweeper."""
    roster, at = owners.roster(), clock.now()
    content = _plain(roster.model_dump(by_alias=True, exclude=_LEFT_OUT))
    digest = keys.digest(content)
    row = conn.execute("SELECT digest, content FROM rosters ORDER BY since DESC, id DESC LIMIT 1").fetchone()
    if row is not None and row["digest"] == digest:
        return {"moved": 0}
    entries, notices = ([], []) if row is None else _moved(conn, _readable(row["content"]), roster, at)
    conn.execute(
        "INSERT INTO rosters (id, digest, content) VALUES (%s, %s, %s::jsonb)",
        (keys.new_id(), digest, msgspec.json.encode(content).decode()),
    )
    record_notices(conn, notices)
    audit.append(conn, "desk", entries)
    return {"moved": max(0, len(entries) - 1)}


def _moved(conn: Connection, before: Roster, now: Roster, at: datetime) -> tuple[list[audit.Entry], list[Notice]]:
    """Every live case whose owner is another person now."""
    entries: list[audit.Entry] = []
    notices: list[Notice] = []
    moves: dict[tuple[str, str], int] = {}
    told: dict[str, int] = {}
    rows = conn.execute(
        "SELECT id, failure_class, source, handler, owner FROM cases WHERE status = ANY(%s) ORDER BY id", (_LIVE,)
    )
    for case in rows:
        was, is_now = _owner(before, case, at), _owner(now, case, at)
        if was == is_now:
            continue
        moves[was, is_now] = moves.get((was, is_now), 0) + 1
        if len(entries) < NAMED_MAX:
            detail = {"from": was, "to": is_now}
            entries.append(audit.Entry("owners file", "case.moved", f"case:{case['id']}", detail))
        if told.setdefault(is_now, 0) < TOLD_MAX:
            told[is_now] += 1
            notices.append(Notice(case["id"], "assigned", is_now))
    change = {
        "added": sorted(now.people.keys() - before.people.keys()),
        "removed": sorted(before.people.keys() - now.people.keys()),
        "roles": sorted(name for name in now.roles if now.roles[name] != before.roles.get(name)),
        "moved": [{"from": was, "to": to, "cases": count} for (was, to), count in sorted(moves.items())],
    }
    return [audit.Entry("owners file", "roster.changed", "roster", change), *entries], notices


def _owner(roster: Roster, case: Mapping[str, Any], at: datetime) -> str:
    return roster.owner_of(
        case["failure_class"], source=case["source"], handler=case["handler"], assigned=case["owner"], at=at
    )


def _plain(value: Any) -> Any:
    """As the owners file writes it: lengths of time as `4h`, days as text."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, timedelta):
        return durations.shown(value)
    return value.isoformat() if isinstance(value, date) else value


def _readable(content: Mapping[str, Any]) -> Roster:
    """A roster that was kept; it is asked whose something was, and reaches nobody."""
    people = {
        name: {**person, "channels": ["log://"], "contact": "kept@elsewhere.invalid"}
        for name, person in content["people"].items()
    }
    return Roster.model_validate({**content, "fallback": "log://", "people": people})
