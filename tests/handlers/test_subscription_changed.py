"""Subscriptions: the company shows what Stripe has now, whatever the event says; what cannot be told is not guessed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from both_accounts import NOON, Both, both_accounts
from read_answers import a_read_subscription

from contracts.base import ContractBroken, find
from contracts.subscriptions import TYPES
from counterfoil.database import Connection
from destinations.http import Answer, Http
from destinations.stripe import questions
from engine import NeedsPerson, Plan
from exceptions_queue import replay

Event = Callable[..., dict[str, Any]]
Planned = Callable[..., Any]
TEAM = {"plan": "Team", "subscription_status": "active", "mrr": "87.00", "mrr_currency": "EUR"}


def _company(outcome: Any) -> Any:
    assert isinstance(outcome, Plan)
    (effect,) = outcome.effects
    return effect


@pytest.mark.parametrize("type", sorted(TYPES))
def test_every_change_shows_what_was_read(type: str, a_stripe_event: Event, planned: Planned) -> None:
    """Five kinds of event, one answer, one state; the event's own values do not matter."""
    effect = _company(planned(a_stripe_event(type), {"subscriptions": [a_read_subscription()]}))
    assert effect.body["by"] == {"property": "stripe_customer_id", "value": "cus_TExample000001"}
    assert effect.body["properties"] == TEAM
    assert effect.subject == "stripe:cus_TExample000001"


def test_a_state_that_comes_back_is_another_write(a_stripe_event: Event, planned: Planned) -> None:
    """And one event read twice with the same result is the same one."""
    first, second = a_stripe_event("customer.subscription.updated"), a_stripe_event("customer.subscription.updated")
    second["id"] = "evt_later"
    now, then = {"subscriptions": [a_read_subscription()]}, {"subscriptions": [a_read_subscription(status="unpaid")]}
    keys = [_company(planned(event, read)).key for event, read in ((first, now), (first, now), (first, then))]
    assert keys[0] == keys[1] != keys[2]
    assert _company(planned(second, now)).key not in keys


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "could not be read"),
        ([{}], "could not be read"),
        ([a_read_subscription(), a_read_subscription(currency="usd")], "EUR and USD"),
        ([a_read_subscription(discounts=[{}])], "discount"),
    ],
)
def test_what_cannot_be_told_goes_to_a_person(answer: Any, why: str, a_stripe_event: Event, planned: Planned) -> None:
    """In words, and nothing is written."""
    outcome = planned(a_stripe_event("customer.subscription.updated"), {"subscriptions": answer})
    assert isinstance(outcome, NeedsPerson)
    assert why in outcome.reason


def test_odd_names_are_no_obstacle(a_stripe_event: Event, planned: Planned) -> None:
    """What somebody called a price stands on one line."""
    odd = a_read_subscription()
    odd["items"][0]["name"] = " Team\n\u2028 2027 " + "x" * 900
    effect = _company(planned(a_stripe_event("customer.subscription.updated"), {"subscriptions": [odd]}))
    assert effect.body["properties"]["plan"].startswith("Team 2027 xxx")


@pytest.mark.parametrize(
    ("members", "rule"),
    [({"customer": None}, "customer_present"), ({"id": "sub/1"}, "id_usable"), ({"id": None}, "field_missing")],
)
def test_what_contradicts_itself_is_a_case(members: dict[str, Any], rule: str, a_stripe_event: Event) -> None:
    """Each rule by its name."""
    _breaks(a_stripe_event("customer.subscription.updated", **members), rule)


def test_a_time_in_milliseconds_is_a_case(a_stripe_event: Event) -> None:
    """It orders events, so it is no matter of taste."""
    event = a_stripe_event("customer.subscription.updated")
    _breaks(event | {"created": event["created"] * 1000}, "date_in_bounds")
    _breaks(event | {"id": "evt/1"}, "id_usable")


def _breaks(event: dict[str, Any], rule: str) -> None:
    with pytest.raises(ContractBroken) as broken:
        find("stripe", event["type"], event["api_version"], event).check(event)
    assert rule in {violation.rule for violation in broken.value.violations}


PRICE = {
    "id": "price_1", "billing_scheme": "per_unit", "nickname": None, "lookup_key": "team", "product": "prod_1",
    "unit_amount_decimal": "2900", "transform_quantity": {"divide_by": 5, "round": "up"},
    "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
}  # fmt: skip


def _answering(monkeypatch: pytest.MonkeyPatch, **lists: list[dict[str, Any]]) -> list[Any]:
    """Stripe answers these lists; what it was asked with is noted."""
    asked: list[Any] = []

    def listed(_: Http, method: str, path: str, *, params: Any = None, **__: Any) -> Answer:
        asked.append((method, path, params))
        return Answer(200, {}, {"object": "list", "has_more": False, "data": lists[path.rsplit("/", 1)[1]]})

    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_sandbox")
    monkeypatch.setattr(Http, "call", listed)
    return asked


def _asked(a_stripe_event: Event) -> list[dict[str, Any]]:
    event = a_stripe_event("customer.subscription.updated", id="sub_1")
    contract: Any = find("stripe", event["type"], event["api_version"], event).check(event)
    return questions.customer_subscriptions(contract, {})


def test_an_answer_holds_what_is_computed_with(monkeypatch: pytest.MonkeyPatch, a_stripe_event: Event) -> None:
    """Packages, shares as text, the discount's coupon; nothing that a person wrote but names of prices."""
    coupon = {"id": "co", "name": "For Ada", "percent_off": 12.5, "amount_off": None, "duration": "forever"}
    row = {
        "id": "sub_1", "status": "active", "currency": "eur", "pause_collection": {"behavior": "void"},
        "discounts": [{"source": {"type": "coupon", "coupon": coupon}}, "di_unread"], "description": "for Ada",
        "items": {"has_more": False, "data": [{"quantity": 11, "price": PRICE, "discounts": ["di_2"]}]},
    }  # fmt: skip
    asked = _answering(monkeypatch, subscriptions=[row])
    assert _asked(a_stripe_event) == [
        {
            "id": "sub_1", "status": "active", "currency": "eur", "collection_paused": True,
            "items": [{
                "name": "team", "unit_amount_decimal": "2900", "quantity": 11, "interval": "month", "interval_count": 1,
                "metered": False, "tiered": False, "divide_by": 5, "rounds_up": True, "discounted": True,
            }],
            "discounts": [
                {"percent_off": "12.5", "amount_off": None, "currency": None, "duration": "forever"}, {},
            ],
        }
    ]  # fmt: skip
    (_, path, params) = asked[0]
    assert (path, params["customer"], params["status"]) == ("/v1/subscriptions", "cus_TExample000001", "all")


def test_items_beyond_the_first_page_are_read(monkeypatch: pytest.MonkeyPatch, a_stripe_event: Event) -> None:
    """An MRR of half the items would be wrong."""
    rows = [{"id": f"si_{number}", "quantity": 1, "price": PRICE} for number in range(12)]
    row = {"id": "sub_1", "status": "active", "currency": "eur", "items": {"has_more": True, "data": rows[:10]}}
    _answering(monkeypatch, subscriptions=[row], subscription_items=rows)
    assert len(_asked(a_stripe_event)[0]["items"]) == 12


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def _price(both: Both, nickname: str, amount: str, interval: str = "month") -> str:
    more = {"recurring[interval]": interval, "product_data[name]": nickname}
    return str(both.post("prices", currency="eur", unit_amount=amount, nickname=nickname, **more)["id"])


def _subscribe(both: Both, customer: str, price: str, seats: int) -> dict[str, Any]:
    form = {"customer": customer, "items[0][price]": price, "items[0][quantity]": str(seats)}
    return both.post("subscriptions", **form)


def _shown(both: Both) -> dict[str, str]:
    (company,) = both.records("companies")
    return {name: company.get(name) or "" for name in TEAM}


def test_a_customers_whole_life(both: Both) -> None:
    """Two subscriptions, a change of seats, one ended, both ended: each time the company shows the sum."""
    customer = both.post("customers", name="Example")["id"]
    both.make("companies", name="Northwind", stripe_customer_id=customer)
    team, support = _price(both, "Team", "2900"), _price(both, "Support", "120000", "year")
    first = _subscribe(both, customer, team, 3)
    steps = [
        (lambda: None, ("Team", "active", "87.00")),
        (lambda: _subscribe(both, customer, support, 1), ("Support, Team", "active", "187.00")),
        (lambda: both.post(f"subscriptions/{first['id']}", **{
            "items[0][id]": first["items"]["data"][0]["id"], "items[0][quantity]": "5"}),
         ("Support, Team", "active", "245.00")),
        (lambda: both.client.delete(f"/v1/subscriptions/{first['id']}"), ("Support", "active", "100.00")),
    ]  # fmt: skip
    heard: set[str] = set()
    for act, (plan, status, mrr) in steps:
        both.at += 10
        act()
        for event in both.stripe_events(*TYPES):
            if event["id"] not in heard:
                heard.add(event["id"])
                both.hear("stripe", event)
        assert _shown(both) == {"plan": plan, "subscription_status": status, "mrr": mrr, "mrr_currency": "EUR"}
    assert {row["status"] for row in both.rows("SELECT status FROM events")} == {"done"}


def test_replayed_after_an_event_was_missed_it_shows_the_present(both: Both) -> None:
    """The newest event that we have is read again, and what came of it stands under another key."""
    customer = both.post("customers", name="Example")["id"]
    made = _subscribe(both, customer, _price(both, "Team", "2900"), 3)
    id = both.hear("stripe", *both.stripe_events(*TYPES))
    both.at = NOON + 100
    both.client.delete(f"/v1/subscriptions/{made['id']}")
    with both.conn.transaction():
        replay.replay_event(both.conn, id, from_step="start", who="rhea", reason="again")
    both.work()
    assert _shown(both) == {"plan": "", "subscription_status": "canceled", "mrr": "0.00", "mrr_currency": "EUR"}
    assert list(both.writes().values()) == ["confirmed", "confirmed"]


def test_a_subscription_that_stripe_does_not_list_is_looked_for_again(both: Both, a_stripe_event: Event) -> None:
    """An answer without what the event is about is not believed."""
    customer = both.post("customers", name="Example")["id"]
    id = both.hear("stripe", a_stripe_event("customer.subscription.updated", customer=customer))
    event = both.event(id)
    assert (event["status"], event["moves"]) == ("waiting", True)
    assert "no subscription sub_1SExample0000001" in event["outcome"]
