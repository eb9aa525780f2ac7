"""A loop that is held up by what it has in hand has a stand-in: what comes meanwhile does not wait for it."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

import engine.worker
from counterfoil import database
from counterfoil.ledger.claim import Claimed
from engine.worker import Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set when the handler that takes long may go on; at the latest when the test is over."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def held_up(worker: Worker, an_event: An, released: threading.Event) -> Iterator[UUID]:
    """An event whose handler takes long, in the hands of the loop of a worker that runs."""
    event, begun, stop = an_event("contact.creation", 1), threading.Event(), threading.Event()
    real = worker.pipeline.walk

    def walk(one: Claimed, **how: bool) -> object:
        if one.id == event:
            begun.set()
            assert released.wait(60)
        return real(one, **how)

    worker.pipeline.walk = walk  # type: ignore[method-assign,assignment]
    threshold = gc.get_threshold()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    assert begun.wait(30)
    yield event
    released.set()
    stop.set()
    worker.wake()
    thread.join(30)
    gc.unfreeze()
    gc.set_threshold(*threshold)
    assert not thread.is_alive()


def test_what_comes_meanwhile_is_done(held_up: UUID, released: threading.Event, an_event: An, look: Look) -> None:
    """Start no stand-in and the second event waits for the first, for as long as that takes."""
    second = an_event("contact.creation", 2)
    _until(lambda: _states(look)[second] == "done")
    assert _states(look)[held_up] != "done"
    released.set()
    _until(lambda: _states(look)[held_up] == "done")


def test_locks_between_statements_that_travel_together_are_not_held_for_ever(
    worker: Worker, conn: database.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is frozen there is busy for Postgres, not idle: only the limit on whole transactions ends it.

    Without `transaction_timeout` this fails: the statements come to their end, and whoever waited, waited for that.
    """
    monkeypatch.setattr(engine.worker, "SESSION", engine.worker.SESSION.replace("60s", "500ms"))
    mine = worker._connection()

    def stand_still() -> None:
        with database.transacting(mine), database.together(mine):
            mine.execute("BEGIN")
            mine.execute("LOCK TABLE runs")
            time.sleep(1.5)
            mine.execute("COMMIT")

    with pytest.raises(psycopg.OperationalError):
        stand_still()
    conn.execute("LOCK TABLE runs NOWAIT")


def _states(look: Look) -> dict[UUID, str]:
    return {row["id"]: row["status"] for row in look("SELECT id, status FROM events")}


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
