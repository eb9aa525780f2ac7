"""Builds paid invoices as Stripe would send them: the shipped sample's shape, with amounts that really add up."""

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

SAMPLES = Path(__file__).parent.parent / "contracts" / "samples"


class Item(NamedTuple):
    """One line of an invoice, in minor units before tax."""

    description: str
    amount_minor: int
    recurring: bool = True
    #: The category of revenue that its metadata names.
    category: str | None = None


def sample(source: str, name: str) -> dict[str, Any]:
    """A shipped sample payload, to be changed freely."""
    found: dict[str, Any] = json.loads((SAMPLES / source / f"{name}.json").read_text())
    return found


def paid_invoice(
    number: int, *, customer: str, currency: str, items: list[Item], created: int, tax_percent: int = 0
) -> dict[str, Any]:
    """An `invoice.paid` event; `number` makes every id of it unique."""
    event = sample("stripe", "invoice.paid")
    invoice = event["data"]["object"]
    event |= {"id": f"evt_demo{number:06}", "created": created}
    lines = [
        _line(invoice["lines"]["data"][0], number, at, item, currency, tax_percent) for at, item in enumerate(items)
    ]
    subtotal = sum(item.amount_minor for item in items)
    tax = sum(line["taxes"][0]["amount"] for line in lines if line["taxes"])
    invoice |= {
        "id": f"in_demo{number:06}",
        "number": f"DEMO-{number:04}",
        "customer": f"cus_demo{customer.lower()[:6]}",
        "customer_name": f"{customer} (example)",
        "customer_email": f"billing@{customer.lower()}.example.com",
        "currency": currency,
        "created": created - 3600,
        "effective_at": created - 120,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total_excluding_tax": subtotal,
        "discounts": [],
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "period_start": created - 31 * 86_400,
        "period_end": created - 3600,
    }
    invoice |= dict.fromkeys(("total", "amount_due", "amount_paid"), subtotal + tax)
    invoice["total_taxes"] = _taxes(tax, subtotal)
    invoice["lines"] |= {"data": lines, "has_more": False, "total_count": len(lines)}
    invoice["status_transitions"] |= {"finalized_at": created - 120, "paid_at": created - 2}
    return event


def _line(pattern: dict[str, Any], number: int, at: int, item: Item, currency: str, tax_percent: int) -> dict[str, Any]:
    line = copy.deepcopy(pattern)
    line |= {
        "id": f"il_demo{number:06}{at}",
        "amount": item.amount_minor,
        "subtotal": item.amount_minor,
        "currency": currency,
        "description": item.description,
        "discount_amounts": [],
        "metadata": {"revenue_category": item.category} if item.category else {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "quantity_decimal": "1",
        "invoice": f"in_demo{number:06}",
        "taxes": _taxes(item.amount_minor * tax_percent // 100, item.amount_minor) if tax_percent else [],
    }
    line["pricing"]["unit_amount_decimal"] = str(item.amount_minor)
    if not item.recurring:
        line["parent"] = {
            "invoice_item_details": {"invoice_item": f"ii_demo{number:06}{at}", "proration": False},
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return line


def _taxes(amount_minor: int, taxable_minor: int) -> list[dict[str, Any]]:
    if not amount_minor:
        return []
    return [
        {
            "amount": amount_minor,
            "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": "txr_demo"},
            "taxability_reason": "standard_rated",
            "taxable_amount": taxable_minor,
            "type": "tax_rate_details",
        }
    ]
