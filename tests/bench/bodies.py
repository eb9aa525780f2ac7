"""Signed Stripe deliveries: paid invoices of about 1.5 KB that pass their contract and get booked.

One `Batch` names its deliveries exactly (token, first, count, created), so that the same ones can be sent again: a
duplicate is byte for byte the same body under a new signature, as Stripe sends it.
"""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

#: Made up; only processes of this run know it.
SECRET = "whsec_bench_0123456789abcdef"
API_VERSION = "2026-10-28.endive"
#: Coprime to 2**32: a permutation, so that ids are as scattered as real ones and still never repeat within a token.
SCATTER = 2_654_435_761


@dataclass(frozen=True)
class Batch:
    """Which deliveries; `created` is the events' own time."""

    token: str
    created: int
    count: int
    first: int = 0

    def tag(self, number: int) -> str:
        """What makes the ids of one event its own."""
        return f"{self.token}{(number * SCATTER) % 2**32:08x}"


def invoice_paid(tag: str, created: int) -> dict[str, Any]:
    """One `invoice.paid`: two lines, a tax, everything adds up; synthetic throughout."""
    invoice = f"in_1{tag}"

    def line(number: int, amount: int, details: dict[str, Any]) -> dict[str, Any]:
        tax = amount // 5
        return {
            "id": f"il_{number}{tag}",
            "amount": amount,
            "currency": "eur",
            "description": "Team plan" if number == 1 else "API calls",
            "discount_amounts": [],
            "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": False}},
            "period": {"start": created - 2_592_000, "end": created},
            "pricing": {"type": "price_details", "price_details": details},
            "quantity": 1,
            "taxes": [{"amount": tax, "tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1BenchVat"}}],
        }

    lines = [
        line(1, 14_500, {"price": "price_1BenchTeam", "product": "prod_BenchTeam"}),
        line(2, 3_200, {"price": "price_1BenchApi", "product": "prod_BenchApi"}),
    ]
    return {
        "id": f"evt_1{tag}",
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {
            "object": {
                "id": invoice,
                "object": "invoice",
                "amount_due": 21_240,
                "amount_paid": 21_240,
                "amount_remaining": 0,
                "currency": "eur",
                "customer": f"cus_T{tag}",
                "lines": {"object": "list", "data": lines, "has_more": False, "total_count": 2},
                "number": f"B-{tag}",
                "starting_balance": 0,
                "ending_balance": 0,
                "status": "paid",
                "status_transitions": {"finalized_at": created - 60, "paid_at": created - 2},
                "subtotal": 17_700,
                "total": 21_240,
                "total_taxes": [
                    {
                        "amount": 3_540,
                        "tax_behavior": "exclusive",
                        "tax_rate_details": {"tax_rate": "txr_1BenchVat"},
                    }
                ],
            }
        },
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
    }


def build(batch: Batch, path: str) -> list[bytes]:
    """Whole HTTP/1.1 requests, signed now: nothing is left to compute while the clock runs."""
    mark = "@" * len(batch.tag(0))
    pieces = json.dumps(invoice_paid(mark, batch.created), separators=(",", ":")).encode().split(mark.encode())
    length = sum(map(len, pieces)) + (len(pieces) - 1) * len(mark)
    stamp = str(int(time.time()))
    keyed = hmac.new(SECRET.encode(), stamp.encode() + b".", hashlib.sha256)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
        f"Accept: */*; q=0.5, application/xml\r\nCache-Control: no-cache\r\nContent-Type: application/json; "
        f"charset=utf-8\r\nContent-Length: {length}\r\nStripe-Signature: t={stamp},v1="
    ).encode()
    requests = []
    for number in range(batch.first, batch.first + batch.count):
        body = batch.tag(number).encode().join(pieces)
        signed = keyed.copy()
        signed.update(body)
        requests.append(head + signed.hexdigest().encode() + b"\r\n\r\n" + body)
    return requests
