"""HTTP to destinations: one call, one answer, and for every way it can break whether it may have arrived.

    Failed
    ├── NotSent       certainly not executed: never connected, or refused by the guard before the wire
    └── NoAnswer      sent, and nobody knows: timeouts, resets, broken answers

The guard stands below HTTP: a client made for reading lets nothing but reads through, whatever the code above it does.

Requests are handed to httpx's transport as they are. What `httpx.Client` does besides (redirects, cookies, credentials
from files) is nothing that a write may have, and costs a third of the call (measured).
"""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from counterfoil.settings import settings

#: Connecting is quick or does not happen (seconds); how long an answer may take is a setting.
CONNECT_SECONDS = 5.0
#: No answer that we read is larger (bytes); what is, is not what we asked for.
ANSWER_BYTES_MAX = 4 * 1024 * 1024


#: Destinations in this process, by their base address: for schedules that play thousands of exchanges in memory.
IN_PROCESS: dict[str, httpx.BaseTransport] = {}


class _Thread(threading.local):
    requests = 0
    may_write: Callable[[], bool] | None = None


_thread = _Thread()


def requests_made() -> int:
    """Requests that went out from this thread so far: what a task costs of a destination's rate."""
    return _thread.requests


@contextmanager
def writing_while(may_write: Callable[[], bool]) -> Iterator[None]:
    """Whatever this thread writes inside goes out only as long as this holds, asked right before each request."""
    _thread.may_write = may_write
    try:
        yield
    finally:
        _thread.may_write = None


class Failed(Exception):
    """A call that has no answer."""

    #: Whether it says something of the destination as a whole; the circuit breaker counts these.
    down = True


class NotSent(Failed):
    """It never reached the destination."""


class NoAnswer(Failed):
    """It was sent, and what became of it is unknown."""


class NotConfigured(NotSent):
    """A credential or address is missing; the message names the setting."""


class ReadOnly(NotSent):
    """A client made for reading was asked to write."""

    down = False


class TooLate(NotSent):
    """Whoever wanted to write has lost the right to it: somebody else may have it in hand."""

    down = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is None when it is no JSON document."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def member(self, *path: str) -> Any:
        """A nested member, or None: every member of an error may be absent."""
        value = self.body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


class Http:
    """A client of one account at one destination. Threads may share it."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        *,
        write: bool,
        reads: Callable[[str, str], bool] = lambda method, path: method == "GET",
        answer_seconds: float | None = None,
    ) -> None:
        self.write = write
        self.base = base.rstrip("/")
        wire = IN_PROCESS.get(base) or httpx.HTTPTransport(verify=_tls(), limits=_LIMITS)
        self._wire = _Guard(wire, write=write, reads=reads)
        self._headers = {**_HEADERS, **headers}
        self.wait_for(answer_seconds or settings().answer_seconds)

    def wait_for(self, answer_seconds: float) -> None:
        """How long an answer may take from now on."""
        self._extensions = {"timeout": httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS).as_dict()}

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Raises: NotSent, NoAnswer."""
        content, told = None, {**self._headers, **(headers or {})}
        if json is not None:
            content, told["Content-Type"] = msgspec.json.encode(json), "application/json"
        elif form is not None:
            content, told["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        try:
            request = httpx.Request(
                method, self.base + path, params=params, headers=told, content=content, extensions=self._extensions
            )
            status, answered, body = self._exchange(request)
        except (ReadOnly, TooLate):
            raise
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as failed:
            raise NotSent(f"{method} {_shown(path)}: {type(failed).__name__}") from failed
        except httpx.HTTPError as failed:
            raise NoAnswer(f"{method} {_shown(path)}: {type(failed).__name__}") from failed
        return Answer(status, answered, _document(body))

    def _exchange(self, request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        """Send it and take the whole answer; a connection that broke in between is not used again."""
        response = self._wire.handle_request(request)
        try:
            return response.status_code, response.headers, response.read()
        finally:
            response.close()

    def close(self) -> None:
        self._wire.close()


#: As httpx.Client would say.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "counterfoil"}
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than anything else in making a client.
    return ssl.create_default_context()


class _Guard(httpx.BaseTransport):
    """Below every request: what is no read is refused before a byte leaves, to a reader and to who comes too late."""

    def __init__(self, inner: httpx.BaseTransport, *, write: bool, reads: Callable[[str, str], bool]) -> None:
        self._inner = inner
        self._write = write
        self._reads = reads

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._reads(request.method, request.url.path):
            if not self._write:
                raise ReadOnly(f"{request.method} {_shown(request.url.path)}: this client only reads")
            if _thread.may_write is not None and not _thread.may_write():
                raise TooLate(f"{request.method} {_shown(request.url.path)}: it was held up for too long")
        _thread.requests += 1
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _document(content: bytes) -> Any:
    if len(content) > ANSWER_BYTES_MAX:
        return None
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None


def _shown(path: str) -> str:
    """The path without its query, which may hold what a person wrote."""
    return path.partition("?")[0]
