"""What people do with a case: who, why, what moves, and what is refused in words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from counterfoil import clock, database, keys
from exceptions_queue import cases

Connection = database.Connection


@pytest.fixture
def a_case(conn: Connection, an_event: Callable[..., UUID]) -> Callable[..., tuple[UUID, list[UUID]]]:
    """A factory of cases that block as many events as asked for."""

    def make(events: int = 1, **columns: Any) -> tuple[UUID, list[UUID]]:
        ids = [an_event(**columns) for _ in range(events)]
        opened = cases.open_many(
            conn, [cases.Incident(one, "contract_violation", source="stripe", rule=str(ids[0])) for one in ids]
        )
        case_id = opened[ids[0]]
        conn.execute("UPDATE events SET case_id = %s WHERE id = ANY(%s)", (case_id, ids))
        conn.commit()
        return case_id, ids

    return make


def the_case(conn: Connection, case_id: UUID) -> dict[str, Any]:
    """The case's row."""
    row = conn.execute("SELECT * FROM cases WHERE id = %s", (case_id,)).fetchone()
    assert row is not None
    return row


def audited(conn: Connection) -> list[tuple[str, str, str]]:
    """Actor, action and subject of every entry, oldest first."""
    rows = conn.execute("SELECT * FROM audit_entries WHERE lane = 'desk' ORDER BY seq").fetchall()
    return [(row["actor"], row["action"], row["subject"]) for row in rows]


def test_acknowledging_says_who_has_it_and_by_when_it_must_be_done(conn: Connection, a_case: Any) -> None:
    """Open becomes acknowledged; the time to answer becomes the time to finish."""
    case_id, _ = a_case()
    cases.acknowledge(conn, case_id, who="Rhea", reason="looking at it")

    row = the_case(conn, case_id)
    assert (row["status"], row["acknowledged_by"]) == ("acknowledged", "Rhea")
    assert row["due_at"] - row["acknowledged_at"] == timedelta(days=3)
    assert audited(conn) == [("Rhea", "case.acknowledged", f"case:{case_id}")]
    with pytest.raises(cases.AlreadyAcknowledged, match="Rhea"):
        cases.acknowledge(conn, case_id, who="Tomas", reason="me too")


def test_an_assigned_case_has_that_owner_who_is_told(conn: Connection, a_case: Any) -> None:
    """Assignment is by person of the roster; anybody else is refused with the names that exist."""
    case_id, _ = a_case()
    cases.assign(conn, case_id, who="Rhea", reason="your customer", to="marek")

    assert the_case(conn, case_id)["owner"] == "marek"
    told = conn.execute("SELECT recipient FROM notifications WHERE kind = 'assigned'").fetchall()
    assert [row["recipient"] for row in told] == ["marek"]
    with pytest.raises(cases.PersonUnknown, match="tomas"):
        cases.assign(conn, case_id, who="Rhea", reason="?", to="nobody")


def test_a_case_sleeps_until_a_moment_ahead_and_may_sleep_longer(conn: Connection, a_case: Any) -> None:
    """A second snooze moves the hour; the past, for ever and a naive time are refused."""
    case_id, _ = a_case()
    first, second = clock.now() + timedelta(hours=1), clock.now() + timedelta(days=1)
    cases.snooze(conn, case_id, who="Rhea", reason="waiting for the customer", until=first)
    cases.snooze(conn, case_id, who="Rhea", reason="still waiting", until=second)

    row = the_case(conn, case_id)
    assert (row["status"], row["snoozed_until"], row["due_at"]) == ("snoozed", second, None)
    for wrong in (clock.now() - timedelta(seconds=1), clock.now() + timedelta(days=91), first.replace(tzinfo=None)):
        with pytest.raises(cases.SnoozeRefused):
            cases.snooze(conn, case_id, who="Rhea", reason="x", until=wrong)


def test_a_case_that_blocks_events_cannot_be_resolved(conn: Connection, a_case: Any) -> None:
    """P4: resolving would leave events that nobody waits for. Remove the count in `resolve` and they are lost."""
    case_id, events = a_case(2)
    with pytest.raises(cases.StillBlocked, match="2 events"):
        cases.resolve(conn, case_id, who="Rhea", reason="done")

    cases.clear(conn, [events[0]], actor="engine")
    with pytest.raises(cases.StillBlocked, match="1 event"):
        cases.resolve(conn, case_id, who="Rhea", reason="done")


def test_a_case_without_events_is_a_persons_to_resolve(conn: Connection) -> None:
    """An outage or a burst does not resolve by itself."""
    opened = cases.open_many(conn, [cases.Incident(None, "signature_burst", source="stripe")])
    case_id = opened.new[0].id
    cases.resolve(conn, case_id, who="Pia", reason="secret rolled")

    row = the_case(conn, case_id)
    assert (row["status"], row["closed_by"], row["close_reason"]) == ("resolved", "Pia", "secret rolled")


def test_dismissing_ignores_what_is_blocked_with_reason_and_name(conn: Connection, a_case: Any) -> None:
    """P4: each event ends as ignored and says who and why; each has its audit entry."""
    case_id, events = a_case(3)
    cases.dismiss(conn, case_id, who="Rhea", reason="test data of the migration")

    rows = conn.execute("SELECT * FROM events ORDER BY id").fetchall()
    assert {(row["status"], row["case_id"], row["due_at"]) for row in rows} == {("ignored", None, None)}
    assert all("Rhea" in row["outcome"] and "test data" in row["outcome"] and row["finished_at"] for row in rows)
    assert the_case(conn, case_id)["status"] == "dismissed"
    assert audited(conn) == [("Rhea", "case.dismissed", f"case:{case_id}")] + [
        ("Rhea", "event.ignored", f"event:{one}") for one in sorted(events)
    ]
    assert cases.stakes(conn, [case_id])[case_id].blocked == 0


def test_dismissing_leaves_events_alone_that_are_on_their_way(conn: Connection, a_case: Any) -> None:
    """A replay in flight goes on; the event forgets the closed case."""
    case_id, events = a_case(3)
    conn.execute("UPDATE events SET status = 'queued', due_at = now() WHERE id = %s", (events[0],))
    conn.execute("UPDATE events SET status = 'running', due_at = now() WHERE id = %s", (events[1],))
    cases.dismiss(conn, case_id, who="Rhea", reason="no")

    rows = {row["id"]: row for row in conn.execute("SELECT * FROM events").fetchall()}
    assert [rows[one]["status"] for one in events] == ["queued", "running", "ignored"]
    assert rows[events[0]]["case_id"] is None


def test_a_person_never_waits_for_a_worker_that_waits_for_the_case(
    database_url: str, conn: Connection, a_case: Any
) -> None:
    """A worker locks the events that it runs, then cases: a dismissal at the same time passes them by."""
    import psycopg

    case_id, events = a_case(2)
    conn.execute("UPDATE events SET status = 'running', due_at = now() WHERE id = %s", (events[0],))
    conn.commit()
    with psycopg.connect(database_url) as worker:
        worker.execute("SELECT id FROM events WHERE id = %s FOR UPDATE", (events[0],))
        conn.execute("SET lock_timeout = '500ms'")

        cases.dismiss(conn, case_id, who="Rhea", reason="no")


@pytest.mark.parametrize("action", ["acknowledge", "assign", "snooze", "resolve", "dismiss", "edit", "accept"])
def test_nothing_is_done_to_a_closed_or_missing_case(conn: Connection, a_case: Any, action: str) -> None:
    """Closed cases answer with how they were closed, missing ones with their id."""
    case_id, _ = a_case()
    cases.dismiss(conn, case_id, who="Rhea", reason="closed for good")

    with pytest.raises(cases.CaseClosed, match="dismissed, by Rhea: closed for good"):
        do(conn, action, case_id)
    with pytest.raises(cases.CaseNotFound):
        do(conn, action, keys.new_id())


@pytest.mark.parametrize("action", ["acknowledge", "assign", "snooze", "resolve", "dismiss", "edit", "accept"])
@pytest.mark.parametrize(
    ("who", "reason"),
    [("", "x"), ("Rhea", "  "), ("Rhea", "x\x00"), ("\ud800", "x"), ("R" * 81, "x"), ("R", "x" * 2001)],
)
def test_nothing_is_done_without_a_name_and_a_reason(
    conn: Connection, a_case: Any, action: str, who: str, reason: str
) -> None:
    """Empty, unstorable and endless texts are refused before anything is looked at."""
    case_id, _ = a_case()
    with pytest.raises(cases.ReasonMissing):
        do(conn, action, case_id, who=who, reason=reason)
    assert the_case(conn, case_id)["status"] == "open"


def do(conn: Connection, action: str, case_id: UUID, *, who: str = "Rhea", reason: str = "because") -> None:
    """Any of the actions with plausible arguments."""
    signed: dict[str, Any] = {"who": who, "reason": reason}
    match action:
        case "assign":
            cases.assign(conn, case_id, to="marek", **signed)
        case "snooze":
            cases.snooze(conn, case_id, until=clock.now() + timedelta(hours=1), **signed)
        case "edit":
            cases.edit(conn, case_id, None, "{}", **signed)
        case "accept":
            cases.accept(conn, case_id, None, **signed)
        case _:
            getattr(cases, action)(conn, case_id, **signed)
