"""Refunds: one entry per refund whichever event tells it, and its mirror image when the money comes back."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.money import Money
from destinations.base import Effect
from engine import NeedsPerson, Plan, Skip

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]


def _effect(outcome: Any) -> Effect:
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    return effect


def _lines(effect: Effect) -> list[tuple[str, int]]:
    return [(line["account"], line["amount_minor"]) for line in effect.body["lines"]]


def _refunded(a_stripe_event: Event, before: int, after: int, **members: Any) -> dict[str, Any]:
    event = a_stripe_event("charge.refunded", amount_refunded=after, refunded=after == 18957, **members)
    event["data"]["previous_attributes"] = {"amount_refunded": before}
    return event


def test_a_refund_leaves_the_clearing_account_and_lowers_revenue(a_stripe_event: Event, planned: Planned) -> None:
    """Keyed by the charge and its total; the entry says which charge it takes back."""
    effect = _effect(planned(a_stripe_event("charge.refunded")))
    assert effect.key == "books:charge:ch_3SExample0000001:refunded:2900"
    assert effect.amount == Money(2900, "EUR")
    assert effect.body["refers_to"] == "ch_3SExample0000001"
    assert effect.body["date"] == "2026-11-04"
    assert effect.body["memo"] == "Refund of ch_3SExample0000001, in all 29.00 after 0.00"
    assert _lines(effect) == [("Income:Refunds", 2900), ("Assets:Stripe:Clearing", -2900)]


def test_only_the_new_part_is_booked(a_stripe_event: Event, planned: Planned) -> None:
    """The charge carries the total of all refunds; what was refunded before has its own entry."""
    effect = _effect(planned(_refunded(a_stripe_event, 2900, 18957)))
    assert effect.key.endswith(":refunded:18957")
    assert _lines(effect) == [("Income:Refunds", 16057), ("Assets:Stripe:Clearing", -16057)]


def test_a_currency_without_decimals_is_whole(a_stripe_event: Event, planned: Planned) -> None:
    """2900 yen are 2900 yen."""
    effect = _effect(planned(a_stripe_event("charge.refunded", currency="jpy")))
    assert effect.amount == Money(2900, "JPY")
    assert "in all 2900 after 0" in effect.body["memo"]


def test_a_charge_that_names_its_invoice_refers_to_it(a_stripe_event: Event, planned: Planned) -> None:
    """Before 2025-03-31 it did; the invoice is what the payment was booked under."""
    for invoice in ("in_1", {"id": "in_1", "object": "invoice"}):
        effect = _effect(planned(a_stripe_event("charge.refunded", invoice=invoice)))
        assert effect.body["refers_to"] == "in_1"


def test_two_events_of_one_refund_are_one_content(a_stripe_event: Event, planned: Planned) -> None:
    """A twin under another id writes nothing and contradicts nothing."""
    first, twin = a_stripe_event("charge.refunded"), a_stripe_event("charge.refunded") | {"id": "evt_twin"}
    assert _effect(planned(first)).digest == _effect(planned(twin)).digest


def test_a_total_that_is_reached_again_is_not_lost(a_stripe_event: Event, planned: Planned) -> None:
    """A failed refund lowers the total; the next one has the same key and other content, which is a case."""
    again = a_stripe_event("charge.refunded")
    again["created"] += 1
    one, other = _effect(planned(a_stripe_event("charge.refunded"))), _effect(planned(again))
    assert one.key == other.key
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "members",
    [{"captured": False, "amount_captured": 0, "amount_refunded": 18957, "refunded": True}, {"captured": False}],
)
def test_a_released_reservation_is_no_refund(members: Any, a_stripe_event: Event, planned: Planned) -> None:
    """Nothing was collected, so nothing was booked that could be taken back."""
    assert isinstance(planned(a_stripe_event("charge.refunded", **members)), Skip)


def test_a_charge_captured_in_part_goes_to_a_person(a_stripe_event: Event, planned: Planned) -> None:
    """Whether the part that was never captured counts as refunded is not told."""
    outcome = planned(a_stripe_event("charge.refunded", amount_captured=10000))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.amount == Money(2900, "EUR")


@pytest.mark.parametrize("previous", [None, {}, {"receipt_url": "x"}])
def test_without_the_total_before_nothing_is_guessed(previous: Any, a_stripe_event: Event, planned: Planned) -> None:
    """It might be the first refund or the third."""
    event = a_stripe_event("charge.refunded")
    event["data"]["previous_attributes"] = previous
    assert isinstance(planned(event), NeedsPerson)


def test_the_refund_itself_is_not_booked_a_second_time(a_stripe_event: Event, planned: Planned) -> None:
    """It is the same fact under another name, and the reason says where it is booked."""
    outcome = planned(a_stripe_event("refund.created"))
    assert isinstance(outcome, Skip)
    assert "charge.refunded" in outcome.reason


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_comes_back_is_booked_once_by_whoever_tells_it(
    status: str, a_stripe_event: Event, planned: Planned
) -> None:
    """Three event types, one key, one content: the refund's mirror image."""
    told = ("refund.failed", "refund.updated", "charge.refund.updated")
    effects = [_effect(planned(a_stripe_event(name, status=status))) for name in told]
    assert {effect.key for effect in effects} == {"books:refund:re_3SExample0000001:returned"}
    assert len({effect.digest for effect in effects}) == 1
    assert _lines(effects[0]) == [("Assets:Stripe:Clearing", 2900), ("Income:Refunds", -2900)]
    assert effects[0].body["refers_to"] == "ch_3SExample0000001"


def test_an_update_of_a_note_is_no_return(a_stripe_event: Event, planned: Planned) -> None:
    """The refund failed long ago; that somebody annotates it today moves no money."""
    event = a_stripe_event("refund.updated")
    event["data"]["previous_attributes"] = {"metadata": {}}
    assert isinstance(planned(event), Skip)


@pytest.mark.parametrize("status", ["pending", "succeeded", "requires_action"])
def test_a_refund_under_way_is_none_that_came_back(status: str, a_stripe_event: Event, planned: Planned) -> None:
    """Its money is still gone."""
    assert isinstance(planned(a_stripe_event("refund.updated", status=status)), Skip)


def test_a_return_without_a_transaction_goes_to_a_person(a_stripe_event: Event, planned: Planned) -> None:
    """Perhaps the money had never left."""
    outcome = planned(a_stripe_event("refund.failed", failure_balance_transaction=None))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.amount == Money(2900, "EUR")


def test_a_refund_without_a_charge_refers_to_itself(a_stripe_event: Event, planned: Planned) -> None:
    """Some are made from the customer's balance."""
    assert _effect(planned(a_stripe_event("refund.failed", charge=None))).body["refers_to"] == "re_3SExample0000001"
