"""How far a destination can be reached: tokens that everybody shares, a share for replays, and the circuit breaker."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from stripe_api import Api
from taking_back import Inline, an_office

import destinations
from counterfoil import database
from counterfoil.database import Connection
from counterfoil.ledger import reach
from counterfoil.settings import settings
from engine import registry
from engine.pipeline import Pipeline
from engine.sending.sender import Sender
from engine.worker import Worker

RATE = 40.0


@pytest.fixture
def office(conn: Connection, stripe: Api) -> Iterator["Office"]:
    made = Office(conn, stripe)
    yield made
    made.worker.close()


class Office:
    """A worker and any number of senders, one round at a time; time passes when told to."""

    def __init__(self, conn: Connection, stripe: Api) -> None:
        self.conn, self.stripe = conn, stripe
        self.worker = Worker(Pipeline(registry.find("writers"), destinations.find(), crashes_max=5), settings())
        self.senders = [Sender(destinations.find(), settings(), Inline()) for _ in range(2)]

    def plan(self) -> None:
        """All events as far as their plans."""
        while self.worker.run_once():
            pass

    def send(self) -> None:
        """Until nothing moves at this moment."""
        while sum(sender.round(self.conn) for sender in self.senders):
            pass

    def send_for(self, seconds: int) -> None:
        """As a sender does whose tokens come back while time passes: what was found missing is sent a moment later."""
        for step in (1, 1, seconds - 2):
            self.send()
            self.pass_time(step)

    def pass_time(self, seconds: float) -> None:
        """What is kept in the ledger becomes older by so much."""
        self.stripe.clock.advance(seconds)
        age(self.conn, seconds)

    def requests(self, method: str = "*") -> int:
        return sum(method in ("*", entry.method) for entry in self.stripe.exchange.journal)


def age(conn: Connection, seconds: float) -> None:
    """Everything that the ledger knows of writes and destinations happened so much earlier."""
    with conn.transaction():
        for table, columns in (
            ("writes", ("due_at", "lease_until", "looked_at", "absent_at")),
            ("destination_states", ("filled_at", "look_at", "changed_at", "opened_at")),
        ):
            moved = ", ".join(f"{name} = {name} - make_interval(secs => %(s)s)" for name in columns)
            conn.execute(f"UPDATE {table} SET {moved}", {"s": seconds})


def state(look: Callable[..., Any]) -> dict[str, Any]:
    (found,) = look("SELECT * FROM destination_states WHERE destination = 'stripe'")
    return dict(found)


def test_workers_together_never_exceed_the_rate(database_url: str) -> None:
    """Six of them take what they can for 1.5 seconds: in any span no more than a burst and the rate over that span.

    Fails when the bucket is kept in a process, is read without its row locked, or is filled by the time at which a
    transaction began.
    """
    taken: list[tuple[float, int]] = []
    stop = time.monotonic() + 1.5
    with database.connect() as first:
        reach.fill(first, "stripe", RATE)
        first.commit()

    def work() -> None:
        with database.connect() as conn:
            while time.monotonic() < stop:
                with conn.transaction():
                    conn.execute("SELECT 1")
                    wanted = int(min(7, reach.fill(conn, "stripe", RATE).tokens))
                    reach.spend(conn, "stripe", max(wanted, 0))
                    (row,) = conn.execute("SELECT extract(epoch FROM clock_timestamp())::float8 AS at").fetchall()
                if wanted > 0:
                    taken.append((row["at"], wanted))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()
    assert sum(count for _, count in taken) > RATE
    for start, (begin, _) in enumerate(taken):
        total = 0
        for at, count in taken[start:]:
            total += count
            assert total <= reach.burst_of(RATE) + RATE * (at - begin) + 1, f"{total} within {at - begin:.3f} s"


def test_a_destination_that_says_too_much_rests(conn: Connection) -> None:
    """After `hold_back` nobody has a token until that time is over, whoever asks."""
    assert reach.fill(conn, "stripe", RATE).tokens == reach.burst_of(RATE)
    reach.hold_back(conn, "stripe", RATE, 2.0)
    assert reach.fill(conn, "stripe", RATE).tokens <= -RATE * 1.9
    conn.execute("UPDATE destination_states SET filled_at = filled_at - interval '2.5 s'")
    assert 0 < reach.fill(conn, "stripe", RATE).tokens < RATE


def test_replays_leave_the_road_to_what_is_live(
    office: Office, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """A thousand writes of a replay and five live ones: the live ones are among the first to go, the replay goes on.

    Fails when replays draw from the same tokens as everybody, or are starved by live writes.
    """
    rows = [an_event("contact.creation", number) for number in range(60)]
    with office.conn.transaction():
        (id,) = office.conn.execute(
            "INSERT INTO replays (id, status, filter, from_step, reason, author) SELECT gen_random_uuid(),"
            " 'finished', '{}', 'start', 'again', 'ines' RETURNING id"
        ).fetchall()
        office.conn.execute("UPDATE events SET replay_id = %s WHERE id = ANY(%s)", (id["id"], rows))
    office.plan()
    for number in range(100, 105):
        an_event("contact.creation", number)
    office.plan()
    office.senders[0].round(office.conn)
    sent = look("SELECT replayed, count(*) AS n FROM writes WHERE attempts > 0 GROUP BY replayed ORDER BY replayed")
    assert {row["replayed"]: row["n"] for row in sent} == {False: 5, True: 3}
    office.send()
    behind = look("SELECT count(*) AS n FROM writes WHERE attempts = 0")[0]["n"]
    assert behind > 40, "a replay has taken the burst that live writes need"
    for _ in range(60):
        office.pass_time(0.5)
        office.send()
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}


def test_the_breaker_opens_after_failures_in_a_row_and_asks_with_a_read(
    office: Office, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Four failures and an answer are no outage, five in a row are; then nothing but a GET goes out, one at a time."""
    an_event("contact.creation", 1)
    office.plan()
    with office.conn.transaction():
        reach.fill(office.conn, "stripe", RATE)
        for _ in range(reach.FAILURES_MAX - 1):
            assert reach.count(office.conn, "stripe", answers=0, failures=["no answer"]) is None
        assert reach.count(office.conn, "stripe", answers=1, failures=[]) == "recovered"
        for _ in range(reach.FAILURES_MAX - 1):
            assert reach.count(office.conn, "stripe", answers=0, failures=["no answer"]) is None
        assert reach.count(office.conn, "stripe", answers=0, failures=["no answer"]) == "opened"
        assert reach.count(office.conn, "stripe", answers=0, failures=["no answer"]) is None
    office.send()
    assert office.requests() == 0
    office.pass_time(reach.LOOK_SECONDS + 1)
    office.senders[0].round(office.conn)
    assert [entry.method for entry in office.stripe.exchange.journal] == ["GET"]
    assert state(look)["breaker"] == "half_open"
    office.senders[1].round(office.conn)
    assert office.requests() == 1, "two workers look at once"


def test_an_attempt_counts_once_however_many_requests_it_makes(
    office: Office, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """One write of two requests that nobody answers is one failure, not two; a refusal is none at all."""
    office.stripe.faults.down(True)
    an_event("contact.creation", 1)
    office.plan()
    office.senders[0].round(office.conn)
    office.senders[0].round(office.conn)
    assert (state(look)["failures"], state(look)["breaker"]) == (1, "closed")
    office.stripe.faults.clear()
    office.stripe.faults.down(False)
    office.stripe.fault("status", method="POST", status=402)
    an_event("contact.creation", 2)
    office.plan()
    office.send()
    assert state(look)["failures"] == 0, "whoever refuses answers"


def test_an_hour_away_is_one_case_and_some_fifteen_questions(
    office: Office, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Forty events come meanwhile; one case, a look after 5, 10, 20 … 300 seconds; afterwards all is written.

    Fails without the doubling of the looks, or when each event, each write or each look has a case of its own.
    """
    office.stripe.faults.down(True)
    for number in range(40):
        an_event("contact.creation", number)
        office.plan()
        for _ in range(3):
            office.send()
            office.pass_time(30)
    assert office.requests("GET") <= 25
    assert office.requests("POST") <= 16, "attempts that were under way when it opened"
    (case,) = look("SELECT failure_class, status, events FROM cases")
    assert (case["failure_class"], case["status"]) == ("destination_unavailable", "open")
    assert state(look)["breaker"] == "open"
    office.stripe.faults.down(False)
    for _ in range(40):
        office.pass_time(60)
        office.send()
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}
    assert {row["status"] for row in look("SELECT status FROM events")} == {"done"}
    assert [row["status"] for row in look("SELECT status FROM cases")] == ["resolved"]
    assert office.stripe.count("customer") == 40
    assert state(look)["breaker"] == "closed"


def test_reading_works_and_writing_does_not_is_the_same_outage(
    office: Office, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Closed on trial, one failure opens it again, and its looks go on where they were: no second case, no storm."""
    for number in range(12):
        an_event("contact.creation", number)
    office.plan()
    for _ in range(300):
        office.stripe.fault("status", method="POST", status=503)
    for _ in range(40):
        office.send_for(30)
    assert look("SELECT count(*) AS n FROM cases")[0]["n"] == 1
    assert state(look)["looks"] >= 3
    assert office.requests("POST") <= 60
    office.stripe.faults.clear()
    for _ in range(60):
        office.send_for(60)
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}
    assert [row["status"] for row in look("SELECT status FROM cases")] == ["resolved"]


def test_a_queue_that_is_longer_than_a_look_is_good_for_gets_shorter(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Whoever was looked at is sent next, before others are looked at: else all go stale, and are looked at for ever.

    Fails when a write that was looked at goes back to the end of the queue.
    """
    monkeypatch.setattr("counterfoil.ledger.outbox.LOOK_SECONDS", 4)
    with an_office(conn, monkeypatch) as office:
        for number in range(40):
            office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
            an_event("company.creation", number)
        while office.worker.run_once():
            pass
        for _ in range(60):
            while office.sender.round(conn):
                pass
            office.hubspot.clock.advance(1)
            age(conn, 1)
        assert {
            row["status"]: row["n"] for row in look("SELECT status, count(*) AS n FROM writes GROUP BY status")
        } == {"confirmed": 40}
        assert look("SELECT max(looks) AS most FROM writes")[0]["most"] <= 2


def test_events_that_ask_a_destination_that_is_away_share_one_case(
    conn: Connection, look: Callable[..., Any], database_url: str
) -> None:
    """Fifty payouts whose parts nobody can read: when patience ends they are one case, not fifty."""
    from engine.retry import SCHEDULES
    from exceptions_queue import cases

    assert "destination_unavailable" in SCHEDULES
    with conn.transaction():
        ids = [_an_exception(conn, number) for number in range(50)]
        incidents = [
            cases.Incident(id, "destination_unavailable", source="stripe", handler="payout_paid", rule="unanswered",
                           destination="stripe", detail={"sentence": f"GET /v1/x: attempt {number}"})
            for number, id in enumerate(ids)
        ]  # fmt: skip
        cases.open_many(conn, incidents)
    assert [row["events"] for row in look("SELECT events FROM cases")] == [50]


def _an_exception(conn: Connection, number: int) -> UUID:
    row = conn.execute(
        "INSERT INTO events (id, source, provider, key, type, status, occurred_at) VALUES (gen_random_uuid(), 'stripe',"
        " 'stripe', %s, 'payout.paid', 'exception', %s) RETURNING id",
        (f"evt_{number}", datetime(2026, 11, 20).astimezone()),
    ).fetchone()
    assert row is not None
    id: UUID = row["id"]
    return id


def test_waiting_says_how_much_and_since_when(office: Office, an_event: Callable[..., UUID], conn: Connection) -> None:
    """What the metrics show: writes on their way by destination, the age of the oldest, and whether it answers."""
    office.stripe.faults.down(True)
    for number in range(8):
        an_event("contact.creation", number)
    office.plan()
    office.send()
    found = {one.name: one for one in reach.waiting(conn, destinations.find())}
    assert (found["stripe"].waiting, found["stripe"].away, found["hubspot"].waiting) == (8, True, 0)
    assert found["stripe"].oldest_seconds > 0
