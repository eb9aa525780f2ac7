"""What a customer pays every month: the subscriptions as they were read, and the one rule by which they are added up.

    counted      subscriptions that are active or past due, unless their collection is paused
    an item      price × quantity (packages rounded as Stripe does), from its own interval to a month: a year is twelve
                 months, 52 weeks, 365 days; what is metered counts nothing, for nobody has promised it
    discounts    those of the subscription, in their order, unless they hold for one invoice only
    the whole    exact fractions until the end, then rounded once to the minor unit, halves up

What cannot be computed exactly is said, not estimated: tiers, a discount of a single item or one that could not be
read, a fixed discount over several intervals, two currencies.
"""

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from pydantic import TypeAdapter, ValidationError

from contracts.base import Part
from contracts.money import AMOUNT_MINOR_MAX, Money, known_currency

#: How often an interval of Stripe's fits into a month.
PER_MONTH = {"day": Fraction(365, 12), "week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}
COUNTED = frozenset({"active", "past_due"})
#: Subscriptions that are not over, the one that asks for attention first.
LIVING = ("past_due", "unpaid", "active", "trialing", "paused")
_OVER = ("incomplete", "canceled", "incomplete_expired")

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?", re.ASCII)


class NotComputable(Exception):
    """The amount is not told by what was read; the message says why."""


class Discount(Part):
    """One discount, or what is known of it; decimals are text."""

    percent_off: str | None = None
    amount_off: int | None = None
    currency: str | None = None
    duration: str | None = None


class Item(Part):
    """One thing that is subscribed to."""

    name: str
    unit_amount_decimal: str | None = None
    quantity: int | None = None
    interval: str
    interval_count: int
    metered: bool
    tiered: bool
    divide_by: int | None = None
    rounds_up: bool = False
    discounted: bool = False


class Subscription(Part):
    """One subscription as it was read."""

    id: str
    status: str
    currency: str
    collection_paused: bool
    items: list[Item]
    discounts: list[Discount]

    @property
    def counts(self) -> bool:
        return self.status in COUNTED and not self.collection_paused


_ALL = TypeAdapter(list[Subscription])


def subscriptions_of(answer: object) -> list[Subscription] | None:
    """What the question for a customer's subscriptions was answered with; None when this is no such answer."""
    try:
        return _ALL.validate_python(answer)
    except ValidationError:
        return None


def status_of(subscriptions: Sequence[Subscription]) -> str:
    """The one status that stands for all: of what lives the most urgent, else how it ended."""
    found = {each.status for each in subscriptions}
    return next((status for status in (*LIVING, *_OVER, *sorted(found)) if status in found), "none")


def plan_of(subscriptions: Sequence[Subscription]) -> str:
    """The names of what is subscribed to and not over."""
    names = {item.name for each in subscriptions if each.status in LIVING for item in each.items}
    return ", ".join(sorted(name for name in names if name))


def monthly(subscriptions: Sequence[Subscription]) -> Money | None:
    """What comes in every month; None when nothing ever told a currency. Raises: NotComputable."""
    counted = [each for each in subscriptions if each.counts]
    currencies = {each.currency.upper() for each in counted or subscriptions}
    if len(currencies) > 1 and not counted:
        return None
    if len(currencies) > 1:
        raise NotComputable(f"there are subscriptions in {' and '.join(sorted(currencies))}")
    if not currencies:
        return None
    (currency,) = currencies
    if not known_currency(currency):
        raise NotComputable("the currency of a subscription is unknown")
    amount = math.floor(sum((_monthly_of(each) for each in counted), Fraction()) + Fraction(1, 2))
    if amount > AMOUNT_MINOR_MAX:
        raise NotComputable("more than any amount that we know")
    return Money(amount, currency)


def _monthly_of(subscription: Subscription) -> Fraction:
    promised = [item for item in subscription.items if not item.metered]
    amount = sum((_of_item(item) for item in promised), Fraction())
    for discount in subscription.discounts:
        if discount.duration == "once":
            continue
        amount = max(Fraction(), amount - _taken_off(discount, amount, promised, subscription.currency))
    return amount


def _of_item(item: Item) -> Fraction:
    if item.tiered or item.discounted:
        what = "has tiers" if item.tiered else "has a discount of its own"
        raise NotComputable(f"an item {what}; what it comes to is not in the subscription")
    quantity, unit = item.quantity, _decimal(item.unit_amount_decimal)
    if quantity is None or quantity < 0 or unit is None:
        raise NotComputable("an item has no price or no quantity")
    if item.divide_by is not None:
        if item.divide_by < 1:
            raise NotComputable("an item is sold in packages of no size")
        quantity = -(-quantity // item.divide_by) if item.rounds_up else quantity // item.divide_by
    return unit * quantity * _per_month(item)


def _taken_off(discount: Discount, amount: Fraction, promised: Sequence[Item], currency: str) -> Fraction:
    percent = _decimal(discount.percent_off)
    if percent is not None and percent <= 100:
        return amount * percent / 100
    if discount.amount_off is None or discount.amount_off < 0 or (discount.currency or "").upper() != currency.upper():
        raise NotComputable("what a discount takes off could not be read")
    times = {_per_month(item) for item in promised}
    if len(times) > 1:
        raise NotComputable("a fixed amount is taken off items of several intervals")
    return discount.amount_off * sum(times, Fraction())


def _per_month(item: Item) -> Fraction:
    if item.interval not in PER_MONTH or item.interval_count < 1:
        raise NotComputable("an item has an interval that is unknown")
    return PER_MONTH[item.interval] / item.interval_count


def _decimal(text: str | None) -> Fraction | None:
    return Fraction(text) if text is not None and _DECIMAL.fullmatch(text) else None
