"""Disputes: each movement is booked once, whichever event shows it, and the end decides what was undecided."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from contracts.money import Money
from engine import NeedsPerson, Plan, Skip

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]

TAKEN = "books:dispute:du_1SExample0000001:txn_1SExample0000020"
BACK = "books:dispute:du_1SExample0000001:txn_1SExample0000044"
LOST = "books:dispute:du_1SExample0000001:lost"


def _entries(outcome: Any) -> dict[str, list[tuple[str, int]]]:
    assert isinstance(outcome, Plan)
    return {
        effect.key: [(line["account"], line["amount_minor"]) for line in effect.body["lines"]]
        for effect in outcome.effects
    }


def _balances(outcomes: list[Any]) -> dict[str, int]:
    """What the accounts come to when every key is written once."""
    written: dict[str, list[tuple[str, int]]] = {}
    for outcome in outcomes:
        for key, lines in _entries(outcome).items():
            assert written.setdefault(key, lines) == lines, f"{key} was told in two ways"
    found: dict[str, int] = {}
    for account, amount in itertools.chain.from_iterable(written.values()):
        found[account] = found.get(account, 0) + amount
    return {account: amount for account, amount in found.items() if amount}


def test_what_a_dispute_takes_is_undecided_and_its_fee_is_spent(a_stripe_event: Event, planned: Planned) -> None:
    """The customer's money may come back; the fee is an expense now."""
    outcome = planned(a_stripe_event("charge.dispute.created"))
    assert _entries(outcome) == {
        TAKEN: [
            ("Assets:Stripe:Disputes", 18957),
            ("Expenses:Stripe:DisputeFees", 2000),
            ("Assets:Stripe:Clearing", -20957),
        ]
    }
    (effect,) = outcome.effects
    assert effect.amount == Money(18957, "EUR")
    assert (effect.body["refers_to"], effect.body["date"]) == ("ch_3SExample0000001", "2026-11-09")


def test_a_dispute_won_leaves_the_fee_only(a_stripe_event: Event, planned: Planned) -> None:
    """In any order of its events, each of them twice: one entry per movement."""
    told = [
        planned(a_stripe_event("charge.dispute.created")),
        planned(a_stripe_event("charge.dispute.funds_withdrawn")),
        planned(a_stripe_event("charge.dispute.closed", status="won")),
        planned(a_stripe_event("charge.dispute.funds_reinstated")),
    ]
    for order in itertools.permutations(told):
        balances = _balances([*order, *order])
        assert balances == {"Expenses:Stripe:DisputeFees": 2000, "Assets:Stripe:Clearing": -2000}
    assert _entries(told[3]).keys() == {TAKEN, BACK}
    digests = {effect.key: effect.digest for outcome in told for effect in outcome.effects}
    assert all(effect.digest == digests[effect.key] for outcome in told for effect in outcome.effects)


def test_a_dispute_lost_is_written_off(a_stripe_event: Event, planned: Planned) -> None:
    """Nothing is undecided any more."""
    outcome = planned(a_stripe_event("charge.dispute.closed"))
    assert _entries(outcome).keys() == {TAKEN, LOST}
    assert _balances([outcome, planned(a_stripe_event("charge.dispute.created"))]) == {
        "Expenses:DisputesLost": 18957,
        "Expenses:Stripe:DisputeFees": 2000,
        "Assets:Stripe:Clearing": -20957,
    }


def test_a_fee_that_comes_back_is_earned_back(a_stripe_event: Event, planned: Planned) -> None:
    """Stripe gives it back in some countries when a dispute is won."""
    event = a_stripe_event("charge.dispute.funds_reinstated")
    event["data"]["object"]["balance_transactions"][1].update(fee=-2000, net=20957)
    assert _balances([planned(event)]) == {}


def test_what_was_given_back_in_part_is_written_off_in_part(a_stripe_event: Event, planned: Planned) -> None:
    """Lost is what was taken and did not come back."""
    event = a_stripe_event("charge.dispute.funds_reinstated", status="lost") | {"type": "charge.dispute.closed"}
    event["data"]["object"]["balance_transactions"][1].update(amount=8957, net=8957)
    assert _balances([planned(event)])["Expenses:DisputesLost"] == 10000


@pytest.mark.parametrize(
    ("sample", "status"),
    [
        ("charge.dispute.created", "warning_needs_response"),
        ("charge.dispute.closed", "warning_closed"),
        ("charge.dispute.closed", "lost"),
        ("charge.dispute.closed", "won"),
        ("charge.dispute.closed", "prevented"),
    ],
)
def test_a_dispute_that_moved_nothing_is_skipped(
    sample: str, status: str, a_stripe_event: Event, planned: Planned
) -> None:
    """An inquiry is a question, no withdrawal; the reason names its state."""
    outcome = planned(a_stripe_event(sample, status=status, balance_transactions=[]))
    assert isinstance(outcome, Skip)
    assert status in outcome.reason


@pytest.mark.parametrize("members", [{"currency": "usd"}, {"exchange_rate": 1.08}])
@pytest.mark.parametrize("sample", ["charge.dispute.created", "charge.dispute.closed"])
def test_another_currency_than_the_charges_goes_to_a_person(
    sample: str, members: dict[str, Any], a_stripe_event: Event, planned: Planned
) -> None:
    """The clearing account holds the charge's currency; what was taken of it is not told."""
    event = a_stripe_event(sample)
    event["data"]["object"]["balance_transactions"][0].update(members)
    outcome = planned(event)
    assert isinstance(outcome, NeedsPerson)
    assert outcome.amount == Money(18957, "EUR")
