"""What must be true of refunds, credit notes, disputes and payouts: every rule has an object that breaks it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import ContractBroken, find

STRIPE = Path(contracts.__file__).parent / "samples" / "stripe"
FAMILIES = ("charge.refunded", "refund.failed", "credit_note.created", "charge.dispute.funds_reinstated", "payout.paid")

Change = Callable[[dict[str, Any]], Any]


def _sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STRIPE / f"{name}.json").read_text("utf-8"))
    return found


def _rules_broken(name: str, change: Change) -> set[str]:
    event = copy.deepcopy(_sample(name))
    change(event["data"]["object"])
    try:
        find("stripe", event["type"], event["api_version"], event).check(event)
    except ContractBroken as broken:
        return {violation.rule for violation in broken.violations}
    return set()


def _movement(number: int, **members: Any) -> Change:
    return lambda dispute: dispute["balance_transactions"][number].update(members)


def _shipping(dispute: dict[str, Any]) -> None:
    dispute["shipping_cost"] = {"amount_subtotal": 500, "amount_tax": 95, "amount_total": 595}


OLD_NOTE, NOTE = "credit_note.created@2024-06-20", "credit_note.created"
BACK = "charge.dispute.funds_reinstated"

BREAKING: list[tuple[str, str, Change]] = [
    ("field_missing", "charge.refunded", lambda o: o.pop("amount_refunded")),
    ("field_missing", "charge.refunded", lambda o: o.pop("amount")),
    ("id_usable", "charge.refunded", lambda o: o.update(id="ch 1")),
    ("id_usable", "charge.refunded", lambda o: o.update(invoice="in_1 ^in_2")),
    ("currency_known", "charge.refunded", lambda o: o.update(currency="eux")),
    ("status_known", "charge.refunded", lambda o: o.update(status="failed")),
    ("refund_within_charge", "charge.refunded", lambda o: o.update(amount_refunded=0)),
    ("refund_within_charge", "charge.refunded", lambda o: o.update(amount_refunded=18958, refunded=False)),
    ("captured_within_charge", "charge.refunded", lambda o: o.update(amount_captured=18958)),
    ("refunded_says_so", "charge.refunded", lambda o: o.update(refunded=True)),
    ("refunded_says_so", "charge.refunded", lambda o: o.update(amount_refunded=18957)),
    ("date_in_bounds", "charge.refunded", lambda o: o.update(created=1793610844000)),
    ("wrong_type", "charge.refunded", lambda o: o.update(amount_refunded=2900.0)),
    ("amount_above_zero", "refund.failed", lambda o: o.update(amount=0)),
    ("amount_above_zero", "refund.failed", lambda o: o.update(amount=-2900)),
    ("status_known", "refund.failed", lambda o: o.update(status="lost in space")),
    ("field_missing", "refund.created", lambda o: o.pop("id")),
    ("field_missing", NOTE, lambda o: o.pop("invoice")),
    ("field_missing", NOTE, lambda o: o.pop("post_payment_amount")),
    ("names_printable", NOTE, lambda o: o.update(number="CN\u202e42")),
    ("of_this_version", NOTE, lambda o: o.update(tax_amounts=[{"amount": 1}])),
    ("of_this_version", OLD_NOTE, lambda o: o.update(total_taxes=[{"amount": 1}])),
    ("status_known", NOTE, lambda o: o.update(status="void")),
    ("total_not_negative", NOTE, lambda o: o.update(total=-1, amount=-1)),
    ("total_adds_up", NOTE, lambda o: o.update(amount=3450)),
    ("total_adds_up", NOTE, lambda o: o.update(total=3452, amount=3452, post_payment_amount=3452)),
    ("total_adds_up", OLD_NOTE, lambda o: o.update(total=3450, amount=3450)),
    ("total_adds_up", NOTE, _shipping),
    ("taxes_add_up", NOTE, lambda o: o["lines"]["data"][0]["taxes"][0].update(amount=500)),
    ("tax_within_total", NOTE, lambda o: o["total_taxes"][0].update(amount=-551)),
    ("tax_within_total", NOTE, lambda o: o["total_taxes"][0].update(amount=3452)),
    ("tax_listed", OLD_NOTE, lambda o: o.update(tax_amounts=[])),
    ("settlement_adds_up", NOTE, lambda o: o.update(post_payment_amount=3450)),
    ("settlement_adds_up", NOTE, lambda o: o.update(pre_payment_amount=-1, post_payment_amount=3452)),
    ("settlement_adds_up", NOTE, lambda o: o.update(refunds=[{"amount_refunded": 3452, "refund": "re_1"}])),
    ("settlement_adds_up", NOTE, lambda o: o.update(out_of_band_amount=-1)),
    ("settlement_adds_up", NOTE, lambda o: o.update(customer_balance_transaction=None)),
    ("settlement_adds_up", OLD_NOTE, lambda o: o.update(refund=None)),
    ("date_in_bounds", NOTE, lambda o: o.update(effective_at=1893783647)),
    ("field_missing", BACK, lambda o: o.pop("balance_transactions")),
    ("field_missing", BACK, lambda o: o.update(charge=None)),
    ("status_known", BACK, lambda o: o.update(status="undecided")),
    ("status_known", "charge.dispute.closed", lambda o: o.update(status="under_review")),
    ("amount_above_zero", BACK, lambda o: o.update(amount=0)),
    ("id_usable", BACK, _movement(0, id="txn:1")),
    ("id_usable", BACK, _movement(0, id="txn_1SExample0000044")),
    ("currency_known", BACK, _movement(0, currency="eux")),
    ("date_in_bounds", BACK, _movement(0, created=1794215647000)),
    ("movements_add_up", BACK, _movement(0, net=-18957)),
    ("movements_add_up", BACK, _movement(1, amount=18958, net=18958)),
    ("field_missing", "payout.paid", lambda o: o.pop("arrival_date")),
    ("status_known", "payout.paid", lambda o: o.update(status="in_transit")),
    ("moves_money", "payout.paid", lambda o: o.update(amount=0)),
    ("date_in_bounds", "payout.paid", lambda o: o.update(arrival_date=1793750400000)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "name", "change"), BREAKING, ids=[f"{n}-{name}-{rule}" for n, (rule, name, _) in enumerate(BREAKING)]
)
def test_a_broken_object_breaks_the_rule(rule: str, name: str, change: Change) -> None:
    """The rule's code appears; without the change nothing does."""
    assert _rules_broken(name, lambda _: None) == set()
    assert rule in _rules_broken(name, change)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_rule_of_a_contract_has_an_object_that_breaks_it(name: str) -> None:
    """A rule that no test can break might as well be missing."""
    event = _sample(name)
    rules = {rule.__name__ for rule in find("stripe", event["type"], event["api_version"]).rules}
    codes = {"needed_fields_present": "field_missing", "movements_usable": "id_usable"}
    assert {codes.get(rule, rule) for rule in rules} <= {rule for rule, *_ in BREAKING}


def _shipped(tax_in_list: bool) -> Change:
    def change(note: dict[str, Any]) -> None:
        _shipping(note)
        for name in ("total", "amount", "post_payment_amount"):
            note[name] += 595
        if tax_in_list:
            note["total_taxes"][0]["amount"] += 95

    return change


VALID: list[tuple[str, str, Change]] = [
    ("all of it refunded", "charge.refunded", lambda o: o.update(amount_refunded=18957, refunded=True)),
    ("invoice expanded", "charge.refunded", lambda o: o.update(invoice={"id": "in_1", "object": "invoice"})),
    ("shipping, its tax in the list", NOTE, _shipped(True)),
    ("shipping, its tax beside the list", NOTE, _shipped(False)),
    ("given three ways", NOTE, lambda o: o.update(refunds=[{"amount_refunded": 1000}], out_of_band_amount=51)),
    ("before payment", NOTE, lambda o: o.update(pre_payment_amount=3451, post_payment_amount=0, type="pre_payment")),
    ("before payment, old", OLD_NOTE, lambda o: o.update(type="pre_payment", refund=None)),
    ("only the first lines", NOTE, lambda o: (o["lines"].update(has_more=True), o["lines"]["data"].clear())),
    ("an inquiry", "charge.dispute.created", lambda o: o.update(status="warning_needs_response")),
    ("nothing moved", "charge.dispute.closed", lambda o: o.update(balance_transactions=[], status="warning_closed")),
    ("taken from the bank", "payout.paid", lambda o: o.update(amount=-100)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), [pytest.param(name, change, id=what) for what, name, change in VALID])
def test_what_stripe_really_sends_passes(name: str, change: Change) -> None:
    """A rule that refuses good events makes people ignore it."""
    assert _rules_broken(name, change) == set()


@pytest.mark.parametrize("name", [*FAMILIES, OLD_NOTE])
def test_an_event_without_a_version_is_told_by_its_shape(name: str) -> None:
    """Thin or full, old or new: exactly one contract takes it."""
    event = _sample(name)
    known = find("stripe", event["type"], event["api_version"])
    assert find("stripe", event["type"], None, event) is known
    thin = {"object": "v2.core.event", "type": f"v1.{event['type']}", "related_object": {"id": "x_1"}}
    reference = find("stripe", event["type"], None, thin)
    assert reference is not known
    assert reference.check(thin).missing_context
