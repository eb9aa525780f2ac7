"""The doorbell: it may be lost, it may be late, and it never holds anybody up."""

import socket
import threading
import time

import pytest

from counterfoil import queue
from counterfoil.settings import settings


def _rings_arriving(seconds: float = 3.0) -> int:
    """How many messages wait in the queue once the first has come."""
    import dramatiq

    heard = threading.Event()
    broker = queue.broker()
    count = [0]

    def listener() -> None:
        count[0] += 1
        heard.set()

    dramatiq.actor(actor_name=queue.ACTOR, queue_name=queue.QUEUE, broker=broker)(listener)
    consumer = dramatiq.Worker(broker, worker_threads=1, worker_timeout=20)
    consumer.start()
    heard.wait(seconds)
    time.sleep(0.3)
    consumer.stop()
    return count[0]


def test_many_rings_at_once_become_few_messages(redis_url: str) -> None:
    """A burst of a thousand groups does not cost a thousand messages."""
    for _ in range(1000):
        queue.ring()
    assert 1 <= _rings_arriving() < 50


def test_without_a_broker_the_bell_rings_inside_the_process() -> None:
    """`serve` on a laptop needs no Redis."""
    queue.ring()
    assert _rings_arriving() >= 1


@pytest.mark.parametrize("redis_is", ["gone", "hanging"])
def test_a_broker_that_is_away_holds_nobody_up(redis_is: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: a ring is no condition of a 2xx. Ring in the caller's thread and this fails."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if redis_is == "hanging":
            silent.listen(1)  # bound and not listening: refused at once
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        settings.cache_clear()
        queue.forget()
        began = time.perf_counter()
        for _ in range(100):
            queue.ring()
        assert time.perf_counter() - began < 2
