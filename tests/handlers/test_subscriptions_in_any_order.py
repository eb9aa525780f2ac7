"""Six updates of one subscription, the last two in one second, in all 720 orders: HubSpot shows what Stripe shows."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from both_accounts import NOON, Both, both_accounts

from counterfoil.database import Connection

#: Seconds of the updates after noon, and the seats that each leaves: a state comes back, and the tie decides the end.
UPDATES = ((0, 5), (10, 3), (20, 5), (30, 7), (40, 9), (40, 4))
#: Orders are played in parts, so that several processes share them.
PARTS = 6


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


class Customer:
    """One customer whose subscription is updated at Stripe no earlier than the event of an update arrives."""

    def __init__(self, both: Both, price: str) -> None:
        self.both = both
        self.id: str = both.post("customers", name="Example")["id"]
        form = {"customer": self.id, "items[0][price]": price, "items[0][quantity]": "1"}
        made = both.post("subscriptions", **form)
        self.subscription, self.item = made["id"], made["items"]["data"][0]["id"]
        self.told: list[dict[str, Any]] = []

    def event(self, number: int) -> dict[str, Any]:
        """What Stripe told of an update, which has happened by now."""
        while len(self.told) <= number:
            seconds, seats = UPDATES[len(self.told)]
            self.both.at = NOON + seconds + 0.1 * len(self.told)
            form = {"items[0][id]": self.item, "items[0][quantity]": str(seats)}
            self.both.post(f"subscriptions/{self.subscription}", **form)
            self.told.append(self.both.last_event())
        return self.told[number]


@pytest.mark.parametrize("part", range(PARTS))
def test_all_orders_of_six_updates_end_in_the_same_state(both: Both, part: int) -> None:
    """Stripe shows no more than what must have happened by then. Break it: believe the event, or the order of keys."""
    both.at = NOON - 60
    price = both.post(
        "prices", currency="eur", unit_amount="2900", nickname="Team", **{"recurring[interval]": "month"},
        **{"product_data[name]": "Team"},
    )["id"]  # fmt: skip
    orders = list(itertools.permutations(range(6)))[part::PARTS]
    customers = [Customer(both, price) for _ in orders]
    for step in range(6):
        both.record("stripe", [one.event(order[step]) for one, order in zip(customers, orders, strict=True)])
        both.at = NOON + 60
        both.work()
    shown = {row["stripe_customer_id"]: row for row in both.records("companies")}
    assert len(both.records("companies")) == len(customers)
    wrong = [
        order
        for one, order in zip(customers, orders, strict=True)
        if (shown[one.id]["mrr"], shown[one.id]["plan"], shown[one.id]["mrr_currency"]) != ("116.00", "Team", "EUR")
    ]
    assert wrong == []
    states = {row["status"] for row in both.rows("SELECT DISTINCT status FROM events")}
    assert states <= {"done", "superseded"}
