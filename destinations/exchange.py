"""One exchange on the wire, and for every way it can break whether it may have arrived.

    Unsent        no byte of it was taken: no connection, no name, no trust in the certificate
    Unanswered    sent, at least in part: timeouts, resets, answers that break off

urllib3, because a worker's threads share one interpreter: an exchange costs half of what it costs with httpx
(measured).
Nothing is followed, retried or remembered here: a write may have none of that.
"""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx
import urllib3
from urllib3 import exceptions as broken

#: Connecting is quick or does not happen (seconds).
CONNECT_SECONDS = 5.0
#: Connections that are kept to one destination; more are made when more threads need one at a time.
KEPT_MAX = 32


class Unsent(Exception):
    """It never reached the destination."""


class Unanswered(Exception):
    """It was sent, and what became of it is unknown."""


class Reply(NamedTuple):
    """What came back; names of headers are found in any spelling."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire(Protocol):
    """Where requests go."""

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> Reply:
        """Send it and take the whole answer, waiting `seconds` for each part of it. Raises: Unsent, Unanswered."""
        ...

    def close(self) -> None:
        """Give the connections up."""
        ...


class Network:
    """The real one. Threads may share it."""

    def __init__(self, base: str) -> None:
        """Takes the address that every URL begins with. Raises: Unsent when it is none."""
        scheme, host = urlsplit(base)[:2]
        if scheme not in ("http", "https") or not host:
            raise Unsent("not an address that begins with https:// or http://")
        self._pool = urllib3.PoolManager(maxsize=KEPT_MAX, ssl_context=_tls()).connection_from_url(base)
        self._origin = len(f"{scheme}://{host}")

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> Reply:
        """Raises: Unsent, Unanswered."""
        patience = urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds)
        try:
            answer = self._pool.urlopen(
                method,
                url[self._origin :],
                body=content,
                headers=headers,
                timeout=patience,
                retries=False,
                redirect=False,
            )
            return Reply(answer.status, answer.headers, answer.data)
        except (broken.ConnectTimeoutError, broken.NewConnectionError, broken.LocationValueError) as failed:
            raise Unsent(type(failed).__name__) from failed
        except broken.HTTPError as failed:
            if isinstance(failed.args[0] if failed.args else None, ssl.SSLCertVerificationError):
                raise Unsent("the certificate is not trusted") from failed
            raise Unanswered(type(failed).__name__) from failed

    def close(self) -> None:
        """Give the connections up."""
        self._pool.close()


class InMemory:
    """A destination in this process: schedules play thousands of exchanges over it, with httpx's own transports."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, seconds: float
    ) -> Reply:
        """Raises: Unsent, Unanswered."""
        patience = httpx.Timeout(seconds, connect=CONNECT_SECONDS).as_dict()
        request = httpx.Request(method, url, headers=headers, content=content, extensions={"timeout": patience})
        try:
            answer = self._transport.handle_request(request)
            return Reply(answer.status_code, answer.headers, answer.read())
        except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
            raise Unsent(type(failed).__name__) from failed
        except httpx.HTTPError as failed:
            raise Unanswered(type(failed).__name__) from failed

    def close(self) -> None:
        """Nothing is held."""


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than anything else in making a client.
    return ssl.create_default_context()
