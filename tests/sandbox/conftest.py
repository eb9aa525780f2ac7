"""Both ways in to a stand-in, with a toy API behind them."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from stripe_api import Api
from toy_standin import Counter, Way

from sandbox.standin.clock import MovableClock
from sandbox.standin.exchange import Exchange
from sandbox.standin.serve import serving
from sandbox.standin.transport import InProcess

#: Long enough for a busy machine, short enough for a test of hanging.
TIMEOUT_SECONDS = 0.7


@contextmanager
def _in_process() -> Iterator[Way]:
    clock = MovableClock(at=1_000.0)
    exchange = Exchange(Counter(clock, random.Random(1)), clock, random.Random(2))
    with httpx.Client(
        transport=InProcess(exchange, clock.advance), base_url="http://standin.test", timeout=TIMEOUT_SECONDS
    ) as client:
        yield Way(client, exchange, clock)


@contextmanager
def _over_http() -> Iterator[Way]:
    with (
        serving(Counter) as served,
        httpx.Client(base_url=served.url, timeout=TIMEOUT_SECONDS, trust_env=False) as client,
    ):
        yield Way(client, served.exchange, served.clock)


@pytest.fixture(params=[_in_process, _over_http], ids=["in_process", "over_http"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """Both ways in, one after the other: a test that passes on one only has found a lie."""
    with request.param() as way:
        yield way


@pytest.fixture
def served_way() -> Iterator[Way]:
    """The way in over HTTP."""
    with _over_http() as way:
        yield way


@pytest.fixture
def api() -> Api:
    """Stripe's stand-in, in-process."""
    return Api()
