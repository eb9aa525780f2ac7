"""What lies ready for the sender's threads: enough that they need not wait for a round, and nothing behind a hang."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any
from uuid import UUID

import pytest
from stripe_api import Api

import destinations
from counterfoil import clock, database
from counterfoil.settings import settings
from destinations import http
from engine import registry
from engine.pipeline import Pipeline
from engine.sending import sender as sending
from engine.sending.sender import READY_PER_THREAD_MAX, READY_SECONDS_MAX, Sender
from engine.worker import Worker
from sandbox.standin.transport import InProcess

BASE = "http://stripe.test"
THREADS = 2
EVENTS = 40


class Held(Executor):
    """Keeps what it is given until it is told to do some of it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []
        self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting.append(lambda: fn(*args, **kwargs))
        self.most = max(self.most, len(self.waiting))
        return Future()

    def do(self, many: int) -> None:
        """The oldest ones, in order."""
        some, self.waiting = self.waiting[:many], self.waiting[many:]
        for one in some:
            one()


class Desk:
    """A sender whose threads work when told to, and forty writes that are due."""

    def __init__(self, conn: database.Connection, api: Api) -> None:
        self.conn = conn
        self.api = api
        self.threads = Held()
        config = settings().model_copy(update={"sender_threads": THREADS})
        self.sender = Sender(destinations.find(), config, self.threads)

    def round(self) -> None:
        """One, with tokens enough."""
        with self.conn.transaction():
            self.conn.execute("UPDATE destination_states SET tokens = 100")
        self.sender.round(self.conn)

    def posts(self) -> int:
        """How many writes reached Stripe."""
        return sum(entry.method == "POST" for entry in self.api.exchange.journal)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, conn: database.Connection, an_event: Callable[..., UUID]) -> Iterator[Desk]:
    """Everything set up, the events planned."""
    api = Api()
    api.clock.advance(clock.now().timestamp() - api.clock())
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_sandbox")
    monkeypatch.setenv("STRIPE_API_BASE", BASE)
    monkeypatch.setitem(http.IN_PROCESS, BASE, InProcess(api.exchange, api.clock.advance))
    settings.cache_clear()
    for number in range(EVENTS):
        an_event("contact.creation", number)
    worker = Worker(Pipeline(registry.find("writers"), destinations.find(), crashes_max=5), settings())
    while worker.run_once():
        pass
    yield Desk(conn, api)
    worker.close()


def test_nothing_piles_up_behind_what_hangs(desk: Desk) -> None:
    """Nothing comes back: as many are in hand as there are threads, however many rounds pass."""
    for _ in range(5):
        desk.round()
    assert len(desk.threads.waiting) == THREADS


def test_what_came_back_is_made_up_for_and_lies_ready(desk: Desk) -> None:
    """Threads that are quick find more each round, up to a bound; in the end each write was sent once."""
    for _ in range(3 * EVENTS):
        desk.round()
        desk.threads.do(len(desk.threads.waiting))
    assert THREADS < desk.threads.most <= THREADS * (1 + READY_PER_THREAD_MAX)
    assert desk.posts() == desk.api.count("customer") == EVENTS


def test_what_lay_ready_for_too_long_keeps_its_place(
    desk: Desk, look: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause may have come since: it goes back unsent, and is the first to go out afterwards, once."""
    desk.round()
    first = look("SELECT id FROM writes WHERE status = 'sending' ORDER BY order_at, order_key")
    began = clock.ticks_seconds()
    with monkeypatch.context() as later:
        later.setattr(sending.clock, "ticks_seconds", lambda: began + READY_SECONDS_MAX + 1)
        desk.threads.do(THREADS)
        desk.round()
    assert desk.posts() == 0
    desk.threads.do(THREADS)
    desk.round()
    assert desk.posts() == len(first) == THREADS
    assert look("SELECT id FROM writes WHERE status = 'confirmed' ORDER BY order_at, order_key") == first
