"""A request as it comes off the wire: its head judged, its body read within bounds, its headers mapped.

Headers are copied before the body is read: what a client appends later (a trailer) never becomes one of them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from counterfoil.settings import Settings
from ingest.answers import Problem
from ingest.limits import Limits
from ingest.providers.base import Provider

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: Character sets that JSON may be declared in; RFC 8259 knows one, and ASCII is a part of it.
CHARSETS = ("utf-8", "utf8", "us-ascii")
#: All bodies that are being read, in bytes: strangers can make us hold no more than this.
READING_BYTES_MAX = 67_108_864


class Gone(Exception):
    """The client left before its request was complete; there is nobody to answer and nothing to record."""


def header_map(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; one that was sent twice is joined, so that no half of it is believed by luck."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def check_head(scope: Scope, provider: Provider, limits: Limits) -> None:
    """Judge what can be judged before the body is read.

    Raises: Problem.
    """
    if scope["method"] != "POST":
        raise Problem(405, "method_not_allowed", "Events are sent with POST.", headers=[(b"allow", b"POST")])
    length = 0
    content_type = encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value if not content_type else content_type + b", " + value
        elif name == b"content-length":
            length = _length(value)
        elif name == b"content-encoding":
            encoding += value
    if not _is_accepted(content_type, provider.content_types):
        raise Problem(415, "content_type", f"Send {' or '.join(provider.content_types)}, in UTF-8.")
    if encoding.strip().lower() not in (b"", b"identity"):
        raise Problem(415, "content_encoding", "Compressed bodies are not accepted; send it without Content-Encoding.")
    if length > limits.body_bytes_max:
        raise too_large(limits)


def _length(value: bytes) -> int:
    # The listener has judged it already; another listener may not have.
    if not value.isdigit() or len(value) > 18:
        raise Problem(400, "content_length", "Content-Length is not a number.", close=True)
    return int(value)


def too_large(limits: Limits) -> Problem:
    """The answer to a body over the limit; the rest of it is not read."""
    return Problem(413, "too_large", f"A body may have {limits.body_bytes_max} bytes.", close=True)


def _is_accepted(content_type: bytes, accepted: tuple[str, ...]) -> bool:
    if content_type == b"application/json" and accepted[0] == "application/json":
        return True
    media, _, rest = content_type.decode("latin-1").lower().partition(";")
    if media.strip() not in accepted:
        return False
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in CHARSETS:
            return False
    return True


def public_url(scope: Scope, config: Settings) -> str:
    """The complete URL that was called: the configured public one, with path and query exactly as received."""
    target: str = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target = f"{target}?{scope['query_string'].decode('latin-1')}"
    if config.public_url is not None:
        return config.public_url + target
    # Development only: in production a source whose signature covers the URL does not start without it.
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope['scheme']}://{host.decode('latin-1')}{target}"


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
        message = await receive()
        body: bytes = _content(message)
        if not message.get("more_body"):
            if len(body) > self._limits.body_bytes_max:
                raise too_large(self._limits)
            return body
        return await self._read_rest(receive, body)

    async def _read_rest(self, receive: Receive, first: bytes) -> bytes:
        chunks, size = [first], len(first)
        self.reading_bytes += size
        try:
            more = True
            while more:
                if size > self._limits.body_bytes_max:
                    raise too_large(self._limits)
                if self.reading_bytes > READING_BYTES_MAX:
                    raise Problem(503, "overloaded", "Too many bodies are being read. Send it again.", close=True)
                message = await receive()
                chunk = _content(message)
                more = message.get("more_body", False)
                chunks.append(chunk)
                size += len(chunk)
                self.reading_bytes += len(chunk)
        finally:
            self.reading_bytes -= size
        if size > self._limits.body_bytes_max:
            raise too_large(self._limits)
        return b"".join(chunks)


def _content(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] != "http.request":
        raise Gone
    content: bytes = message.get("body", b"")
    return content
