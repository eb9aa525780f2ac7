"""The first workflow: whatever a paid invoice says, its entry balances and says the same."""

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contracts
from contracts.base import find
from contracts.money import DECIMALS, Money
from contracts.stripe import InvoicePaid, InvoicePaidBefore20250331, InvoicePaidSince20250331
from engine import NeedsPerson, Plan, Skip
from handlers.invoice_paid import invoice_paid

STRIPE = Path(contracts.__file__).parent / "samples" / "stripe"
NOW = json.loads((STRIPE / "invoice.paid.json").read_text("utf-8"))
BEFORE = json.loads((STRIPE / "invoice.paid@2024-06-20.json").read_text("utf-8"))


def _outcome(event: dict[str, Any]) -> Any:
    contract = find("stripe", "invoice.paid", event.get("api_version"), event)
    found = contract.check(event)
    assert isinstance(found, InvoicePaid)
    return invoice_paid(found)


def _lines(plan: Plan) -> list[tuple[str, int]]:
    (effect,) = plan.effects
    return [(line["account"], line["amount_minor"]) for line in effect.body["lines"]]


def _changed(event: dict[str, Any], **members: Any) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    changed["data"]["object"].update(members)
    return changed


def test_a_paid_invoice_becomes_one_entry_keyed_by_the_invoice() -> None:
    """Cash in, revenue per line net of discount, tax owed."""
    plan = _outcome(NOW)
    (effect,) = plan.effects
    assert effect.key == "books:invoice:in_1SExample0000001:paid"
    assert effect.subject == "stripe:in_1SExample0000001"
    assert effect.amount == Money(18957, "EUR")
    assert (effect.body["date"], effect.body["refers_to"]) == ("2026-11-02", "in_1SExample0000001")
    assert effect.body["memo"] == "Invoice EXAMPLE-0042 paid"
    assert _lines(plan) == [
        ("Assets:Stripe:Clearing", 18957),
        ("Income:Subscriptions", -13050),
        ("Income:Usage", -2880),
        ("Liabilities:Tax:Sales", -3027),
    ]


def test_the_old_shape_books_credit_used_and_tax_inside_the_price() -> None:
    """Credit that a customer had is owed no longer; a proration credit lowers revenue."""
    assert _lines(_outcome(BEFORE)) == [
        ("Assets:Stripe:Clearing", 14800),
        ("Liabilities:CustomerCredit", 500),
        ("Income:Subscriptions", 500),
        ("Income:Subscriptions", -5000),
        ("Income:Services", -8250),
        ("Liabilities:Tax:Sales", -2550),
    ]


def test_what_was_paid_outside_is_not_expected_from_stripe() -> None:
    """Otherwise the clearing account would never clear."""
    lines = _lines(_outcome(_changed(BEFORE, paid_out_of_band=True)))
    assert lines[0] == ("Assets:OutsideStripe:Clearing", 14800)
    assert all(account != "Assets:Stripe:Clearing" for account, _ in lines)


def test_an_invoice_of_nothing_is_skipped_with_the_reason() -> None:
    """A trial or a full discount on nothing moves no money: there is nothing to book."""
    event = copy.deepcopy(NOW)
    invoice = event["data"]["object"]
    for line in invoice["lines"]["data"]:
        line.update(amount=0, discount_amounts=[], taxes=[])
    invoice.update(
        total_excluding_tax=0,
        subtotal=0,
        total=0,
        amount_due=0,
        amount_paid=0,
        total_discount_amounts=[],
        total_taxes=[],
    )
    outcome = _outcome(event)
    assert isinstance(outcome, Skip)
    assert "zero" in outcome.reason


def test_an_invoice_discounted_to_nothing_is_skipped() -> None:
    """What was never owed was never earned."""
    event = copy.deepcopy(NOW)
    invoice = event["data"]["object"]
    for line in invoice["lines"]["data"]:
        line.update(discount_amounts=[{"amount": line["amount"], "discount": "di_all"}], taxes=[])
    whole = [{"amount": 17700, "discount": "di_all"}]
    invoice.update(
        total_excluding_tax=0, total=0, amount_due=0, amount_paid=0, total_discount_amounts=whole, total_taxes=[]
    )
    assert isinstance(_outcome(event), Skip)


def test_an_invoice_paid_from_credit_alone_is_booked() -> None:
    """No cash moved, and yet revenue was earned and tax is owed."""
    lines = _lines(_outcome(_changed(NOW, starting_balance=-20000, ending_balance=-1043, amount_due=0, amount_paid=0)))
    assert lines[0] == ("Liabilities:CustomerCredit", 18957)


@pytest.mark.parametrize(
    "members",
    [
        {"pre_payment_credit_notes_amount": 57, "amount_due": 18900, "amount_paid": 18900},
        {"amount_overpaid": 100},
        {
            "total_pretax_credit_amounts": [{"amount": 57, "type": "credit_balance_transaction"}],
            "total": 18900,
            "amount_due": 18900,
            "amount_paid": 18900,
        },
    ],
    ids=["credit note", "overpaid", "billing credits"],
)
def test_what_the_event_leaves_open_goes_to_a_person(members: dict[str, Any]) -> None:
    """The books do not guess; the case carries the money at stake."""
    outcome = _outcome(_changed(NOW, **members))
    assert isinstance(outcome, NeedsPerson)
    assert outcome.failure_class == "context_missing"
    assert outcome.amount == Money(members.get("total", 18957), "EUR")


@pytest.mark.parametrize("sample", ["invoice.paid@thin", None])
def test_an_event_that_does_not_carry_the_whole_invoice_is_not_booked(sample: str | None) -> None:
    """A thin notification and a list of only the first lines both lack what must be booked."""
    if sample:
        event = json.loads((STRIPE / f"{sample}.json").read_text("utf-8"))
    else:
        event = copy.deepcopy(NOW)
        event["data"]["object"]["lines"]["has_more"] = True
    assert isinstance(_outcome(event), NeedsPerson)


def test_nothing_personal_reaches_the_books() -> None:
    """Books are kept for ten years; names and mails of customers are not theirs to keep."""
    for event in (NOW, BEFORE):
        told = repr(_outcome(event))
        invoice = event["data"]["object"]
        for name in ("customer_email", "customer_name"):
            assert invoice[name] not in told


# From here on: any invoice at all, written in both shapes.


@dataclass
class Spec:
    """An invoice in the abstract; both shapes are written from it."""

    currency: str
    lines: list[dict[str, Any]]
    starting: int
    outside: bool
    totals: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gross = sum(line["amount"] for line in self.lines)
        discount = sum(line["discount"] for line in self.lines)
        on_top = sum(line["tax"] for line in self.lines if not line["inside"])
        total = gross - discount + on_top
        if total <= 0:
            due, ending = 0, self.starting + total
        else:
            used = min(max(-self.starting, 0), total) if self.starting < 0 else -self.starting
            due, ending = total - used, self.starting + used
        self.totals = {"gross": gross, "discount": discount, "total": total, "due": due, "ending": ending}


amounts = st.integers(-(10**7), 10**7)
lines = st.builds(
    lambda amount, percent_off, percent_tax, inside: {
        "amount": amount,
        "discount": amount * percent_off // 100 if amount > 0 else 0,
        "tax": (amount - (amount * percent_off // 100 if amount > 0 else 0)) * percent_tax // 100,
        "inside": inside,
    },
    amounts,
    st.integers(0, 100),
    st.integers(0, 30),
    st.booleans(),
)
specs = st.builds(
    Spec,
    currency=st.sampled_from(sorted(DECIMALS)),
    lines=st.lists(lines, min_size=1, max_size=10),
    starting=st.one_of(st.just(0), st.integers(-(10**7), 10**7)),
    outside=st.booleans(),
)


def _base(spec: Spec) -> dict[str, Any]:
    totals = spec.totals
    return {
        "id": "in_any",
        "object": "invoice",
        "number": "ANY-1",
        "customer": "cus_any",
        "currency": spec.currency.lower(),
        "status": "paid",
        "created": 1793600000,
        "subtotal": totals["gross"],
        "total": totals["total"],
        "amount_due": totals["due"],
        "amount_paid": totals["due"],
        "amount_remaining": 0,
        "starting_balance": spec.starting,
        "ending_balance": totals["ending"],
        "status_transitions": {"paid_at": 1793600001},
        "total_discount_amounts": [{"amount": totals["discount"], "discount": "di_any"}],
    }


def _line(spec: Spec, number: int) -> dict[str, Any]:
    line = spec.lines[number]
    return {
        "id": f"il_{number}",
        "amount": line["amount"],
        "currency": spec.currency.lower(),
        "metadata": {"revenue_category": ["usage", "services", ""][number % 3]},
        "discount_amounts": [{"amount": line["discount"], "discount": "di_any"}],
        "discounts": [],
    }


def _event(api_version: str, invoice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_any",
        "object": "event",
        "created": 1793600002,
        "api_version": api_version,
        "data": {"object": invoice},
    }


def _in_the_old_shape(spec: Spec) -> dict[str, Any]:
    taxes = [{"amount": line["tax"], "inclusive": line["inside"], "tax_rate": "txr_any"} for line in spec.lines]
    data = [_line(spec, n) | {"type": "subscription", "tax_amounts": [taxes[n]]} for n in range(len(spec.lines))]
    invoice = _base(spec) | {"lines": {"data": data, "has_more": False}, "total_tax_amounts": taxes}
    return _event("2024-06-20", invoice | {"paid_out_of_band": spec.outside})


def _in_the_new_shape(spec: Spec) -> dict[str, Any]:
    taxes = [
        {
            "amount": line["tax"],
            "tax_behavior": "inclusive" if line["inside"] else "exclusive",
            "tax_rate_details": {"tax_rate": "txr_any"},
        }
        for line in spec.lines
    ]
    parent = {"type": "subscription_item_details"}
    data = [_line(spec, n) | {"parent": parent, "taxes": [taxes[n]]} for n in range(len(spec.lines))]
    invoice = _base(spec) | {"lines": {"data": data, "has_more": False}, "total_taxes": taxes}
    return _event("2026-10-28.endive", invoice | {"amount_paid_off_stripe": spec.totals["due"] if spec.outside else 0})


@given(spec=specs)
def test_any_valid_invoice_balances_and_says_what_the_invoice_says(spec: Spec) -> None:
    """Debits make credits; cash is what was due; revenue is lines less discounts less tax inside; tax is all tax."""
    outcome = _outcome(_in_the_new_shape(spec))
    if isinstance(outcome, Skip):
        assert spec.totals["due"] == 0
        return
    booked: dict[str, int] = {}
    for account, amount in _lines(outcome):
        booked[account] = booked.get(account, 0) + amount
    assert sum(booked.values()) == 0
    cash = "Assets:OutsideStripe:Clearing" if spec.outside else "Assets:Stripe:Clearing"
    assert booked.get(cash, 0) == spec.totals["due"]
    assert booked.get("Liabilities:CustomerCredit", 0) == spec.totals["ending"] - spec.starting
    assert -booked.get("Liabilities:Tax:Sales", 0) == sum(line["tax"] for line in spec.lines)
    inside = sum(line["tax"] for line in spec.lines if line["inside"])
    revenue = -sum(amount for account, amount in booked.items() if account.startswith("Income:"))
    assert revenue == spec.totals["gross"] - spec.totals["discount"] - inside


@given(spec=specs)
def test_both_shapes_of_one_invoice_are_one_entry(spec: Spec) -> None:
    """Moving an endpoint to another API version must not change the books."""
    assert _outcome(_in_the_old_shape(spec)) == _outcome(_in_the_new_shape(spec))


@given(
    spec=specs,
    delta=st.integers(-100, 100).filter(bool),
    name=st.sampled_from(["subtotal", "total", "amount_due", "amount_paid"]),
)
def test_any_single_amount_that_is_off_breaks_the_contract(spec: Spec, delta: int, name: str) -> None:
    """No single wrong sum passes, however small."""
    event = _in_the_new_shape(Spec(spec.currency, spec.lines, spec.starting, outside=False))
    event["data"]["object"][name] += delta
    with pytest.raises(contracts.ContractBroken):
        InvoicePaidSince20250331.check(event)


@given(spec=specs)
def test_lines_without_their_tax_and_discount_lose_nothing(spec: Spec) -> None:
    """When only the whole is stated, the whole is what is booked."""
    event = _in_the_old_shape(spec)
    for line in event["data"]["object"]["lines"]["data"]:
        line["tax_amounts"] = line["discount_amounts"] = None
    outcome = invoice_paid(InvoicePaidBefore20250331.check(event))
    if isinstance(outcome, Plan):
        assert sum(amount for _, amount in _lines(outcome)) == 0
