"""The one form of a paid invoice: nothing lost, nothing invented."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contracts
from contracts.categories import Hints, category_of
from contracts.invoice import InvoiceTax, spread
from contracts.stripe import InvoicePaidBefore20250331, InvoicePaidSince20250331

STRIPE = Path(contracts.__file__).parent / "samples" / "stripe"
NOW = json.loads((STRIPE / "invoice.paid.json").read_text("utf-8"))
BEFORE = json.loads((STRIPE / "invoice.paid@2024-06-20.json").read_text("utf-8"))


@given(amount=st.integers(-(10**15), 10**15), weights=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30))
def test_sharing_out_loses_no_minor_unit(amount: int, weights: list[int]) -> None:
    """The shares make the whole, whatever the weights."""
    shares = spread(amount, weights)
    assert sum(shares) == amount
    assert len(shares) == len(weights)


@given(amount=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_a_share_is_within_a_unit_of_its_part(amount: int, weights: list[int]) -> None:
    """Rounding moves at most one minor unit per line."""
    if not sum(weights):
        return
    for share, weight in zip(spread(amount, weights), weights, strict=True):
        assert abs(share * sum(weights) - amount * weight) < sum(weights)


def test_the_old_shape_reads_to_what_the_invoice_says() -> None:
    """Tax inside the price is taken out per line, a proration credit stays negative, credit used is counted."""
    invoice = InvoicePaidBefore20250331.check(BEFORE).invoice
    assert [line.net_minor for line in invoice.lines] == [-500, 5000, 8250]
    assert [line.category for line in invoice.lines] == ["subscription", "subscription", "services"]
    assert invoice.taxes == (InvoiceTax("txr_1PExampleVatGb01", 2550),)
    assert (invoice.total_minor, invoice.balance_used_minor, invoice.due_minor) == (15300, 500, 14800)
    assert invoice.subscription_id == "sub_1PExample0000001"
    assert invoice.currency == "GBP"


def test_the_new_shape_reads_to_what_the_invoice_says() -> None:
    """Discounts are taken off the line they belong to, tax stays on top."""
    invoice = InvoicePaidSince20250331.check(NOW).invoice
    assert [line.net_minor for line in invoice.lines] == [13050, 2880]
    assert [line.category for line in invoice.lines] == ["subscription", "usage"]
    assert invoice.subscription_id == "sub_1SExample0000001"
    assert invoice.paid_at.isoformat() == "2026-11-02T09:14:05+00:00"


def test_a_discount_stated_only_for_the_whole_is_shared_out() -> None:
    """Old endpoints may leave the lines without it."""
    event = copy.deepcopy(NOW)
    for line in event["data"]["object"]["lines"]["data"]:
        line["discount_amounts"] = None
    invoice = InvoicePaidSince20250331.check(event).invoice
    assert [line.discount_minor for line in invoice.lines] == [1450, 320]


@pytest.mark.parametrize("in_list", [True, False])
def test_the_tax_on_shipping_is_booked_once(in_list: bool) -> None:
    """Whether the tax list covers the shipping or not, the liability is the same."""
    event = copy.deepcopy(NOW)
    invoice = event["data"]["object"]
    invoice["shipping_cost"] = {"amount_subtotal": 500, "amount_tax": 95, "amount_total": 595, "shipping_rate": None}
    for name in ("total", "amount_due", "amount_paid"):
        invoice[name] += 595
    if in_list:
        invoice["total_taxes"][0]["amount"] += 95
    found = InvoicePaidSince20250331.check(event).invoice
    assert sum(tax.amount_minor for tax in found.taxes) == 3027 + 95
    assert found.shipping_net_minor == 500


@pytest.mark.parametrize(
    ("metadata", "metered", "recurring", "category"),
    [
        (({"revenue_category": "Services"}, {"revenue_category": "usage"}), True, True, "services"),
        ((None, {"revenue_category": "one-off"}), True, True, "one_off"),
        (({"revenue_category": ""}, {}), True, True, "usage"),
        (({}, None), False, True, "subscription"),
        ((), False, False, None),
        (({"revenue_category": "moonshine"},), False, True, None),
        (({"revenue_category": ["usage"]},), False, True, None),
    ],
)
def test_the_category_rule_is_fixed(
    metadata: tuple[dict[str, Any] | None, ...], metered: bool, recurring: bool, category: str | None
) -> None:
    """Metadata speaks first (line, price, product), then metered use, then recurrence; what is left is no guess."""
    assert category_of(Hints(metadata, metered, recurring, None, None)) == category
