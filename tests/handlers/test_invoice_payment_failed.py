"""Failed payments: one task per invoice and attempt, for the account's owner; the same however often it is told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from both_accounts import Both, both_accounts
from read_answers import ACCOUNT

from contracts.base import ContractBroken, find
from contracts.money import Money
from counterfoil.database import Connection
from engine import NeedsPerson, Plan

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]
CUSTOMER = "cus_TExample000001"


def _task(outcome: Any) -> Any:
    assert isinstance(outcome, Plan)
    (task,) = outcome.effects
    return task


def test_the_owner_gets_a_task(a_stripe_event: Event, planned: Planned) -> None:
    """It says what is owed, by whom, and what Stripe will do; it is due when Stripe tries again."""
    task = _task(planned(a_stripe_event("invoice.payment_failed"), {"account": ACCOUNT}))
    assert task.key == "hubspot:invoice:in_1SExample0000001:failed:1"
    assert task.body == {
        "title": "Payment failed: invoice EXAMPLE-0042, attempt 1",
        "text": "Stripe could not collect 189.57 EUR for invoice EXAMPLE-0042 (in_1SExample0000001, customer "
        "cus_TExample000001).\nStripe tries again on 2026-11-05 09:14 UTC.",
        "due": "2026-11-05T09:14:07.000Z",
        "priority": "MEDIUM",
        "owner_id": "9001",
        "associations": [{"type": "companies", "id": "501"}, {"type": "contacts", "id": "601"}],
    }
    assert task.amount is None  # a task moves no money, so no amount of it needs approval


def test_after_the_last_attempt_it_is_urgent(a_stripe_event: Event, planned: Planned) -> None:
    """It is due since the invoice was finalized."""
    event = a_stripe_event("invoice.payment_failed", next_payment_attempt=None, attempt_count=4)
    task = _task(planned(event, {"account": ACCOUNT}))
    assert (task.body["priority"], task.body["due"]) == ("HIGH", "2026-11-02T09:12:07.000Z")
    assert task.key.endswith(":failed:4")
    assert "does not retry" in task.body["text"]


def test_one_attempt_told_twice_is_one_task(a_stripe_event: Event, planned: Planned) -> None:
    """A payment that somebody tried by hand counts as no attempt of its own: same key, same content, another time."""
    first, second = (a_stripe_event("invoice.payment_failed") for _ in range(2))
    second |= {"id": "evt_other", "created": second["created"] + 3600}
    told = [_task(planned(event, {"account": ACCOUNT})) for event in (first, second)]
    assert told[0].digest == told[1].digest


@pytest.mark.parametrize("account", [None, {}, {"company": "501", "contact": None, "owner": None}])
def test_without_an_owner_a_person_decides(account: Any, a_stripe_event: Event, planned: Planned) -> None:
    """A task for nobody is done by nobody."""
    outcome = planned(a_stripe_event("invoice.payment_failed"), {"account": account})
    assert isinstance(outcome, NeedsPerson)
    assert outcome.amount == Money(18957, "EUR")


@pytest.mark.parametrize("number", [None, "", " \n ", "x" * 500, "A\u2028B"])
def test_an_odd_number_is_no_obstacle(number: Any, a_stripe_event: Event, planned: Planned) -> None:
    """The title is one line, with the id where there is no number."""
    task = _task(planned(a_stripe_event("invoice.payment_failed", number=number), {"account": ACCOUNT}))
    assert task.body["title"].isprintable()


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"attempt_count": 0}, "amount_above_zero"),
        ({"amount_due": 0}, "amount_above_zero"),
        ({"customer": None}, "customer_present"),
        ({"currency": "xxz"}, "currency_known"),
        ({"status": "paid"}, "status_known"),
        ({"next_payment_attempt": 1793610847000}, "next_attempt_ahead"),
        ({"next_payment_attempt": 1}, "next_attempt_ahead"),
        ({"attempt_count": None}, "field_missing"),
        ({"id": "in_1/2"}, "id_usable"),
    ],
)
def test_what_contradicts_itself_is_a_case(members: dict[str, Any], rule: str, a_stripe_event: Event) -> None:
    """Each rule by its name."""
    event = a_stripe_event("invoice.payment_failed", **members)
    with pytest.raises(ContractBroken) as broken:
        find("stripe", event["type"], event["api_version"], event).check(event)
    assert rule in {violation.rule for violation in broken.value.violations}


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def test_each_attempt_is_one_task_at_hubspot(both: Both, a_stripe_event: Event) -> None:
    """Two attempts, one of them told twice: two tasks, at the company, for its owner."""
    both.make("companies", stripe_customer_id=CUSTOMER, hubspot_owner_id="9002")
    events = [a_stripe_event("invoice.payment_failed", attempt_count=count) for count in (1, 1, 2)]
    for number, event in enumerate(events):
        both.hear("stripe", event | {"id": f"evt_{number}"})
    assert [(task["hs_task_subject"][-9:], task["hubspot_owner_id"]) for task in both.records("tasks")] == [
        ("attempt 1", "9002"),
        ("attempt 2", "9002"),
    ]
    assert {row["status"] for row in both.rows("SELECT status FROM events")} == {"done"}


def test_the_account_is_found_by_the_address_of_the_invoice(both: Both, a_stripe_event: Event) -> None:
    """No company is this customer yet: the contact's company, and its owner."""
    company = both.make("companies", name="Northwind", hubspot_owner_id="9001")
    contact = both.make("contacts", email="billing@northwind.example.com", hubspot_owner_id="9002")
    both.by_hand("associate", "contacts", contact, to_kind="companies", to=company)
    both.hear("stripe", a_stripe_event("invoice.payment_failed"))
    assert [task["hubspot_owner_id"] for task in both.records("tasks")] == ["9001"]


def test_a_contact_without_a_company_has_an_owner_too(both: Both, a_stripe_event: Event) -> None:
    """Small customers are one person."""
    both.make("contacts", email="billing@northwind.example.com", hubspot_owner_id="9002")
    both.hear("stripe", a_stripe_event("invoice.payment_failed"))
    assert [task["hubspot_owner_id"] for task in both.records("tasks")] == ["9002"]


@pytest.mark.parametrize("owner", [None, ""])
def test_nobody_to_ask_is_looked_for_again(owner: str | None, both: Both, a_stripe_event: Event) -> None:
    """Somebody adds the company or its owner: the same event is looked at again by itself."""
    if owner is not None:
        both.make("companies", stripe_customer_id=CUSTOMER, hubspot_owner_id=owner)
    id = both.hear("stripe", a_stripe_event("invoice.payment_failed"))
    assert both.event(id)["status"] == "waiting"
    assert both.event(id)["moves"]
    assert both.records("tasks") == []
    if owner is None:
        both.make("companies", stripe_customer_id=CUSTOMER, hubspot_owner_id="9001")
    else:
        (company,) = (each["id"] for each in both.hubspot.state()["companies"])
        both.by_hand("edit", "companies", company, properties={"hubspot_owner_id": "9001"})
    with both.conn.transaction():
        both.conn.execute("UPDATE events SET due_at = now()")
    both.work()
    assert both.event(id)["status"] == "done"
    assert len(both.records("tasks")) == 1
