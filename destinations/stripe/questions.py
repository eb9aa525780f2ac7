"""What handlers may ask Stripe before they plan: read-only, outside the handler, each answer kept with its event.

An answer holds the members that a plan needs and no others: what a person wrote stays at Stripe.
To add a question: a function from contract and context to JSON, which a handler names in its `reads`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from contracts.hubspot import PropertyChanged
from contracts.payouts import PayoutPaidSnapshot
from contracts.subscriptions import SubscriptionChangedSnapshot
from destinations.http import Failed, Http, NotConfigured
from destinations.stripe import reads, wire
from exceptions_queue.failures import ContextMissing, DestinationUnavailable

T = TypeVar("T")

_OF_A_PART = ("id", "amount", "fee", "net", "currency", "type", "reporting_category")


def payout_parts(event: PayoutPaidSnapshot, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The balance transactions that a payout is made of, its own included.

    Raises: ContextMissing, DestinationUnavailable.
    """
    payout = event.about.id
    assert payout is not None, "Bug: the contract lets no payout through without an id"
    return [_part(found) for found in _asked(lambda http: reads.payout_parts(http, payout))]


def customer_subscriptions(event: SubscriptionChangedSnapshot, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All subscriptions of the customer as they are now, ended ones included.

    Raises: ContextMissing, DestinationUnavailable.
    """
    customer_id, id = event.about.customer_id, event.about.id
    assert customer_id is not None, "Bug: the contract lets no subscription through without a customer"
    found = _asked(lambda http: _subscriptions(http, customer_id))
    if all(each["id"] != id for each in found):
        raise ContextMissing(
            f"Stripe lists no subscription {id} of {customer_id}", rule="subscription_missing", destination="stripe"
        )
    return found


def customer_of_deal(_: PropertyChanged, context: Mapping[str, Any]) -> dict[str, Any] | None:
    """The customer whom a deal bills: the one that its company names, else the one with its contact's address.

    Raises: ContextMissing, DestinationUnavailable.
    """
    deal = context.get("deal")
    if deal is None:
        return None
    return _asked(lambda http: {"customer_id": _customer(http, deal["customer_id"], deal["contact_email"])})


def _customer(http: Http, id: str | None, email: str | None) -> str | None:
    if id is not None:
        return str(reads.customer(http, id)["id"])
    if email is None:
        return None
    found = [str(each["id"]) for each in reads.every(http, "/v1/customers", {"email": email})]
    if len(found) > 1:
        told = f"{len(found)} customers have the contact's address; which one is billed is not told"
        raise ContextMissing(told, rule="customers_ambiguous", destination="stripe")
    return found[0] if found else None


def _subscriptions(http: Http, customer_id: str) -> list[dict[str, Any]]:
    asked = {"customer": customer_id, "status": "all", "expand": ["data.discounts.source.coupon"]}
    return [_subscription(http, each) for each in reads.every(http, "/v1/subscriptions", asked)]


def _subscription(http: Http, found: Mapping[str, Any]) -> dict[str, Any]:
    items = found.get("items") or {}
    rows = items.get("data") or []
    if items.get("has_more"):
        rows = list(reads.every(http, "/v1/subscription_items", {"subscription": found["id"]}))
    return {
        **{name: found.get(name) for name in ("id", "status", "currency")},
        "collection_paused": found.get("pause_collection") is not None,
        "items": [_item(row) for row in rows],
        "discounts": [_discount(each) for each in found.get("discounts") or []],
    }


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    price = row.get("price") or {}
    recurring, packages = price.get("recurring") or {}, price.get("transform_quantity") or {}
    product = price.get("product")
    name = price.get("nickname") or price.get("lookup_key") or product or price.get("id")
    return {
        "name": name if isinstance(name, str) else str(price.get("id")),
        "unit_amount_decimal": price.get("unit_amount_decimal"),
        "quantity": row.get("quantity"),
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "metered": recurring.get("usage_type") == "metered",
        "tiered": price.get("billing_scheme") == "tiered",
        "divide_by": packages.get("divide_by"),
        "rounds_up": packages.get("round") == "up",
        "discounted": bool(row.get("discounts")),
    }


def _discount(found: object) -> dict[str, Any]:
    """A discount with its coupon; without one, nothing of it is known."""
    source = found.get("source") if isinstance(found, dict) else None
    coupon = source.get("coupon") if isinstance(source, dict) else None
    if not isinstance(coupon, dict):
        return {}
    percent = coupon.get("percent_off")
    return {
        # A share is the one fraction that Stripe gives as a number; as text it stays what it was.
        "percent_off": None if percent is None else str(percent).removesuffix(".0"),
        **{name: coupon.get(name) for name in ("amount_off", "currency", "duration")},
    }


def _part(found: Mapping[str, Any]) -> dict[str, Any]:
    # The rate is a fraction, and what matters is only that there is one.
    return {name: found.get(name) for name in _OF_A_PART} | {"converted": found.get("exchange_rate") is not None}


def _asked(read: Callable[[Http], T]) -> T:
    """Ask with the credential that only reads; what goes wrong gets its class and thereby its owner."""
    try:
        http = wire.connect(write=False)
    except NotConfigured as missing:
        raise ContextMissing(
            f"Stripe cannot be asked: {missing}", rule="not_configured", destination="stripe"
        ) from None
    try:
        return read(http)
    except reads.Unreadable as unreadable:
        kind = DestinationUnavailable if unreadable.down else ContextMissing
        raise kind(str(unreadable), rule="unreadable", destination="stripe") from unreadable
    except Failed as failed:
        raise DestinationUnavailable(str(failed), rule="unanswered", destination="stripe") from failed
    finally:
        http.close()
