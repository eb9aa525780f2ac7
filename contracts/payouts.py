"""What Stripe says when a payout has arrived, and the parts it was made of, which have to be read.

Pages: https://docs.stripe.com/api/payouts/object, https://docs.stripe.com/reports/reporting-categories
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from contracts.base import Part, Violation
from contracts.event_rules import currency_known, dates, ids_usable, off, present, status_in
from contracts.invoice_lines import Minor
from contracts.invoice_shapes import Seconds
from contracts.stripe import OLDEST_READ
from contracts.stripe_event import Notification, StripeEvent


class Payout(Part):
    """A payout; a negative amount was taken from the bank account."""

    id: str | None = None
    amount: Minor | None = None
    currency: str | None = None
    status: str | None = None
    automatic: bool | None = None
    created: Seconds | None = None
    arrival_date: Seconds | None = None


class _Data(Part):
    object: Payout


def moves_money(event: "PayoutPaidSnapshot") -> Iterator[Violation]:
    """A payout of nothing is none."""
    if event.about.amount == 0:
        yield off("amount", "moves_money", 0, "any amount but 0")


class PayoutPaid(StripeEvent):
    """A payout has arrived: the family that handlers name."""


class PayoutPaidSnapshot(PayoutPaid):
    """`payout.paid`; the same in all API versions."""

    types: ClassVar[frozenset[str]] = frozenset({"payout.paid"})
    version: ClassVar[str] = "stripe.payout_paid/1"
    since: ClassVar[date | None] = OLDEST_READ
    rules = (
        present("id", "amount", "currency", "status", "arrival_date"), ids_usable("id"), currency_known,
        status_in("paid"), moves_money, dates("created", "arrival_date"),
    )  # fmt: skip

    data: _Data

    @property
    def about(self) -> Payout:
        return self.data.object


class PayoutPaidReference(Notification, PayoutPaid):
    """The thin notification of `payout.paid`."""

    types: ClassVar[frozenset[str]] = frozenset({"payout.paid"})
    version: ClassVar[str] = "stripe.payout_paid.reference/1"


class PayoutPart(Part):
    """A balance transaction that is in a payout; `net` is `amount` less the fee, `converted` from another currency."""

    id: str
    amount: Minor
    fee: Minor
    net: Minor
    currency: str
    type: str
    reporting_category: str
    converted: bool = False


_PARTS = TypeAdapter(list[PayoutPart])


def parts_of(listed: object) -> tuple[PayoutPart, ...] | None:
    """The parts among a payout's balance transactions, its own left out; None when this is no such list."""
    try:
        return tuple(part for part in _PARTS.validate_python(listed) if part.type != "payout")
    except ValidationError:
        return None
