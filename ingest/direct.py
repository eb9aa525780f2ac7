"""The short way of a small, plain delivery: from the parser to the endpoint and back, without a task of its own.

It takes the place of uvicorn's request cycle on a connection. What is in any way unusual (a query, a body in chunks or
of more than 64 kB, HTTP/1.0, a request behind an unanswered one) goes through the ASGI application instead, to the
same endpoint. Measured: a third of what a request costs the door.
"""

import asyncio
from typing import TYPE_CHECKING, ClassVar

from counterfoil.telemetry import log
from ingest.answers import Answer, Headers

if TYPE_CHECKING:
    from ingest.endpoint import Endpoint
    from ingest.guard import GuardedProtocol

#: Larger bodies arrive in several pieces, and are read where all of them together are bounded.
BODY_BYTES_MAX = 65_536


class _Nobody:
    """Where uvicorn would wake the task of a request."""

    def set(self) -> None:
        """There is none."""


class Arrivals:
    """Deliveries that became complete in one turn of the loop; at its end the endpoints take them, in that order.

    First all are read, then all are judged: so either code stays in the processor's caches (a tenth of the door's CPU).
    """

    def __init__(self) -> None:
        """Start with none."""
        self._complete: list[Delivery] = []

    def add(self, delivery: "Delivery") -> None:
        """Take note of one that is complete."""
        if not self._complete:
            asyncio.get_running_loop().call_soon(self._take)
        self._complete.append(delivery)

    def _take(self) -> None:
        complete, self._complete = self._complete, []
        for delivery in complete:
            try:
                delivery.take()
            except Exception:
                log.exception("door.failed")
                delivery.abort()


class Delivery:
    """One request; has what uvicorn's protocol expects of a cycle."""

    __slots__ = (
        "_body",
        "_connection",
        "_endpoint",
        "_headers",
        "_url",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
    )

    message_event: ClassVar[_Nobody] = _Nobody()

    def __init__(self, connection: "GuardedProtocol", endpoint: "Endpoint", headers: dict[str, str]) -> None:
        """Begin with the head of the request that the connection is at."""
        self._connection = connection
        self._endpoint = endpoint
        self._headers = headers
        self._url = endpoint.url_of(connection.scheme or "http", headers.get("host", ""), connection.url)
        self._body = b""
        self.disconnected = False
        self.keep_alive = True
        self.more_body = True
        self.response_complete = False

    @property
    def response_started(self) -> bool:
        """An answer leaves in one piece."""
        return self.response_complete

    def add(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body = self._body + body if self._body else body

    def complete(self) -> None:
        """The request is complete; the answer comes at the end of this turn or with the commit."""
        self.more_body = False
        self._connection.arrivals.add(self)

    def take(self) -> None:
        """Hand the request to its endpoint."""
        client = self._connection.client
        self._endpoint.take(client[0] if client else None, self._url, self._headers, self._body, self.reply)

    def abort(self) -> None:
        """Cut the connection: whoever gets no answer is to see that, and comes again."""
        self._connection.transport.abort()

    def reply(self, answer: Answer) -> None:
        """Write the answer, in one piece."""
        connection = self._connection
        transport = connection.transport
        if self.disconnected or transport.is_closing():
            return
        further: Headers = connection.server_state.default_headers
        if not self.keep_alive:
            further = [*further, (b"connection", b"close")]
        transport.write(answer.raw(further))
        self.response_complete = True
        if not self.keep_alive:
            transport.close()
        connection.on_response_complete()
