"""The short way of a small, plain delivery: from the parser to the endpoint and back, without a task of its own.

It takes the place of uvicorn's request cycle on a connection. What is in any way unusual (a query, a body in chunks or
of more than 64 kB, HTTP/1.0, a request behind an unanswered one) goes through the ASGI application instead, to the
same endpoint. Measured: a third of what a request costs the door.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from ingest.answers import Answer, Headers

if TYPE_CHECKING:
    from ingest.endpoint import Endpoint

#: Larger bodies arrive in several pieces, and are read where all of them together are bounded.
BODY_BYTES_MAX = 65_536


class _Nobody:
    """Where uvicorn would wake the task of a request."""

    def set(self) -> None:
        """There is none."""


class Delivery:
    """One request; has what uvicorn's protocol expects of a cycle."""

    __slots__ = (
        "_body",
        "_endpoint",
        "_headers",
        "_on_answered",
        "_scope",
        "_server_headers",
        "_transport",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
    )

    message_event: ClassVar[_Nobody] = _Nobody()

    def __init__(
        self,
        endpoint: "Endpoint",
        scope: dict[str, Any],
        headers: dict[str, str],
        transport: Any,
        server_headers: Headers,
        on_answered: Callable[[], None],
    ) -> None:
        """Begin with the head; `headers` are complete before there is a body."""
        self._endpoint = endpoint
        self._scope = scope
        self._headers = headers
        self._transport = transport
        self._server_headers = server_headers
        self._on_answered = on_answered
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
        """The request is complete; the answer comes now or with the commit."""
        self.more_body = False
        self._endpoint.take(self._scope, self._headers, self._body, self.reply)

    def reply(self, answer: Answer) -> None:
        """Write the answer, in one piece."""
        if self.disconnected or self._transport.is_closing():
            return
        further = self._server_headers
        if not self.keep_alive:
            further = [*further, (b"connection", b"close")]
        self._transport.write(answer.raw(further))
        self.response_complete = True
        if not self.keep_alive:
            self._transport.close()
        self._on_answered()
