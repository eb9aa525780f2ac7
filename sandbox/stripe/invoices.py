"""Invoices as objects: drafts made, changed, listed, deleted. What becomes of them stands in `billing.py`.

draft ──finalize──▶ open ──pay──▶ paid
  │                  ├──void──▶ void
  └─deleted          └──▶ uncollectible ──pay──▶ paid
"""

from typing import Any

from sandbox.stripe import drafts, form
from sandbox.stripe.errors import wrong
from sandbox.stripe.limits import check_invoices_of
from sandbox.stripe.lists import PAGING, listed, page, searched
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

URL = "/v1/invoices"
DAY_SECONDS = 86_400

_COMMON: form.Spec = {
    "auto_advance": form.boolean,
    "collection_method": form.one_of("charge_automatically", "send_invoice"),
    "custom_fields": form.anything,
    "days_until_due": form.integer,
    "description": form.text,
    "due_date": form.moment,
    "effective_at": form.moment,
    "footer": form.text,
    "metadata": form.metadata,
    "number": form.text,
    "payment_settings": form.anything,
    "statement_descriptor": form.text,
}
_NEW: form.Spec = {
    **_COMMON,
    "currency": form.currency,
    "customer": form.text,
    "pending_invoice_items_behavior": form.one_of("exclude", "include"),
    "subscription": form.text,
}
#: Still changeable when the invoice is no draft any more.
_LATER = frozenset({"auto_advance", "metadata", "due_date", "days_until_due", "payment_settings"})
#: Accepted, and not part of the object.
_SILENT = ("custom_fields", "days_until_due", "payment_settings", "pending_invoice_items_behavior", "subscription")


def create(call: Call) -> dict[str, Any]:
    """A new draft, empty unless pending items are asked for."""
    world, given = call.world, form.read(call.params, _NEW, required=("customer",))
    customer = world.get("customer", given["customer"], param="customer")
    if given.get("subscription"):
        world.get("subscription", given["subscription"], param="subscription")
        check_invoices_of(given["subscription"], world.table("invoice").values(), world.now())
    due = _due_date(world, given)
    made = new(world, customer, given.get("currency"), subscription=given.get("subscription"))
    made.update({name: value for name, value in given.items() if name not in (*_SILENT, "metadata", "currency")})
    made |= {"metadata": form.merge_metadata({}, given.get("metadata", {})), "due_date": due}
    world.add(made)
    world.tell("invoice.created", made)
    if given.get("pending_invoice_items_behavior") == "include":
        waiting = [item for item in world.table("invoiceitem").values() if _waits(item, made)]
        drafts.put(world, made, waiting)
    return made


def new(world: World, customer: dict[str, Any], currency: str | None, *, subscription: str | None = None,
        reason: str = "manual") -> dict[str, Any]:  # fmt: skip
    """An empty draft that nobody knows yet."""
    parent = None
    if subscription:
        details = {"metadata": {}, "subscription": subscription}
        parent = {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
    found = world.new_id("in_1S", 16)
    world.lines[found] = []
    return blank(
        "invoice",
        id=found,
        created=world.now(),
        currency=currency or customer["currency"] or "usd",
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        billing_reason=reason,
        lines=drafts.inline(found, []),
        parent=parent,
        period_start=world.now(),
        period_end=world.now(),
    )


def _due_date(world: World, given: dict[str, Any]) -> int | None:
    if given.get("collection_method") != "send_invoice":
        if given.get("days_until_due") is not None or given.get("due_date") is not None:
            raise wrong("Only an invoice that is sent has a due date.", param="days_until_due")
        return None
    if given.get("due_date") is not None:
        return int(given["due_date"])
    if given.get("days_until_due") is None:
        raise wrong("An invoice that is sent needs days_until_due or due_date.", param="days_until_due")
    return world.now() + int(given["days_until_due"]) * DAY_SECONDS


def _waits(item: dict[str, Any], invoice: dict[str, Any]) -> bool:
    mine = item["customer"] == invoice["customer"] and item["currency"] == invoice["currency"]
    return mine and item["invoice"] is None


def update(call: Call) -> dict[str, Any]:
    """Change a draft; of a later invoice little more than its metadata."""
    given, made = form.read(call.params, _COMMON), call.world.get("invoice", call.id)
    if made["status"] != "draft" and not _LATER.issuperset(given):
        raise wrong(f"The invoice is {made['status']}; this can no longer be changed.", code="invoice_not_editable")
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    call.world.change(made, "invoice.updated", **{name: value for name, value in given.items() if name not in _SILENT})
    return made


def delete(call: Call) -> dict[str, Any]:
    """Delete a draft; its items wait for another invoice again."""
    world, made = call.world, drafts.editable(call.world, call.id)
    if made["parent"]:
        raise wrong("An invoice of a subscription cannot be deleted; void it.", code="invoice_not_editable")
    for item in world.table("invoiceitem").values():
        if item["invoice"] == made["id"]:
            world.change(item, invoice=None)
    del world.lines[made["id"]]
    world.remove(made)
    world.tell("invoice.deleted", made)
    return {"id": made["id"], "object": "invoice", "deleted": True}


def every(call: Call) -> dict[str, Any]:
    """By customer, status, subscription, way of collection."""
    filters: form.Spec = dict.fromkeys(("customer", "status", "collection_method", "subscription"), form.text)
    if not call.params.get("subscription"):
        return listed(call, "invoice", URL, filters)
    params = form.read(call.params, {**PAGING, **filters})
    rows = (made for made in call.world.every("invoice") if _subscription_of(made) == params["subscription"])
    return page((made for made in rows if params.get("status") in (None, made["status"])), params, URL)


def _subscription_of(invoice: dict[str, Any]) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details")
    found: str | None = details["subscription"] if details else None
    return found


def lines(call: Call) -> dict[str, Any]:
    """All lines, in their order."""
    call.world.get("invoice", call.id)
    found = call.world.lines[call.id]
    answer = page(found, form.read(call.params, PAGING), f"{URL}/{call.id}/lines")
    return answer | {"total_count": len(found)}


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, every),
    ("GET", f"{URL}/search", lambda call: searched(call, "invoice", f"{URL}/search")),
    ("GET", f"{URL}/*", lambda call: call.world.get("invoice", call.id)),
    ("POST", f"{URL}/*", update),
    ("DELETE", f"{URL}/*", delete),
    ("GET", f"{URL}/*/lines", lines),
)
