"""What Stripe says when a charge's money goes back: the charge with its new total, and the refund itself.

One refund is told several times: `charge.refunded` (the charge), `refund.created`, `refund.updated`, `refund.failed`
and `charge.refund.updated` (the refund). The charge knows the total before and after and not which refund; the refund
knows its id and not the total. Pages: https://docs.stripe.com/api/charges/object, https://docs.stripe.com/refunds
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from contracts.base import Part, Payload, Violation
from contracts.event_rules import above_zero, currency_known, dates, ids_usable, off, present, status_in
from contracts.invoice_lines import Minor, Reference, id_of
from contracts.invoice_shapes import Seconds
from contracts.money import Money
from contracts.stripe import OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent, money, object_in

#: What a refund can be: https://docs.stripe.com/api/refunds/object#refund_object-status
REFUND_STATES = ("pending", "requires_action", "succeeded", "failed", "canceled")
#: The two in which the money comes back.
RETURNED = ("failed", "canceled")


class Charge(Part):
    """A charge as it stands after the refund. `amount_refunded` is the total of all its refunds."""

    id: str | None = None
    amount: Minor | None = None
    amount_captured: Minor | None = None
    amount_refunded: Minor | None = None
    captured: bool | None = None
    refunded: bool | None = None
    status: str | None = None
    currency: str | None = None
    created: Seconds | None = None
    #: Only before 2025-03-31.
    invoice: Reference = None


class _ChargeBefore(Part):
    amount_refunded: Minor | None = None


class _ChargeData(Part):
    object: Charge
    previous_attributes: _ChargeBefore | None = None


class Refunding(StripeEvent):
    """Money of a charge goes back: the family of what tells so."""


def refund_within_charge(event: "ChargeRefunded") -> Iterator[Violation]:
    """The total grew, and no more goes back than was charged."""
    charge, before = event.about, event.before_minor
    if charge.amount_refunded is None:
        return
    if charge.amount_refunded <= (before or 0):
        bound = f"more than {before or 0}, the total before"
        yield off("amount_refunded", "refund_within_charge", charge.amount_refunded, bound)
    if charge.amount is not None and charge.amount_refunded > charge.amount:
        bound = f"at most {charge.amount}, the amount of the charge"
        yield off("amount_refunded", "refund_within_charge", charge.amount_refunded, bound)
    if before is not None and before < 0:
        yield Violation(
            "data.previous_attributes.amount_refunded", "refund_within_charge", str(before), "0 or more",
            "Take the payload again from Stripe.",
        )  # fmt: skip


def captured_within_charge(event: "ChargeRefunded") -> Iterator[Violation]:
    """No more was collected than was charged."""
    amount, captured = event.about.amount, event.about.amount_captured
    if amount is not None and captured is not None and not 0 <= captured <= amount:
        yield off("amount_captured", "captured_within_charge", captured, f"0 to {amount}")


def refunded_says_so(event: "ChargeRefunded") -> Iterator[Violation]:
    """`refunded` is true when all of it went back, and only then."""
    charge = event.about
    if None in (charge.refunded, charge.amount, charge.amount_refunded):
        return
    if charge.refunded != (charge.amount_refunded == charge.amount):
        yield off("refunded", "refunded_says_so", charge.refunded, "true exactly when the whole amount went back")


class ChargeRefunded(Refunding):
    """`charge.refunded`: the charge's total of refunds grew; sent once for every refund of it."""

    types: ClassVar[frozenset[str]] = frozenset({"charge.refunded"})
    version: ClassVar[str] = "stripe.charge_refunded/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules = (
        present("id", "amount", "amount_refunded", "currency"), ids_usable("id", "invoice"), currency_known,
        status_in("succeeded"), above_zero("amount"), refund_within_charge, captured_within_charge, refunded_says_so,
        dates("created"),
    )  # fmt: skip

    data: _ChargeData

    @property
    def about(self) -> Charge:
        return self.data.object

    @property
    def before_minor(self) -> int | None:
        """The total of refunds before this one; None when the event does not say."""
        previous = self.data.previous_attributes
        return previous.amount_refunded if previous else None

    @property
    def document(self) -> str | None:
        """What the refund takes back: the invoice where the charge names it, else the charge."""
        return id_of(self.about.invoice) or self.about.id

    @property
    def missing_context(self) -> str | None:
        if self.before_minor is None:
            return "the event does not say what was refunded before, so not how much is new"
        charge = self.about
        if charge.captured and charge.amount_captured not in (None, charge.amount):
            return "only a part was captured; whether the rest counts as refunded is not in the event"
        return None

    def amount(self) -> Money | None:
        return money((self.about.amount_refunded or 0) - (self.before_minor or 0), self.about.currency)

    @classmethod
    def at_stake(cls, payload: Payload) -> Money | None:
        charge, before = object_in(payload), object_in(payload, "data", "previous_attributes").get("amount_refunded")
        total = charge.get("amount_refunded")
        step = total - before if type(total) is int and type(before) is int else total
        return money(step, charge.get("currency"))


class Refund(Part):
    """One refund. `failure_balance_transaction` is the money's way back, when it failed or was canceled."""

    id: str | None = None
    amount: Minor | None = None
    charge: Reference = None
    currency: str | None = None
    status: str | None = None
    created: Seconds | None = None
    failure_reason: str | None = None
    failure_balance_transaction: Reference = None


class _RefundBefore(Part):
    status: str | None = None


class _RefundData(Part):
    object: Refund
    previous_attributes: _RefundBefore | None = None


_REFUND_RULES = (
    present("id", "amount", "currency", "status"), ids_usable("id", "charge"), currency_known,
    status_in(*REFUND_STATES), above_zero("amount"), dates("created"),
)  # fmt: skip


class RefundCreated(Refunding):
    """`refund.created`: the refund itself, which does not say what its charge's total is now."""

    types: ClassVar[frozenset[str]] = frozenset({"refund.created"})
    version: ClassVar[str] = "stripe.refund_created/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules = _REFUND_RULES

    data: _RefundData

    @property
    def about(self) -> Refund:
        return self.data.object


class RefundingReference(Notification, Refunding):
    """The thin notification of a refund."""

    types: ClassVar[frozenset[str]] = frozenset({"charge.refunded", "refund.created"})
    version: ClassVar[str] = "stripe.charge_refunded.reference/1"


class RefundChanged(StripeEvent):
    """A refund is not what it was: the family of what tells so."""


class RefundUpdated(RefundChanged):
    """`refund.updated`, `refund.failed` and the older `charge.refund.updated`: one refund and what it is now."""

    types: ClassVar[frozenset[str]] = frozenset({"refund.updated", "refund.failed", "charge.refund.updated"})
    version: ClassVar[str] = "stripe.refund_updated/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules = _REFUND_RULES

    type: str
    data: _RefundData

    @property
    def about(self) -> Refund:
        return self.data.object

    @property
    def is_news(self) -> bool:
        """Whether the status is what changed; an update of a note on a refund that failed long ago is not."""
        previous = self.data.previous_attributes
        return self.type == "refund.failed" or bool(previous and previous.status)


class RefundUpdatedReference(Notification, RefundChanged):
    """The thin notification of a refund that changed."""

    types: ClassVar[frozenset[str]] = RefundUpdated.types
    version: ClassVar[str] = "stripe.refund_updated.reference/1"
