"""P11: whoever changes something on the desk stands in the audit, a person as well as a sweep."""

from typing import Any

import pytest

from counterfoil import database, keys
from exceptions_queue import bursts, cases, escalation, replay

Connection = database.Connection
SIGNED: dict[str, Any] = {"who": "Rhea", "reason": "handler repaired"}


def audited(conn: Connection) -> list[tuple[str, str]]:
    """Who did what, in order."""
    rows = conn.execute("SELECT actor, action FROM audit_entries ORDER BY lane, seq").fetchall()
    return [(row["actor"], row["action"]) for row in rows]


@pytest.mark.parametrize("end", ["cancelled", "finished"])
def test_every_turn_of_a_replay_has_its_entry(conn: Connection, an_event: Any, end: str) -> None:
    """Planned, started, each event sent back, and how it ended."""
    an_event("done")
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.advance(conn)
    if end == "cancelled":
        replay.cancel(conn, job, **SIGNED)
    else:
        conn.execute("UPDATE events SET status = 'done', due_at = NULL")
        replay.advance(conn)
    actions = ["replay.planned", "replay.started", "event.replayed", f"replay.{end}"]
    assert audited(conn) == [("Rhea", action) for action in actions]


def test_a_case_that_a_sweep_opens_has_its_entry(conn: Connection) -> None:
    """A burst has no event and no run; the audit is the only witness of who opened it."""
    conn.execute(
        "INSERT INTO rejection_counts (minute, source, reason, count) VALUES (now(), 'stripe', 'signature_old', %s)",
        (bursts.BURST_REFUSALS_MIN,),
    )
    bursts.run_once(conn)
    assert audited(conn) == [("engine", "case.opened")]


def test_a_case_that_a_sweep_closes_has_its_entry(conn: Connection) -> None:
    """Emptied while somebody held it, closed by the next sweep: closed by nobody would be closed by accident."""
    event_id = keys.new_id()
    cases.open_many(conn, [cases.Incident(event_id, "handler_bug")])
    conn.execute("UPDATE case_events SET cleared_at = now()")
    assert escalation.run_once(conn)["resolved"] == 1
    assert audited(conn) == [("escalation", "case.resolved")]
