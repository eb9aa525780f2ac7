"""HTTP to destinations: one call, one answer, and for every way it can break whether it may have arrived.

    Failed
    ├── NotSent       certainly not executed: never connected, or refused by the guard before the wire
    └── NoAnswer      sent, and nobody knows: timeouts, resets, broken answers

The guard stands below HTTP: a client made for reading lets nothing but reads through, whatever the code above it does.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from counterfoil.settings import settings
from destinations.exchange import InMemory, Network, Reply, Unanswered, Unsent, Wire

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
        self._wire = _Guard(_wire(base), write=write, reads=reads)
        self._headers = {**_HEADERS, **headers}
        self._answer_seconds = answer_seconds or settings().answer_seconds

    def wait_for(self, answer_seconds: float) -> None:
        """How long an answer may take from now on."""
        self._answer_seconds = answer_seconds

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
        url = f"{self.base}{path}?{urlencode(params)}" if params else self.base + path
        try:
            status, answered, body = self._wire.exchange(method, url, told, content, self._answer_seconds)
        except Unsent as failed:
            raise NotSent(f"{method} {_shown(path)}: {failed}") from failed
        except Unanswered as failed:
            raise NoAnswer(f"{method} {_shown(path)}: {failed}") from failed
        return Answer(status, answered, _document(body))

    def close(self) -> None:
        self._wire.close()


_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "counterfoil"}


def _wire(base: str) -> Wire:
    if base in IN_PROCESS:
        return InMemory(IN_PROCESS[base])
    try:
        return Network(base)
    except Unsent as failed:
        raise NotConfigured(f"{base} cannot be reached over HTTP: {failed}") from failed


class _Guard:
    """Below every request: what is no read is refused before a byte leaves, to a reader and to who comes too late."""

    def __init__(self, inner: Wire, *, write: bool, reads: Callable[[str, str], bool]) -> None:
        self._inner = inner
        self._write = write
        self._reads = reads

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> Reply:
        path = urlsplit(url).path
        if not self._reads(method, path):
            if not self._write:
                raise ReadOnly(f"{method} {path}: this client only reads")
            if _thread.may_write is not None and not _thread.may_write():
                raise TooLate(f"{method} {path}: it was held up for too long")
        _thread.requests += 1
        return self._inner.exchange(method, url, headers, content, seconds)

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
