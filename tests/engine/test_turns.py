"""Many events of one subject: together where that is safe, one after the other always."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from counterfoil import database
from counterfoil.ledger import finish
from counterfoil.ledger.claim import Claimed, claim
from engine.passing import Pass
from engine.turns import told_apart
from engine.worker import GROUP_MAX, Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]

MANY = 10_000


def _work(worker: Worker) -> int:
    """Everything that is due; returns how many groups it took."""
    groups = 0
    while worker.run_once():
        groups += 1
    return groups


def test_ten_thousand_events_of_one_subject_end_in_order_at_a_small_cost_each(
    conn: database.Connection,
    worker: Worker,
    look: Look,
    rows_read: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Groups, not claims of one: 79 of them, and a claim looks at fewer than 200 rows for each event that it gives."""
    conn.execute(
        "INSERT INTO events (id, source, provider, key, type, subject, occurred_at, due_at)"
        " SELECT gen_random_uuid(), 'hubspot', 'hubspot', n::text, 'deal.merge', 'hubspot:1:deal:1',"
        "        now() - make_interval(secs => %(many)s - n), now() FROM generate_series(1, %(many)s) AS n",
        {"many": MANY},
    )
    conn.execute("INSERT INTO payloads (event_id, version, body) SELECT id, 0, '{}' FROM events")
    conn.commit()
    before = rows_read()
    group = claim(conn, limit=GROUP_MAX, lease_seconds=60)
    assert len(group) == GROUP_MAX
    assert rows_read() - before < 200 * GROUP_MAX
    finish.give_back(conn, [(event.id, event.fence) for event in group])
    conn.commit()
    walked: list[str] = []
    real = worker.pipeline.walk

    def walk(event: Claimed, **how: bool) -> Pass:
        walked.append(event.key)
        return real(event, **how)

    monkeypatch.setattr(worker.pipeline, "walk", walk)
    assert _work(worker) == math.ceil(MANY / GROUP_MAX)
    assert walked == [str(n) for n in range(1, MANY + 1)]
    assert look("SELECT status, count(*) AS n FROM events GROUP BY 1") == [{"status": "ignored", "n": MANY}]


def test_what_waits_for_its_time_holds_up_the_next_of_its_subject(
    an_event: An, worker: Worker, look: Look, conn: database.Connection
) -> None:
    """The follower goes back as it came, no attempt counted. Walk on regardless and it is done before its time."""
    first = an_event("deal.deletion", 1, at=10)
    an_event("deal.propertyChange", 1, at=20)
    _work(worker)
    assert look("SELECT status, attempts, lease_until FROM events ORDER BY occurred_at") == [
        {"status": "waiting", "attempts": 1, "lease_until": None},
        {"status": "queued", "attempts": 0, "lease_until": None},
    ]
    conn.execute("UPDATE events SET status = 'ignored', due_at = NULL WHERE id = %s", (first,))
    conn.commit()
    _work(worker)
    assert look("SELECT status, attempts FROM events WHERE id <> %s", first) == [{"status": "done", "attempts": 1}]


def test_a_group_keeps_the_newest_of_a_subject_whatever_the_order(an_event: An, worker: Worker, look: Look) -> None:
    """P10: three changes of one deal in one claim, two of them in the same second: each is judged after the other."""
    an_event("deal.propertyChange", 1, at=20, value="b")
    an_event("deal.propertyChange", 1, at=20, value="a")
    an_event("deal.propertyChange", 1, at=10, value="x")
    assert _work(worker) == 1
    newest = look("SELECT event_key FROM subject_states")
    assert [row["event_key"][-1] for row in newest] == ["b"]
    assert {row["status"] for row in look("SELECT status FROM events WHERE key LIKE '%%/b' OR key LIKE '%%/x'")} == {
        "done"
    }


def test_at_most_one_event_of_a_subject_walks_in_a_thread_and_then_no_other() -> None:
    """Threads commit when they like; whatever comes after must wait. Forget `closed` and the order is lost."""
    group = [_event(n, subject, kind) for n, (subject, kind) in enumerate(
        [("a", "pure"), ("a", "asks"), ("a", "pure"), ("b", "asks"), ("b", "asks"), ("c", "pure"), (None, "asks")]
    )]  # fmt: skip
    here, apart, later = told_apart(group, lambda event: event.type == "asks")
    assert [[event.fence for event in part] for part in (here, apart, later)] == [[0, 5], [3, 6], [1, 2, 4]]


def _event(number: int, subject: str | None, kind: str) -> Claimed:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Claimed(
        id=UUID(int=number), source="s", provider="s", key=str(number), type=kind, subject=subject, occurred_at=moment,
        received_at=moment, api_version=None, form="full", fault=None, generation=0, attempts=1, crashes=0,
        fence=number, case_id=None, replay_id=None, body="{}",
    )  # fmt: skip


def test_what_is_held_up_holds_up_nothing_else(an_event: An, conn: database.Connection) -> None:
    """P4: a page full of events that wait for an earlier one of their subject; what comes behind them is found."""
    first = an_event("deal.propertyChange", 1, at=0)
    for number in range(40):
        an_event("deal.propertyChange", 1, at=10 + number)
    other = an_event("deal.propertyChange", 2, at=99)
    conn.execute("UPDATE events SET due_at = now() + interval '1 hour' WHERE id = %s", (first,))
    conn.commit()
    assert [one.id for one in claim(conn, limit=4, lease_seconds=60)] == [other]


def test_of_effects_with_one_key_in_one_group_the_earliest_has_it(an_event: An, worker: Worker, look: Look) -> None:
    """P3: the same key with other content is for a person, and it is the later one that is."""
    for at in range(6):
        an_event("contact.propertyChange", 7, at=at, value=str(100 + at))
    assert _work(worker) == 1
    found = look("SELECT status FROM events ORDER BY occurred_at")
    assert [row["status"] for row in found] == ["done", *["exception"] * 5]
    assert look("SELECT amount_minor FROM writes") == [{"amount_minor": 100}]
