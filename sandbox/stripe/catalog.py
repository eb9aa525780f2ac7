"""Products and prices: as much as invoice items and subscriptions refer to."""

from typing import Any

from sandbox.stripe import form
from sandbox.stripe.errors import missing, wrong
from sandbox.stripe.lists import listed
from sandbox.stripe.shapes import blank
from sandbox.stripe.world import Call, World

PRODUCTS = "/v1/products"
PRICES = "/v1/prices"

_RECURRING = form.part(
    {"interval": form.one_of("day", "week", "month", "year"), "interval_count": form.amount, "usage_type": form.text},
    required=("interval",),
)
_PRODUCT: form.Spec = {
    "active": form.boolean,
    "description": form.text,
    "id": form.text,
    "metadata": form.metadata,
    "name": form.text,
    "unit_label": form.text,
}
_PRICE: form.Spec = {
    "active": form.boolean,
    "currency": form.currency,
    "lookup_key": form.text,
    "metadata": form.metadata,
    "nickname": form.text,
    "product": form.text,
    "product_data": form.part({"name": form.text, "metadata": form.metadata}, required=("name",)),
    "recurring": _RECURRING,
    "tax_behavior": form.text,
    "unit_amount": form.integer,
}
#: A price that is written where it is used.
PRICE_DATA = form.part(
    {"currency": form.currency, "product": form.text, "recurring": _RECURRING, "tax_behavior": form.text,
     "unit_amount": form.integer},
    required=("currency", "product"),
)  # fmt: skip


def create_product(call: Call) -> dict[str, Any]:
    """A new product."""
    given = form.read(call.params, _PRODUCT, required=("name",))
    return add_product(call.world, given)


def add_product(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """A new product, whoever makes it."""
    found = given.pop("id", None) or world.new_id("prod")
    if found in world.table("product"):
        raise wrong("A product with this id exists.", param="id", code="resource_already_exists")
    made = blank("product", id=found, created=world.now(), updated=world.now(), **given)
    made["metadata"] = form.merge_metadata({}, given.get("metadata", {}))
    world.add(made)
    world.tell("product.created", made)
    return made


def create_price(call: Call) -> dict[str, Any]:
    """A new price of a product."""
    given = form.read(call.params, _PRICE, required=("currency",))
    return add_price(call.world, given)


def add_price(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """A new price, whoever makes it."""
    data = given.pop("product_data", None)
    if data is None and not given.get("product"):
        raise missing("product")
    product = add_product(world, data) if data else world.get("product", given["product"], param="product")
    recurring = given.pop("recurring", None)
    made = blank("price", id=world.new_id("price_1S", 16), created=world.now(), product=product["id"])
    made.update({name: value for name, value in given.items() if name not in ("product", "metadata")})
    made["metadata"] = form.merge_metadata({}, given.get("metadata", {}))
    made["unit_amount_decimal"] = str(made["unit_amount"])
    if recurring:
        whole = {"interval_count": 1, "meter": None, "trial_period_days": None, "usage_type": "licensed"}
        made |= {"type": "recurring", "recurring": whole | recurring}
    world.add(made)
    world.tell("price.created", made)
    return made


def update_product(call: Call) -> dict[str, Any]:
    """Change what is given."""
    return _update(call, "product", _PRODUCT)


def update_price(call: Call) -> dict[str, Any]:
    """Change what is given; what a price costs never changes."""
    return _update(call, "price", {name: _PRICE[name] for name in ("active", "lookup_key", "metadata", "nickname")})


def _update(call: Call, noun: str, spec: form.Spec) -> dict[str, Any]:
    given, made = form.read(call.params, spec), call.world.get(noun, call.id)
    if "metadata" in given:
        given["metadata"] = form.merge_metadata(made["metadata"], given["metadata"])
    call.world.change(made, f"{noun}.updated", **given)
    return made


ROUTES = (
    ("POST", PRODUCTS, create_product),
    ("GET", PRODUCTS, lambda call: listed(call, "product", PRODUCTS, {"active": form.boolean})),
    ("GET", f"{PRODUCTS}/*", lambda call: call.world.get("product", call.id)),
    ("POST", f"{PRODUCTS}/*", update_product),
    ("POST", PRICES, create_price),
    ("GET", PRICES, lambda call: listed(call, "price", PRICES, {"active": form.boolean, "product": form.text})),
    ("GET", f"{PRICES}/*", lambda call: call.world.get("price", call.id)),
    ("POST", f"{PRICES}/*", update_price),
)
