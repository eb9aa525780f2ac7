"""Invoice items: what becomes a line, waiting for an invoice or put onto a draft."""

from typing import Any

from sandbox.stripe import catalog, drafts, form
from sandbox.stripe.errors import missing, wrong
from sandbox.stripe.lists import PAGING, page
from sandbox.stripe.world import Call, World

URL = "/v1/invoiceitems"

_PERIOD = form.part({"start": form.integer, "end": form.integer}, required=("start", "end"))
_FIELDS: form.Spec = {
    "amount": form.integer,
    "currency": form.currency,
    "customer": form.text,
    "description": form.text,
    "discountable": form.boolean,
    "invoice": form.text,
    "metadata": form.metadata,
    "period": _PERIOD,
    "price_data": catalog.PRICE_DATA,
    "pricing": form.part({"price": form.text}, required=("price",)),
    "quantity": form.amount,
    "subscription": form.text,
    "tax_behavior": form.text,
    "unit_amount_decimal": form.integer,
}
_CHANGED: form.Spec = {name: _FIELDS[name] for name in ("amount", "description", "metadata", "quantity", "period")}


def create(call: Call) -> dict[str, Any]:
    """A new item; with `invoice`, a line of that draft at once."""
    world, given = call.world, form.read(call.params, _FIELDS, required=("customer",))
    customer = world.get("customer", given["customer"], param="customer")
    draft = drafts.editable(world, given["invoice"], param="invoice") if given.get("invoice") else None
    if draft is not None and draft["customer"] != customer["id"]:
        raise wrong("The invoice belongs to another customer.", param="invoice")
    made = _item(world, given, draft["currency"] if draft else customer["currency"])
    if draft is not None and made["currency"] != draft["currency"]:
        raise wrong("The item and the invoice are in different currencies.", param="currency")
    world.add(made)
    world.tell("invoiceitem.created", made)
    if draft is not None:
        drafts.put(world, draft, [made])
    return made


def _item(world: World, given: dict[str, Any], currency: str | None) -> dict[str, Any]:
    quantity = given.get("quantity") or 1
    price = None
    if given.get("price_data"):
        price = catalog.add_price(world, given["price_data"])
    elif given.get("pricing"):
        price = world.get("price", given["pricing"]["price"], param="pricing[price]")
    unit = price["unit_amount"] if price else given.get("unit_amount_decimal")
    amount = given.get("amount")
    if amount is None and unit is None:
        raise missing("amount")
    if amount is not None and price is not None:
        raise wrong("amount and a price exclude each other.", param="amount")
    currency = price["currency"] if price else given.get("currency") or currency
    if not currency:
        raise missing("currency")
    amount = amount if amount is not None else (unit or 0) * quantity
    period = given.get("period") or {"start": world.now(), "end": world.now()}
    details = {"price": price["id"], "product": price["product"]} if price else None
    return {
        "id": world.new_id("ii_1S", 16),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": given["customer"],
        "customer_account": None,
        "date": world.now(),
        "created": world.now(),
        "description": given.get("description"),
        "discountable": given.get("discountable", True),
        "discounts": [],
        "invoice": given.get("invoice"),
        "livemode": world.livemode,
        "metadata": form.merge_metadata({}, given.get("metadata", {})),
        "net_amount": amount,
        "parent": None,
        "period": period,
        "pricing": {
            "price_details": details,
            "type": "price_details",
            "unit_amount_decimal": str(unit if unit is not None else amount),
        },
        "proration": False,
        "proration_details": None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": None,
    }


def update(call: Call) -> dict[str, Any]:
    """Change an item that is on no finalized invoice."""
    world, given, made = call.world, form.read(call.params, _CHANGED), call.world.get("invoiceitem", call.id)
    draft = drafts.editable(world, made["invoice"]) if made["invoice"] else None
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    if "quantity" in given and "amount" not in given:
        given["amount"] = int(made["pricing"]["unit_amount_decimal"]) * given["quantity"]
    if "amount" in given:
        given["net_amount"] = given["amount"]
    world.change(made, "invoiceitem.updated", **given)
    if draft is not None:
        drafts.take_off(world, draft, made["id"])
        drafts.put(world, draft, [made])
    return made


def delete(call: Call) -> dict[str, Any]:
    """Take it away, and off its draft."""
    world, made = call.world, call.world.get("invoiceitem", call.id)
    if made["invoice"]:
        drafts.take_off(world, drafts.editable(world, made["invoice"]), made["id"])
    world.remove(made)
    world.tell("invoiceitem.deleted", made)
    return {"id": made["id"], "object": "invoiceitem", "deleted": True}


def every(call: Call) -> dict[str, Any]:
    """By customer, by invoice, or those that wait for one."""
    filters: form.Spec = {"customer": form.text, "invoice": form.text, "pending": form.boolean}
    params = form.read(call.params, {**PAGING, **filters})
    rows = (
        made
        for made in call.world.every("invoiceitem")
        if params.get("customer") in (None, made["customer"])
        and params.get("invoice") in (None, made["invoice"])
        and params.get("pending") in (None, made["invoice"] is None)
    )
    return page(rows, params, URL)


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, every),
    ("GET", f"{URL}/*", lambda call: call.world.get("invoiceitem", call.id)),
    ("POST", f"{URL}/*", update),
    ("DELETE", f"{URL}/*", delete),
)
