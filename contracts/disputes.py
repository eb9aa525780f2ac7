"""What Stripe says about a dispute: what was taken, what came back, and how it ended.

Every event of a dispute carries the whole dispute with its balance transactions, at most one that takes the money and
one that gives it back; each of them is one fact, however many events show it.
Pages: https://docs.stripe.com/api/disputes/object, https://docs.stripe.com/disputes/how-disputes-work
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar

from contracts.base import Part, Violation
from contracts.event_rules import (
    AT,
    Rule,
    above_zero,
    currency_known,
    dates,
    ids_usable,
    no_id,
    off,
    present,
    status_in,
    usable,
)
from contracts.invoice_lines import Minor, Reference
from contracts.invoice_shapes import Seconds
from contracts.moments import EARLIEST, LATEST
from contracts.money import known_currency
from contracts.stripe import OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent

#: https://docs.stripe.com/api/disputes/object#dispute_object-status, with the older `charge_refunded`.
ENDED = ("won", "lost", "warning_closed", "prevented", "charge_refunded")
DISPUTE_STATES = (
    *("warning_needs_response", "warning_under_review", "needs_response", "under_review"),
    *("appeal_needs_response", "appeal_under_review", *ENDED),
)


class Movement(Part):
    """A balance transaction of the dispute: negative takes, positive gives back; `net` is `amount` less the fee."""

    id: str
    amount: Minor
    fee: Minor
    net: Minor
    currency: str
    created: Seconds
    exchange_rate: Any = None


class Dispute(Part):
    id: str | None = None
    amount: Minor | None = None
    charge: Reference = None
    currency: str | None = None
    status: str | None = None
    reason: str | None = None
    created: Seconds | None = None
    balance_transactions: list[Movement] | None = None


class _Data(Part):
    object: Dispute


def movements_usable(event: "DisputeEvent") -> Iterator[Violation]:
    """Each has an id of its own, a known currency and a time in seconds."""
    seen: set[str] = set()
    for number, movement in enumerate(event.about.balance_transactions or ()):
        field = f"balance_transactions.{number}"
        if not usable(movement.id) or movement.id in seen:
            yield no_id(f"{AT}.{field}.id", movement.id)
        seen.add(movement.id)
        if not known_currency(movement.currency):
            yield off(f"{field}.currency", "currency_known", movement.currency, "an ISO 4217 code in use")
        if not EARLIEST <= movement.created <= LATEST:
            yield off(f"{field}.created", "date_in_bounds", movement.created, f"{EARLIEST} to {LATEST} (seconds)")


def movements_add_up(event: "DisputeEvent") -> Iterator[Violation]:
    """Amount less fee is what moved, and no more comes back than was taken."""
    movements = event.about.balance_transactions or ()
    for number, movement in enumerate(movements):
        if movement.net != movement.amount - movement.fee:
            bound = f"{movement.amount - movement.fee} (amount - fee)"
            yield off(f"balance_transactions.{number}.net", "movements_add_up", movement.net, bound)
    back = sum(movement.amount for movement in movements)
    if back > 0:
        yield off("balance_transactions", "movements_add_up", back, "at most 0: what came back was taken before")


class DisputeEvent(StripeEvent):
    """A dispute and what it moved: the family that handlers name."""

    rules: ClassVar[tuple[Rule, ...]] = (
        present("id", "amount", "charge", "currency", "status", "balance_transactions"), ids_usable("id", "charge"),
        currency_known, status_in(*DISPUTE_STATES), above_zero("amount"), movements_usable, movements_add_up,
        dates("created"),
    )  # fmt: skip

    data: _Data

    @property
    def about(self) -> Dispute:
        return self.data.object


class DisputeMoved(DisputeEvent):
    """A dispute was opened, or its money was taken or given back."""

    types: ClassVar[frozenset[str]] = frozenset(
        {"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"}
    )
    version: ClassVar[str] = "stripe.dispute_moved/1"
    since: ClassVar[date | None] = OLDEST_READ


class DisputeClosed(DisputeEvent):
    """A dispute ended: won, lost, or an inquiry that came to nothing."""

    types: ClassVar[frozenset[str]] = frozenset({"charge.dispute.closed"})
    version: ClassVar[str] = "stripe.dispute_closed/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules: ClassVar[tuple[Rule, ...]] = (*DisputeEvent.rules, status_in(*ENDED))


class DisputeReference(Notification, DisputeEvent):
    """The thin notification of a dispute."""

    types: ClassVar[frozenset[str]] = DisputeMoved.types | DisputeClosed.types
    version: ClassVar[str] = "stripe.dispute.reference/1"
    rules: ClassVar[tuple[Rule, ...]] = ()

    data: Any = None
