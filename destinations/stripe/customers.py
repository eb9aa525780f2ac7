"""Customers at Stripe: made, and deleted again as long as nobody has used them."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil import keys
from destinations import http
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Image, Operation, Sent
from destinations.stripe import check, reads, wire
from destinations.stripe.making import Making
from destinations.stripe.operation import KEY_SECONDS, Changing, image_of, is_down, object_of, taking_back

#: Longer than any name, and a sentence or two: whatever goes beyond them is some other field.
NAME_MAX = 256
DESCRIPTION_MAX = 350
#: Statuses of an invoice that asks nobody for money.
_SETTLED_BY_HAND = ("void",)


class CreateCustomer(Making):
    """A customer; nothing about one is unique at Stripe, so only the key keeps it single."""

    operation = Operation(
        "create_customer", "native_key", "Create a customer", "deleted again", key_lifetime_seconds=KEY_SECONDS
    )
    noun, prefixes, event_type = "customer", ("cus_",), "customer.created"

    def problems(self, effect: Effect) -> Iterator[str]:
        body = effect.body
        yield from check.members(body, {"name"}, {"email", "description", "metadata"})
        yield from check.text("name", body.get("name"), NAME_MAX)
        yield from check.email("email", body.get("email"), needed=False)
        yield from check.text("description", body.get("description"), DESCRIPTION_MAX, needed=False)
        yield from check.metadata(body.get("metadata") or {})
        yield from check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        email = effect.body.get("email")
        return [f"Create the customer {effect.body['name']}{f' <{email}>' if email else ', without an address'}."]

    def params(self, effect: Effect, key: str) -> dict[str, Any]:
        return {name: effect.body.get(name) for name in ("name", "email", "description")}

    def siblings(self, effect: Effect) -> dict[str, Any]:
        email = effect.body.get("email")
        return {"email": email} if email else {}

    def stands(self, made: Mapping[str, Any]) -> dict[str, Any]:
        # Receipts are kept longer than payloads, and say nothing of a person: a digest tells of a change as well.
        return {name: _digest(made.get(name)) for name in ("name", "email", "description")}

    def expected(self, effect: Effect) -> dict[str, Any]:
        return self.stands(effect.body)

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        return taking_back(effect, DeleteCustomer.operation.name, {"customer": object_of(receipt)})

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        digests = {name: _digest(now.fields.get(name)) for name in ("name", "email", "description")}
        changed = super().changed_since(effect, receipt, Image(now.version, now.reference, digests))
        return changed + [f"the customer has {uses} by now" for uses in now.fields.get("in_use") or []]


class DeleteCustomer(Changing):
    """Takes back a customer that was made; Stripe would cancel its subscriptions with it, so it must have none."""

    operation = Operation(
        "delete_customer", "natural_key", "Delete a customer", None, looks=True, deletes=True
    )  # deleting is for ever at Stripe

    def problems(self, effect: Effect) -> Iterator[str]:
        yield from check.members(effect.body, {"customer"}, set())
        yield from check.id("customer", effect.body.get("customer"), "cus_")
        yield from check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        return [f"Delete the customer {check.shown(effect.body['customer'], 'customer')} for ever."]

    def target(self, effect: Effect) -> str | None:
        found = effect.body.get("customer")
        return None if check.is_receipt(found) else f"customers/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["customer"]
        found = reads.find(client, f"/v1/customers/{id}")
        if found is None:
            return Image(None)
        fields = {name: found.get(name) for name in ("name", "email", "description")}
        return image_of(id, {**fields, "in_use": list(_uses(client, id))})

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        id = effect.body["customer"]
        try:
            # Not the image's answer: an invoice of the last seconds counts too.
            in_use = self.look(client, effect).fields.get("in_use")
        except http.Failed as failed:
            return Sent("retry", f"not sent: {failed}", down=is_down(failed))
        if in_use:
            return Sent("refused", f"not sent: the customer {id} has {', '.join(in_use)}; deleting it would end that")
        reply = wire.delete(client, f"/v1/customers/{id}")
        if reply.receipt.get("code") == "resource_missing":
            return self.done(effect, key, "the customer is gone", reply, "already")
        return self.ended(client, effect, key, reply)

    def id(self, effect: Effect) -> str:
        return str(effect.body["customer"])

    def shows(self, effect: Effect, body: Mapping[str, Any]) -> bool:
        return body.get("deleted") is True and body.get("id") == effect.body["customer"]

    def is_done(self, effect: Effect, key: str, now: Image) -> bool:
        return now.version is None


def _uses(client: Http, id: str) -> Iterator[str]:
    """What hangs on a customer and makes deleting it more than taking it back. Raises: http.Failed."""
    if any(invoice.get("status") not in _SETTLED_BY_HAND for invoice in _of(client, "/v1/invoices", id)):
        yield "an invoice"
    if any(True for _ in _of(client, "/v1/subscriptions", id, status="all")):
        yield "a subscription"
    if any(True for _ in _of(client, "/v1/charges", id)):
        yield "a charge"


def _of(client: Http, path: str, id: str, **more: str) -> Iterator[dict[str, Any]]:
    return reads.every(client, path, {"customer": id, **more})


def _digest(value: object) -> str | None:
    return keys.short_hash(value) if isinstance(value, str) and value else None


def create_customer(
    *,
    key: str,
    subject: str,
    name: str,
    email: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of creating a customer."""
    body = {"name": name, "email": email, "description": description, "metadata": metadata}
    given = {member: value for member, value in body.items() if value is not None}
    return Effect("stripe", CreateCustomer.operation.name, key, subject, None, given, evidence or {})
