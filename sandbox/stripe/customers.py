"""Customers. Nothing about them is unique: two creates make two, even with one e-mail address."""

from typing import Any

from sandbox.stripe import form
from sandbox.stripe.lists import listed, searched
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

URL = "/v1/customers"
DELETED = "deleted_customer"

_ADDRESS = form.part(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), form.text))
_FIELDS: form.Spec = {
    "address": lambda name, value: None if value == "" else _ADDRESS(name, value),
    "balance": form.integer,
    "description": form.text,
    "email": form.text,
    "invoice_prefix": form.text,
    "invoice_settings": form.anything,
    "metadata": form.metadata,
    "name": form.text,
    "payment_method": form.text,
    "phone": form.text,
    "preferred_locales": form.texts,
    "shipping": form.anything,
    "source": form.text,
    "tax_exempt": form.one_of("none", "exempt", "reverse"),
}
#: Accepted, and not part of the object.
_SILENT = ("invoice_settings", "payment_method", "shipping", "source")


def create(call: Call) -> dict[str, Any]:
    """A new customer."""
    world, given = call.world, _read(call)
    made = blank("customer", id=world.new_id("cus"), created=world.now(), invoice_prefix=_prefix(world))
    made.update(given, metadata=form.merge_metadata({}, given.get("metadata", {})))
    world.add(made)
    world.tell("customer.created", made)
    return made


def retrieve(call: Call) -> dict[str, Any]:
    """One customer; a deleted one is a stub that says so."""
    return call.world.table(DELETED).get(call.id) or call.world.get("customer", call.id)


def update(call: Call) -> dict[str, Any]:
    """Change what is given."""
    given, made = _read(call), call.world.get("customer", call.id)
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    call.world.change(made, "customer.updated", **given)
    return made


def delete(call: Call) -> dict[str, Any]:
    """For ever."""
    world, made = call.world, call.world.get("customer", call.id)
    world.remove(made)
    stub = {"id": made["id"], "object": "customer", "deleted": True}
    world.table(DELETED)[made["id"]] = stub
    world.tell("customer.deleted", made)
    return stub


def every(call: Call) -> dict[str, Any]:
    """By e-mail address, exactly as it is written."""
    return listed(call, "customer", URL, {"email": form.text})


def search(call: Call) -> dict[str, Any]:
    """By metadata, e-mail address, name."""
    return searched(call, "customer", f"{URL}/search")


def move_balance(world: World, customer: dict[str, Any], amount_minor: int) -> None:
    """Put onto a customer's balance; credit is negative."""
    world.change(customer, "customer.updated", balance=customer["balance"] + amount_minor)


def _read(call: Call) -> dict[str, Any]:
    given = form.read(call.params, _FIELDS)
    return {name: value for name, value in given.items() if name not in _SILENT}


def _prefix(world: World) -> str:
    return world.new_id("", 8).strip("_").upper()


ROUTES = (
    ("POST", URL, create),
    ("GET", URL, every),
    ("GET", f"{URL}/search", search),
    ("GET", f"{URL}/*", retrieve),
    ("POST", f"{URL}/*", update),
    ("DELETE", f"{URL}/*", delete),
)
