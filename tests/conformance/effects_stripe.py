"""Every operation at Stripe, tried against the stand-in."""

from collections.abc import Callable
from typing import Any

from effects import Example
from sides import Place, Side

from contracts.money import Money
from destinations import stripe
from destinations.base import Effect
from destinations.stripe.check import CHANGED_BY, MADE_BY, RESERVED
from sandbox.stripe.core import Stripe

PERSON, ADDRESS = "Ada Example", "ada@customer.example"
BASE = "http://stripe.test"


def _plain(state: dict[str, Any]) -> Any:
    """No events, no tombstones, nothing voided, no marks of ours."""
    tables = {noun: rows for noun, rows in state.get("test", {}).items() if noun not in ("event", "deleted_customer")}
    plain = {noun: [_unmarked(row) for row in rows if row.get("status") != "void"] for noun, rows in tables.items()}
    return {noun: rows for noun, rows in plain.items() if rows}


def _unmarked(row: Any) -> Any:
    if isinstance(row, dict):
        return {name: _unmarked(value) for name, value in row.items() if not name.startswith(RESERVED)}
    return [_unmarked(each) for each in row] if isinstance(row, list) else row


PLACE = Place(
    make=Stripe,
    base=BASE,
    settings={"STRIPE_API_KEY": "sk_test_secretsecret", "STRIPE_API_BASE": BASE},
    read_only={"STRIPE_API_KEY": "rk_test_secretsecret_ro", "STRIPE_API_BASE": BASE},
    plain=_plain,
    secrets=("sk_test_secretsecret", "rk_test_secretsecret_ro"),
    is_read=lambda method, path: method == "GET",
)


def call(side: Side, path: str, method: str = "POST", **params: Any) -> dict[str, Any]:
    """Somebody does it in the dashboard."""
    return side.do(action="call", method=method, path=f"/v1/{path}", params=params)


def rows(side: Side, noun: str) -> list[dict[str, Any]]:
    """All objects of a noun."""
    found: list[dict[str, Any]] = side.state().get("test", {}).get(noun, [])
    return found


def row(side: Side, noun: str, id: str) -> dict[str, Any]:
    """One object; an empty one when it is gone."""
    return next((each for each in rows(side, noun) if each["id"] == id), {})


def made(noun: str) -> Callable[[Side, Effect], int]:
    """How many objects carry the key."""
    return lambda side, effect: sum(each["metadata"].get(MADE_BY) == effect.key for each in rows(side, noun))


def a_customer(side: Side) -> str:
    """Made by hand, once."""
    found = rows(side, "customer")
    return str(found[0]["id"] if found else call(side, "customers", name=PERSON, email=ADDRESS)["id"])


def an_invoice(side: Side, *, status: str) -> str:
    """Finalized by hand, once; of 90.00 EUR in one line."""
    found = rows(side, "invoice")
    if found:
        return str(found[0]["id"])
    id = str(call(side, "invoices", customer=a_customer(side), currency="eur")["id"])
    call(side, f"invoices/{id}/add_lines", lines=[{"amount": 9000, "description": "A year"}])
    call(side, f"invoices/{id}/finalize")
    if status == "paid":
        call(side, f"invoices/{id}/pay")
    return id


def a_charge(side: Side) -> str:
    """Of 90.00 EUR."""
    an_invoice(side, status="paid")
    return str(rows(side, "charge")[0]["id"])


def create_customer(side: Side) -> Effect:
    """A customer with an address."""
    return stripe.create_customer(
        key="stripe:customer:deal_1", subject="hubspot:deal_1", name=PERSON, email=ADDRESS, metadata={"deal": "1"}
    )


def delete_customer(side: Side) -> Effect:
    """Of one whom nobody uses."""
    return Effect("stripe", "delete_customer", "stripe:customer:deal_1:gone", "x", None, {"customer": a_customer(side)})


def update_metadata(side: Side) -> Effect:
    """One entry replaced, one taken away, one new."""
    found = rows(side, "customer")
    id = found[0]["id"] if found else call(side, "customers", name=PERSON, metadata={"plan": "old", "seats": "1"})["id"]
    return stripe.update_metadata(
        key="stripe:customer:labels:1",
        subject="x",
        object="customer",
        id=id,
        metadata={"plan": "new", "seats": None, "deal": "7"},
    )


def create_draft_invoice(side: Side) -> Effect:
    """Two lines, one of them with a quantity."""
    items = [
        {"description": "Set-up", "amount_minor": 5000},
        {"description": "Seats", "amount_minor": 12000, "quantity": 12},
    ]
    return stripe.create_draft_invoice(
        key="stripe:invoice:deal_1",
        subject="hubspot:deal_1",
        customer=a_customer(side),
        currency="EUR",
        items=items,  # type: ignore[arg-type]
        due_days=30,
        metadata={"deal": "1"},
    )


def withdraw_invoice(side: Side) -> Effect:
    """Of a draft with two lines, one of them ours."""
    found = rows(side, "invoice")
    id = found[0]["id"] if found else call(side, "invoices", customer=a_customer(side), currency="eur")["id"]
    if not found:
        lines = [{"amount": 500, "description": "Ours", "metadata": {MADE_BY: "stripe:invoice:deal_1"}}]
        call(side, f"invoices/{id}/add_lines", lines=lines)
    body = {"invoice": id, "customer": a_customer(side), "made_by": "stripe:invoice:deal_1"}
    return Effect("stripe", "withdraw_invoice", "stripe:invoice:deal_1:withdrawn", "x", None, body)


def refund(side: Side) -> Effect:
    """A third of a charge."""
    return stripe.refund(
        key="stripe:refund:ticket_1",
        subject="x",
        amount=Money(3000, "EUR"),
        charge=a_charge(side),
        reason="requested_by_customer",
    )


def create_credit_note(side: Side) -> Effect:
    """A part of an open invoice."""
    return stripe.create_credit_note(
        key="stripe:credit_note:ticket_1",
        subject="x",
        amount=Money(1500, "EUR"),
        invoice=an_invoice(side, status="open"),
        memo="One month less",
        reason="order_change",
    )


def void_credit_note(side: Side) -> Effect:
    """Of one on an open invoice."""
    found = rows(side, "credit_note")
    invoice = an_invoice(side, status="open")
    id = found[0]["id"] if found else call(side, "credit_notes", invoice=invoice, amount=1500)["id"]
    return Effect("stripe", "void_credit_note", "stripe:credit_note:ticket_1:void", "x", None, {"credit_note": id})


def _drafts(side: Side, effect: Effect) -> int:
    ours = [each for each in rows(side, "invoice") if each["metadata"].get(MADE_BY) == effect.key]
    return sum(each["lines"]["total_count"] == 2 and each["total"] == 17000 for each in ours)


def _labelled(side: Side, effect: Effect) -> int:
    metadata = row(side, "customer", effect.body["id"])["metadata"]
    return int({name: value for name, value in metadata.items() if name != CHANGED_BY} == {"plan": "new", "deal": "7"})


def _refunds(side: Side, effect: Effect) -> int:
    count = made("refund")(side, effect)
    assert row(side, "charge", effect.body["charge"])["amount_refunded"] == 3000 * count
    return count


def _issued(side: Side, effect: Effect) -> int:
    ours = [each for each in rows(side, "credit_note") if each["metadata"].get(MADE_BY) == effect.key]
    return sum(each["status"] == "issued" for each in ours)


def _withdrawn(side: Side, effect: Effect) -> int:
    return int(not rows(side, "invoice") and not rows(side, "invoiceitem"))


EXAMPLES = [
    Example(
        "create_customer",
        create_customer,
        made("customer"),
        spoilt=({"name": ""}, {"name": 7}, {"email": "nobody"}, {"metadata": {"a[b]": "c"}}, {"metadata": {"a": 1}}),
        private=(PERSON, ADDRESS),
        edit_after=lambda side, effect, id: call(side, f"customers/{id}", name="Somebody Else"),
        late_seconds=60.0,
    ),
    Example(
        "delete_customer",
        delete_customer,
        lambda side, effect: int(not rows(side, "customer")),
        spoilt=({"customer": "in_1"}, {"customer": None}, {"customer": "cus_1/../x"}),
        private=(PERSON, ADDRESS),
        edit_before=lambda side, effect: call(side, f"customers/{effect.body['customer']}", name="Other"),
        takes_receipt="customer",
        late_seconds=60.0,
    ),
    Example(
        "update_metadata",
        update_metadata,
        _labelled,
        spoilt=({"object": "payout"}, {"id": "in_1"}, {"metadata": {}}, {"metadata": {MADE_BY: "x"}}),
        private=(PERSON,),
        edit_before=lambda side, effect: call(side, f"customers/{effect.body['id']}", metadata={"plan": "by hand"}),
        edit_after=lambda side, effect, id: call(side, f"customers/{id}", metadata={"plan": "by hand"}),
        takes_receipt="id",
        late_seconds=60.0,
    ),
    Example(
        "create_draft_invoice",
        create_draft_invoice,
        _drafts,
        spoilt=(
            {"items": []},
            {"items": [{"description": "Free", "amount_minor": 0}]},
            {"items": [{"description": "Half", "amount_minor": 170.0}]},
            {"items": [{"description": "Less", "amount_minor": -17000}]},
            {"items": [{"description": "Other amount", "amount_minor": 1}]},
            {"items": ["Seats"]},
            {"currency": "ABC"},
            {"currency": "USD"},
            {"due_days": 0},
            {"customer": "acct_1"},
        ),
        private=(PERSON, ADDRESS),
        edit_after=lambda side, effect, id: call(side, f"invoices/{id}/finalize"),
        takes_receipt="customer",
        late_seconds=60.0,
    ),
    Example(
        "withdraw_invoice",
        withdraw_invoice,
        _withdrawn,
        spoilt=({"invoice": "cus_1"}, {"made_by": ""}),
        edit_before=lambda side, effect: call(side, f"invoices/{effect.body['invoice']}/finalize"),
        takes_receipt="invoice",
        late_seconds=60.0,
    ),
    Example(
        "refund",
        refund,
        _refunds,
        spoilt=(
            {"amount_minor": 0},
            {"amount_minor": 3000.0},
            {"amount_minor": True},
            {"amount_minor": 3001},
            {"currency": "eur"},
            {"payment_intent": "pi_1"},
            {"charge": "in_1"},
            {"reason": "mood"},
        ),
        edit_before=lambda side, effect: call(side, "refunds", charge=effect.body["charge"], amount=100),
        late_seconds=60.0,
    ),
    Example(
        "create_credit_note",
        create_credit_note,
        _issued,
        spoilt=(
            {"amount_minor": -1500},
            {"refund_minor": 100},
            {"refund_minor": -1},
            {"lines": []},
            {"lines": [{"amount_minor": 1}]},
            {"lines": [{"amount_minor": 1499, "description": "Almost"}]},
            {"reason": "mood"},
            {"memo": "two\nlines"},
        ),
        edit_before=lambda side, effect: call(side, "credit_notes", invoice=effect.body["invoice"], amount=100),
        edit_after=lambda side, effect, id: call(side, f"credit_notes/{id}/void"),
        takes_receipt="invoice",
        late_seconds=60.0,
    ),
    Example(
        "void_credit_note",
        void_credit_note,
        lambda side, effect: int(row(side, "credit_note", effect.body["credit_note"])["status"] == "void"),
        spoilt=({"credit_note": "in_1"},),
        edit_before=lambda side, effect: call(side, f"credit_notes/{effect.body['credit_note']}/void"),
        takes_receipt="credit_note",
        late_seconds=60.0,
    ),
]
