"""Replay: back to the entrance, one or many; portions, progress, cancel; nothing moves that must not."""

import threading
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
    with pytest.raises(replay.JobEnded, match="cancelled"):
        replay.cancel(conn, job, **SIGNED)
    with pytest.raises(replay.JobNotPlanned, match="cancelled"):
        replay.start(conn, job, **SIGNED)


def test_a_paused_replay_moves_nothing_and_goes_on_where_it_was(conn: Connection, many_events: Any) -> None:
    """What was queued comes to rest and is counted; not one event more is sent until somebody says so.

    Break it: let `advance` send for a job that is not running.
    """
    events = many_events(450)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    with pytest.raises(replay.JobNotRunning, match="planned"):
        replay.pause(conn, job, **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.advance(conn)
    replay.pause(conn, job, **SIGNED)
    finish(conn, events[:200])
    for _ in range(3):
        assert replay.advance(conn).get("queued", 0) == 0
    shown = replay.progress(conn, job)
    assert (shown["status"], shown["started_at"] is not None) == ("paused", True)
    assert shown["items"] == {"planned": 250, "queued": 0, "done": 200, "failed": 0, "skipped": 0}

    with pytest.raises(replay.JobNotPlanned, match="paused"):
        replay.start(conn, job, **SIGNED)
    replay.resume(conn, job, **SIGNED)
    with pytest.raises(replay.JobNotPaused, match="running"):
        replay.resume(conn, job, **SIGNED)
    assert replay.advance(conn)["queued"] == 200
    assert queued(conn) == events[200:400]
    finish(conn, events[200:400])
    replay.advance(conn)
    finish(conn, events[400:])
    assert replay.advance(conn)["finished"] == 1
    assert {the_event(conn, one)["generation"] for one in (events[0], events[449])} == {1}


def test_a_paused_replay_can_be_cancelled(conn: Connection, many_events: Any) -> None:
    """Whoever paused it to look decides that enough was seen."""
    many_events(3)
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    replay.pause(conn, job, **SIGNED)
    replay.cancel(conn, job, **SIGNED)
    assert replay.advance(conn) == {}
    assert replay.progress(conn, job)["items"]["skipped"] == 3


def test_a_replay_that_is_none_is_not_found(conn: Connection) -> None:
    """Every function that names one says so."""
    for act in (replay.start, replay.pause, replay.resume, replay.cancel):
        with pytest.raises(replay.JobNotFound):
            act(conn, keys.new_id(), **SIGNED)
    with pytest.raises(replay.JobNotFound):
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
