"""Workers and people at the same cases at the same time: no deadlock, and nothing that nobody waits for."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from counterfoil import clock, database
from counterfoil.ledger import claim, finish
from exceptions_queue import cases, escalation, replay

Connection = database.Connection

SIGNED: dict[str, Any] = {"who": "Rhea", "reason": "because"}

#: P4 as a query: events that neither ended, nor will move by themselves, nor stand in a live case.
LOST = """
SELECT e.id, e.status FROM events e WHERE e.status NOT IN ('done', 'ignored', 'superseded') AND e.due_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_events m JOIN cases c ON c.id = m.case_id
                  WHERE m.event_id = e.id AND m.cleared_at IS NULL AND c.id = e.case_id
                    AND c.status IN ('open', 'acknowledged', 'snoozed'))
"""


def work(chance: random.Random, conn: Connection) -> None:
    """One group of a worker: half of it fails in one of three ways, half goes through."""
    group = claim.claim(conn, limit=12, lease_seconds=30)
    with conn.transaction():
        held = finish.hold(conn, [(event.id, event.fence) for event in group])
        mine = [event for event in group if event.id in held]
        failing = {event.id: chance.choice(["a", "b", "c"]) for event in mine if chance.random() < 0.5}
        opened = cases.open_many(conn, [cases.Incident(one, "handler_bug", rule=rule) for one, rule in failing.items()])
        cases.clear(conn, [event.id for event in mine if event.id not in failing and event.case_id], actor="engine")
        finish.settle(
            conn,
            [
                finish.Settled(
                    event.id,
                    event.fence,
                    "exception" if event.id in failing else "done",
                    case_id=opened.get(event.id),
                    ended=event.id not in failing,
                )
                for event in mine
            ],
        )


def act(chance: random.Random, conn: Connection) -> None:
    """One change of a person (or of the sweeper) at whatever case or event is there."""
    live = conn.execute("SELECT id FROM cases WHERE status IN ('open', 'acknowledged', 'snoozed')").fetchall()
    resting = conn.execute("SELECT id FROM events WHERE status IN ('exception', 'ignored', 'done')").fetchall()
    conn.commit()
    with conn.transaction():
        try:
            match chance.randrange(6):
                case 0 if live:
                    cases.dismiss(conn, chance.choice(live)["id"], **SIGNED)
                case 1 if live:
                    cases.acknowledge(conn, chance.choice(live)["id"], **SIGNED)
                case 2 if live:
                    until = clock.now() + timedelta(hours=1)
                    cases.snooze(conn, chance.choice(live)["id"], until=until, **SIGNED)
                case 3 if live:
                    cases.resolve(conn, chance.choice(live)["id"], **SIGNED)
                case 4 if resting:
                    replay.replay_event(conn, chance.choice(resting)["id"], from_step="start", **SIGNED)
                case _:
                    escalation.run_once(conn)
                    replay.advance(conn)
        except cases.Refused:
            pass


def test_workers_and_people_never_deadlock_and_lose_nothing(
    database_url: str, conn: Connection, an_event: Callable[..., UUID]
) -> None:
    """P4: four workers and four people, every order of locks that there is; afterwards each event has somebody.

    Remove the lock in `get_live`, or take the events before the case in `dismiss`, and events are lost or stuck.
    """
    events = [an_event("queued", due_at=clock.now()) for _ in range(60)]
    job = replay.plan_replay(conn, {"source": "stripe"}, from_step="start", **SIGNED)
    replay.start(conn, job, **SIGNED)
    conn.commit()
    problems: list[BaseException] = []

    def repeat(seed: int, turn: Callable[[random.Random, Connection], None], turns: int) -> None:
        chance = random.Random(seed)
        try:
            with database.connect() as mine:
                for _ in range(turns):
                    turn(chance, mine)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=repeat, args=(seed, work, 20)) for seed in range(4)]
    threads += [threading.Thread(target=repeat, args=(seed, act, 25)) for seed in range(4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)

    assert [problem for problem in problems if isinstance(problem, psycopg.errors.DeadlockDetected)] == []
    assert problems == []
    assert conn.execute("SELECT count(*) AS n FROM events").fetchone() == {"n": len(events)}
    assert conn.execute(LOST).fetchall() == []


def test_a_case_closes_itself_when_its_last_event_goes_through(conn: Connection, an_event: Any) -> None:
    """The whole way: failed, in a case, replayed, gone through, resolved; a second failure is a second case."""
    event_id = an_event("queued", due_at=clock.now())
    chance = random.Random()
    chance.random = lambda: 0.0  # type: ignore[method-assign]
    work(chance, conn)
    [case] = conn.execute("SELECT * FROM cases").fetchall()
    assert (case["status"], case["events"]) == ("open", 1)

    replay.replay_event(conn, event_id, from_step="start", **SIGNED)
    chance.random = lambda: 0.9  # type: ignore[method-assign]
    conn.commit()
    work(chance, conn)

    [case] = conn.execute("SELECT * FROM cases").fetchall()
    assert (case["status"], case["closed_by"]) == ("resolved", "replay")
    assert conn.execute("SELECT status, case_id FROM events").fetchall() == [{"status": "done", "case_id": None}]
