"""Silence climbs: deputies, then the ladder, then the top again; sleepers wake; lapsed promises open again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from counterfoil import clock, database, keys
from exceptions_queue import cases, escalation

Connection = database.Connection

SIGNED: dict[str, Any] = {"who": "Rhea", "reason": "because"}


def a_case(conn: Connection, failure_class: str = "contract_violation") -> UUID:
    """A fresh open case that blocks one event."""
    event_id = keys.new_id()
    case_id = cases.open_many(conn, [cases.Incident(event_id, failure_class, source=event_id.hex)])[event_id]
    conn.commit()
    return case_id


def the_case(conn: Connection, case_id: UUID) -> dict[str, Any]:
    """The case's row, with the seconds until it is due, to the minute."""
    row = conn.execute(
        "SELECT *, round(extract(epoch FROM due_at - now()) / 60)::int * 60 AS due_seconds FROM cases WHERE id = %s",
        (case_id,),
    ).fetchone()
    assert row is not None
    return row


def let_time_pass(conn: Connection, case_id: UUID) -> None:
    """Whatever this case waits for is now: as much time has gone by as it would have taken."""
    conn.execute(
        "UPDATE cases SET ladder_from = ladder_from - greatest(coalesce(due_at, now()) - now(), '0'),"
        " due_at = CASE WHEN due_at IS NOT NULL THEN now() END,"
        " snoozed_until = CASE WHEN snoozed_until IS NOT NULL THEN now() END WHERE id = %s",
        (case_id,),
    )


def told(conn: Connection) -> list[tuple[str, str]]:
    """Who was told what, in order."""
    rows = conn.execute("SELECT kind, recipient FROM notifications ORDER BY id").fetchall()
    return [(row["kind"], row["recipient"]) for row in rows]


def test_an_unanswered_case_walks_up_the_ladder_and_stays_at_its_top(conn: Connection) -> None:
    """Owner, deputy after 4 h, then the director after a day in all, then the director once a day."""
    case_id = a_case(conn)
    hour = 3600
    assert the_case(conn, case_id)["due_seconds"] == 4 * hour
    seen = []
    for _ in range(4):
        let_time_pass(conn, case_id)
        assert escalation.run_once(conn)["escalated"] == 1
        row = the_case(conn, case_id)
        seen.append((row["escalation_level"], row["escalated_to"], row["due_seconds"] / hour))

    assert seen == [(1, "tomas", 20), (2, "dana", 24), (2, "dana", 24), (2, "dana", 24)]
    assert told(conn) == [("opened", "rhea"), ("escalated", "tomas")] + [("escalated", "dana")] * 3
    actions = conn.execute("SELECT actor, action, detail FROM audit_entries ORDER BY seq").fetchall()
    assert {(row["actor"], row["action"]) for row in actions} == {("escalation", "case.escalated")}
    assert len(actions) == 4


def test_what_is_not_due_does_not_move(conn: Connection) -> None:
    """Nothing happens before its time, and nothing is written."""
    a_case(conn)
    assert escalation.run_once(conn) == {"resolved": 0, "woken": 0, "lapsed": 0, "escalated": 0}
    assert told(conn) == [("opened", "rhea")]


def test_an_acknowledged_case_does_not_climb_but_lapses_in_the_end(conn: Connection) -> None:
    """Somebody has it; if they forget it, it is open again and its owner hears."""
    case_id = a_case(conn)
    cases.acknowledge(conn, case_id, **SIGNED)
    assert escalation.run_once(conn)["escalated"] == 0

    let_time_pass(conn, case_id)
    counts = escalation.run_once(conn)

    row = the_case(conn, case_id)
    assert (counts["lapsed"], counts["escalated"]) == (1, 0)
    assert (row["status"], row["acknowledged_by"], row["escalation_level"]) == ("open", None, 0)
    assert row["due_seconds"] == 4 * 3600
    assert told(conn)[-1] == ("lapsed", "rhea")


def test_a_snoozed_case_wakes_by_itself(conn: Connection) -> None:
    """It opens at its moment, at the foot of the ladder."""
    case_id = a_case(conn)
    cases.snooze(conn, case_id, until=clock.now() + timedelta(hours=1), **SIGNED)
    assert escalation.run_once(conn)["woken"] == 0

    let_time_pass(conn, case_id)
    assert escalation.run_once(conn)["woken"] == 1

    row = the_case(conn, case_id)
    assert (row["status"], row["snoozed_until"], row["due_seconds"]) == ("open", None, 4 * 3600)
    assert told(conn)[-1] == ("woken", "rhea")


def test_an_absent_owner_is_passed_over(
    conn: Connection, use_owners: Callable[..., Path], reached_by: Callable[..., str]
) -> None:
    """The deputy is told at once, and owns what opens while the owner is away."""
    today = clock.now().date()
    days = f"{{ from = {today - timedelta(days=2)}, until = {today + timedelta(days=2)} }}"
    use_owners(reached_by({}, away={"rhea": days}))
    case_id = a_case(conn)
    let_time_pass(conn, case_id)
    escalation.run_once(conn)

    assert told(conn) == [("opened", "tomas"), ("escalated", "tomas")]


def test_a_change_of_the_file_moves_open_cases(
    conn: Connection, use_owners: Callable[..., Path], reached_by: Callable[..., str]
) -> None:
    """Ownership is live: the ladder of the moment counts, not the one at the opening."""
    file = use_owners(reached_by({}))
    case_id = a_case(conn)
    file.write_text(reached_by({}).replace('deputies = ["tomas"]', 'deputies = ["marek"]'))
    let_time_pass(conn, case_id)
    escalation.run_once(conn)
    assert the_case(conn, case_id)["escalated_to"] == "marek"


def test_a_sleeper_wakes_with_the_person_it_was_assigned_to(conn: Connection) -> None:
    """A hand-made assignment outlives sleep."""
    case_id = a_case(conn)
    cases.assign(conn, case_id, to="marek", **SIGNED)
    cases.snooze(conn, case_id, until=clock.now() + timedelta(hours=1), **SIGNED)
    let_time_pass(conn, case_id)
    escalation.run_once(conn)
    assert told(conn)[-1] == ("woken", "marek")


def test_two_sweepers_escalate_once(database_url: str, conn: Connection) -> None:
    """What one holds the other leaves; afterwards it is no longer due."""
    for _ in range(3):
        let_time_pass(conn, a_case(conn))
    conn.commit()
    assert escalation.run_once(conn)["escalated"] == 3
    with psycopg.connect(database_url, row_factory=dict_row, options="-c lock_timeout=1s") as other:
        assert escalation.run_once(other)["escalated"] == 0
        conn.commit()
        assert escalation.run_once(other)["escalated"] == 0


def test_closed_cases_never_move(conn: Connection) -> None:
    """Dismissed is the end, whatever stands in the row."""
    case_id = a_case(conn)
    cases.dismiss(conn, case_id, **SIGNED)
    conn.execute("UPDATE cases SET due_at = now(), snoozed_until = now()")
    assert set(escalation.run_once(conn).values()) == {0}
