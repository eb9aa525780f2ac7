"""Replay: back to the entrance, one or many; portions, progress, cancel; nothing moves that must not."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from counterfoil import database, keys
from exceptions_queue import cases, replay

Connection = database.Connection

SIGNED: dict[str, Any] = {"who": "Rhea", "reason": "handler repaired"}


def the_event(conn: Connection, event_id: UUID) -> dict[str, Any]:
    """The event's row."""
    row = conn.execute("SELECT * FROM events WHERE id = %s", (event_id,)).fetchone()
    assert row is not None
    return row


@pytest.fixture
def many_events(conn: Connection) -> Callable[..., list[UUID]]:
    """A factory of many resting events in one statement, oldest first."""

    def make(count: int, status: str = "exception", **columns: Any) -> list[UUID]:
        ids = sorted(keys.new_id() for _ in range(count))
        values = {
            "source": "stripe",
            "provider": "stripe",
            "type": "invoice.paid",
            "handler": "invoice_paid",
            **columns,
        }
        conn.execute(
            f"INSERT INTO events (id, key, status, {', '.join(values)})"
            f" SELECT id, id::text, %(status)s, {', '.join(f'%({name})s' for name in values)}"
            " FROM unnest(%(ids)s::uuid[]) AS e(id)",
            {**values, "ids": ids, "status": status},
        )
        conn.commit()
        return ids

    return make


@pytest.mark.parametrize("status", ["exception", "waiting", "done", "ignored", "superseded"])
@pytest.mark.parametrize(("from_step", "generation"), [("start", 3), ("failed_step", 2)])
def test_an_event_goes_back_to_the_entrance(
    conn: Connection, an_event: Any, status: str, from_step: Any, generation: int
) -> None:
    """Queued, due now, attempts and crashes forgotten; `failed_step` keeps the generation and so the checkpoints."""
    event_id = an_event(status, generation=2, attempts=4, crashes=2)
    assert replay.replay_event(conn, event_id, from_step=from_step, **SIGNED) == generation

    row = the_event(conn, event_id)
    assert (row["status"], row["generation"], row["attempts"], row["crashes"]) == ("queued", generation, 0, 0)
    assert row["due_at"] is not None
    entry = conn.execute("SELECT * FROM audit_entries").fetchone()
    assert entry is not None
    assert (entry["lane"], entry["actor"], entry["action"]) == ("desk", "Rhea", "event.replayed")
    assert "handler repaired" in entry["detail"]


def test_a_running_event_is_left_to_its_worker(conn: Connection, an_event: Any) -> None:
    """Two runs of one event at a time would race for its writes."""
    event_id = an_event("running")
    with pytest.raises(replay.EventRunning):
        replay.replay_event(conn, event_id, from_step="start", **SIGNED)
    with pytest.raises(replay.EventNotFound):
        replay.replay_event(conn, keys.new_id(), from_step="start", **SIGNED)


def test_asking_twice_runs_it_once(conn: Connection, an_event: Any) -> None:
    """A second click, or an event that waits for its retry, only makes it due now."""
    event_id = an_event("exception", generation=1)
    assert replay.replay_event(conn, event_id, from_step="start", **SIGNED) == 2
    conn.execute("UPDATE events SET due_at = now() + interval '4 h', attempts = 3 WHERE id = %s", (event_id,))
    assert replay.replay_event(conn, event_id, from_step="start", **SIGNED) == 2

    row = conn.execute("SELECT due_at <= now() AS due, attempts FROM events").fetchone()
    assert row == {"due": True, "attempts": 3}


def test_a_race_of_replays_makes_one_generation(conn: Connection, an_event: Any) -> None:
    """Eight people press the button at once."""
    event_id = an_event("exception")
    seen: list[int] = []

    def press() -> None:
        with database.transaction() as mine:
            seen.append(replay.replay_event(mine, event_id, from_step="start", **SIGNED))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert seen == [1] * 8
    assert the_event(conn, event_id)["generation"] == 1


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
            (keys.new_id(), f"w{number}", ("confirmed", "awaiting_approval")[number], event_id),
        )
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


def finish(conn: Connection, event_ids: list[UUID], status: str = "done") -> None:
    """What a worker would do."""
    conn.execute(
        "UPDATE events SET status = %s, due_at = NULL, outcome = 'so it went' WHERE id = ANY(%s)", (status, event_ids)
    )


def queued(conn: Connection) -> list[UUID]:
    """Events at the entrance, oldest first."""
    rows = conn.execute("SELECT id FROM events WHERE status = 'queued' ORDER BY id").fetchall()
    return [row["id"] for row in rows]


def test_a_replay_runs_in_portions_until_every_item_has_its_outcome(conn: Connection, many_events: Any) -> None:
    """Two hundred at a time; the next only as the ones before come to rest; failures are listed with their reason."""
    events = many_events(450)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    assert replay.advance(conn) == {}
    replay.start(conn, job, **SIGNED)

    assert replay.advance(conn)["queued"] == 200
    assert queued(conn) == events[:200]
    assert replay.advance(conn)["queued"] == 0, "the portion is full"
    finish(conn, events[:150])
    counts = replay.advance(conn)
    assert (counts["settled"], counts["queued"]) == (150, 150)
    finish(conn, events[150:350])
    assert replay.advance(conn)["queued"] == 100
    finish(conn, events[350:449])
    finish(conn, events[449:], "exception")
    assert replay.advance(conn)["finished"] == 1

    shown = replay.progress(conn, job)
    assert shown["status"] == "finished"
    assert shown["items"] == {"planned": 0, "queued": 0, "done": 449, "failed": 1, "skipped": 0}
    assert shown["failures"] == [{"event_id": events[449], "detail": "exception: so it went"}]
    rows = conn.execute("SELECT DISTINCT generation, replay_id FROM events").fetchall()
    assert rows == [{"generation": 1, "replay_id": job}]
    entries = conn.execute("SELECT action, count(*) AS n FROM audit_entries GROUP BY action").fetchall()
    assert {row["action"]: row["n"] for row in entries} == {
        "replay.planned": 1,
        "replay.started": 1,
        "event.replayed": 450,
        "replay.finished": 1,
    }


def test_from_the_failed_step_keeps_the_generation(conn: Connection, many_events: Any) -> None:
    """Checkpoints hold: nothing is asked or paid for twice."""
    many_events(3, generation=4)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="failed_step", **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.advance(conn)
    assert conn.execute("SELECT DISTINCT generation FROM events").fetchall() == [{"generation": 4}]


def test_an_event_that_waits_for_its_retry_holds_nobody_up(conn: Connection, many_events: Any) -> None:
    """Queued for later is not under way; the portion is filled with others."""
    events = many_events(201)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.advance(conn)
    conn.execute("UPDATE events SET due_at = now() + interval '1 h' WHERE id = %s", (events[0],))
    assert replay.advance(conn)["queued"] == 1


def test_an_event_that_moves_already_is_only_watched(conn: Connection, many_events: Any) -> None:
    """Somebody was quicker between plan and start: no second generation, but an outcome all the same."""
    events = many_events(2)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    conn.execute("UPDATE events SET status = 'running' WHERE id = %s", (events[0],))
    replay.start(conn, job, **SIGNED)
    assert replay.advance(conn)["queued"] == 1
    assert [the_event(conn, one)["generation"] for one in events] == [0, 1]
    finish(conn, events)
    assert replay.advance(conn)["finished"] == 1


def test_a_cancelled_replay_leaves_what_is_queued_and_touches_nothing_more(conn: Connection, many_events: Any) -> None:
    """Queued stays queued and is still watched; the rest is skipped."""
    events = many_events(250)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.advance(conn)
    replay.cancel(conn, job, **SIGNED)
    assert replay.advance(conn).get("queued", 0) == 0
    assert len(queued(conn)) == 200
    finish(conn, events[:200])
    replay.advance(conn)

    shown = replay.progress(conn, job)
    assert shown["status"] == "cancelled"
    assert shown["items"] == {"planned": 0, "queued": 0, "done": 200, "failed": 0, "skipped": 50}
    with pytest.raises(replay.ReplayEnded, match="cancelled"):
        replay.cancel(conn, job, **SIGNED)
    with pytest.raises(replay.ReplayNotPlanned, match="cancelled"):
        replay.start(conn, job, **SIGNED)


def test_a_replay_that_is_none_is_not_found(conn: Connection) -> None:
    """Every function that names one says so."""
    for act in (replay.start, replay.cancel):
        with pytest.raises(replay.ReplayNotFound):
            act(conn, keys.new_id(), **SIGNED)
    with pytest.raises(replay.ReplayNotFound):
        replay.progress(conn, keys.new_id())


def test_a_replay_of_nothing_finishes(conn: Connection) -> None:
    """An empty plan is an answer, not a fault."""
    job = replay.plan_replay(conn, {"source": "nobody"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    assert replay.advance(conn)["finished"] == 1


def test_two_sweepers_share_the_replays(database_url: str, conn: Connection, many_events: Any) -> None:
    """One holds the job, the other passes it by: nothing is sent twice."""
    many_events(10)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    conn.commit()
    with database.connect() as other:
        other.execute("SET lock_timeout = '1s'")
        assert replay.advance(conn)["queued"] == 10
        assert replay.advance(other) == {}
        conn.commit()
        assert replay.advance(other).get("queued", 0) == 0
    assert conn.execute("SELECT DISTINCT generation FROM events").fetchall() == [{"generation": 1}]


@pytest.mark.parametrize("reason", ["", " ", "\x00"])
def test_nothing_is_replayed_without_a_reason(conn: Connection, an_event: Any, reason: str) -> None:
    """Who and why stand in the audit for ever, so they must be there."""
    event_id = an_event()
    with pytest.raises(cases.ReasonMissing):
        replay.replay_event(conn, event_id, from_step="start", who="Rhea", reason=reason)
    with pytest.raises(cases.ReasonMissing):
        replay.plan_replay(conn, {"source": "stripe"}, from_step="start", who="Rhea", reason=reason)
