"""Several event types about one fact, through the whole engine, in any order: one posting, and they find each other."""

import copy
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import destinations
from counterfoil import clock, keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine.pipeline import Pipeline
from engine.registry import find
from engine.worker import Worker
from ingest.providers.stripe import PROVIDER
from sandbox.invoices import sample

Look = Callable[..., list[dict[str, Any]]]

PAID = ("checkout.session.completed", "invoice.paid", "invoice.payment_succeeded", "payment_intent.succeeded")
BOOKING = {"invoice.paid", "invoice.payment_succeeded"}


@pytest.fixture
def worker(database_url: str) -> Iterator[Worker]:
    """A worker over the real handlers and destinations."""
    made = Worker(Pipeline(find("handlers"), destinations.find(), crashes_max=5), settings())
    yield made
    made.close()


def _told(kind: str, number: int, **members: Any) -> dict[str, Any]:
    """The sample, about another invoice; each type of a second of its own."""
    event = copy.deepcopy(sample("stripe", kind))
    text = json.dumps(event).replace("in_1SExample0000001", f"in_{number}").replace("pi_3SExample", f"pi_{number}x")
    found: dict[str, Any] = json.loads(text) | {
        "id": f"evt_{kind}_{number}",
        "created": 1_793_610_847 + PAID.index(kind),
    }
    found["data"]["object"].update(members)
    return found


def _record(conn: Connection, *events: dict[str, Any]) -> None:
    for event in events:
        id, at = keys.new_id(), datetime.fromtimestamp(event["created"], UTC)
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, api_version, occurred_at, received_at,"
            " due_at) VALUES (%s, 'stripe', %s, %s, %s, %s, %s, %s, %s, now())",
            (id, PROVIDER.name, event["id"], event["type"], f"stripe:{event['data']['object']['id']}",
             event["api_version"], at, at),
        )  # fmt: skip
        conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (id, json.dumps(event)))
    conn.commit()


def _drain(worker: Worker) -> None:
    while worker.run_once():
        pass


def _drain_for_hours(conn: Connection, worker: Worker) -> None:
    """Until nothing is due any more, however late it would have been."""
    _drain(worker)
    while conn.execute("UPDATE events SET due_at = now() WHERE due_at > now()").rowcount:
        conn.commit()
        _drain(worker)
    conn.commit()


@pytest.mark.parametrize("together", [True, False])
def test_a_payment_told_four_ways_is_one_posting(together: bool, conn: Connection, worker: Worker, look: Look) -> None:
    """In all 24 orders, in one group (96 events fit into it) and one after the other."""
    orders = list(itertools.permutations(PAID))
    for number, order in enumerate(orders):
        for kind in order:
            _record(conn, _told(kind, number))
            if not together:
                _drain(worker)
    _drain(worker)
    _hold(look)


def _hold(look: Look) -> None:
    """One entry for each of the 24, both events with the invoice done, the others ignored with it, all four linked."""
    entries = [row["write_key"] for row in look("SELECT write_key FROM books_entries")]
    assert sorted(entries) == sorted(f"books:invoice:in_{number}:paid" for number in range(24))
    events = look("SELECT id, type, status, outcome, key FROM events")
    assert len(events) == 96
    for event in events:
        assert event["status"] == ("done" if event["type"] in BOOKING else "ignored"), event
    for number in range(24):
        fact = f"stripe:invoice:in_{number}:paid"
        linked = look("SELECT e.type FROM facts f JOIN events e ON e.id = f.event_id WHERE f.fact = %s", fact)
        assert sorted(row["type"] for row in linked) == sorted(PAID)
    pointing = [event["outcome"] for event in events if event["type"] not in BOOKING]
    assert all(outcome.startswith("booked by its invoice in_") for outcome in pointing)
    assert look("SELECT 1 FROM cases") == []


@pytest.mark.parametrize("group_max", [1, 3])
def test_two_workers_at_once_make_one_posting_too(
    group_max: int, conn: Connection, look: Look, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all 24 orders, while events keep coming: whoever has one of the four meets what the other one wrote."""
    monkeypatch.setattr("engine.worker.GROUP_MAX", group_max)
    over = threading.Event()
    began = threading.Barrier(3)
    handled = [0, 0]

    def drain(number: int) -> None:
        one = Worker(Pipeline(find("handlers"), destinations.find(), crashes_max=5), settings())
        began.wait(10)
        while (done := one.run_once()) or not over.is_set():
            handled[number] += done
        one.close()

    threads = [threading.Thread(target=drain, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    began.wait(10)
    for number, order in enumerate(itertools.permutations(PAID)):
        _record(conn, *(_told(kind, number) for kind in order))
    deadline = clock.ticks_seconds() + 60
    while look("SELECT 1 FROM events WHERE due_at IS NOT NULL LIMIT 1") and clock.ticks_seconds() < deadline:
        time.sleep(0.02)
    over.set()
    for thread in threads:
        thread.join(30)
    assert sum(handled) == 96
    assert all(handled), f"one worker did everything: {handled}"
    _hold(look)


def test_the_first_of_the_two_that_carry_the_invoice_books_it(conn: Connection, worker: Worker, look: Look) -> None:
    """The second one is done as well, and says whose write stands."""
    for kind in ("invoice.payment_succeeded", "invoice.paid"):
        _record(conn, _told(kind, 1))
        _drain(worker)
    first, second = look("SELECT id, outcome FROM events ORDER BY id")
    (write,) = look("SELECT event_id FROM writes")
    assert write["event_id"] == first["id"]
    assert second["outcome"] == f"books:invoice:in_1:paid was written already for event {first['id']}"


def test_a_payment_without_an_invoice_is_asked_about_once(conn: Connection, worker: Worker, look: Look) -> None:
    """Money that nobody can book is never silent: the payment asks, and its checkout points to the same fact."""
    payment = _told("payment_intent.succeeded", 7, payment_details=None)
    checkout = _told("checkout.session.completed", 7, invoice=None, mode="payment", subscription=None,
                     payment_intent=payment["data"]["object"]["id"])  # fmt: skip
    _record(conn, checkout, payment)
    _drain_for_hours(conn, worker)
    events = {row["type"]: row for row in look("SELECT id, type, status FROM events")}
    assert events["checkout.session.completed"]["status"] == "ignored"
    (case,) = look("SELECT failure_class, handler FROM cases")
    assert (case["failure_class"], case["handler"]) == ("context_missing", "payment_succeeded")
    facts = look("SELECT fact, event_id FROM facts")
    assert {row["fact"] for row in facts} == {f"stripe:payment_intent:{payment['data']['object']['id']}:succeeded"}
    assert {row["event_id"] for row in facts} == {row["id"] for row in events.values()}
