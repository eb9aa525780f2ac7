"""Subscriptions: created with a first invoice, changed, renewed, cancelled. Prorations are not played.

Each has its items; the period stands on the items, not on the subscription, as since API version 2025-03-31.
"""

from typing import Any

from sandbox.stripe import billing, catalog, drafts, form, invoices
from sandbox.stripe.errors import wrong
from sandbox.stripe.lists import PAGING, page, searched
from sandbox.stripe.shapes import blank, blank_line, copied
from sandbox.stripe.world import Call, World

URL = "/v1/subscriptions"
DAY_SECONDS = 86_400
#: A calendar would be truer; nobody here counts the days of February.
PERIOD_SECONDS = {"day": DAY_SECONDS, "week": 7 * DAY_SECONDS, "month": 30 * DAY_SECONDS, "year": 365 * DAY_SECONDS}

_ITEM: form.Spec = {
    "deleted": form.boolean,
    "id": form.text,
    "metadata": form.metadata,
    "price": form.text,
    "price_data": catalog.PRICE_DATA,
    "quantity": form.amount,
}
_COMMON: form.Spec = {
    "cancel_at_period_end": form.boolean,
    "cancellation_details": form.anything,
    "collection_method": form.one_of("charge_automatically", "send_invoice"),
    "days_until_due": form.integer,
    "default_payment_method": form.text,
    "description": form.text,
    "items": form.items(_ITEM),
    "metadata": form.metadata,
    "payment_behavior": form.text,
    "proration_behavior": form.text,
    "trial_end": form.moment,
}
_NEW: form.Spec = {**_COMMON, "currency": form.currency, "customer": form.text, "trial_period_days": form.amount}
_BY_ITEM = "subscription_item_details"
#: Accepted, and not part of the object as it is given.
_SILENT = ("cancellation_details", "items", "payment_behavior", "proration_behavior", "trial_period_days", "currency")


def create(call: Call) -> dict[str, Any]:
    """A new subscription; without a trial its first invoice is collected at once."""
    world, given = call.world, form.read(call.params, _NEW, required=("customer", "items"))
    customer = world.get("customer", given["customer"], param="customer")
    made = blank("subscription", id=world.new_id("sub_1S", 16), created=world.now(), start_date=world.now())
    made.update({name: value for name, value in given.items() if name not in (*_SILENT, "metadata")})
    made["metadata"] = form.merge_metadata({}, given.get("metadata", {}))
    items = [_new_item(world, made["id"], item) for item in given["items"]]
    days = given.get("trial_period_days")
    trial_end = given.get("trial_end") or (world.now() + days * DAY_SECONDS if days else None)
    made |= {
        "billing_cycle_anchor": trial_end or world.now(),
        "currency": items[0]["price"]["currency"],
        "items": _item_list(made["id"], items),
        "status": "trialing" if trial_end else "active",
        "trial_end": trial_end,
        "trial_start": world.now() if trial_end else None,
    }
    world.add(made)
    if trial_end:
        for item in items:
            item["current_period_end"] = trial_end
    else:
        _bill(world, made, customer, "subscription_create")
    world.tell("customer.subscription.created", made)
    return made


def _new_item(world: World, subscription: str, given: dict[str, Any]) -> dict[str, Any]:
    price = _price_of(world, given)
    item = copied(blank("subscription")["items"]["data"][0])
    item |= {"id": world.new_id("si"), "created": world.now(), "subscription": subscription}
    item |= {"quantity": given.get("quantity") or 1, "metadata": form.merge_metadata({}, given.get("metadata", {}))}
    item["current_period_start"] = world.now()
    _set_price(item, price)
    item["current_period_end"] = world.now() + period_of(item)
    return dict(item)


def _price_of(world: World, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("price_data"):
        price = catalog.add_price(world, given["price_data"])
    else:
        price = world.get("price", given.get("price") or "", param="items[0][price]")
    if not price["recurring"]:
        raise wrong("The price is not a recurring one.", param="items[0][price]")
    return price


def _set_price(item: dict[str, Any], price: dict[str, Any]) -> None:
    item["price"] = copied(price)
    item["plan"] |= {
        "id": price["id"], "amount": price["unit_amount"], "amount_decimal": price["unit_amount_decimal"],
        "created": price["created"], "currency": price["currency"], "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"], "livemode": price["livemode"],
        "nickname": price["nickname"], "product": price["product"],
    }  # fmt: skip


def period_of(item: dict[str, Any]) -> int:
    """Seconds from one invoice to the next."""
    recurring = item["price"]["recurring"]
    return int(PERIOD_SECONDS[recurring["interval"]] * recurring["interval_count"])


def _item_list(subscription: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    url = f"/v1/subscription_items?subscription={subscription}"
    return {"object": "list", "data": items, "has_more": False, "total_count": len(items), "url": url}


def _bill(world: World, made: dict[str, Any], customer: dict[str, Any], reason: str) -> None:
    """One invoice for the present period. A card that says no leaves the subscription unpaid, not the call failed."""
    invoice = invoices.new(world, customer, made["currency"], subscription=made["id"], reason=reason)
    world.add(invoice)
    world.tell("invoice.created", invoice)
    drafts.put_lines(world, invoice, [_line(world, invoice, made, item) for item in made["items"]["data"]])
    if made["collection_method"] == "send_invoice":
        billing.close(world, invoice)
        refused = None
    else:
        refused = billing.close_and_collect(world, invoice)
    unpaid = "incomplete" if reason == "subscription_create" else "past_due"
    made |= {"latest_invoice": invoice["id"], "status": unpaid if refused else "active"}


def _line(world: World, invoice: dict[str, Any], made: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    amount = (item["price"]["unit_amount"] or 0) * item["quantity"]
    details = {"invoice_item": None, "proration": False, "proration_details": None, "subscription": made["id"],
               "subscription_item": item["id"]}  # fmt: skip
    return blank_line(
        id=world.new_id("il_1S", 16),
        amount=amount,
        subtotal=amount,
        currency=made["currency"],
        description=f"{item['quantity']} × {item['price']['nickname'] or 'plan'}",
        invoice=invoice["id"],
        livemode=world.livemode,
        parent={"invoice_item_details": None, "subscription_item_details": details, "type": _BY_ITEM},
        period={"start": item["current_period_start"], "end": item["current_period_end"]},
        pricing={"price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
                 "type": "price_details", "unit_amount_decimal": item["price"]["unit_amount_decimal"]},
        quantity=item["quantity"],
        quantity_decimal=str(item["quantity"]),
    )  # fmt: skip


def update(call: Call) -> dict[str, Any]:
    """Change plan, quantity, metadata, or that it ends with its period."""
    world, given = call.world, form.read(call.params, _COMMON)
    made = world.get("subscription", call.id)
    if made["status"] == "canceled" and set(given) - {"metadata", "cancellation_details"}:
        raise wrong("A cancelled subscription can no longer be changed.")
    members = {name: value for name, value in given.items() if name not in _SILENT}
    if "metadata" in given:
        members["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    if "items" in given:
        members["items"] = _item_list(made["id"], _changed_items(world, made, given["items"]))
    if "cancel_at_period_end" in given:
        members |= _ending(world, made, ends=given["cancel_at_period_end"])
    world.change(made, "customer.subscription.updated", **members)
    return made


def _ending(world: World, made: dict[str, Any], *, ends: bool) -> dict[str, Any]:
    if not ends:
        return {"cancel_at": None, "canceled_at": None}
    last = max(item["current_period_end"] for item in made["items"]["data"])
    return {"cancel_at": last, "canceled_at": world.now()}


def _changed_items(world: World, made: dict[str, Any], wishes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = copied(made["items"]["data"])
    for wish in wishes:
        item = next((each for each in items if each["id"] == wish.get("id")), None)
        if item is None:
            if wish.get("id"):
                raise wrong("The subscription has no such item.", param="items", code="resource_missing")
            items.append(_new_item(world, made["id"], wish))
        elif wish.get("deleted"):
            items.remove(item)
        else:
            if wish.get("price") or wish.get("price_data"):
                _set_price(item, _price_of(world, wish))
            item["quantity"] = wish.get("quantity") or item["quantity"]
    if not items:
        raise wrong("A subscription has at least one item.", param="items")
    return items


def cancel(call: Call) -> dict[str, Any]:
    """End it now."""
    spec = {"invoice_now": form.boolean, "prorate": form.boolean, "cancellation_details": form.anything}
    form.read(call.params, spec)
    world, made = call.world, call.world.get("subscription", call.id)
    if made["status"] == "canceled":
        raise wrong("The subscription is cancelled already.", code="resource_missing")
    world.change(made, status="canceled", canceled_at=made["canceled_at"] or world.now(), ended_at=world.now())
    world.tell("customer.subscription.deleted", made)
    return made


def renew(world: World, made: dict[str, Any]) -> dict[str, Any]:
    """The next period begins: by itself, no request causes it."""
    before = copied({name: made[name] for name in ("items", "latest_invoice", "status")})
    for item in made["items"]["data"]:
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += period_of(item)
    _bill(world, made, world.get("customer", made["customer"], param="customer"), "subscription_cycle")
    world.index.note(made)
    changed = {name: value for name, value in before.items() if made[name] != value}
    world.tell("customer.subscription.updated", made, changed)
    return made


def every(call: Call) -> dict[str, Any]:
    """By customer, price, status; cancelled ones only when asked for."""
    filters: form.Spec = dict.fromkeys(("customer", "price", "status"), form.text)
    params = form.read(call.params, {**PAGING, **filters})
    status = params.get("status")
    rows = (
        made
        for made in call.world.every("subscription")
        if params.get("customer") in (None, made["customer"])
        and (status in ("all", made["status"]) or (status is None and made["status"] != "canceled"))
        and params.get("price") in (None, *(item["price"]["id"] for item in made["items"]["data"]))
    )
    return page(rows, params, URL)


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, every),
    ("GET", f"{URL}/search", lambda call: searched(call, "subscription", f"{URL}/search")),
    ("GET", f"{URL}/*", lambda call: call.world.get("subscription", call.id)),
    ("POST", f"{URL}/*", update),
    ("DELETE", f"{URL}/*", cancel),
)
