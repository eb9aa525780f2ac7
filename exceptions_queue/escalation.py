"""Escalation: what nobody answers is passed on, what slept long enough wakes, what was emptied is closed.

    opened ─(respond_within)─▶ first deputy ─(after)─▶ … ─(after)─▶ the top ─▶ the top again, once a day

The ladder is the roster's of this moment, so a change of the owners file moves open cases too. Every open case has a
next time; silence never ends the climb.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from counterfoil import audit, clock
from counterfoil.database import Connection
from exceptions_queue import owners
from exceptions_queue.cases.clearing import find_emptied, resolve_emptied
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.cases.waiting import climb, reopen, take_lapsed, take_overdue, take_woken
from exceptions_queue.roster import Resolution, Roster

#: Cases per pass and kind; the next pass is a second later.
PORTION = 100
#: At the top of the ladder: often enough not to be forgotten, seldom enough to be read.
REMIND_EVERY = timedelta(days=1)


def run_once(conn: Connection) -> dict[str, int]:
    """One pass; returns counts. The caller commits. Any number of processes may do it at once."""
    roster, at = owners.roster(), clock.now()
    entries: list[audit.Entry] = []
    notices: list[Notice] = []
    emptied = resolve_emptied(conn, find_emptied(conn, PORTION), actor="escalation")
    woken = take_woken(conn, PORTION)
    lapsed = take_lapsed(conn, PORTION)
    for kind, cases in (("woken", woken), ("lapsed", lapsed)):
        _reopen(conn, roster, at, cases, kind, entries, notices)
    overdue = take_overdue(conn, PORTION)
    _climb(conn, roster, at, overdue, entries, notices)
    record_notices(conn, notices)
    audit.append(conn, "desk", [*emptied, *entries])
    return {
        "resolved": len(emptied),
        "woken": len(woken),
        "lapsed": len(lapsed),
        "escalated": len(overdue),
    }


def _whose(roster: Roster, case: dict[str, Any], at: datetime) -> Resolution:
    return roster.resolve(case["failure_class"], source=case["source"], handler=case["handler"], at=at)


def _owner(roster: Roster, case: dict[str, Any], at: datetime) -> str:
    return roster.owner_of(
        case["failure_class"], source=case["source"], handler=case["handler"], assigned=case["owner"], at=at
    )


def _reopen(
    conn: Connection,
    roster: Roster,
    at: datetime,
    cases: Sequence[dict[str, Any]],
    kind: str,
    entries: list[audit.Entry],
    notices: list[Notice],
) -> None:
    if not cases:
        return
    reopen(conn, {case["id"]: _whose(roster, case, at).respond_within for case in cases})
    for case in cases:
        owner = _owner(roster, case, at)
        notices.append(Notice(case["id"], kind, owner))
        entries.append(audit.Entry("escalation", f"case.{kind}", f"case:{case['id']}", {"owner": owner}))


def _climb(
    conn: Connection,
    roster: Roster,
    at: datetime,
    cases: Sequence[dict[str, Any]],
    entries: list[audit.Entry],
    notices: list[Notice],
) -> None:
    rows = []
    for case in cases:
        level, person, due = next_rung(_whose(roster, case, at), case["escalation_level"])
        rows.append({"id": case["id"], "level": level, "person": person, "due_seconds": due.total_seconds()})
        notices.append(Notice(case["id"], "escalated", person))
        detail = {"level": level, "to": person}
        entries.append(audit.Entry("escalation", "case.escalated", f"case:{case['id']}", detail))
    climb(conn, rows)


def next_rung(whose: Resolution, level: int) -> tuple[int, str, timedelta]:
    """The rung above `level`: its number, who is told, and how long until the next one."""
    ladder = whose.escalation
    position = min(level, len(ladder) - 1)
    rung = ladder[position]
    above = ladder[position + 1].after - rung.after if position + 1 < len(ladder) else REMIND_EVERY
    return position + 1, rung.person, above
