"""The load generator: a process of its own that sends what was signed before, and checks every answer.

    closed loop   every connection sends its next request when it has its answer: finds the capacity
    open loop     requests fall due at a fixed rate, whoever is busy; a late start counts as latency, so a server that
                  stalls cannot hide it by slowing its clients down

Started with a plan (JSON) as its only argument; warms up, says `ready`, waits for a line, runs, prints its result.
"""

import asyncio
import gc
import json
import sys
from collections import deque
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import uvloop
from bodies import Batch, build

#: Between two looks at what has fallen due (seconds); the finest that the loop's timers keep.
TICK_SECONDS = 0.001
#: How long answers may still come after the window; a good door needs milliseconds.
GRACE_SECONDS = 6.0


@dataclass
class Plan:
    """What to send where, and what a right answer contains."""

    port: int
    path: str
    batch: Batch
    expect: str
    seconds: float
    rate: float | None = None  #: requests per second (open loop); none: closed loop
    connections: int = 32
    warm_up: int = 400

    def as_argument(self) -> str:
        """The form in which it travels to the process."""
        return json.dumps(asdict(self))


@dataclass
class Tally:
    """What came of it."""

    answered: int = 0
    wrong: int = 0
    first_wrong: str = ""
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def result(self, sent: int) -> dict[str, Any]:
        """The figures, ready to be printed."""
        waits, lags = sorted(self.waits), sorted(self.lags)
        return {
            "sent": sent,
            "answered": self.answered,
            "wrong": self.wrong,
            "first_wrong": self.first_wrong,
            "seconds": self.seconds,
            "rate": self.answered / self.seconds if self.seconds else 0.0,
            "p50_ms": quantile(waits, 0.50) * 1000,
            "p99_ms": quantile(waits, 0.99) * 1000,
            "max_ms": waits[-1] * 1000 if waits else 0.0,
            "generator_late_p99_ms": quantile(lags, 0.99) * 1000,
        }


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` of an ordered list lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


class Client(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.began = 0.0
        self.held = b""
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = transport

    def send(self, request: bytes, began: float) -> None:
        """Send one request; `began` is when it fell due."""
        self.began = began
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take an answer once it is whole."""
        if self.held:
            data = self.held + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _length(data, end):
            self.held = data
            return
        self.held = b""
        self.load.take(self, perf_counter() - self.began, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that ends while the run lasts is a wrong answer."""
        if not self.load.closing:
            self.load.take(self, perf_counter() - self.began, b"connection lost: %r" % str(exc).encode())


def _length(data: bytes, end: int) -> int:
    at = data.lower().find(b"content-length:", 0, end)
    return int(data[at + 15 : data.find(b"\r\n", at)]) if at >= 0 else 0


class Load:
    """One run over a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.expect = plan.expect.encode()
        self.requests = build(plan.batch, plan.path)
        self.next = 0
        self.tally = Tally()
        self.clients: list[Client] = []
        self.idle: deque[Client] = deque()
        self.due: deque[float] = deque()
        self.limit = 0
        self.deadline = 0.0
        self.busy = 0
        self.ending = True  #: nothing more falls due: when all is answered, the run is over
        self.closing = False
        self.quiet = asyncio.Event()

    async def connect(self) -> None:
        """Open every connection."""
        loop = asyncio.get_running_loop()
        for _ in range(self.plan.connections):
            _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", self.plan.port)
            self.clients.append(client)

    async def closed(self, limit: int, seconds: float) -> None:
        """Send until `limit` requests have gone out or the time is over, then wait for what is under way."""
        self.limit, self.deadline = min(limit, len(self.requests)), perf_counter() + seconds
        self.quiet.clear()
        self.ending = True
        for client in self.clients:
            self.busy += 1
            self._go_on(client)
        await asyncio.wait_for(self.quiet.wait(), seconds + GRACE_SECONDS)

    async def open(self, rate: float, seconds: float) -> None:
        """Send at a fixed rate; the clock of a request starts when it falls due."""
        self.limit, self.deadline = len(self.requests), 0.0
        self.quiet.clear()
        self.ending = False
        self.idle.extend(self.clients)
        began, due = perf_counter(), 0
        while (now := perf_counter() - began) < seconds:
            while due < now * rate:
                # Due at the tick: requests of one tick arrive together, a small burst.
                self.due.append(began + now)
                due += 1
            while self.due and self.idle:
                self._start(self.idle.popleft(), self.due.popleft())
            planned = began + (now // TICK_SECONDS + 1) * TICK_SECONDS
            await asyncio.sleep(max(planned - perf_counter(), 0))
            self.tally.lags.append(max(perf_counter() - planned, 0.0))
        self.ending = True
        if self.busy or self.due:
            await asyncio.wait_for(self.quiet.wait(), GRACE_SECONDS)

    def take(self, client: Client, wait: float, answer: bytes) -> None:
        """Judge an answer and give the connection its next request."""
        tally = self.tally
        tally.answered += 1
        tally.waits.append(wait)
        if not answer.startswith(b"HTTP/1.1 200") or self.expect not in answer:
            tally.wrong += 1
            tally.first_wrong = tally.first_wrong or answer[:400].decode("latin-1")
        self._go_on(client)

    def _go_on(self, client: Client) -> None:
        if self.deadline:
            now = perf_counter()
            if self.next < self.limit and now < self.deadline:
                client.send(self.requests[self.next], now)
                self.next += 1
                return
            self._rest()
        elif self.due:
            self.busy -= 1
            self._start(client, self.due.popleft())
        else:
            self.idle.append(client)
            self._rest()

    def _rest(self) -> None:
        self.busy -= 1
        if not self.busy and self.ending:
            self.quiet.set()

    def _start(self, client: Client, due_at: float) -> None:
        if self.next >= self.limit:
            return
        self.busy += 1
        client.send(self.requests[self.next], due_at)
        self.next += 1


async def _run(plan: Plan) -> dict[str, Any]:
    load = Load(plan)
    await load.connect()
    await load.closed(plan.warm_up, 30.0)
    warm, load.tally = load.tally, Tally(wrong=load.tally.wrong, first_wrong=load.tally.first_wrong)
    gc.collect()
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    first, began = load.next, perf_counter()
    if plan.rate is None:
        await load.closed(len(load.requests), plan.seconds)
    else:
        await load.open(plan.rate, plan.seconds)
    load.tally.seconds = perf_counter() - began
    load.closing = True
    return {**load.tally.result(load.next - first), "warmed": warm.answered, "dry": load.next == len(load.requests)}


def main() -> None:
    """Run the plan in the first argument."""
    given = json.loads(sys.argv[1])
    plan = Plan(**{**given, "batch": Batch(**given["batch"])})
    print(json.dumps(uvloop.run(_run(plan))), flush=True)


if __name__ == "__main__":
    main()
