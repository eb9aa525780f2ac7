"""Thousands of seeded schedules against the stand-ins in this process: at most one effect, whatever happens.

`SCHEDULES=stripe.create_customer:1234` plays one seed again.
"""

import random
from collections.abc import Iterator

import pytest
from hubspot_portal import Portal, a_portal
from stripe_api import Api

from counterfoil import clock, database
from counterfoil.settings import settings
from destinations import http, hubspot, stripe
from destinations.base import Effect
from sandbox.standin.transport import InProcess
from tests.chaos.schedules import Play, play

BATCH = 100


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[tuple[Api, Portal]]:
    api = Api(search_lag_seconds=1)
    portal = a_portal(searches_per_second=None)
    for one in (api.clock, portal.clock):
        one.advance(clock.now().timestamp() - one())
    for name, value in {
        "STRIPE_API_KEY": "sk_test_sandbox",
        "STRIPE_API_BASE": "http://stripe.test",
        "HUBSPOT_ACCESS_TOKEN": "pat-all",
        "HUBSPOT_API_BASE": "http://hubspot.test",
        "COUNTERFOIL_SENDER_THREADS": "64",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(http.IN_PROCESS, "http://stripe.test", InProcess(api.exchange))
    monkeypatch.setitem(http.IN_PROCESS, "http://hubspot.test", InProcess(portal.exchange))
    monkeypatch.setattr(stripe.Stripe, "rate_per_second", 1e6)
    settings.cache_clear()
    yield api, portal


@pytest.mark.parametrize("batch", range(5))
def test_a_customer_is_made_once(batch: int, world: tuple[Api, Portal], conn: database.Connection) -> None:
    api, portal = world

    def effect(seed: int) -> Effect:
        return stripe.create_customer(key=f"stripe:customer:{seed}", subject=f"s:{seed}", name=f"Acorn {seed}")

    def effects(seed: int) -> int:
        made = api.standin.world().table("customer").values()
        return sum(one.get("metadata", {}).get("counterfoil_key") == f"stripe:customer:{seed}" for one in made)

    def advance(seconds: float) -> None:
        api.clock.advance(seconds)
        portal.clock.advance(seconds)

    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    wrong = play(conn, [api.exchange, portal.exchange], Play("stripe.create_customer", effect, effects), seeds, advance)
    assert not wrong, "\n".join(wrong.values())
