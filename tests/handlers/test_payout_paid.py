"""Payouts: what reaches the bank leaves the clearing account with its fees, after the parts were added up."""

from collections.abc import Callable
from typing import Any

import pytest
from company_at_stripe import Company
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Money
from engine import NeedsPerson, Plan

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]


def _part(kind: str, amount: int, fee: int = 0, **members: Any) -> dict[str, Any]:
    moved = {"amount": amount, "fee": fee, "net": amount - fee, "currency": "eur", "type": "x"}
    return {"id": f"txn_{kind}_{amount}", **moved, "reporting_category": kind, **members}


PARTS = [
    _part("charge", 400000, 11200),
    _part("charge", 50000, 1500),
    _part("refund", -2900),
    _part("dispute", -18957, 2000),
    _part("fee", -1388),
    _part("payout", -412055, type="payout"),
]


def _lines(outcome: Any) -> list[tuple[str, int]]:
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    return [(line["account"], line["amount_minor"]) for line in effect.body["lines"]]


def test_a_payout_clears_what_came_in_with_its_fees(a_stripe_event: Event, planned: Planned) -> None:
    """The fee of the dispute was booked with the dispute; all others are booked now."""
    outcome = planned(a_stripe_event("payout.paid"), {"balance_transactions": PARTS})
    assert _lines(outcome) == [
        ("Assets:Bank:InTransit", 412055),
        ("Expenses:Stripe:Fees", 14088),
        ("Assets:Stripe:Clearing", -426143),
    ]
    (effect,) = outcome.effects
    assert effect.key == "books:payout:po_1SExample0000001:paid"
    assert effect.amount == Money(412055, "EUR")
    assert (effect.body["refers_to"], effect.body["date"]) == ("po_1SExample0000001", "2026-11-04")


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (None, "could not be read"),
        ({}, "could not be read"),
        ([{"id": "txn_1"}], "could not be read"),
        ([], "0.00"),
        (PARTS[1:], "the parts come to"),
        ([*PARTS[1:], {**PARTS[0], "net": 388801}], "do not come to amount less fee"),
        ([*PARTS, PARTS[1], _part("charge", -48500)], "listed twice"),
        ([*PARTS, _part("topup", 5), _part("transfer", -5)], "topup, transfer"),
        ([*PARTS[1:], {**PARTS[0], "currency": "usd"}], "converted"),
        ([*PARTS[1:], {**PARTS[0], "converted": True}], "converted"),
    ],
)
def test_parts_that_do_not_make_the_payout_go_to_a_person(
    parts: Any, why: str, a_stripe_event: Event, planned: Planned
) -> None:
    """The books do not guess; the case says what is off and carries the money."""
    outcome = planned(a_stripe_event("payout.paid"), {"balance_transactions": parts})
    assert isinstance(outcome, NeedsPerson)
    assert why in outcome.reason
    assert outcome.amount == Money(412055, "EUR")


def test_a_payout_by_hand_goes_to_a_person(a_stripe_event: Event, planned: Planned) -> None:
    """Stripe does not say which transactions are in it, so nobody can say which fees are."""
    outcome = planned(a_stripe_event("payout.paid", automatic=False), {"balance_transactions": PARTS})
    assert isinstance(outcome, NeedsPerson)


def test_a_debit_of_the_bank_is_booked_the_other_way_round(a_stripe_event: Event, planned: Planned) -> None:
    """When more was refunded than came in, Stripe takes the difference from the bank."""
    parts = [_part("refund", -2900), _part("charge", 1000, 59)]
    outcome = planned(a_stripe_event("payout.paid", amount=-1959), {"balance_transactions": parts})
    assert _lines(outcome) == [
        ("Assets:Bank:InTransit", -1959),
        ("Expenses:Stripe:Fees", 59),
        ("Assets:Stripe:Clearing", 1900),
    ]


@given(
    paid=st.lists(st.tuples(st.integers(1000, 10**6), st.integers(0, 1000)), min_size=1, max_size=5),
    refunded=st.lists(st.integers(1, 100), max_size=5),
    won=st.lists(st.booleans(), max_size=3),
)
def test_when_all_is_paid_out_nothing_is_left_on_clearing(
    planned: Planned, paid: list[Any], refunded: list[int], won: list[bool]
) -> None:
    """Every cent that came in went out as a refund, to a bank, or as a fee."""
    company = Company("eur")
    for net, tax in paid:
        company.pay(net, tax)
    for number, percent in enumerate(refunded):
        charge = company.charges[number % len(paid)]
        if charge.left:
            company.refund(charge, max(1, charge.left * percent // 100))
    for number, outcome in enumerate(won[: len(paid)]):
        if company.charges[number].left:
            company.dispute(company.charges[number], 1500)
            company.close(len(company.disputes) - 1, outcome)
    if sum(part["net"] for part in company.transactions) == 250:
        return  # a payout of nothing is none
    parts = company.payout()
    written: dict[str, Any] = {}
    for event in company.events:
        outcome = planned(event, {"balance_transactions": parts})
        for effect in outcome.effects if isinstance(outcome, Plan) else ():
            written[effect.key] = effect
    lines = [line for effect in written.values() for line in effect.body["lines"]]
    assert sum(line["amount_minor"] for line in lines if line["account"] == "Assets:Stripe:Clearing") == 0
