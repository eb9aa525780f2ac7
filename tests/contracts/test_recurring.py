"""What a customer pays every month: exact in fractions, rounded once, and never estimated."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Money
from contracts.recurring import NotComputable, monthly, plan_of, status_of, subscriptions_of


def an_item(**members: Any) -> dict[str, Any]:
    usual = {"name": "Team", "unit_amount_decimal": "2900", "quantity": 3, "interval": "month", "interval_count": 1}
    return {**usual, "metered": False, "tiered": False, **members}


def a_subscription(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    usual = {"id": "sub_1", "status": "active", "currency": "eur", "collection_paused": False, "discounts": []}
    return {**usual, "items": list(items or (an_item(),)), **members}


def _monthly(*subscriptions: dict[str, Any]) -> Money | None:
    found = subscriptions_of(list(subscriptions))
    assert found is not None
    return monthly(found)


@pytest.mark.parametrize(
    ("item", "minor"),
    [
        ({}, 8700),
        ({"interval": "year", "unit_amount_decimal": "34800"}, 8700),
        ({"interval": "month", "interval_count": 3, "quantity": 1, "unit_amount_decimal": "10000"}, 3333),
        ({"interval": "week", "quantity": 1, "unit_amount_decimal": "1200"}, 5200),
        ({"interval": "day", "quantity": 1, "unit_amount_decimal": "100"}, 3042),
        ({"unit_amount_decimal": "0.5", "quantity": 1}, 1),
        ({"unit_amount_decimal": "0.4", "quantity": 1}, 0),
        ({"unit_amount_decimal": "0.000000000001", "quantity": 1}, 0),
        ({"quantity": 0}, 0),
        ({"metered": True, "quantity": None, "unit_amount_decimal": None}, 0),
        ({"quantity": 11, "divide_by": 5, "rounds_up": True}, 3 * 2900),
        ({"quantity": 11, "divide_by": 5, "rounds_up": False}, 2 * 2900),
    ],
)
def test_an_item_comes_to_a_month(item: dict[str, Any], minor: int) -> None:
    """A year is twelve months, 52 weeks, 365 days; halves go up."""
    assert _monthly(a_subscription(an_item(**item))) == Money(minor, "EUR")


def test_it_is_rounded_once_for_the_whole() -> None:
    """Three thirds of a cent are a cent."""
    third = an_item(unit_amount_decimal="1", quantity=1, interval_count=3)
    assert _monthly(a_subscription(third, third, third)) == Money(1, "EUR")
    assert _monthly(*(a_subscription(third, id=f"sub_{n}") for n in range(3))) == Money(1, "EUR")


@pytest.mark.parametrize(
    ("discount", "minor"),
    [
        ({"percent_off": "10", "duration": "forever"}, 7830),
        ({"percent_off": "33.333", "duration": "repeating"}, 5800),
        ({"percent_off": "10", "duration": "once"}, 8700),
        ({"amount_off": 700, "currency": "eur", "duration": "forever"}, 8000),
        ({"amount_off": 9999, "currency": "EUR", "duration": "forever"}, 0),
    ],
)
def test_a_discount_of_the_subscription_is_taken_off(discount: dict[str, Any], minor: int) -> None:
    """Unless it is for one invoice only; nobody pays less than nothing."""
    assert _monthly(a_subscription(discounts=[discount])) == Money(minor, "EUR")


def test_a_fixed_discount_is_as_rare_as_the_invoice() -> None:
    """12.00 off a yearly invoice is 1.00 a month."""
    yearly = an_item(interval="year", unit_amount_decimal="34800")
    off = {"amount_off": 1200, "currency": "eur", "duration": "forever"}
    assert _monthly(a_subscription(yearly, discounts=[off])) == Money(8600, "EUR")


def test_discounts_are_taken_off_in_their_order() -> None:
    """Ten per cent of what the first one left."""
    first, second = {"amount_off": 700, "currency": "eur"}, {"percent_off": "10"}
    assert _monthly(a_subscription(discounts=[first, second])) == Money(7200, "EUR")
    assert _monthly(a_subscription(discounts=[second, first])) == Money(7130, "EUR")


@pytest.mark.parametrize(
    ("status", "minor"),
    [("active", 8700), ("past_due", 8700), ("trialing", 0), ("unpaid", 0), ("paused", 0), ("canceled", 0),
     ("incomplete", 0)],
)  # fmt: skip
def test_what_is_counted(status: str, minor: int) -> None:
    """What is owed every month and may still be paid."""
    assert _monthly(a_subscription(status=status)) == Money(minor, "EUR")


def test_a_subscription_whose_collection_is_paused_counts_nothing() -> None:
    """Nobody is asked to pay it."""
    assert _monthly(a_subscription(collection_paused=True)) == Money(0, "EUR")


@pytest.mark.parametrize(
    "subscriptions",
    [
        [a_subscription(an_item(tiered=True))],
        [a_subscription(an_item(discounted=True))],
        [a_subscription(discounts=[{}])],
        [a_subscription(discounts=[{"percent_off": "101"}])],
        [a_subscription(discounts=[{"amount_off": 100, "currency": "usd"}])],
        [a_subscription(an_item(), an_item(interval="year"), discounts=[{"amount_off": 100, "currency": "eur"}])],
        [a_subscription(), a_subscription(currency="usd")],
        [a_subscription(currency="xxz")],
        [a_subscription(an_item(interval="decade"))],
        [a_subscription(an_item(interval_count=0))],
        [a_subscription(an_item(quantity=None))],
        [a_subscription(an_item(unit_amount_decimal="1e3"))],
        [a_subscription(an_item(unit_amount_decimal="-1"))],
        [a_subscription(an_item(divide_by=0))],
        [a_subscription(an_item(quantity=10**15))],
    ],
)
def test_what_cannot_be_told_exactly_is_not_told(subscriptions: list[dict[str, Any]]) -> None:
    """An estimate in a CRM is taken for the truth."""
    with pytest.raises(NotComputable):
        _monthly(*subscriptions)


def test_what_is_over_cannot_make_it_unclear() -> None:
    """Tiers and currencies of long ago do not count, so they do not matter."""
    old = a_subscription(an_item(tiered=True), status="canceled", currency="usd")
    assert _monthly(a_subscription(), old) == Money(8700, "EUR")
    assert _monthly(old, a_subscription(status="canceled")) is None
    assert _monthly() is None


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [(["active", "past_due"], "past_due"), (["canceled", "active"], "active"), (["unpaid", "active"], "unpaid"),
     (["trialing", "active"], "active"), (["canceled", "incomplete_expired"], "canceled"), (["new_one"], "new_one"),
     ([], "none")],
)  # fmt: skip
def test_one_status_stands_for_all(statuses: list[str], shown: str) -> None:
    """What asks for attention first."""
    found = subscriptions_of([a_subscription(status=status) for status in statuses])
    assert found is not None
    assert status_of(found) == shown


def test_the_plan_names_what_is_not_over() -> None:
    """Each name once, in a fixed order."""
    found = subscriptions_of([
        a_subscription(an_item(name="Team"), an_item(name="API")),
        a_subscription(an_item(name="Team")),
        a_subscription(an_item(name="Old"), status="canceled"),
    ])  # fmt: skip
    assert found is not None
    assert plan_of(found) == "API, Team"


@pytest.mark.parametrize("answer", [None, {}, [{}], [{**a_subscription(), "items": None}],
                                    [a_subscription(an_item(quantity=1.5))]])  # fmt: skip
def test_half_an_answer_is_none(answer: Any) -> None:
    """No fraction of a seat, no subscription without its items."""
    assert subscriptions_of(answer) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 24), st.integers(0, 10**6),
            st.decimals("0", "100000", places=4),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_no_minor_unit_is_lost_or_invented(rows: list[tuple[str, int, int, Any]]) -> None:
    """Against the sum of exact fractions, however it is shared out: never more than half a unit away."""
    per_year = {"day": 365, "week": 52, "month": 12, "year": 1}
    items = [
        an_item(interval=interval, interval_count=count, quantity=quantity, unit_amount_decimal=str(price))
        for interval, count, quantity, price in rows
    ]
    exact = sum(Fraction(per_year[i], 12 * n) * q * Fraction(str(p)) for i, n, q, p in rows)
    found = _monthly(*(a_subscription(item) for item in items), a_subscription(an_item(quantity=0)))
    assert found is not None
    assert -Fraction(1, 2) <= exact - found.amount_minor < Fraction(1, 2) or exact == found.amount_minor
