"""Several events about one fact, through the whole engine and in any order: one write, and the others point to it."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import destinations
from counterfoil import keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine.pipeline import Pipeline
from engine.registry import find
from engine.worker import Worker

Event = Callable[..., dict[str, Any]]

RETURNED = ("refund.failed", "refund.updated", "charge.refund.updated")
TAKEN = ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed")


@pytest.fixture
def worker(database_url: str) -> Iterator[Worker]:
    """A worker over the real handlers and the books."""
    books = {"books": destinations.find()["books"]}
    made = Worker(Pipeline(find("handlers"), books, crashes_max=5), settings())
    yield made
    made.close()


def _record(conn: Connection, *events: dict[str, Any]) -> None:
    for event in events:
        id = keys.new_id()
        subject, at = f"stripe:{event['data']['object']['id']}", datetime.fromtimestamp(event["created"], UTC)
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, api_version, occurred_at, received_at,"
            " due_at) VALUES (%s, 'stripe', 'stripe', %s, %s, %s, %s, %s, %s, now())",
            (id, event["id"], event["type"], subject, event["api_version"], at, at),
        )
        conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (id, json.dumps(event)))
    conn.commit()


def _drain(worker: Worker) -> None:
    while worker.run_once():
        pass


def _look(conn: Connection, sql: str) -> list[dict[str, Any]]:
    found = conn.execute(sql).fetchall()
    conn.rollback()
    return found


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("told", [RETURNED, TAKEN])
def test_one_fact_is_one_entry_whoever_tells_it(
    told: tuple[str, ...], one_by_one: bool, conn: Connection, worker: Worker, a_stripe_event: Event
) -> None:
    """In all six orders, together or one after the other; nobody is asked, and every event is done."""
    for number, order in enumerate(itertools.permutations(told)):
        events = [_about(a_stripe_event(name), name, number) for name in order]
        for event in events:
            _record(conn, event)
            if one_by_one:
                _drain(worker)
        _drain(worker)
    assert {event["status"] for event in _look(conn, "SELECT status FROM events")} == {"done"}
    assert _look(conn, "SELECT 1 FROM cases") == []
    written = _look(conn, "SELECT write_key FROM books_entries ORDER BY write_key")
    facts = 2 if told is TAKEN else 1  # what was taken, and that it was lost
    assert len(written) == 6 * facts
    again = _look(conn, "SELECT outcome FROM events WHERE outcome LIKE '%was written already for event%'")
    assert len(again) == 6 * (len(told) - 1)


def _about(event: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    """The sample, about another object."""
    event["id"] = f"evt_{name}_{number}"
    event["data"]["object"]["id"] += f"x{number}"
    return event


def test_a_refund_told_by_charge_and_refund_is_one_entry(
    conn: Connection, worker: Worker, a_stripe_event: Event
) -> None:
    """The charge's event and its twin book once; the refund's own event is ignored with the reason."""
    charge, refund = a_stripe_event("charge.refunded"), a_stripe_event("refund.created")
    _record(conn, refund, charge, charge | {"id": "evt_twin"})
    _drain(worker)
    (entry,) = _look(conn, "SELECT * FROM books_entries")
    assert (entry["write_key"], entry["refers_to"]) == (
        "books:charge:ch_3SExample0000001:refunded:2900",
        "ch_3SExample0000001",
    )
    outcomes = {event["key"]: event["status"] for event in _look(conn, "SELECT key, status FROM events")}
    assert outcomes == {refund["id"]: "ignored", charge["id"]: "done", "evt_twin": "done"}


def test_the_same_total_again_is_a_case_and_not_lost(conn: Connection, worker: Worker, a_stripe_event: Event) -> None:
    """Refunded, failed, refunded again: the third fact has the first one's key, and a person looks."""
    first, failed, again = (a_stripe_event(name) for name in ("charge.refunded", "refund.failed", "charge.refunded"))
    _record(conn, first)
    _drain(worker)
    _record(conn, failed, again | {"id": "evt_again", "created": again["created"] + 86_400})
    _drain(worker)
    assert len(_look(conn, "SELECT 1 FROM books_entries")) == 2
    assert [case["failure_class"] for case in _look(conn, "SELECT failure_class FROM cases")] == ["write_refused"]
    (event,) = _look(conn, "SELECT outcome FROM events WHERE key = 'evt_again'")
    assert "written before with other content" in event["outcome"]
