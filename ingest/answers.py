"""What the door says: a 200 with its document, or a problem (RFC 9457); as ASGI messages or as bytes for the wire."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

Headers = Sequence[tuple[bytes, bytes]]

#: What a sender should wait after 429 or 503 (seconds); the backlog or the restart is over by then, usually.
RETRY_AFTER_SECONDS = 2
JSON: Headers = ((b"content-type", b"application/json"),)
PROBLEM: Headers = ((b"content-type", b"application/problem+json"),)

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, gc=False):
    """One answer, complete."""

    status: int
    body: bytes
    headers: Headers = JSON

    def messages(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Both ASGI messages."""
        headers = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        return (
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": self.body},
        )

    def raw(self, further: Headers) -> bytes:
        """The bytes on the wire, with `further` headers that the listener adds."""
        head = _head(self.status, *further, *self.headers)
        return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(self.body), self.body)


@lru_cache(maxsize=16)  # one answer's head is the next one's, until the second in its date is over
def _head(status: int, *headers: tuple[bytes, bytes]) -> bytes:
    return _STATUS_LINES[status] + b"".join([b"%b: %b\r\n" % pair for pair in headers])


#: Takes the answer of one request; called once.
Reply = Callable[[Answer], None]


class Problem(Exception):
    """An answer other than 2xx; `reason` is its stable code, `detail` is for people and quotes nothing sent."""

    def __init__(
        self, status: int, reason: str, detail: str, *, headers: Headers | None = None, close: bool = False
    ) -> None:
        """Describe the answer; `close` ends the connection, since the rest of the request was not read."""
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers: list[tuple[bytes, bytes]] = [*PROBLEM, *(headers or ())]
        if status in (429, 503):
            self.headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
        if status == 401:
            # RFC 9110 wants a challenge with every 401; there is no scheme to negotiate.
            self.headers.append((b"www-authenticate", b"Signature"))
        if close:
            self.headers.append((b"connection", b"close"))

    def answer(self) -> Answer:
        """The problem document."""
        document = {
            # Spelled as everywhere in URNs and in the API; the code itself is a label and a name.
            "type": f"urn:counterfoil:problem:{self.reason.replace('_', '-')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        return Answer(self.status, _encode(document), self.headers)
