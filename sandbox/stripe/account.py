"""The account itself, its balance, and its events: what a client asks to see whether it talks to the right one."""

from typing import Any

from sandbox.stripe import form
from sandbox.stripe.errors import invalid, no_such
from sandbox.stripe.events import KEPT_SECONDS, Event
from sandbox.stripe.lists import PAGING, page
from sandbox.stripe.world import Call, World

EVENTS = "/v1/events"
TYPES_MAX = 20


def account(call: Call) -> dict[str, Any]:
    """Whose key it is."""
    found = call.world.account or call.world.terms.account
    enabled = dict.fromkeys(("charges_enabled", "details_submitted", "payouts_enabled"), True)
    named: dict[str, Any] = {
        "country": "US",
        "default_currency": "usd",
        "email": None,
        "metadata": {},
        "type": "standard",
    }
    return {"id": found, "object": "account", **enabled, **named}


def balance(call: Call) -> dict[str, Any]:
    """What has not been paid out yet."""
    sums: dict[str, int] = {}
    for each in call.world.table("balance_transaction").values():
        if each["payout"] is None:
            sums[each["currency"]] = sums.get(each["currency"], 0) + each["net"]
    pending = [{"amount": amount, "currency": currency} for currency, amount in sums.items()]
    return {"object": "balance", "available": [], "livemode": call.world.livemode, "pending": pending}


def events(call: Call) -> dict[str, Any]:
    """Thirty days back, by type and by whether the webhook was taken."""
    spec = {**PAGING, "type": form.text, "types": form.texts, "delivery_success": form.boolean}
    params = form.read(call.params, spec)
    types = _types(params)
    is_taken = params.get("delivery_success")
    rows = (
        event.snapshot()
        for event in reversed(call.world.outbox.events.values())
        if _is_kept(call.world, event)
        and (types is None or event.type in types)
        and (is_taken is None or is_taken != event.is_pending)
    )
    return page(rows, params, EVENTS)


def _types(params: dict[str, Any]) -> set[str] | None:
    if params.get("types"):
        if params.get("type"):
            raise invalid("types", "type and types exclude each other.")
        if len(params["types"]) > TYPES_MAX:
            raise invalid("types", f"At most {TYPES_MAX} types can be asked for.")
        return set(params["types"])
    return {params["type"]} if params.get("type") else None


def event(call: Call) -> dict[str, Any]:
    """One event."""
    found = call.world.outbox.events.get(call.id)
    if found is None or not _is_kept(call.world, found):
        raise no_such("event", call.id)
    return found.snapshot()


def thin_event(call: Call) -> dict[str, Any]:
    """One event as an event destination posts it, by its own id."""
    outbox = call.world.outbox
    found = outbox.events.get(outbox.thin_ids.get(call.id, ""))
    if found is None or not _is_kept(call.world, found):
        raise no_such("event", call.id)
    return found.thin()


def _is_kept(world: World, event: Event) -> bool:
    return world.clock() - event.at < KEPT_SECONDS


ROUTES = (
    ("GET", "/v1/account", account),
    ("GET", "/v1/accounts/*", account),
    ("GET", "/v1/balance", balance),
    ("GET", EVENTS, events),
    ("GET", f"{EVENTS}/*", event),
    ("GET", "/v2/core/events/*", thin_event),
)
