"""A write that was given up because its destination was away for too long: patience, and the way back by a replay."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import SIGNED, Office, an_office

from counterfoil import database
from engine.retry import SCHEDULES
from exceptions_queue import replay

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]
#: Waits after which a destination that is away makes a case.
PATIENCE = len(SCHEDULES["destination_unavailable"])


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        made.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
        yield made


def away(office: Office, kind: str, path: str, times: int) -> None:
    """HubSpot does not do what it is asked, so many times, hours apart."""
    office.hubspot.fault(kind, path=path, times=times)
    for _ in range(times):
        with office.conn.transaction():
            office.conn.execute("UPDATE destination_states SET failures = 0")
        office.later()


def replayed(office: Office, event_id: UUID) -> None:
    with office.conn.transaction():
        replay.replay_event(office.conn, event_id, from_step="start", **SIGNED)
    office.work()


@pytest.mark.parametrize(("kind", "path"), [("status", "*/batch/read"), ("rate_limited", "*/batch/upsert")])
def test_what_was_given_up_goes_out_by_a_replay(
    office: Office, an_event: AnEvent, look: Look, kind: str, path: str
) -> None:
    """Away for hours: a case. The replay sends it, under its own key, and the case is over."""
    event = an_event("company.creation", 1)
    away(office, kind, path, PATIENCE + 1)
    (write,) = look("SELECT status, due_at, key FROM writes")
    assert (write["status"], write["due_at"]) == ("planned", None)
    (case,) = look("SELECT failure_class, status FROM cases ")
    assert (case["failure_class"], case["status"]) == ("destination_unavailable", "open")
    office.hubspot.exchange.faults.clear()
    replayed(office, event)
    (again,) = look("SELECT status, revision, key FROM writes")
    assert (again["status"], again["revision"], again["key"]) == ("confirmed", 0, write["key"])
    assert look("SELECT status FROM events")[0]["status"] == "done"
    assert {row["status"] for row in look("SELECT status FROM cases")} == {"resolved"}


def test_looks_that_saw_something_do_not_use_up_patience(office: Office, an_event: AnEvent, look: Look) -> None:
    """Seen many times and never sent, because something else held it: one look in vain is not the end."""
    an_event("company.creation", 1)
    while office.worker.run_once():
        pass
    for _ in range(PATIENCE + 1):
        with office.conn.transaction():
            office.conn.execute("UPDATE destination_states SET tokens = 1")
        office.sender.round(office.conn)  # looked at; what a request more has cost holds back the send
        office.sender.round(office.conn)
        with office.conn.transaction():
            office.conn.execute("UPDATE writes SET looked_at = looked_at - interval '1 hour', due_at = now()")
    assert look("SELECT status FROM writes")[0]["status"] == "planned"
    office.hubspot.fault("status", path="*/batch/read")
    office.work()
    (write,) = look("SELECT status, due_at FROM writes")
    assert write["status"] == "planned"
    assert write["due_at"] is not None
    office.later()
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"
