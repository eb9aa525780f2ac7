"""The sums of an invoice and its lines while it can still be changed."""

from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import no_such, wrong
from sandbox.stripe.shapes import blank_line
from sandbox.stripe.world import World

#: An invoice carries its first lines; who wants the rest must list them.
INLINE_LINES_MAX = 10


def editable(world: World, found: str, *, param: str = "id") -> dict[str, Any]:
    """A draft. Raises: Refused when it is something else by now."""
    invoice = world.get("invoice", found, param=param)
    if invoice["status"] != "draft":
        raise wrong(f"The invoice is {invoice['status']} and can no longer be changed.", code="invoice_not_editable")
    return invoice


def put(world: World, invoice: dict[str, Any], items: Iterable[dict[str, Any]]) -> None:
    """Put items onto an invoice as lines, and add it up again."""
    lines = world.lines[invoice["id"]]
    for item in items:
        world.change(item, invoice=invoice["id"])
        lines.append(_line_of(world, invoice, item))
    add_up(world, invoice)


def put_lines(world: World, invoice: dict[str, Any], lines: Iterable[dict[str, Any]]) -> None:
    """Put lines that come from no item onto an invoice."""
    world.lines[invoice["id"]].extend(lines)
    add_up(world, invoice)


def take_off(world: World, invoice: dict[str, Any], item_id: str) -> None:
    """Take an item's line away."""
    kept = [line for line in world.lines[invoice["id"]] if _item_of(line) != item_id]
    world.lines[invoice["id"]] = kept
    add_up(world, invoice)


def add_up(world: World, invoice: dict[str, Any]) -> None:
    """All sums and the first lines, and the event of it."""
    lines = world.lines[invoice["id"]]
    total = sum(line["amount"] for line in lines)
    sums = dict.fromkeys(("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), total)
    due = max(0, total)
    world.change(
        invoice,
        "invoice.updated",
        **sums,
        amount_due=due,
        amount_remaining=due,
        lines=inline(invoice["id"], lines),
    )


def inline(invoice_id: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The list of lines as an invoice carries it."""
    return {
        "object": "list",
        "data": lines[:INLINE_LINES_MAX],
        "has_more": len(lines) > INLINE_LINES_MAX,
        "total_count": len(lines),
        "url": f"/v1/invoices/{invoice_id}/lines",
    }


def find_line(world: World, invoice_id: str, found: str) -> dict[str, Any]:
    """One line. Raises: Refused."""
    for line in world.lines[invoice_id]:
        if line["id"] == found:
            return line
    raise no_such("invoice line item", found, param="lines[0][invoice_line_item]")


def _line_of(world: World, invoice: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    details = {"invoice_item": item["id"], "proration": False, "proration_details": None, "subscription": None}
    return blank_line(
        id=world.new_id("il_1S", 16),
        amount=item["amount"],
        currency=item["currency"],
        description=item["description"],
        discountable=item["discountable"],
        invoice=invoice["id"],
        livemode=world.livemode,
        metadata=dict(item["metadata"]),
        parent={"invoice_item_details": details, "subscription_item_details": None, "type": "invoice_item_details"},
        period=dict(item["period"]),
        pricing=dict(item["pricing"]),
        quantity=item["quantity"],
        quantity_decimal=item["quantity_decimal"],
        subtotal=item["amount"],
    )


def _item_of(line: dict[str, Any]) -> str | None:
    details = line["parent"]["invoice_item_details"]
    found: str | None = details["invoice_item"] if details else None
    return found
