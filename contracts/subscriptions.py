"""What Stripe says when a subscription began, changed or ended: that it did, and whose it is.

What it is now is read anew from Stripe, with all others of its customer: events come in any order, and their time has
whole seconds. So of the event nothing else is believed. Page: https://docs.stripe.com/api/subscriptions/object
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from contracts.base import Part, Violation
from contracts.event_rules import AT, ids_usable, no_id, present, usable
from contracts.invoice_lines import Reference, id_of
from contracts.moments import EARLIEST, LATEST
from contracts.stripe import OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent

#: All that change status, plan or price. `trial_will_end` and pending updates change nothing yet.
TYPES = frozenset(
    f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed")
)  # fmt: skip


class ChangedSubscription(Part):
    """The subscription as far as the event is believed."""

    id: str | None = None
    customer: Reference = None

    @property
    def customer_id(self) -> str | None:
        return id_of(self.customer)


class _Data(Part):
    object: ChangedSubscription


def customer_known(event: "SubscriptionChangedSnapshot") -> Iterator[Violation]:
    """Somebody has subscribed."""
    if event.about.customer_id is None:
        yield Violation(
            f"{AT}.customer", "customer_present", "absent", "an id such as cus_…",
            "Find the customer of this subscription at Stripe and put its id in, then replay.",
        )  # fmt: skip


def created_in_bounds(event: "SubscriptionChangedSnapshot") -> Iterator[Violation]:
    """The event's time, which orders it among others, is in seconds."""
    if event.created is not None and not EARLIEST <= event.created <= LATEST:
        yield Violation(
            "created", "date_in_bounds", str(event.created), f"{EARLIEST} to {LATEST} (seconds)",
            "Compare with the event at Stripe; times are whole seconds.",
        )  # fmt: skip


def own_id_usable(event: "SubscriptionChangedSnapshot") -> Iterator[Violation]:
    """The event's id can be part of a write key."""
    if not usable(event.id):
        yield no_id("id", event.id)


class SubscriptionChanged(StripeEvent):
    """A subscription changed: the family that handlers name."""

    stakes: ClassVar[tuple[str, ...]] = ()

    #: The event's own; part of the write's key, because a state may come back.
    id: str


class SubscriptionChangedSnapshot(SubscriptionChanged):
    """Any change of a subscription; the same in all API versions, as far as it is read."""

    types: ClassVar[frozenset[str]] = TYPES
    version: ClassVar[str] = "stripe.subscription_changed/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules = (present("id"), ids_usable("id", "customer"), own_id_usable, customer_known, created_in_bounds)

    data: _Data

    @property
    def about(self) -> ChangedSubscription:
        return self.data.object


class SubscriptionChangedReference(Notification, SubscriptionChanged):
    """The thin notification of any change of a subscription."""

    types: ClassVar[frozenset[str]] = TYPES
    version: ClassVar[str] = "stripe.subscription_changed.reference/1"
