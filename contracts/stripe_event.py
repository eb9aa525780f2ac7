"""What Stripe's events share, whatever they are about: the envelope, the time, and the thin form without values.

To add a family: a subclass of `StripeEvent` that names its object's shape, one class per API shape below it, and a
`Notification` for the thin form. Handlers name the family.
Page: https://docs.stripe.com/api/events/object
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from contracts.base import Contract, ContractBroken, Payload, as_object
from contracts.invoice_shapes import Seconds
from contracts.money import AMOUNT_MINOR_MAX, Money, known_currency


class StripeEvent(Contract):
    """A snapshot event. Whoever extends it says in `stakes` which member of the object is the money at stake."""

    source: ClassVar[str] = "stripe"
    identity: ClassVar[tuple[str, ...]] = ("id", "type", "account", "livemode", "data.object.id")
    #: Members of the object that hold the money at stake; the first that is there counts.
    stakes: ClassVar[tuple[str, ...]] = ("amount",)

    created: Seconds | None = None

    @property
    def day(self) -> date:
        """The day on which it happened, by the event's own time."""
        return day_of(self.created)

    @property
    def moment(self) -> datetime:
        """The second in which it happened, by the event's own time."""
        return moment_of(self.created)

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return not is_thin(payload)

    @classmethod
    def at_stake(cls, payload: Payload) -> Money | None:
        found = object_in(payload)
        amounts = (money(found.get(name), found.get("currency")) for name in cls.stakes)
        return next((amount for amount in amounts if amount), None)

    def amount(self) -> Money | None:
        shape = getattr(getattr(self, "data", None), "object", None)
        amounts = (money(getattr(shape, name), getattr(shape, "currency", None)) for name in self.stakes)
        return next((amount for amount in amounts if amount), None)


class Notification(StripeEvent):
    """The thin form: it names an object and carries no values. Listed first among the bases of whoever extends it."""

    created: str | None = None  # type: ignore[assignment]  # ISO text in this form

    @classmethod
    def covers(cls, api_version: str | None) -> bool:
        return api_version is None

    @classmethod
    def fits(cls, payload: Mapping[str, Any]) -> bool:
        return is_thin(payload)

    @classmethod
    def at_stake(cls, payload: Payload) -> Money | None:
        return None

    def amount(self) -> Money | None:
        return None

    @property
    def missing_context(self) -> str | None:
        return "a thin notification carries no values; what it is about must be read from Stripe"


def is_thin(payload: Mapping[str, Any]) -> bool:
    """Whether it is a notification without values."""
    return payload.get("object") == "v2.core.event"


def moment_of(seconds: int | None) -> datetime:
    """A moment as Stripe gives it, in UTC."""
    if seconds is None:
        raise AssertionError("Bug: an event that has not passed its contract")
    return datetime.fromtimestamp(seconds, UTC)


def day_of(seconds: int | None) -> date:
    """The day of a moment, in UTC."""
    return moment_of(seconds).date()


def object_in(payload: Payload, *way: str) -> Mapping[str, Any]:
    """`data.object` or what `way` leads to, or nothing; a broken payload is no reason to fail here."""
    try:
        found: Any = as_object(payload)
    except ContractBroken:
        return {}
    for name in way or ("data", "object"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def money(amount: object, currency: object) -> Money | None:
    """The amount as money, if it is any."""
    if type(amount) is not int or abs(amount) > AMOUNT_MINOR_MAX or not isinstance(currency, str):
        return None
    return Money(amount, currency.upper()) if known_currency(currency) else None
