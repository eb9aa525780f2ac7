"""The way in without a network: an httpx transport on which thousands of seeded schedules run in seconds.

A fault becomes the exception that httpx raises for it over a real connection. Nothing sleeps: time that would pass is
told to `wait`, which usually moves the stand-in's clock.
"""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

import httpx

from sandbox.standin.base import Answer, Ask
from sandbox.standin.exchange import Exchange, Outcome

#: How long a request hangs when the client has no timeout and the fault does not say.
HANG_SECONDS_MAX = 60.0


def _pass_no_time(_: float) -> None:
    """Nobody waits for anything."""


class _Half(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class InProcess(httpx.BaseTransport):
    """A stand-in as a transport: `httpx.Client(transport=InProcess(exchange), base_url=…)`."""

    def __init__(self, exchange: Exchange, wait: Callable[[float], None] = _pass_no_time) -> None:
        """Take the exchange, and who is told that time passes."""
        self._exchange = exchange
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise what a client would see."""
        outcome = self._exchange.take(ask_of(request))
        patience: float | None = request.extensions.get("timeout", {}).get("read")
        if outcome.ending == "refused":
            raise httpx.ConnectError("connection refused", request=request)
        if outcome.ending == "reset":
            raise httpx.ReadError("connection reset by peer", request=request)
        if outcome.ending == "closed":
            raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)
        self._pass_time(outcome, patience, request)
        if outcome.answer is None:
            raise AssertionError("Bug: an outcome that ends with an answer has none")
        return _response(outcome.answer, whole=outcome.ending == "whole")

    def _pass_time(self, outcome: Outcome, patience: float | None, request: httpx.Request) -> None:
        hangs = outcome.ending == "hung"
        needed = outcome.seconds or (HANG_SECONDS_MAX if hangs else 0.0)
        if patience is not None and (needed > patience or (hangs and not outcome.seconds)):
            self._wait(patience)
            raise httpx.ReadTimeout("timed out", request=request)
        if needed:
            self._wait(needed)
        if hangs:
            raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)


def ask_of(request: httpx.Request) -> Ask:
    """A request as a stand-in reads it."""
    url = request.url
    query = parse_qsl(url.query.decode(), keep_blank_values=True) if url.query else []
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
    return Ask(request.method, url.path, query, headers, request.read())


def _response(answer: Answer, *, whole: bool) -> httpx.Response:
    headers = dict(answer.headers)
    if whole:
        return httpx.Response(answer.status, headers=headers, content=answer.body)
    return httpx.Response(
        answer.status, headers={**headers, "content-length": str(len(answer.body))}, stream=_Half(answer.body)
    )
