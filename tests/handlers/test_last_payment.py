"""What a paid invoice adds at HubSpot: the contact's last payment, and never at the expense of the books."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from both_accounts import Both, both_accounts
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import Plan
from exceptions_queue import replay
from sandbox.invoices import Item, paid_invoice
from sandbox.standin.faults import Fault

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]
SHOWN = ("last_payment_at", "last_payment_amount", "last_payment_currency", "last_payment_invoice")


def _everywhere(outcome: Any) -> tuple[Any, ...]:
    assert isinstance(outcome, Plan)
    return outcome.whole(lambda _: True)


def test_a_paid_invoice_is_the_contacts_last_payment(a_stripe_event: Event, planned: Planned) -> None:
    """Beside the entry, in both of the events that tell it, with the same content."""
    outcome = planned(a_stripe_event("invoice.paid"))
    entry, contact = _everywhere(outcome)
    assert outcome.effects == (entry,)
    assert contact.body == {
        "by": {"property": "email", "value": "billing@northwind.example.com"},
        "properties": {
            "last_payment_at": "2026-11-02T09:14:05.000Z",
            "last_payment_amount": "189.57",
            "last_payment_currency": "EUR",
            "last_payment_invoice": "EXAMPLE-0042",
        },
        "newest_by": "last_payment_at",
    }
    twin = a_stripe_event("invoice.paid") | {"type": "invoice.payment_succeeded", "id": "evt_2", "created": 1793610900}
    assert _everywhere(planned(twin))[1].digest == contact.digest


@pytest.mark.parametrize(
    "members", [{"customer_email": None}, {"status_transitions": None}, {"status_transitions": {"paid_at": None}}]
)
def test_without_address_or_time_there_is_only_the_entry(
    members: dict[str, Any], a_stripe_event: Event, planned: Planned
) -> None:
    """Nobody to show it at, or nothing to order it by."""
    assert len(_everywhere(planned(a_stripe_event("invoice.paid", **members)))) == 1


@given(email=st.one_of(st.text(max_size=80), st.emails(), st.integers(), st.none()))
def test_no_address_keeps_an_invoice_out_of_the_books(email: Any, a_stripe_event: Event, planned: Planned) -> None:
    """Whatever stands there, the entry is planned, and what HubSpot would refuse is not."""
    assert _everywhere(planned(a_stripe_event("invoice.paid", customer_email=email)))[0].destination == "books"


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def _paid(number: int, at: int, amount: int = 10_000) -> dict[str, Any]:
    event = paid_invoice(number, customer="Acorn", currency="eur", items=[Item("Plan", amount)], created=at)
    event["data"]["object"]["customer_email"] = "Ada@example.com"
    return event


def _contact(both: Both) -> list[str]:
    (contact,) = both.records("contacts")
    return [contact[name] for name in SHOWN]


def test_in_every_order_the_latest_payment_stands_there(both: Both) -> None:
    """Three invoices of one address, six orders, each with a contact of its own. Break it: leave `newest_by` out."""
    orders = list(itertools.permutations(range(3)))
    for place, order in enumerate(orders):
        for step in order:
            event = _paid(100 * place + step, int(both.at) - 1000 + 10 * step, 1000 + step)
            event["data"]["object"]["customer_email"] = f"ada{place}@example.com"
            both.hear("stripe", event)
    shown = {contact["email"]: contact["last_payment_amount"] for contact in both.records("contacts")}
    assert shown == {f"ada{place}@example.com": "10.02" for place in range(6)}
    assert {row["status"] for row in both.rows("SELECT status FROM events")} == {"done"}
    assert len(both.rows("SELECT 1 FROM books_entries")) == 18


def test_the_contact_that_is_there_is_kept(both: Both) -> None:
    """What else stands at it stays; a replay of the older event changes nothing."""
    both.make("contacts", email="ada@example.com", firstname="Ada")
    older = both.hear("stripe", _paid(1, int(both.at) - 100, 5000))
    both.hear("stripe", _paid(2, int(both.at) - 50, 7000))
    before = _contact(both)
    with both.conn.transaction():
        replay.replay_event(both.conn, older, from_step="start", who="rhea", reason="again")
    both.work()
    assert _contact(both) == before
    assert before[1:3] == ["70.00", "EUR"]
    assert [contact["firstname"] for contact in both.records("contacts")] == ["Ada"]


def test_the_books_wait_for_nobody(both: Both) -> None:
    """HubSpot is away: the entry is booked at once; the contact follows when it is back."""
    both.at_hubspot.faults.add(Fault("status", status=503))
    id = both.hear("stripe", _paid(1, int(both.at) - 100))
    assert len(both.rows("SELECT 1 FROM books_entries")) == 1
    assert both.event(id)["status"] == "waiting"
    both.at_hubspot.faults.clear()
    with both.conn.transaction():
        both.conn.execute("UPDATE writes SET due_at = now() WHERE due_at IS NOT NULL")
    both.work()
    assert both.event(id)["status"] == "done"
    assert _contact(both)[1] == "100.00"


def test_a_no_of_hubspots_leaves_the_entry_where_it_is(both: Both) -> None:
    """A case tells that the contact could not be set; the books are right, and a replay books nothing again."""
    both.hubspot.account.rules["0-1", "last_payment_amount"] = "no amounts here"
    id = both.hear("stripe", _paid(1, int(both.at) - 100))
    assert both.event(id)["status"] == "exception"
    assert [case["failure_class"] for case in both.rows("SELECT failure_class FROM cases")] == ["write_refused"]
    assert len(both.rows("SELECT 1 FROM books_entries")) == 1


def test_without_hubspot_nothing_is_planned_for_it(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is done with its entry, in the fast way, and the run says what was left out."""
    monkeypatch.delenv("HUBSPOT_ACCESS_TOKEN")
    settings.cache_clear()
    both.worker.close()
    both.start()
    id = both.hear("stripe", _paid(1, int(both.at) - 100))
    assert both.event(id)["status"] == "done"
    assert [key.partition(":")[0] for key in both.writes()] == ["books"]
    (run,) = both.rows("SELECT steps FROM runs WHERE event_id = %s", id)
    told = next(step["output"] for step in run["steps"] if step["step"] == "plan")
    assert told[1:] == ["nothing for hubspot, which is not configured"]
    assert list(both.at_hubspot.journal) == []
