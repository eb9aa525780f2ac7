"""A worker that nobody rings finds its work all the same: the bell is a convenience, and so is the sweeper."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from engine.worker import Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def resting(worker: Worker) -> Iterator[Worker]:
    """A worker that runs, has looked, found nothing and gone to rest. There is no broker and no sweeper."""
    threshold = gc.get_threshold()
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
    thread.start()
    time.sleep(1.0)
    yield worker
    stop.set()
    worker.wake()
    thread.join(10)
    gc.unfreeze()
    gc.set_threshold(*threshold)
    assert not thread.is_alive()


def test_an_event_that_nobody_rings_for_is_done_within_seconds(resting: Worker, an_event: An, look: Look) -> None:
    """P4: recorded after the last look, and no bell. Remove `LOOK_SECONDS` from the loop's wait and this fails."""
    an_event("contact.creation", 7)
    until = time.monotonic() + 4
    while look("SELECT status FROM events") != [{"status": "done"}]:
        assert time.monotonic() < until
        time.sleep(0.05)
