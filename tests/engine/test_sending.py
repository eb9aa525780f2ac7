"""The way of a write behind a network, one round at a time, against Stripe's stand-in in this process."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from stripe_api import Api
from taking_back import Inline

import destinations
from counterfoil import database
from counterfoil.settings import settings
from engine import registry
from engine.pipeline import Pipeline
from engine.sending.sender import Sender
from engine.worker import Worker
from exceptions_queue import approvals


@pytest.fixture
def company(conn: database.Connection, stripe: Api) -> Iterator["Company"]:
    made = Company(conn)
    yield made
    made.worker.close()


class Company:
    """A worker and a sender that do one step when asked to; time passes when told to."""

    def __init__(self, conn: database.Connection) -> None:
        self.conn = conn
        pipeline = Pipeline(registry.find("writers"), destinations.find(), crashes_max=5)
        self.worker = Worker(pipeline, settings())
        self.sender = Sender(destinations.find(), settings(), Inline())

    def work(self) -> None:
        """Until nothing moves at this moment."""
        while self.worker.run_once():
            pass
        while self.sender.round(self.conn):
            pass

    def later(self, stripe: Api, seconds: float = 3600) -> None:
        """Let time pass for everybody: what was due later is due now."""
        stripe.clock.advance(seconds)
        with self.conn.transaction():
            self.conn.execute("UPDATE writes SET due_at = now() WHERE due_at IS NOT NULL")
            self.conn.execute("UPDATE writes SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL")
            self.conn.execute("UPDATE destination_states SET tokens = 100, look_at = now()")
        self.work()


def test_a_write_is_planned_sent_and_confirmed(
    company: Company, stripe: Api, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """One event, one customer at Stripe, one confirmed write with its receipt; the event is done."""
    an_event("contact.creation", 7)
    company.work()
    (write,) = look("SELECT * FROM writes")
    assert (write["status"], write["attempts"], write["receipt"]["reference"][:4]) == ("confirmed", 1, "cus_")
    assert stripe.count("customer") == 1
    (event,) = look("SELECT status, outcome, due_at FROM events")
    assert (event["status"], event["due_at"]) == ("done", None)


def test_an_answer_that_is_lost_leaves_one_effect(
    company: Company, stripe: Api, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """The customer is made, the answer dropped: in doubt, settled under the same key, never made twice."""
    stripe.fault("drop_after", method="POST")
    an_event("contact.creation", 7)
    company.work()
    (write,) = look("SELECT * FROM writes")
    assert write["status"] == "in_doubt"
    company.later(stripe, 5)
    (write,) = look("SELECT * FROM writes")
    assert (write["status"], write["attempts"], write["probes"]) == ("confirmed", 1, 1)
    assert stripe.count("customer") == 1
    keys = {entry.key for entry in stripe.exchange.journal if entry.method == "POST"}
    assert keys == {write["key"]}


def test_what_waits_for_a_person_is_not_sent(
    company: Company, stripe: Api, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Nothing of the plan goes out before the yes; then all of it does, in order, the invoice for the new customer."""
    an_event("deal.creation", 9)
    company.work()
    assert not [entry for entry in stripe.exchange.journal if entry.method == "POST"]
    (event,) = look("SELECT status, case_id FROM events")
    assert event["status"] == "waiting"
    assert event["case_id"]
    (asked,) = look("SELECT write_id, digest, shown FROM approvals WHERE status = 'open'")
    with company.conn.transaction():
        approvals.approve(company.conn, asked["write_id"], digest=asked["digest"], who="ines", reason="agreed")
    company.work()
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}
    (event,) = look("SELECT status, case_id FROM events")
    assert (event["status"], event["case_id"]) == ("done", None)
    invoices = stripe.get("invoices")["data"]
    customers = stripe.get("customers")["data"]
    assert [one["customer"] for one in invoices] == [one["id"] for one in customers]


def test_an_outage_is_one_case_and_ends_by_itself(
    company: Company, stripe: Api, an_event: Callable[..., UUID], look: Callable[..., Any]
) -> None:
    """Stripe is away: the breaker opens, one case; when it is back everything is written and the case closes."""
    stripe.faults.down(True)
    for number in range(20):
        an_event("contact.creation", number)
    company.work()
    for _ in range(5):
        company.later(stripe, 60)
    assert [row["failure_class"] for row in look("SELECT failure_class FROM cases")] == ["destination_unavailable"]
    assert look("SELECT breaker FROM destination_states")[0]["breaker"] == "open"
    stripe.faults.down(False)
    for _ in range(3):
        company.later(stripe, 600)
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}
    assert {row["status"] for row in look("SELECT status FROM cases")} == {"resolved"}
    assert stripe.count("customer") == 20
