"""Leases and order: who holds an event, who may not any more, and which comes first."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from counterfoil import database
from counterfoil.ledger.claim import Claimed, claim, renew
from engine.pipeline import Pipeline
from engine.worker import Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


def _claim(limit: int = 100, lease_seconds: float = 60) -> list[Claimed]:
    with database.connect() as conn:
        return claim(conn, limit=limit, lease_seconds=lease_seconds)


def _expire(event_id: UUID) -> None:
    with database.connect() as conn:
        conn.execute("UPDATE events SET lease_until = now() - interval '1 second' WHERE id = %s", (event_id,))


def test_a_claimed_event_is_nobody_elses(an_event: An) -> None:
    """A second claim finds nothing while the lease holds."""
    an_event("contact.creation", 1)
    assert len(_claim()) == 1
    assert _claim() == []


def test_only_the_claim_may_be_lost_in_a_crash(an_event: An) -> None:
    """It does not wait for the disk; whatever the same connection commits afterwards does.

    Set `synchronous_commit` for the session and this fails: a confirmed write could be gone after a power cut.
    """
    an_event("contact.creation", 1)
    with database.connect(autocommit=True) as conn:
        assert len(claim(conn, limit=1, lease_seconds=60)) == 1
        assert conn.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": "on"}


def test_two_who_hold_one_fence_write_once(an_event: An, pipeline: Pipeline, look: Look) -> None:
    """A crash of Postgres lost the claim of somebody who lives on, and the next claim got the same fence.

    Hold events by their fence alone, in whatever state they are, and this fails: the second run is recorded as well.
    """
    an_event("contact.creation", 1)
    (first,) = _claim()
    with database.connect() as conn:
        conn.execute("UPDATE events SET status = 'queued', fence = 0, attempts = 0, lease_until = NULL")
    (second,) = _claim()
    assert first.fence == second.fence
    with database.connect(autocommit=True) as conn:
        passes = [pipeline.walk(one) for one in (first, second)]
        assert [len(pipeline.commit(conn, [one], worker="w")) for one in passes] == [1, 0]
    assert [row["n"] for row in look("SELECT count(*) AS n FROM runs UNION ALL SELECT count(*) FROM writes")] == [1, 1]


def test_a_lost_lease_is_taken_over_and_counted_as_a_crash(an_event: An) -> None:
    """The next claim gets a new fence and knows that somebody vanished."""
    event_id = an_event("contact.creation", 1)
    (first,) = _claim()
    _expire(event_id)
    (second,) = _claim()
    assert (second.fence, second.crashes, second.attempts) == (first.fence + 1, 1, 2)


def test_suspects_travel_alone(an_event: An) -> None:
    """After a crash each event of the lost group is claimed by itself, so that a poisonous one meets no innocents."""
    ids = [an_event("contact.creation", number) for number in range(4)]
    assert len(_claim()) == 4
    for event_id in ids:
        _expire(event_id)
    an_event("contact.creation", 99)
    assert [len(_claim()) for _ in range(6)] == [1, 1, 1, 1, 1, 0]


def test_a_late_result_is_refused_by_the_fence(an_event: An, pipeline: Pipeline, look: Look) -> None:
    """P5, P3: a worker that froze beyond its lease writes nothing. Remove the fence from `hold` and this fails."""
    event_id = an_event("contact.creation", 1)
    (frozen,) = _claim()
    late = pipeline.walk(frozen)
    _expire(event_id)
    (taken,) = _claim()
    with database.connect() as conn:
        assert pipeline.commit(conn, [late], worker="frozen") == []
    assert look("SELECT * FROM writes") == []
    with database.connect() as conn:
        assert len(pipeline.commit(conn, [pipeline.walk(taken)], worker="other")) == 1
    assert len(look("SELECT * FROM writes")) == 1


def test_renewing_keeps_only_what_is_still_ours(an_event: An) -> None:
    """A heartbeat under an old fence renews nothing."""
    event_id = an_event("contact.creation", 1)
    (first,) = _claim()
    _expire(event_id)
    (second,) = _claim()
    with database.connect() as conn:
        assert renew(conn, [(event_id, first.fence)], lease_seconds=60) == set()
        assert renew(conn, [(event_id, second.fence)], lease_seconds=60) == {event_id}


def test_events_of_one_subject_are_in_one_hand_in_the_order_of_their_time(an_event: An) -> None:
    """Arrival says nothing; whoever has one of a subject has all that is due of it, and nobody else gets any."""
    late = an_event("deal.propertyChange", 1, at=20)
    early = an_event("deal.propertyChange", 1, at=10)
    other = an_event("deal.propertyChange", 2, at=30)
    assert [one.id for one in _claim()] == [early, late, other]
    an_event("deal.propertyChange", 1, at=5)
    an_event("deal.propertyChange", 1, at=40)
    assert _claim() == []


def test_after_a_crash_the_order_of_a_subject_still_holds(an_event: An) -> None:
    """Suspects travel alone, and the next of the same subject waits until the one before it has ended."""
    late = an_event("deal.propertyChange", 1, at=20)
    early = an_event("deal.propertyChange", 1, at=10)
    assert len(_claim()) == 2
    _expire(late)
    _expire(early)
    assert [one.id for one in _claim()] == [early]
    assert _claim() == []


def test_what_is_due_beyond_the_page_holds_up_what_comes_after_it(an_event: An) -> None:
    """P10: a claim that looks at two events must not take one that a third, earlier one has to come before."""
    third = an_event("deal.propertyChange", 1, at=30)
    second = an_event("deal.propertyChange", 1, at=20)
    first = an_event("deal.propertyChange", 1, at=10)
    assert [[one.id for one in _claim(limit=2)] for _ in range(2)] == [[first, second], []]
    assert third not in {one.id for one in _claim()}


def test_an_older_event_does_not_overwrite_a_newer_one(an_event: An, worker: Worker, look: Look) -> None:
    """P10: the staleness guard. Remove the comparison in `advance_subjects` and this fails."""
    an_event("deal.propertyChange", 1, at=20, value="new")
    while worker.run_once():
        pass
    an_event("deal.propertyChange", 1, at=10, value="old")
    while worker.run_once():
        pass
    states = {row["occurred_at"].second: row["status"] for row in look("SELECT occurred_at, status FROM events")}
    assert states == {20: "done", 10: "superseded"}
    assert len(look("SELECT * FROM writes")) == 1


def test_the_end_state_of_a_tie_does_not_depend_on_arrival(an_event: An, worker: Worker, look: Look) -> None:
    """Two changes in one second: whichever comes first, the greater key is the one that stays."""
    for deal, order in ((1, ("a", "b")), (2, ("b", "a"))):
        for value in order:
            an_event("deal.propertyChange", deal, at=10, value=value)
            while worker.run_once():
                pass
    newest = look("SELECT subject, event_key FROM subject_states ORDER BY subject")
    assert [row["event_key"][-1] for row in newest] == ["b", "b"]


def test_after_five_crashes_an_event_is_a_case(an_event: An, worker: Worker, look: Look) -> None:
    """A poisonous event ends on a desk, not in a circle. Remove the crash count from the claim and this fails."""
    event_id = an_event("contact.creation", 1)
    for _ in range(5):
        assert len(_claim()) == 1
        _expire(event_id)
    worker.run_once()
    (case,) = look("SELECT * FROM cases")
    assert case["failure_class"] == "run_stuck"
    assert look("SELECT * FROM writes") == []


@pytest.mark.parametrize("analysed", [True, False])
def test_a_claim_reads_what_it_takes_however_long_the_backlog(
    conn: database.Connection, rows_read: Callable[[], int], analysed: bool
) -> None:
    """Statistics of a quiet moment, or none yet, then 5,000 events fall due: a claim of 100 looks at few hundred rows.

    Analysed, it fails without the ORDER BY in the look at the subject, and without the coalesce around `due_at` in the
    UPDATE; never analysed, it fails when sorting is allowed.
    """
    conn.execute("ALTER TABLE events SET (autovacuum_enabled = off)")
    if analysed:
        conn.execute("INSERT INTO events (id, source, provider, key, type)"
                     " SELECT gen_random_uuid(), 's', 's', n::text, 't' FROM generate_series(1, 2000) n")  # fmt: skip
        conn.execute("ANALYZE events")
    conn.execute("INSERT INTO events (id, source, provider, key, type, subject, due_at)"
                 " SELECT gen_random_uuid(), 's', 's', n::text, 't', n::text, now()"
                 " FROM generate_series(5001, 10000) n")  # fmt: skip
    conn.execute("INSERT INTO payloads (event_id, version, body) SELECT id, 0, '{}' FROM events")
    conn.commit()
    assert len(claim(conn, limit=100, lease_seconds=60)) == 100
    before = rows_read()
    assert len(claim(conn, limit=100, lease_seconds=60)) == 100
    assert rows_read() - before < 1_000
