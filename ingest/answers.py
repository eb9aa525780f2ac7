"""What the door says: a 200 with its document, or a problem (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec

Headers = list[tuple[bytes, bytes]]
#: Both ASGI messages of an answer.
Messages = tuple[dict[str, Any], dict[str, Any]]

#: What a sender should wait after 429 or 503 (seconds); the backlog or the restart is over by then, usually.
RETRY_AFTER_SECONDS = 2

_encode = msgspec.json.Encoder().encode


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
        self.headers: Headers = list(headers or [])
        if status in (429, 503):
            self.headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
        if status == 401:
            # RFC 9110 wants a challenge with every 401; there is no scheme to negotiate.
            self.headers.append((b"www-authenticate", b"Signature"))
        if close:
            self.headers.append((b"connection", b"close"))

    def body(self) -> bytes:
        """The problem document."""
        return _encode(
            {
                "type": f"urn:counterfoil:problem:{self.reason}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.detail,
            }
        )

    def raw(self) -> bytes:
        """The whole HTTP/1.1 answer, for faults that are found before there is a request."""
        body = self.body()
        lines = [b"HTTP/1.1 %d %s" % (self.status, HTTPStatus(self.status).phrase.encode())]
        lines += [name + b": " + value for name, value in problem_headers(self, body)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def problem_headers(problem: Problem, body: bytes) -> Headers:
    """The headers of a problem answer."""
    return [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        *problem.headers,
    ]


def ok(body: bytes, content_type: bytes = b"application/json") -> Messages:
    """Both messages of a 200, ready to be sent."""
    return answer(200, body, [(b"content-type", content_type), (b"content-length", b"%d" % len(body))])


def refusal(problem: Problem) -> Messages:
    """Both messages of a problem answer."""
    body = problem.body()
    return answer(problem.status, body, problem_headers(problem, body))


def answer(status: int, body: bytes, headers: Headers) -> Messages:
    """Both messages of an answer."""
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
