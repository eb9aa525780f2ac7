"""The way in over real HTTP: uvicorn, one process, with connections that really close, reset and hang."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from counterfoil import clock
from sandbox.standin.base import Answer, Ask, Standin
from sandbox.standin.clock import MovableClock
from sandbox.standin.control import Control
from sandbox.standin.exchange import Exchange, Outcome
from sandbox.standin.post import Address, Poster

#: How long a request hangs when its client never goes: longer than any client's timeout, not for ever.
HANG_SECONDS_MAX = 120.0
#: Closing with this option sends a reset instead of a farewell.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ProviderRoutes:
    """Every path that is not a control route: handed to the exchange, and acted out."""

    def __init__(self, exchange: Exchange) -> None:
        """Take the exchange."""
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        ask = await _read(scope, receive)
        if ask is None:
            return
        outcome = self._exchange.take(ask)
        if outcome.ending in ("closed", "reset", "refused"):
            await _cut(receive, with_reset=outcome.ending != "closed")
        elif outcome.ending == "hung":
            await _hang(outcome, receive)
        else:
            await _reply(outcome, receive, send)


async def _reply(outcome: Outcome, receive: Receive, send: Send) -> None:
    answer = outcome.answer
    if answer is None:
        raise AssertionError("Bug: an outcome that ends with an answer has none")
    if outcome.seconds and await _is_gone(receive, outcome.seconds):
        return
    whole = outcome.ending == "whole"
    body = answer.body if whole else answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.start", "status": answer.status, "headers": _raw_headers(answer)})
    await send({"type": "http.response.body", "body": body, "more_body": not whole})
    if not whole:
        await _cut(receive, with_reset=False)


def _raw_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    return [*headers, (b"content-length", str(len(answer.body)).encode())]


async def _read(scope: Scope, receive: Receive) -> Ask | None:
    """The request; None when its client went while sending it."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Ask(scope["method"], scope["path"], query, headers, body)


async def _cut(receive: Receive, *, with_reset: bool) -> None:
    """Close the connection under the request. uvicorn's `receive` belongs to the object that holds the transport."""
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    if with_reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
    else:
        transport.close()
    await receive()


async def _hang(outcome: Outcome, receive: Receive) -> None:
    if not await _is_gone(receive, outcome.seconds or HANG_SECONDS_MAX):
        await _cut(receive, with_reset=False)


async def _is_gone(receive: Receive, seconds: float) -> bool:
    """Wait; whether the client went before the time was over."""
    with suppress(TimeoutError):
        await asyncio.wait_for(receive(), seconds)
        return True
    return False


@dataclass
class Served:
    """A stand-in that is put together for serving."""

    exchange: Exchange
    clock: MovableClock
    app: Starlette
    url: str = ""

    def __post_init__(self) -> None:
        """Until it listens it has no address."""
        self.standin = self.exchange.standin


#: Makes a stand-in from its clock and its chance.
Make = Callable[[Callable[[], float], random.Random], Standin]


def put_together(make: Make, *, seed: int = 0, address: Address | None = None) -> Served:
    """A stand-in behind HTTP; every kind of chance has a generator of its own, so that one does not move another."""
    moved = MovableClock(clock.unix_seconds)
    exchange = Exchange(make(moved, _chance(seed, "standin")), moved, _chance(seed, "faults"))
    poster = Poster(exchange, address, _chance(seed, "hooks"), clock.unix_seconds) if address else None
    control = Control(exchange, moved, lambda: dict(poster.counts) if poster else {})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        posting = asyncio.create_task(poster.run()) if poster else None
        yield
        if posting is not None:
            posting.cancel()

    app = Starlette(routes=[*control.routes(), Route("/{path:path}", ProviderRoutes(exchange))], lifespan=lifespan)
    return Served(exchange, moved, app)


def _chance(seed: int, purpose: str) -> random.Random:
    return random.Random(f"{purpose} {seed}")  # noqa: S311 - a story, not a secret


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, served: Served, host: str, port: int, ready: Callable[[str], None]) -> None:
        super().__init__(
            uvicorn.Config(
                served.app,
                host=host,
                port=port,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(f"http://{self.config.host}:{self.servers[0].sockets[0].getsockname()[1]}")


def run(served: Served, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGTERM, SIGINT)."""
    _Server(served, host, port, ready).run()


@contextmanager
def serving(make: Make, **options: Any) -> Iterator[Served]:
    """Serve on a free port from a thread of this process, for as long as the block lasts."""
    served = put_together(make, **options)
    is_ready = threading.Event()

    def ready(url: str) -> None:
        served.url = url
        is_ready.set()

    server = _Server(served, "127.0.0.1", 0, ready)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        if not is_ready.wait(20):
            raise RuntimeError("the stand-in does not listen")
        yield served
    finally:
        server.should_exit = True
        thread.join(20)
