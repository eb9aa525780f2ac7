"""Draft invoices at Stripe: an empty draft, then all of its lines in one request; taken back while nobody has paid.

The two requests are one write: both have constant keys, and a draft that is found without its lines is completed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from contracts.money import Money
from destinations import http
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Finding, Image, Operation, Sent
from destinations.stripe import check, reads, wire
from destinations.stripe.answers import Reply
from destinations.stripe.check import MADE_BY, SUB_KEY, marker
from destinations.stripe.making import Making
from destinations.stripe.operation import KEY_SECONDS, key_of, object_of, taking_back, when_forgotten

#: More lines than this are an import; Stripe takes 250 at once.
ITEMS_MAX = 100
#: What a person reads on a line; whatever is beyond the other two is a wrong unit.
DESCRIPTION_MAX = 500
DUE_DAYS_MAX = 365
QUANTITY_MAX = 1_000_000


class Item(TypedDict):
    """One line. With a `price` of Stripe's the amount is what we expect of it; Stripe multiplies."""

    description: str
    amount_minor: int
    quantity: NotRequired[int]
    price: NotRequired[str]


class CreateDraftInvoice(Making):
    """A draft that waits for a person at Stripe: it is neither sent nor collected by itself."""

    operation = Operation(
        "create_draft_invoice",
        "native_key",
        "Create a draft invoice",
        "deleted, or voided when somebody has finalized it; not once it is paid",
        key_lifetime_seconds=KEY_SECONDS,
    )
    noun, prefixes, event_type = "invoice", ("in_",), "invoice.created"

    def problems(self, effect: Effect) -> Iterator[str]:
        body = effect.body
        yield from check.members(body, {"customer", "currency", "items", "due_days"}, {"description", "metadata"})
        yield from check.id("customer", body.get("customer"), "cus_")
        yield from check.whole("due_days", body.get("due_days"), 1, DUE_DAYS_MAX)
        yield from check.text("description", body.get("description"), DESCRIPTION_MAX, needed=False)
        yield from check.metadata(body.get("metadata") or {})
        items = body.get("items")
        if not isinstance(items, list) or not 1 <= len(items) <= ITEMS_MAX:
            yield f"an invoice has 1 to {ITEMS_MAX} items"
            return
        faults = [fault for number, item in enumerate(items, 1) for fault in _item_faults(f"item {number}: ", item)]
        yield from faults
        yield from check.money(effect, None if faults else _total(effect))

    def lines(self, effect: Effect) -> list[str]:
        body = effect.body
        total = check.money_text(_total(effect), body["currency"])
        customer = check.shown(body["customer"], "customer")
        first = f"Create a draft invoice of {total} for the customer {customer}, due after {body['due_days']} days."
        amounts = [check.money_text(item["amount_minor"], body["currency"]) for item in body["items"]]
        return [first, *(f"{_title(item)}: {amount}." for item, amount in zip(body["items"], amounts, strict=True))]

    def params(self, effect: Effect, key: str) -> dict[str, Any]:
        body = effect.body
        return {
            "customer": body["customer"],
            "currency": body["currency"].lower(),
            "collection_method": "send_invoice",
            "days_until_due": body["due_days"],
            "auto_advance": False,
            # Whatever else waits for this customer's next invoice was not approved with this one.
            "pending_invoice_items_behavior": "exclude",
            "description": body.get("description"),
        }

    def siblings(self, effect: Effect) -> dict[str, Any]:
        return {"customer": effect.body["customer"]}

    def fetch(self, client: Http, id: str) -> dict[str, Any] | None:
        found = reads.find(client, f"{self.path}/{id}")
        if found is None:
            return None
        lines = reads.invoice_lines(client, id)
        return {**found, "lines": {"object": "list", "has_more": False, "data": lines}}

    def complete(self, client: Http, effect: Effect, key: str, made: dict[str, Any], reply: Reply) -> Sent:
        second = _add_lines(client, effect, key, made["id"])
        if second.used_up:
            return self._after_used_up(client, effect, key, made, second)
        if second.meaning == "refused":
            return self._remove_empty(client, made, second)
        if second.meaning != "done":
            return Sent(
                "unknown",
                f"the draft {made['id']} stands, its lines may be missing: {second.detail}",
                made["id"],
                {**second.receipt, "object": made["id"]},
                second.after_seconds,
                second.down,
            )
        if not self._is_ours(second.body, key) or second.body["id"] != made["id"]:
            return second.sent("unknown", "the answer is not the draft with its lines")
        return self.done(second.body, second)

    def is_whole(self, client: Http, effect: Effect, made: Mapping[str, Any]) -> bool:
        # All lines come in one request: where one of ours is, all of them were.
        key = made["metadata"][MADE_BY]
        return any(marker(line, MADE_BY) == key for line in reads.invoice_lines(client, made["id"]))

    def resume(self, client: Http, effect: Effect, attempt: Attempt, found: dict[str, Any]) -> Finding:
        """Within the key's life sending again completes it. Later that would make a second draft, so it is completed
        here: its lines were just seen to be missing, and no request of a day ago is still on its way."""
        half = f"the draft {found['id']} stands without its lines"
        if (attempt.now - attempt.first_sent_at).total_seconds() < KEY_SECONDS:
            return Finding("did_not_happen", half)
        if found.get("status") != "draft":
            return Finding("unknown", half, found["id"])
        reply = _add_lines(client, effect, attempt.key, found["id"])
        if reply.meaning != "done" or not self._is_ours(reply.body, attempt.key):
            return Finding("unknown", f"{half}: {reply.detail}", found["id"], reply.receipt, reply.down)
        return Finding("happened", f"{half}; they were added", found["id"], self.done(reply.body, reply).receipt)

    def stands(self, made: Mapping[str, Any]) -> dict[str, Any]:
        currency, count = made.get("currency"), _line_count(made)
        return {
            "status": made.get("status"),
            "total_minor": made.get("total"),
            "currency": currency.upper() if isinstance(currency, str) else None,
            "customer": made.get("customer"),
            # An invoice carries its first lines only, and need not say how many there are.
            **({} if count is None else {"lines": count}),
        }

    def expected(self, effect: Effect) -> dict[str, Any]:
        body = effect.body
        lines = {"total_minor": _total(effect), "lines": len(body["items"])}
        return {"status": "draft", "currency": body["currency"], "customer": body["customer"], **lines}

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        customer = (receipt.get("stands") or {}).get("customer")
        body = {"invoice": object_of(receipt), "customer": customer, "made_by": key_of(receipt)}
        return taking_back(effect, "withdraw_invoice", body)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        status = now.fields.get("status")
        changed = super().changed_since(effect, receipt, now)
        if status in ("open", "uncollectible", "paid"):
            changed.append(f"somebody finalized the invoice: it is {status}")
        return changed

    def _after_used_up(self, client: Http, effect: Effect, key: str, made: Mapping[str, Any], second: Reply) -> Sent:
        """The lines' key answers nothing but an old error: they stand, or can be added when it is new again."""
        try:
            is_whole = self.is_whole(client, effect, made)
        except http.Failed as failed:
            return second.sent("unknown", f"{second.detail}; looking for the lines failed: {failed}")
        if is_whole:
            return self.done(made, second)
        return when_forgotten(second) if second.replayed else self._remove_empty(client, made, second)

    def _remove_empty(self, client: Http, made: Mapping[str, Any], second: Reply) -> Sent:
        """Lines that Stripe refuses leave an empty draft, which nobody asked for."""
        removed = wire.delete(client, f"{self.path}/{made['id']}")
        rest = "was removed" if removed.meaning == "done" else "stands; delete it by hand"
        return second.sent("refused", f"{second.detail}; the empty draft {made['id']} {rest}")


def _item_faults(where: str, item: object) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{where}an item is a map"
        return
    yield from check.members(item, {"description", "amount_minor"}, {"quantity", "price"}, where)
    yield from check.text(f"{where}description", item.get("description"), DESCRIPTION_MAX)
    yield from check.amount(f"{where}amount_minor", item.get("amount_minor"))
    if "quantity" in item:
        yield from check.whole(f"{where}quantity", item["quantity"], 1, QUANTITY_MAX)
    if "price" in item:
        yield from check.id(f"{where}price", item["price"], "price_")


def _total(effect: Effect) -> int:
    return sum(item["amount_minor"] for item in effect.body["items"])


def _title(item: Mapping[str, Any]) -> str:
    quantity = item.get("quantity", 1)
    return str(item["description"]) if quantity == 1 else f"{quantity} × {item['description']}"


def _add_lines(client: Http, effect: Effect, key: str, id: str) -> Reply:
    lines = [_line(item, key) for item in effect.body["items"]]
    return wire.post(client, f"/v1/invoices/{id}/add_lines", {"lines": lines}, key + SUB_KEY)


def _line(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    marked = {"metadata": {MADE_BY: key}}
    if "price" in item:
        quantity = item.get("quantity", 1)
        return {"description": item["description"], "pricing": {"price": item["price"]}, "quantity": quantity, **marked}
    # Stripe multiplies a quantity only with a price; our amount is the line's, so the quantity is told in words.
    return {"description": _title(item), "amount": item["amount_minor"], **marked}


def _line_count(made: Mapping[str, Any]) -> int | None:
    lines = made.get("lines")
    if not isinstance(lines, dict) or not isinstance(lines.get("data"), list):
        return None
    if lines.get("has_more") is False:
        return len(lines["data"])
    count = lines.get("total_count")
    return count if type(count) is int else None


def create_draft_invoice(
    *,
    key: str,
    subject: str,
    customer: str | dict[str, str],
    currency: str,
    items: Sequence[Item],
    due_days: int,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of creating a draft invoice; `customer` may be `references.receipt_of`."""
    body: dict[str, Any] = {"customer": customer, "currency": currency, "due_days": due_days}
    body["items"] = [dict(item) for item in items]
    more = {"description": description, "metadata": metadata}
    body |= {member: value for member, value in more.items() if value is not None}
    amount = Money(sum(item["amount_minor"] for item in items), currency)
    return Effect("stripe", CreateDraftInvoice.operation.name, key, subject, amount, body, evidence or {})
