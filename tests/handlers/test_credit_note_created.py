"""Credit notes: revenue and tax go down by what was given back after payment, and nothing goes down before."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.money import Money
from engine import NeedsPerson, Plan, Skip

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]


def _lines(outcome: Any) -> list[tuple[str, int]]:
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    return [(line["account"], line["amount_minor"]) for line in effect.body["lines"]]


def test_a_note_kept_as_credit_lowers_revenue_and_tax(a_stripe_event: Event, planned: Planned) -> None:
    """No money moves: the customer is owed what was paid too much."""
    outcome = planned(a_stripe_event("credit_note.created"))
    assert _lines(outcome) == [
        ("Income:CreditNotes", 2900),
        ("Liabilities:Tax:Sales", 551),
        ("Liabilities:CustomerCredit", -3451),
    ]
    (effect,) = outcome.effects
    assert effect.key == "books:credit_note:cn_1SExample0000001:issued"
    assert effect.amount == Money(3451, "EUR")
    assert (effect.body["refers_to"], effect.body["date"]) == ("in_1SExample0000001", "2026-11-04")
    assert effect.body["memo"] == "Credit note EXAMPLE-0042-CN-01"


def test_the_old_shape_says_refund_without_an_amount(a_stripe_event: Event, planned: Planned) -> None:
    """All of it was refunded; the refund leaves the same account again when it is booked itself."""
    assert _lines(planned(a_stripe_event("credit_note.created@2024-06-20"))) == [
        ("Income:CreditNotes", 2900),
        ("Liabilities:Tax:Sales", 551),
        ("Income:Refunds", -3451),
    ]


def test_a_note_may_give_three_ways(a_stripe_event: Event, planned: Planned) -> None:
    """Refunds, credit and what is paid elsewhere, each in its place."""
    refunds = [{"amount_refunded": 1000, "refund": "re_1"}, {"amount_refunded": 400, "refund": "re_2"}]
    outcome = planned(a_stripe_event("credit_note.created", refunds=refunds, out_of_band_amount=51))
    assert _lines(outcome)[2:] == [
        ("Income:Refunds", -1400),
        ("Liabilities:CustomerCredit", -2000),
        ("Assets:OutsideStripe:Clearing", -51),
    ]


def test_refund_and_note_leave_revenue_tax_and_cash_right(a_stripe_event: Event, planned: Planned) -> None:
    """Together they take back 29.00 of revenue and 5.51 of tax, and 34.51 of cash: nothing remains on Refunds."""
    note = planned(a_stripe_event("credit_note.created@2024-06-20"))
    refund = planned(a_stripe_event("charge.refunded", amount_refunded=3451))
    booked: dict[str, int] = {}
    for account, amount in _lines(note) + _lines(refund):
        booked[account] = booked.get(account, 0) + amount
    assert booked == {
        "Income:CreditNotes": 2900,
        "Liabilities:Tax:Sales": 551,
        "Income:Refunds": 0,
        "Assets:Stripe:Clearing": -3451,
    }


@pytest.mark.parametrize("tax_in_list", [True, False])
def test_shipping_is_taken_back_net_of_its_tax(tax_in_list: bool, a_stripe_event: Event, planned: Planned) -> None:
    """Whether or not the list of taxes covers the shipping's."""
    totals = dict.fromkeys(("total", "amount", "post_payment_amount"), 3451 + 595)
    shipping = {"amount_subtotal": 500, "amount_tax": 95, "amount_total": 595}
    event = a_stripe_event("credit_note.created", shipping_cost=shipping, **totals)
    if tax_in_list:
        event["data"]["object"]["total_taxes"][0]["amount"] += 95
    booked: dict[str, int] = {}
    for account, amount in _lines(planned(event)):
        booked[account] = booked.get(account, 0) + amount
    assert booked["Income:Shipping"] == 500
    assert booked["Liabilities:Tax:Sales"] == 646
    assert booked["Income:CreditNotes"] == 2900


def test_tax_inside_the_price_is_no_revenue(a_stripe_event: Event, planned: Planned) -> None:
    """Of 34.51 with tax inside, 29.00 had been earned."""
    event = a_stripe_event("credit_note.created")
    note = event["data"]["object"]
    for taxes in (note["total_taxes"], note["lines"]["data"][0]["taxes"]):
        taxes[0]["tax_behavior"] = "inclusive"
    note["lines"]["data"][0]["amount"] = 3451
    assert _lines(planned(event))[:2] == [("Income:CreditNotes", 2900), ("Liabilities:Tax:Sales", 551)]


def test_the_date_of_issue_counts(a_stripe_event: Event, planned: Planned) -> None:
    """A note may be dated back; the books follow the document."""
    (effect,) = planned(a_stripe_event("credit_note.created", effective_at=1793500000)).effects
    assert effect.body["date"] == "2026-11-01"


def test_a_note_before_payment_is_skipped_with_the_reason(a_stripe_event: Event, planned: Planned) -> None:
    """Revenue is booked when paid: nothing is there to be taken back."""
    before = {"pre_payment_amount": 3451, "post_payment_amount": 0, "type": "pre_payment"}
    for outcome in (
        planned(a_stripe_event("credit_note.created", **before)),
        planned(a_stripe_event("credit_note.created@2024-06-20", type="pre_payment", refund=None)),
    ):
        assert isinstance(outcome, Skip)
        assert "when the invoice is paid" in outcome.reason


@pytest.mark.parametrize(
    ("sample", "members"),
    [
        ("credit_note.created", {"pre_payment_amount": 451, "post_payment_amount": 3000, "type": "mixed"}),
        ("credit_note.created@2024-06-20", {"customer_balance_transaction": "cbtxn_1"}),
        ("credit_note.created", {"pretax_credit_amounts": [{"amount": 5, "type": "credit_balance_transaction"}]}),
    ],
    ids=["before and after payment", "refund and credit without amounts", "billing credits"],
)
def test_what_the_note_leaves_open_goes_to_a_person(
    sample: str, members: dict[str, Any], a_stripe_event: Event, planned: Planned
) -> None:
    """The books do not guess; the case carries the money at stake."""
    outcome = planned(a_stripe_event(sample, **members))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.failure_class == "context_missing"
    assert outcome.amount == Money(3451, "EUR")


def test_nothing_a_person_wrote_reaches_the_books(a_stripe_event: Event, planned: Planned) -> None:
    """Memo and line texts of a note are addressed to a customer."""
    event = a_stripe_event("credit_note.created", memo="Dear Ms Example")
    told = repr(planned(event))
    assert "Dear" not in told
    assert "seat" not in told
