"""The plan of a replay: what a filter selects, in which order, counted before anything moves."""

from typing import Any
from uuid import UUID

import pytest

from counterfoil import database, keys
from exceptions_queue import cases, replay

Connection = database.Connection
SIGNED: dict[str, Any] = {"who": "Rhea", "reason": "handler repaired"}


def test_a_plan_counts_and_moves_nothing(conn: Connection, many_events: Any) -> None:
    """Events, states, blocked money per currency, what is written already, approvals; queued ones stay out."""
    blocked, done = many_events(3), many_events(2, "done")
    many_events(4, "queued")
    incidents = [cases.Incident(one, "handler_bug", amount_minor=500, currency="EUR") for one in blocked]
    cases.open_many(conn, incidents)
    for number, event_id in enumerate(done):
        conn.execute(
            "INSERT INTO writes (id, key, destination, operation, status, digest, event_id, amount_minor, currency)"
            " VALUES (%s, %s, 'books', 'post_entry', %s, 'd', %s, 700, 'USD')",
            (keys.new_id(), f"w{number}", ("confirmed", "planned")[number], event_id),
        )
    conn.execute("UPDATE writes SET status = 'awaiting_approval', approvals_needed = 1 WHERE status = 'planned'")
    before = conn.execute("SELECT * FROM events ORDER BY id").fetchall()
    planned = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)

    shown = replay.progress(conn, planned)
    assert shown["status"] == "planned"
    assert shown["plan"] == {
        "events": 5,
        "by_status": {"done": 2, "exception": 3},
        "money": [{"amount_minor": 1500, "currency": "EUR"}],
        "written": [{"destination": "books", "writes": 1, "amount": {"amount_minor": 700, "currency": "USD"}}],
        "approvals": 1,
        "left_out": {"queued": 4},
    }
    assert shown["items"]["planned"] == shown["total"] == 5
    assert conn.execute("SELECT * FROM events ORDER BY id").fetchall() == before


FILTERS: dict[str, Any] = {
    "class": "handler_bug",
    "source": "hubspot",
    "type": "deal.creation",
    "handler": "deal_closed_won",
    "status": "ignored",
    "subject": "hubspot:7",
    "since": "2026-02-01T00:00:00Z",
    "until": "2026-01-01T00:00:00Z",
}


@pytest.mark.parametrize("member", FILTERS)
def test_each_member_of_a_filter_narrows(conn: Connection, an_event: Any, member: str) -> None:
    """Of two events that differ in this only, one is found."""
    column = {"class": "handler", "since": "received_at", "until": "received_at"}.get(member, member)
    value = {"since": "2026-02-02T00:00:00Z", "until": "2025-12-31T00:00:00Z"}.get(member, FILTERS[member])
    usual = {"received_at": "2026-01-15T00:00:00Z", "subject": "stripe:in_1", "handler": "invoice_paid"}
    status = value if member == "status" else "exception"
    wanted = an_event(status, **{**usual, **({} if member in ("class", "status") else {column: value})})
    other = an_event("exception", **usual)
    for event_id, code in ((wanted, "handler_bug"), (other, "run_stuck")):
        cases.open_many(conn, [cases.Incident(event_id, code)])

    assert _chosen(conn, {member: FILTERS[member]}) == [wanted]
    assert _chosen(conn, {member: FILTERS[member], "source": "nobody"}) == []


def _chosen(conn: Connection, wanted: dict[str, Any]) -> list[UUID]:
    planned = replay.plan_replay(conn, wanted, from_step="start", **SIGNED)
    rows = conn.execute(
        "SELECT event_id FROM replay_items WHERE replay_id = %s ORDER BY position", (planned,)
    ).fetchall()
    return [row["event_id"] for row in rows]


def test_a_case_means_what_it_blocks_and_with_a_state_what_it_ever_held(conn: Connection, many_events: Any) -> None:
    """What went through is not run again by accident; what was dismissed by mistake can be found."""
    events = many_events(3)
    opened = cases.open_many(conn, [cases.Incident(one, "handler_bug") for one in events])
    case = {"case": str(opened[events[0]])}
    cases.clear(conn, events[:1], actor="engine")
    assert _chosen(conn, case) == events[1:]
    assert _chosen(conn, {**case, "ids": [str(events[2])]}) == events[2:]

    cases.dismiss(conn, opened[events[0]], **SIGNED)
    assert _chosen(conn, case) == []
    assert _chosen(conn, {**case, "status": "ignored"}) == events[1:]


def test_what_happened_first_runs_first(conn: Connection, an_event: Any) -> None:
    """Items stand in the order of the business, not of arrival."""
    late = an_event(occurred_at="2026-03-01T00:00:00Z")
    early = an_event(occurred_at="2026-01-01T00:00:00Z")
    assert _chosen(conn, {"source": "stripe"}) == [early, late]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"colour": "red"},
        {"status": "sideways"},
        {"case": "no uuid"},
        {"ids": []},
        {"ids": ["x"]},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"source": None},
    ],
)
def test_a_filter_that_is_none_is_refused(conn: Connection, wanted: dict[str, Any]) -> None:
    """Misspelt or empty never means everything."""
    with pytest.raises(replay.FilterRefused):
        replay.plan_replay(conn, wanted, from_step="start", **SIGNED)


def test_a_replay_without_end_is_refused(conn: Connection, many_events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than can be stopped in time must be narrowed down."""
    from exceptions_queue.replay import plan

    monkeypatch.setattr(plan, "EVENTS_MAX", 5)
    many_events(6)
    with pytest.raises(replay.FilterRefused, match="more than 5"):
        replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
