"""The doorbell: tells workers that there is work. Nothing is ever believed of it.

A message carries no payload and means only "look". Losing one costs at most a sweep; doubling one costs an empty claim.
The ring happens in a thread of its own with a short budget, so that a hanging broker delays nobody, and it is
coalesced: however many groups commit meanwhile, one message goes out per interval.
"""

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from counterfoil.settings import settings
from counterfoil.telemetry import log, metrics

if TYPE_CHECKING:
    from dramatiq import Broker

#: One actor name for ever: an unknown one would send waiting messages to the broker's dead letters.
ACTOR = "counterfoil_work"
QUEUE = "counterfoil"
#: What one ring may take; Redis answers in a tenth of a millisecond when it is well.
RING_BUDGET_SECONDS = 0.25
#: Rings closer together than this become one. A worker stays awake for longer than this after it found something
#: (`engine.worker.AWAKE_SECONDS`), so a steady stream needs a bell only now and then.
RING_INTERVAL_SECONDS = 0.1
#: After a failed ring wait this long; the sweeper works meanwhile.
RING_PAUSE_SECONDS = 1.0


def _make_broker(*, budget_seconds: float | None) -> "Broker":
    config = settings()
    target = config.broker_url or config.redis_url
    if target is None:
        from dramatiq.brokers.stub import StubBroker

        return StubBroker(middleware=[])
    address = target.get_secret_value()
    if address.startswith("amqp"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        return RabbitmqBroker(url=address, middleware=[])
    from dramatiq.brokers.redis import RedisBroker

    limits: dict[str, Any] = {"socket_connect_timeout": budget_seconds or 2.0}
    if budget_seconds is not None:
        limits["socket_timeout"] = budget_seconds
    return RedisBroker(url=address, middleware=[], **limits)  # type: ignore[no-untyped-call]


#: Two threads that ask at once must get one broker: with two in-memory ones, one rings where nobody listens.
_making = threading.Lock()


def broker() -> "Broker":
    """The broker of this process; in-memory when neither BROKER_URL nor REDIS_URL is set."""
    with _making:
        return _broker()


@lru_cache(maxsize=1)
def _broker() -> "Broker":
    import dramatiq

    made = _make_broker(budget_seconds=None)
    made.declare_queue(QUEUE)
    dramatiq.set_broker(made)
    return made


class Doorbell:
    """Rings from a thread of its own; `ring` returns at once and never raises."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._stopped = False
        self._broker: Broker | None = None
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """There is work."""
        self._wanted.set()

    def stop(self) -> None:
        """End the thread; a ring under way is not waited for."""
        self._stopped = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            if self._stopped:
                return
            self._wanted.clear()
            time.sleep(RING_INTERVAL_SECONDS if self._ring_once() else RING_PAUSE_SECONDS)

    def _ring_once(self) -> bool:
        from dramatiq import Message

        try:
            if self._broker is None:
                shared = settings().broker_url is None and settings().redis_url is None
                # Sharing the in-memory broker is the point of it; a networked one gets short timeouts of its own.
                self._broker = broker() if shared else _make_broker(budget_seconds=RING_BUDGET_SECONDS)
                self._broker.declare_queue(QUEUE)
            self._broker.enqueue(Message(queue_name=QUEUE, actor_name=ACTOR, args=(), kwargs={}, options={}))
        except Exception as failure:
            metrics.rings_failed.inc()
            log.warning("doorbell.failed", reason=type(failure).__name__)
            self._broker = None
            return False
        return True


@lru_cache(maxsize=1)
def doorbell() -> Doorbell:
    """The doorbell of this process."""
    return Doorbell()


def ring() -> None:
    """There is work; returns at once, never raises, may be lost."""
    doorbell().ring()


def forget() -> None:
    """Drop broker and bell; for tests that switch brokers."""
    if doorbell.cache_info().currsize:
        doorbell().stop()
    doorbell.cache_clear()
    _broker.cache_clear()
