"""The world outside of the demo: Stripe and HubSpot as the sandbox plays them, over real HTTP, in this process.

What people do there by hand, what goes wrong on the way, and what stands there in the end is asked here, never of
Counterfoil: the demo's proof that one effect is one effect.
"""

import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.core import HubSpot
from sandbox.hubspot.kinds import COMPANY, CONTACT, TICKET
from sandbox.hubspot.properties import Property
from sandbox.standin.base import Hook
from sandbox.standin.exchange import Entry
from sandbox.standin.faults import Fault
from sandbox.standin.serve import Served, serving
from sandbox.stripe.core import Stripe
from sandbox.stripe.world import Terms

#: What a team adds to its HubSpot account for the workflows (docs/workflows).
ADDED = (
    (COMPANY, Property("stripe_customer_id", unique=True, hubspot_defined=False)),
    *((COMPANY, Property(name, hubspot_defined=False)) for name in ("plan", "subscription_status", "mrr_currency")),
    (COMPANY, Property("mrr", "number", hubspot_defined=False)),
    (CONTACT, Property("last_payment_at", "datetime", hubspot_defined=False)),
    (CONTACT, Property("last_payment_amount", "number", hubspot_defined=False)),
    *((CONTACT, Property(name, hubspot_defined=False)) for name in ("last_payment_currency", "last_payment_invoice")),
    *((CONTACT, Property(name, hubspot_defined=False)) for name in ("contact_intent", "contact_route")),
    (TICKET, Property("ticket_route", hubspot_defined=False)),
)


@dataclass
class Outside:
    """Both stand-ins."""

    stripe: Served
    hubspot: Served
    keys: Mapping[str, str]

    def settings(self) -> dict[str, str]:
        """How Counterfoil reaches them."""
        return {"STRIPE_API_BASE": self.stripe.url, "HUBSPOT_API_BASE": self.hubspot.url, **self.keys}

    def at_stripe(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        """What a person does in Stripe's dashboard."""
        wish = {"action": "call", "method": method, "path": path, "params": params, "livemode": True}
        return self._do(self.stripe, wish)

    def at_hubspot(self, action: str, kind: str, **more: Any) -> dict[str, Any]:
        """What a person does in HubSpot."""
        return self._do(self.hubspot, {"action": action, "kind": kind, **more})

    def company(self, id: str) -> dict[str, Any]:
        """The properties of a company as HubSpot has them now."""
        rows = self.hubspot.exchange.locked(self.hubspot.standin.state)["companies"]
        return dict(next(row["properties"] for row in rows if row["id"] == id))

    def count(self, noun: str, **like: str) -> int:
        """How many objects of a kind Stripe has with these values."""
        world = self.stripe.exchange.locked(self.stripe.standin.state)["live"]
        return sum(all(each[name] == value for name, value in like.items()) for each in world.get(noun, ()))

    def lose_the_answer(self, path: str) -> None:
        """The next POST there takes effect, and its answer is never heard."""
        fault = Fault("drop_after", method="POST", path=path)
        self.stripe.exchange.locked(lambda: self.stripe.exchange.faults.add(fault))

    def hooks(self, kind: str) -> list[Hook]:
        """The webhooks that a provider has to post now, not posted yet; each is taken with that."""
        served = self.stripe if kind == "stripe" else self.hubspot
        return served.exchange.hooks()

    def changes_asked(self) -> int:
        """How many requests came to either of them that were to change something."""
        return sum(_changes(entry) for served in (self.stripe, self.hubspot) for entry in list(served.exchange.journal))

    @staticmethod
    def _do(served: Served, wish: Mapping[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = served.exchange.locked(lambda: served.exchange.standin.do(wish))
        return done


def _changes(entry: Entry) -> bool:
    """HubSpot's searches and batches of reads are posted."""
    return entry.method != "GET" and not entry.path.endswith(("/search", "/batch/read"))


@contextmanager
def outside() -> Iterator[Outside]:
    """Both, listening on free ports of this machine, empty."""
    keys = {
        "STRIPE_API_KEY": f"sk_live_{secrets.token_hex(12)}",
        "HUBSPOT_ACCESS_TOKEN": f"pat-{secrets.token_hex(12)}",
    }
    with serving(_stripe) as stripe, serving(_hubspot) as hubspot:
        yield Outside(stripe, hubspot, keys)


def _stripe(now: Callable[[], float], rng: random.Random) -> Stripe:
    return Stripe(now, rng, Terms())


def _hubspot(now: Callable[[], float], rng: random.Random) -> HubSpot:
    return HubSpot(now, rng, Account(properties=ADDED))
