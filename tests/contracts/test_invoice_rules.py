"""What must be true of a paid invoice: every rule has an invoice that breaks it and nothing else."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import ContractBroken
from contracts.invoice_rules import RULES
from contracts.stripe import InvoicePaidBefore20250331, InvoicePaidSince20250331

STRIPE = Path(contracts.__file__).parent / "samples" / "stripe"
NOW = json.loads((STRIPE / "invoice.paid.json").read_text("utf-8"))
BEFORE = json.loads((STRIPE / "invoice.paid@2024-06-20.json").read_text("utf-8"))

TWO_DAYS_AHEAD = NOW["created"] + 2 * 24 * 3600

Change = Callable[[dict[str, Any]], Any]


def _rules_broken(event: dict[str, Any], change: Change) -> set[str]:
    contract = InvoicePaidBefore20250331 if event is BEFORE else InvoicePaidSince20250331
    changed = copy.deepcopy(event)
    change(changed["data"]["object"])
    try:
        contract.check(changed)
    except ContractBroken as broken:
        return {violation.rule for violation in broken.violations}
    return set()


def _paid(minor: int, **members: Any) -> Change:
    """Due and paid in full with this amount."""
    return lambda invoice: invoice.update(amount_due=minor, amount_paid=minor, **members)


def _line(number: int, **members: Any) -> Change:
    return lambda invoice: invoice["lines"]["data"][number].update(members)


BREAKING: list[tuple[str, dict[str, Any], Change]] = [
    ("field_missing", NOW, lambda i: i.pop("total")),
    ("field_missing", NOW, lambda i: i.pop("lines")),
    ("field_missing", NOW, lambda i: i["lines"]["data"][0].pop("amount")),
    ("id_usable", NOW, lambda i: i.update(id="in 1\n2")),
    ("names_printable", NOW, lambda i: i.update(number="EX\u202e42")),
    ("names_printable", NOW, lambda i: i.update(number="x" * 101)),
    ("names_printable", NOW, _line(0, id="  ")),
    ("names_printable", NOW, _line(0, id="il_1\n2026-01-01 open Assets:Else")),
    ("of_this_version", BEFORE, lambda i: i.update(total_taxes=[{"amount": 1}])),
    ("status_is_paid", NOW, lambda i: i.update(status="open")),
    ("customer_present", NOW, lambda i: i.update(customer=None)),
    ("customer_present", NOW, lambda i: i.update(customer="")),
    ("customer_present", NOW, lambda i: i.update(customer={"object": "customer"})),
    ("currency_known", NOW, lambda i: i.update(currency="eux")),
    ("one_currency", NOW, _line(1, currency="usd")),
    ("lines_distinct", NOW, _line(1, id="il_1SExample0000001")),
    ("category_known", NOW, _line(0, metadata={"revenue_category": "moonshine"})),
    ("lines_add_up", NOW, lambda i: i.update(subtotal=17701)),
    ("lines_add_up", BEFORE, lambda i: i.update(subtotal=15299)),
    ("discounts_add_up", NOW, _line(0, discount_amounts=[])),
    ("taxes_add_up", NOW, _line(0, taxes=[])),
    ("total_adds_up", NOW, lambda i: i.update(total=18958, amount_due=18958, amount_paid=18958)),
    ("total_adds_up", BEFORE, lambda i: i.update(total=17850, amount_due=17350, amount_paid=17350)),
    ("tax_listed", BEFORE, lambda i: i.update(total_tax_amounts=[])),
    ("due_adds_up", NOW, lambda i: i.update(starting_balance=-500)),
    ("due_adds_up", BEFORE, lambda i: i.update(starting_balance=0)),
    ("due_adds_up", NOW, lambda i: i.update(amount_due=-1, amount_paid=-1)),
    ("paid_adds_up", NOW, lambda i: i.update(amount_paid=18956)),
    ("paid_adds_up", NOW, lambda i: i.update(amount_paid=18900, amount_remaining=57)),
    ("date_in_bounds", NOW, lambda i: i["status_transitions"].update(paid_at=1793610847000)),
    ("date_in_bounds", NOW, lambda i: i["status_transitions"].update(paid_at=0)),
    ("date_in_bounds", NOW, lambda i: i.update(created=1262303999)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "event", "change"), BREAKING, ids=[f"{n}-{rule}" for n, (rule, *_) in enumerate(BREAKING)]
)
def test_a_broken_invoice_breaks_the_rule(rule: str, event: dict[str, Any], change: Change) -> None:
    """The rule's code appears; without the change nothing does."""
    assert _rules_broken(event, lambda _: None) == set()
    assert rule in _rules_broken(event, change)


def test_every_rule_has_an_invoice_that_breaks_it() -> None:
    """A rule that no test can break might as well be missing."""
    names = {rule.__name__ for rule in RULES} - {"needed_fields_present"}
    assert names <= {rule for rule, *_ in BREAKING}


def _out_of_band_before(invoice: dict[str, Any]) -> None:
    invoice.update(paid_out_of_band=True, charge=None, payment_intent=None)


def _out_of_band_unpaid(invoice: dict[str, Any]) -> None:
    invoice.update(paid_out_of_band=True, amount_paid=0, amount_remaining=invoice["amount_due"])


def _shipping(tax_in_list: bool) -> Change:
    def change(invoice: dict[str, Any]) -> None:
        invoice["shipping_cost"] = {
            "amount_subtotal": 500,
            "amount_tax": 95,
            "amount_total": 595,
            "shipping_rate": None,
        }
        for name in ("total", "amount_due", "amount_paid"):
            invoice[name] += 595
        if tax_in_list:
            invoice["total_taxes"][0]["amount"] += 95

    return change


def _rounded(invoice: dict[str, Any]) -> None:
    invoice["total_taxes"][0]["amount"] -= 1
    _paid(18956, total=18956)(invoice)


def _bare_tax(invoice: dict[str, Any]) -> None:
    del invoice["total_tax_amounts"]
    for line in invoice["lines"]["data"]:
        del line["tax_amounts"]
    _paid(17350, total=17850)(invoice)


def _zero(invoice: dict[str, Any]) -> None:
    for line in invoice["lines"]["data"]:
        line.update(amount=0, discount_amounts=[], taxes=[])
    names = ("subtotal", "total", "total_excluding_tax", "amount_due", "amount_paid")
    invoice.update(dict.fromkeys(names, 0) | {"total_discount_amounts": [], "total_taxes": []})


VALID: list[tuple[str, dict[str, Any], Change]] = [
    ("paid outside, counted as paid", BEFORE, _out_of_band_before),
    ("paid outside, left open", BEFORE, _out_of_band_unpaid),
    ("paid outside, new shape", NOW, lambda i: i.update(amount_paid_off_stripe=18957)),
    ("shipping, its tax in the list", NOW, _shipping(True)),
    ("shipping, its tax beside the list", NOW, _shipping(False)),
    ("nothing to pay", NOW, _zero),
    ("customer expanded", NOW, lambda i: i.update(customer={"id": "cus_1", "object": "customer"})),
    ("only the first lines", NOW, lambda i: (i["lines"].update(has_more=True), i["lines"]["data"].pop())),
    ("only the first lines, by count", NOW, lambda i: (i["lines"].update(total_count=12), i["lines"]["data"].pop())),
    ("put onto the balance", NOW, _paid(19257, starting_balance=300)),
    ("too small to charge", NOW, _paid(0, ending_balance=18957)),
    ("credit note before payment", NOW, _paid(18900, pre_payment_credit_notes_amount=57)),
    ("a cent of rounding on the whole", NOW, _rounded),
    ("no times of its own", NOW, lambda i: i.update(status_transitions=None)),
    ("two days ahead of the event", NOW, lambda i: i["status_transitions"].update(paid_at=TWO_DAYS_AHEAD)),
    ("a bare tax sum", BEFORE, _bare_tax),
]  # fmt: skip


@pytest.mark.parametrize(("event", "change"), [row[1:] for row in VALID], ids=[row[0] for row in VALID])
def test_an_unusual_invoice_is_still_valid(event: dict[str, Any], change: Change) -> None:
    """What Stripe really does is not refused."""
    assert _rules_broken(event, change) == set()


@pytest.mark.parametrize(
    "change", [lambda i: i["lines"].update(has_more=True), lambda i: i["lines"].update(total_count=3)]
)
def test_an_event_with_only_some_of_the_lines_says_so(change: Change) -> None:
    """Booking the first ten of twelve lines would be wrong; the event is whole, its context is not."""
    event = copy.deepcopy(NOW)
    change(event["data"]["object"])
    missing = InvoicePaidSince20250331.check(event).missing_context
    assert missing is not None
    assert "first lines" in missing


def test_two_days_and_a_second_ahead_is_too_far() -> None:
    """The bound has an edge, and it is measured from the event itself: there is no clock in it."""
    broken = _rules_broken(NOW, lambda i: i["status_transitions"].update(paid_at=TWO_DAYS_AHEAD + 1))
    assert broken == {"date_in_bounds"}
