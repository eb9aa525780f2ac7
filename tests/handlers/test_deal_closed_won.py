"""Deals that were won: a draft invoice of what they sell, for the right customer, and never without a person's yes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from both_accounts import NOON, Both, both_accounts
from read_answers import a_deal, a_line

from contracts.base import find
from contracts.money import Money
from counterfoil.database import Connection
from destinations.references import receipt_of
from engine import NeedsPerson, Plan, Skip
from engine.registry import find as find_handlers
from exceptions_queue import approvals
from exceptions_queue.policy import PACKAGED

FOR = "hubspot:62515:deal:5501"


def _won(deal: int = 5501, **members: Any) -> dict[str, Any]:
    event = {
        "portalId": 62515, "objectId": deal, "occurredAt": NOON * 1000, "changeSource": "CRM_UI",
        "subscriptionType": "deal.propertyChange", "propertyName": "dealstage", "propertyValue": "closedwon",
    }  # fmt: skip
    return {**event, **members}


def _planned(deal: Any, billed: Any = None, **members: Any) -> Any:
    event = _won(**members)
    spec = find_handlers("handlers").find("hubspot", "deal.propertyChange")
    assert spec is not None
    contract = find("hubspot", "deal.propertyChange", None, event).check(event)
    return spec.function(contract, {"deal": deal, "billed": {"customer_id": "cus_1"} if billed is None else billed})


def test_a_deal_becomes_a_draft_for_its_customer() -> None:
    """Each line item is a line; amounts are the deal's, to the minor unit."""
    outcome = _planned(a_deal())
    assert isinstance(outcome, Plan)
    (invoice,) = outcome.effects
    assert (invoice.operation, invoice.key) == ("create_draft_invoice", f"stripe:{FOR}:invoice")
    assert invoice.amount == Money(53750, "EUR")
    assert invoice.body == {
        "customer": "cus_1",
        "currency": "EUR",
        "due_days": 30,
        "items": [
            {"description": "Seats", "amount_minor": 3750, "quantity": 3},
            {"description": "Set-up", "amount_minor": 50000, "quantity": 1},
        ],
        "description": "Renewal 2027",
        "metadata": {"hubspot_deal": "5501", "hubspot_company": "501"},
    }
    assert invoice.evidence == {"deal": "5501", "line_items": ["71", "72"], "recurring": ["71"]}


def test_who_is_no_customer_yet_is_made_one_first() -> None:
    """The draft is for whoever comes of it, and the company learns its name."""
    outcome = _planned(a_deal(customer_id=None, contact_email="ada@example.com"), {"customer_id": None})
    assert isinstance(outcome, Plan)
    customer, invoice, told = outcome.effects
    assert customer.body == {
        "name": "Northwind Beispiel GmbH", "email": "ada@example.com", "metadata": {"hubspot_company": "501"},
    }  # fmt: skip
    assert invoice.body["customer"] == receipt_of(customer.key)
    assert told.body["by"] == {"property": "hs_object_id", "value": "501"}
    assert told.body["properties"] == {"stripe_customer_id": receipt_of(customer.key)}


@pytest.mark.parametrize("email", [None, "", "nobody", "a b@example.com", "a@b@c"])
def test_an_address_that_is_none_is_left_out(email: str | None) -> None:
    """Whoever approves sees that there is none."""
    outcome = _planned(a_deal(customer_id=None, contact_email=email), {"customer_id": None})
    assert isinstance(outcome, Plan)
    assert "email" not in outcome.effects[0].body


def test_what_the_deal_says_otherwise_is_shown_to_whoever_approves() -> None:
    """The amount of a deal is typed in by people."""
    outcome = _planned(a_deal(amount_minor=99900))
    assert isinstance(outcome, Plan)
    assert outcome.effects[0].evidence["differs"] == "the deal says 999.00 EUR"


@pytest.mark.parametrize(
    "members",
    [{"propertyName": "amount", "propertyValue": "12"}, {"propertyValue": "closedlost"}, {"propertyValue": None}],
)
def test_other_changes_of_a_deal_are_none_of_it(members: dict[str, Any]) -> None:
    """Nobody is even asked about them."""
    assert isinstance(_planned(None, **members), Skip)


@pytest.mark.parametrize(
    ("deal", "billed"),
    [(None, None), ({}, None), (a_deal(), {}), (a_deal(lines=[]), None), (a_deal(lines=[a_line(-1), a_line(5)]), None),
     (a_deal(lines=[a_line(1)] * 101), None)],
)  # fmt: skip
def test_what_is_missing_or_odd_goes_to_a_person(deal: Any, billed: Any) -> None:
    """A machine drafts nothing that somebody would have to take apart again."""
    assert isinstance(_planned(deal, billed), NeedsPerson)


@pytest.mark.parametrize("deal", [a_deal(stage="closedlost"), a_deal(lines=[a_line(0)])])
def test_nothing_to_bill_is_skipped(deal: Any) -> None:
    """Lost again meanwhile, or free of charge."""
    assert isinstance(_planned(deal), Skip)


def test_names_are_put_on_one_line() -> None:
    """What people type holds line breaks; what has no name has its number."""
    lines = [a_line(100, name="Seats\n\tand\u2028more", quantity="2.5"), a_line(100, name="", quantity="2.0")]
    outcome = _planned(a_deal(name=" \n", lines=lines))
    assert isinstance(outcome, Plan)
    (invoice,) = outcome.effects
    assert "description" not in invoice.body
    assert invoice.body["items"] == [
        {"description": "Seats and more", "amount_minor": 100},
        {"description": "Line item 71", "amount_minor": 100, "quantity": 2},
    ]


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path, PACKAGED.read_text()) as made:
        yield made


def _deal(both: Both, *, lines: bool = True, company: bool = True, **properties: str) -> int:
    """A deal at HubSpot that sells two things to one company."""
    deal = both.make("deals", dealname="Renewal", dealstage="closedwon", deal_currency_code="EUR")
    if company:
        made = both.make("companies", name="Northwind", **properties)
        both.by_hand("associate", "deals", deal, to_kind="companies", to=made)
    for name, price in (("Seats", "12.50"), ("Set-up", "99.99")) if lines else ():
        item = both.make("line_items", name=name, price=price, quantity="1")
        both.by_hand("associate", "deals", deal, to_kind="line_items", to=item)
    return int(deal)


def _approve(both: Both) -> None:
    """Somebody says yes to all that is asked."""
    for row in both.rows("SELECT write_id, digest FROM approvals WHERE status = 'open'"):
        with both.conn.transaction():
            approvals.approve(both.conn, row["write_id"], digest=row["digest"], who="ines", reason="agreed")
    both.work()


def _invoices(both: Both) -> list[dict[str, Any]]:
    return list(both.stripe.world(None, livemode=False).table("invoice").values())


def _customers(both: Both) -> list[dict[str, Any]]:
    return list(both.stripe.world(None, livemode=False).table("customer").values())


def test_nothing_is_sent_before_a_person_agrees(both: Both) -> None:
    """By the policy as it is shipped: neither customer nor invoice nor property; then all three, once."""
    id = both.hear("hubspot", _won(_deal(both)))
    assert both.event(id)["status"] == "waiting"
    assert (_invoices(both), _customers(both)) == ([], [])
    _approve(both)
    assert both.event(id)["status"] == "done"
    (customer,), (invoice,) = _customers(both), _invoices(both)
    assert (invoice["status"], invoice["total"], invoice["customer"]) == ("draft", 11249, customer["id"])
    assert [row["stripe_customer_id"] for row in both.records("companies")] == [customer["id"]]


def test_the_next_deal_is_for_the_same_customer(both: Both) -> None:
    """The company knows its customer now; one that is won again is billed once."""
    first = _deal(both)
    both.hear("hubspot", _won(first))
    _approve(both)
    second = int(both.make("deals", dealname="More", dealstage="closedwon", deal_currency_code="EUR"))
    (company,) = (each["id"] for each in both.hubspot.state()["companies"])
    item = both.make("line_items", name="More seats", price="5", quantity="2")
    both.by_hand("associate", "deals", str(second), to_kind="companies", to=company)
    both.by_hand("associate", "deals", str(second), to_kind="line_items", to=item)
    both.hear("hubspot", _won(second))
    both.hear("hubspot", _won(first, occurredAt=(NOON + 60) * 1000))
    _approve(both)
    assert len(_customers(both)) == 1
    assert sorted(invoice["total"] for invoice in _invoices(both)) == [1000, 11249]


def test_a_customer_with_the_contacts_address_is_taken(both: Both) -> None:
    """Exactly one has it; nobody new is made."""
    customer = both.post("customers", email="ada@example.com")["id"]
    deal = _deal(both)
    person = both.make("contacts", email="ada@example.com")
    both.by_hand("associate", "deals", str(deal), to_kind="contacts", to=person)
    both.hear("hubspot", _won(deal))
    _approve(both)
    assert [invoice["customer"] for invoice in _invoices(both)] == [customer]
    assert len(_customers(both)) == 1


def _ambiguous(both: Both) -> int:
    for _ in range(2):
        both.post("customers", email="ada@example.com")
    deal = _deal(both)
    person = both.make("contacts", email="ada@example.com")
    both.by_hand("associate", "deals", str(deal), to_kind="contacts", to=person)
    return deal


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda both: _deal(both, lines=False), "no line items"),
        (lambda both: _deal(both, company=False), "no company"),
        (lambda both: _deal(both, stripe_customer_id="cus_gone"), "cus_gone"),
        (_ambiguous, "2 customers"),
        (lambda both: 404, "no record"),
    ],
)
def test_what_cannot_be_billed_is_asked_again_and_then_a_person(
    make: Callable[[Both], int], why: str, both: Both
) -> None:
    """Somebody may add it meanwhile; the outcome says what is missing."""
    id = both.hear("hubspot", _won(make(both)))
    event = both.event(id)
    assert (event["status"], event["moves"]) == ("waiting", True)
    assert why in event["outcome"]
    assert both.writes() == {}


def test_nobody_is_asked_about_other_changes(both: Both) -> None:
    """A deal changes all day; only the one that is won costs requests."""
    before = len(both.at_hubspot.journal)
    id = both.hear("hubspot", _won(1, propertyName="amount", propertyValue="12"))
    assert both.event(id)["status"] == "ignored"
    assert len(both.at_hubspot.journal) == before
