"""A provider's stand-in in a process of its own that deals the troubles of many schedules; ends with its parent.

    python troubled_standin.py stripe <folder in which the workers' process ids are kept>

    POST /_schedules {"seeds"}    what they need is made, by hand; answers with their writes
    GET  /_schedules              what became of each write

What befalls a write (its requests, counted; which of them kills the worker that makes it) comes from its schedule's
seed, whatever else goes on in the account.
"""

import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
from orders import Order, provider
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import destinations
from destinations.remote import is_remote
from sandbox.standin.base import Ask
from sandbox.standin.clock import MovableClock
from sandbox.standin.control import Control
from sandbox.standin.exchange import Exchange, Outcome
from sandbox.standin.faults import Fault, Faults
from sandbox.standin.serve import ProviderRoutes, Served, run

#: What may befall a request, the frequent ones twice: an answer that is lost is what all of this is about.
KINDS = (
    "drop_after", "drop_after", "reset_after", "truncated", "garbled", "status_after", "status_after", "drop_before",
    "reset_before", "status", "status_kept", "rate_limited", "hang_after", "hang_before", "late",
)  # fmt: skip
#: Per write: after so many the world is kind, so that every schedule ends.
TROUBLES_MAX = 4
#: Of the requests of a write, as long as it has troubles left.
SHARE = 0.3
#: After its client gave up. A task has no key that a late one could be known by, so nobody promises anything there.
LATE_SECONDS = 2.0
#: A look this long before proves that a key that is forgotten may be sent again (seconds).
LOOKED_SECONDS = 60.0


class Trouble:
    """What one schedule does to one of its writes, and what came of it."""

    def __init__(self, order: Order, seed: int, death: tuple[int, str] | None) -> None:
        self.order, self.death = order, death
        self._rng = random.Random(f"{seed}/{order.effect.operation}")
        self._left = self._rng.randint(0, TROUBLES_MAX)
        self.requests = 0
        self.log: list[str] = []
        self.sent: list[tuple[float, str | None]] = []

    def deal(self) -> Fault | None:
        if not self._left or self._rng.random() >= SHARE:
            return None
        self._left -= 1
        kind = self._rng.choice(KINDS)
        if kind == "late" and self.order.effect.operation == "create_task":
            kind = "drop_before"
        return Fault(kind, seconds=LATE_SECONDS if kind == "late" else 0.0, status=self._rng.choice((500, 502, 503)))


class Dealt(Faults):
    """The faults of whichever write the request is about; what is about none goes well."""

    now: Trouble | None = None

    def take(self, method: str, path: str) -> Fault | None:
        return self.now.deal() if self.now else None


class Troubled(Exchange):
    """The exchange that knows whose request comes in, and kills who makes it when its schedule says so."""

    def __init__(self, name: str, workers: Path, now: MovableClock) -> None:
        self._provider, self._workers = provider(name), workers
        super().__init__(self._provider.make(now, random.Random(1)), now, random.Random(2))
        self.faults = self._dealt = Dealt(random.Random(0))
        self._of_key: dict[str, Trouble] = {}
        self._of_word: dict[str, Trouble] = {}

    def stage(self, seed: int) -> list[Order]:
        """Everything that the schedule needs."""
        with self._lock:
            orders: list[Order] = self._provider.orders(self.standin, seed)
            rng = random.Random(f"{seed}/{self.standin.name}/death")
            doomed, death = (
                rng.randrange(2 * len(orders)),
                (rng.randint(1, 4), rng.choice(("before", "after", "after"))),
            )
            for number, order in enumerate(orders):
                trouble = Trouble(order, seed, death if number == doomed else None)
                self._of_key[order.effect.key] = trouble
                self._of_word.update(dict.fromkeys((*order.ids, *_names(order)), trouble))
            return orders

    def take(self, ask: Ask) -> Outcome:
        with self._lock:
            trouble = self._dealt.now = self._about(ask)
            if trouble is None:
                self._note_list(ask)
                return super().take(ask)
            trouble.requests += 1
            dies = trouble.death and trouble.death[0] == trouble.requests and trouble.death[1]
            if dies == "before":
                trouble.log.append(f"{ask.method} {ask.path}: killed before")
                self._kill(ask)
                return Outcome("closed")
            outcome = super().take(ask)
            entry = self.journal[-1]
            trouble.sent.append((entry.at, entry.key))
            trouble.log.append(
                f"{ask.method} {ask.path} {entry.fault or ''} {entry.status or ''}{' killed' if dies else ''}"
            )
            if dies:
                self._kill(ask)
                return Outcome("closed")
            return outcome

    def told(self) -> dict[str, Any]:
        """What became of each write."""
        with self._lock:
            self.catch_up()
            state = msgspec.json.decode(msgspec.json.encode(self.standin.state()))
            keys = {entry.key.split("/")[0] for entry in self.journal if entry.key is not None}
            return {
                "strange_keys": sorted(keys - self._of_key.keys()),
                "writes": {
                    key: {
                        "effects": self._provider.count(state, one.order.effect),
                        "blind": _sent_blindly(one, self.standin.name),
                        "log": one.log,
                    }
                    for key, one in self._of_key.items()
                },
            }

    def _about(self, ask: Ask) -> Trouble | None:
        body = unquote(ask.body.decode("utf-8", "replace"))
        text = " ".join([ask.path, str(ask.query), ask.headers.get("idempotency-key", ""), body])
        for key in re.findall(r"(?:stripe|hubspot):\w+:s\d+", text):
            if key in self._of_key:
                return self._of_key[key]
        return next((self._of_word[word] for word in re.findall(r"\w+", text) if word in self._of_word), None)

    def _note_list(self, ask: Ask) -> None:
        """A list of all customers is a look for each of those that are to be made: it says of whom it is for none."""
        if ask.path in ("/v1/customers", "/v1/events") and ("limit", "1") not in ask.query:
            for one in self._of_key.values():
                if one.order.effect.operation == "create_customer":
                    one.sent.append((self.now(), None))

    def _kill(self, ask: Ask) -> None:
        """End the worker that asks: its credential names its process, and only those in the folder are workers."""
        pid = ask.headers["authorization"].removeprefix("Bearer ").removeprefix(self._provider.CREDENTIAL)
        if (self._workers / pid).exists():
            os.kill(int(pid), signal.SIGKILL)


def _names(order: Order) -> list[str]:
    """By what else an upsert finds its record."""
    value = str((order.effect.body.get("by") or {}).get("value", ""))
    return re.findall(r"\w*s\d+", value)[:1]


def _sent_blindly(one: Trouble, name: str) -> str | None:
    """A key sent again after the destination has forgotten it, without looking in between."""
    place = destinations.find()[name]
    assert is_remote(place)
    lifetime = place.operations[one.order.effect.operation].key_lifetime_seconds
    first: dict[str, float] = {}
    looked_at = float("-inf")
    for at, key in one.sent:
        if key is None:
            looked_at = at
        elif lifetime and at - first.setdefault(key, at) > lifetime and looked_at < at - LOOKED_SECONDS:
            return f"{key} was sent {at - first[key]:.0f} s after its first time without a look"
    return None


def _routes(exchange: Troubled) -> list[Route]:
    async def stage(request: Request) -> Response:
        seeds = json.loads(await request.body())["seeds"]
        return JSONResponse([(seed, order.effect.as_json()) for seed in seeds for order in exchange.stage(seed)])

    async def told(_: Request) -> Response:
        return JSONResponse(exchange.told())

    return [Route("/_schedules", stage, methods=["POST"]), Route("/_schedules", told)]


def leave_with(parent: int, leave: Callable[[], None]) -> None:
    """Whoever ends the test run without a word leaves nobody at work."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        leave()

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Serve until told to stop; the first line of output is the address."""
    leave_with(os.getppid(), lambda: os._exit(0))
    moved = MovableClock(time.time)
    exchange = Troubled(sys.argv[1], Path(sys.argv[2]), moved)
    provided = Route("/{path:path}", ProviderRoutes(exchange))
    app = Starlette(routes=[*_routes(exchange), *Control(exchange, moved, dict).routes(), provided])
    run(Served(exchange, moved, app), "127.0.0.1", 0, lambda url: print(url, flush=True))


if __name__ == "__main__":
    main()
