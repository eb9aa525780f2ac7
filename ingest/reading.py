"""Bodies that arrive in pieces: read within the limit of one, and within the limit of all of them together."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ingest.answers import Problem
from ingest.heads import too_large
from ingest.limits import Limits

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: All bodies that are being read, in bytes: strangers can make us hold no more than this.
READING_BYTES_MAX = 67_108_864


class Gone(Exception):
    """The client left before its request was complete; there is nobody to answer and nothing to record."""


class Reader:
    """Reads bodies, and bounds what all of them together take."""

    def __init__(self, limits: Limits) -> None:
        """Start with nothing being read."""
        self._limits = limits
        self.reading_bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """The whole body, joined once.

        Raises: Gone when the client left, Problem when there is too much of it.
        """
        chunks: list[bytes] = []
        size = 0
        more = True
        try:
            while more:
                if self.reading_bytes > READING_BYTES_MAX:
                    raise Problem(503, "overloaded", "Too many bodies are being read. Send it again.", close=True)
                message = await receive()
                if message["type"] != "http.request":
                    raise Gone
                chunk: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                chunks.append(chunk)
                size += len(chunk)
                self.reading_bytes += len(chunk)
                if size > self._limits.body_bytes_max:
                    raise too_large(self._limits)
        finally:
            self.reading_bytes -= size
        return b"".join(chunks)
