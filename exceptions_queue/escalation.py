"""Escalation: what nobody answers is passed on, what slept long enough wakes, what was emptied is closed.

    opened ─(respond_within)─▶ first deputy ─(after)─▶ … ─(after)─▶ the top ─▶ the top again, once a day
       └──(after, with so much at stake)──▶ …

The ladder is the roster's of this moment, so a change of the owners file moves open cases too; of its rungs those
count that ask for no more than what the case blocks now. Every open case has a next time; silence never ends the climb.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from counterfoil import audit, clock
from counterfoil.database import Connection
from exceptions_queue import owners
from exceptions_queue.cases.clearing import find_emptied, resolve_emptied
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.cases.reading import stakes
from exceptions_queue.cases.waiting import climb, reopen, take_lapsed, take_overdue, take_woken
from exceptions_queue.roster import Resolution, Roster, Rung

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
    escalated = _climb(conn, roster, at, overdue, entries, notices)
    record_notices(conn, notices)
    audit.append(conn, "desk", [*emptied, *entries])
    return {
        "resolved": len(emptied),
        "woken": len(woken),
        "lapsed": len(lapsed),
        "escalated": escalated,
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
    minors = _at_stake(conn, cases)
    reopen(conn, {case["id"]: _whose(roster, case, at).rungs(minors[case["id"]])[0].after for case in cases})
    for case in cases:
        owner = _owner(roster, case, at)
        notices.append(Notice(case["id"], kind, owner))
        entries.append(audit.Entry("escalation", f"case.{kind}", f"case:{case['id']}", {"owner": owner}))


def _at_stake(conn: Connection, cases: Sequence[dict[str, Any]]) -> dict[UUID, int]:
    """The most that each blocks in one currency, in its minor units."""
    found = stakes(conn, (case["id"] for case in cases)) if cases else {}
    return {case_id: max(stake.at_stake.values(), default=0) for case_id, stake in found.items()}


def _climb(
    conn: Connection,
    roster: Roster,
    at: datetime,
    cases: Sequence[dict[str, Any]],
    entries: list[audit.Entry],
    notices: list[Notice],
) -> int:
    """Tell whoever is next; returns of how many cases somebody was told."""
    rows, minors = [], _at_stake(conn, cases)
    for case in cases:
        rungs = _whose(roster, case, at).rungs(minors[case["id"]])
        climbed = rungs_now(rungs, frozenset(case["rungs_told"]), case["climbing_for"])
        level = len(climbed.told) - len(climbed.rungs)
        for person in dict.fromkeys(rung.person for rung in climbed.rungs):
            notices.append(Notice(case["id"], "escalated", person))
        for number, rung in enumerate(climbed.rungs, 1):
            detail = {"level": level + number, "to": rung.person}
            entries.append(audit.Entry("escalation", "case.escalated", f"case:{case['id']}", detail))
        last = climbed.rungs[-1].person if climbed.rungs else None
        seconds = climbed.wait.total_seconds()
        rows.append({"id": case["id"], "rungs": sorted(climbed.told), "person": last, "due_seconds": seconds})
    climb(conn, rows)
    return sum(row["person"] is not None for row in rows)


class Climbed(NamedTuple):
    """What the time and the money of a case say now."""

    rungs: tuple[Rung, ...]  #: to be told now
    told: frozenset[int]  #: places of all that were told then
    wait: timedelta  #: until the next look


def rungs_now(ladder: Sequence[Rung], told: frozenset[int], climbing_for: timedelta) -> Climbed:
    """The rungs whose time has come, each once; when all were told, the last one again, once a day.

    None at all, when what made the case dear has gone through since: then the next rung's time is waited for.
    """
    ahead = [rung for rung in ladder if rung.position not in told]
    if not ahead:
        return Climbed((ladder[-1],), told, REMIND_EVERY)
    due = tuple(rung for rung in ahead if rung.after <= climbing_for)
    later = ahead[len(due) :]
    wait = later[0].after - climbing_for if later else REMIND_EVERY
    return Climbed(due, told | {rung.position for rung in due}, wait)
