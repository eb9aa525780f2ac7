"""What Stripe's objects look like: the shipped samples with everything that is somebody's taken out.

The samples are the one place that knows the members of an object; here stands only what an empty one has in them.
"""

from functools import cache
from typing import Any

import msgspec

from sandbox.invoices import sample

_NOTHING: dict[str, dict[str, Any]] = {
    "customer": {"address": None, "email": None, "invoice_prefix": None, "metadata": {}, "name": None,
                 "preferred_locales": []},
    "invoice": {
        "account_country": "US", "account_name": "Example", "auto_advance": False, "automatic_tax": None,
        "billing_reason": "manual", "currency": None, "customer_address": None, "customer_email": None,
        "customer_name": None, "customer_tax_ids": [], "discounts": [], "ending_balance": None,
        "next_payment_attempt": None,
        "parent": None, "subtotal": 0, "subtotal_excluding_tax": 0, "total": 0, "total_excluding_tax": 0,
        "total_discount_amounts": [], "total_pretax_credit_amounts": [], "total_taxes": [], "amount_due": 0,
        "amount_remaining": 0, "metadata": {},
    },
    "charge": {"amount_refunded": 0, "billing_details": {}, "calculated_statement_descriptor": "EXAMPLE",
               "description": None, "payment_method": "pm_sandbox", "refunded": False, "metadata": {}},
    "payment_intent": {"amount_received": 0, "description": None, "latest_charge": None, "payment_details": None,
                       "payment_method": None, "setup_future_usage": None, "status": "requires_payment_method",
                       "metadata": {}},
    "refund": {"reason": None, "metadata": {}},
    "credit_note": {"memo": None, "reason": None, "total_taxes": [], "metadata": {}, "refunds": [],
                    "out_of_band_amount": None},
    "dispute": {"balance_transactions": [], "metadata": {}},
    "payout": {"description": None, "metadata": {}, "trace_id": None},
    "subscription": {"automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None}, "discounts": [],
                     "default_payment_method": None, "latest_invoice": None, "metadata": {}},
    "product": {"default_price": None, "description": None, "metadata": {}, "tax_code": None, "unit_label": None},
    "price": {"metadata": {}, "recurring": None, "tax_behavior": "unspecified", "type": "one_time"},
}  # fmt: skip

_SAMPLES = {
    "customer": "customer.created",
    "invoice": "invoice.created",
    "charge": "charge.refunded",
    "payment_intent": "payment_intent.succeeded",
    "refund": "refund.created",
    "credit_note": "credit_note.created",
    "dispute": "charge.dispute.created",
    "payout": "payout.paid",
    "subscription": "customer.subscription.updated",
    "product": "product.created",
    "price": "price.created",
}


@cache
def _pattern(noun: str) -> bytes:
    found = sample("stripe", _SAMPLES[noun])["data"]["object"]
    return msgspec.json.encode(found | _NOTHING[noun])


def blank(noun: str, **members: Any) -> dict[str, Any]:
    """A new object with these members; what is not named is empty."""
    made: dict[str, Any] = msgspec.json.decode(_pattern(noun))
    made.update(members)
    return made


@cache
def _line_pattern() -> bytes:
    found = sample("stripe", "invoice.created")["data"]["object"]["lines"]["data"][0]
    empty: dict[str, Any] = {
        "discount_amounts": [], "discounts": [], "metadata": {}, "pretax_credit_amounts": [], "taxes": [],
        "quantity": 1, "quantity_decimal": "1",
    }  # fmt: skip
    return msgspec.json.encode(found | empty)


def blank_line(**members: Any) -> dict[str, Any]:
    """A line of an invoice."""
    made: dict[str, Any] = msgspec.json.decode(_line_pattern())
    made.update(members)
    return made


def copied(found: Any) -> Any:
    """A copy that shares nothing."""
    return msgspec.json.decode(msgspec.json.encode(found))
