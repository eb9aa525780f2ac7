"""What a person does with a case. Every change says who and why, and is audited in its own transaction.

Lifecycle, with who moves it:

    open ──acknowledge──▶ acknowledged ──resolve──▶ resolved     nothing is blocked by it any more
      │ ◀─────(lapses)──────┘   │                      ▲
      ├──snooze──▶ snoozed ─────┴──────────────────────┤         (or by itself, when the last event went through)
      │ ◀──(wakes)───┘                                 │
      └──dismiss──────────────────────────────▶ dismissed        what it blocks becomes ignored, with the reason
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil import audit, clock
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import CASE_LIVE, CaseState, EventState
from exceptions_queue import owners
from exceptions_queue.cases.notices import Notice, record_notices
from exceptions_queue.refusals import (
    AlreadyAcknowledged,
    CaseClosed,
    CaseNotFound,
    PersonUnknown,
    SnoozeRefused,
    StillBlocked,
    signed,
)

#: Longer than this is not sleep: dismiss it, or give it to somebody who has time.
SNOOZE_MAX = timedelta(days=90)


def acknowledge(conn: Connection, case_id: UUID, *, who: str, reason: str) -> None:
    """Say that somebody has it: nobody else is told unless it lies too long.

    Raises: CaseNotFound, CaseClosed, AlreadyAcknowledged, ReasonMissing.
    """
    who, reason = signed(who, reason)
    case = get_live(conn, case_id)
    sets = {"acknowledged_at": NOW, "acknowledged_by": who, "snoozed_until": None}
    if not move(conn, "case", [case_id], CaseState.ACKNOWLEDGED, sets=sets):
        raise AlreadyAcknowledged(f"{owners.called(case['acknowledged_by'])} has this case already")
    whose = owners.roster().resolve(
        case["failure_class"], source=case["source"], handler=case["handler"], at=clock.now()
    )
    conn.execute("UPDATE cases SET due_at = now() + %s WHERE id = %s", (whose.resolve_within, case_id))
    _sign(conn, case_id, "case.acknowledged", who, reason)


def assign(conn: Connection, case_id: UUID, *, who: str, reason: str, to: str) -> None:
    """Give the case to a person of the roster, who is told.

    Raises: CaseNotFound, CaseClosed, PersonUnknown, ReasonMissing.
    """
    who, reason = signed(who, reason)
    get_live(conn, case_id)
    people = owners.roster().people
    if to not in people:
        raise PersonUnknown(f"there is no person {to!r} in the owners file; there are {', '.join(sorted(people))}")
    conn.execute("UPDATE cases SET owner = %s WHERE id = %s", (to, case_id))
    record_notices(conn, [Notice(case_id, "assigned", to)])
    _sign(conn, case_id, "case.assigned", who, reason, to=to)


def snooze(conn: Connection, case_id: UUID, *, who: str, reason: str, until: datetime) -> None:
    """Let the case sleep until a moment; it opens again by itself. A sleeping one may be given another hour.

    Raises: CaseNotFound, CaseClosed, SnoozeRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    if until.tzinfo is None:
        raise SnoozeRefused("say the moment with its time zone")
    if not clock.now() < until <= clock.now() + SNOOZE_MAX:
        raise SnoozeRefused(f"a case sleeps until a moment ahead of us, at most {SNOOZE_MAX.days} days")
    case = get_live(conn, case_id)
    if case["status"] == CaseState.SNOOZED:
        conn.execute("UPDATE cases SET snoozed_until = %s WHERE id = %s", (until, case_id))
    else:
        move(conn, "case", [case_id], CaseState.SNOOZED, sets={"snoozed_until": until, "due_at": None})
    _sign(conn, case_id, "case.snoozed", who, reason, until=clock.rfc3339(until))


def resolve(conn: Connection, case_id: UUID, *, who: str, reason: str) -> None:
    """Close a case that is put right; not while it blocks events: those are replayed, or the case is dismissed.

    Raises: CaseNotFound, CaseClosed, StillBlocked, ReasonMissing.
    """
    who, reason = signed(who, reason)
    get_live(conn, case_id)
    blocked = len(blocked_events(conn, case_id))
    if blocked:
        raise StillBlocked(f"{blocked} events are still blocked by it: replay them, or dismiss the case")
    _close(conn, case_id, CaseState.RESOLVED, who, reason)
    _sign(conn, case_id, "case.resolved", who, reason)


def dismiss(conn: Connection, case_id: UUID, *, who: str, reason: str) -> None:
    """Close a case in which there is nothing to put right: what it blocks is ignored, with this reason and name.

    Events of it that are on their way again stay on their way; if they fail once more they open a new case.

    Raises: CaseNotFound, CaseClosed, ReasonMissing.
    """
    who, reason = signed(who, reason)
    get_live(conn, case_id)
    sets = {
        "outcome": f"dismissed by {who}: {reason}",
        "case_id": None,
        "due_at": None,
        "lease_until": None,
        "finished_at": NOW,
    }
    resting = _resting(conn, case_id)
    ignored = move(conn, "event", resting, EventState.IGNORED, sets=sets) if resting else set()
    conn.execute("UPDATE case_events SET cleared_at = now() WHERE case_id = %s AND cleared_at IS NULL", (case_id,))
    conn.execute("UPDATE events SET case_id = NULL WHERE case_id = %s AND status = 'queued'", (case_id,))
    _close(conn, case_id, CaseState.DISMISSED, who, reason)
    entries = [
        audit.Entry(who, "event.ignored", f"event:{one}", {"case": str(case_id), "reason": reason})
        for one in sorted(ignored)
    ]
    _sign(conn, case_id, "case.dismissed", who, reason, entries=entries, ignored=len(ignored))


def get_live(conn: Connection, case_id: UUID) -> dict[str, Any]:
    """The case, locked until the transaction ends. Raises: CaseNotFound, CaseClosed."""
    case = conn.execute("SELECT * FROM cases WHERE id = %s FOR UPDATE", (case_id,)).fetchone()
    if case is None:
        raise CaseNotFound(f"there is no case {case_id}")
    if case["status"] not in CASE_LIVE:
        raise CaseClosed(f"the case is {case['status']}, by {case['closed_by']}: {case['close_reason']}")
    return case


def blocked_events(conn: Connection, case_id: UUID) -> list[UUID]:
    """The events that the case blocks; complete while the case is locked."""
    rows = conn.execute(
        "SELECT event_id FROM case_events WHERE case_id = %s AND cleared_at IS NULL ORDER BY event_id", (case_id,)
    ).fetchall()
    return [row["event_id"] for row in rows]


def _resting(conn: Connection, case_id: UUID) -> list[UUID]:
    """Those that rest in a case, locked. A running one is not waited for: its worker may be waiting for this case.

    Not those beside which it stands: nobody said that they are not to be done.
    """
    rows = conn.execute(
        "SELECT id FROM events WHERE id IN (SELECT event_id FROM case_events WHERE case_id = %s AND cleared_at IS NULL"
        " AND NOT detail ? 'beside') AND status IN ('waiting', 'exception') ORDER BY id FOR UPDATE",
        (case_id,),
    ).fetchall()
    return [row["id"] for row in rows]


def _close(conn: Connection, case_id: UUID, to: CaseState, who: str, reason: str) -> None:
    sets = {"closed_at": NOW, "closed_by": who, "close_reason": reason, "due_at": None, "snoozed_until": None}
    move(conn, "case", [case_id], to, sets=sets)


def _sign(
    conn: Connection,
    case_id: UUID,
    action: str,
    who: str,
    reason: str,
    *,
    entries: list[audit.Entry] | None = None,
    **detail: Any,
) -> None:
    """The audit entries of one change; last, because the lane stays locked until the commit."""
    mine = audit.Entry(who, action, f"case:{case_id}", {"reason": reason, **detail})
    audit.append(conn, "desk", [mine, *(entries or [])])
