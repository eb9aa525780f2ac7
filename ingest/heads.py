"""A request's head: mapped for the providers, and judged before anything of its body is read."""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from ingest.answers import Problem
from ingest.limits import Limits
from ingest.providers.base import Provider

Pairs = Sequence[tuple[bytes, bytes]]

#: Headers of which a second one would make a request ambiguous.
SINGLE = ("host", "content-length", "transfer-encoding", "content-type")
#: Character sets that JSON may be declared in; RFC 8259 knows one, and ASCII is a part of it.
CHARSETS = ("utf-8", "utf8", "us-ascii")
#: More digits than any length has that a machine could hold.
LENGTH_DIGITS_MAX = 18


def header_map(pairs: Pairs) -> dict[str, str]:
    """Headers by lower-case name; one that was sent twice is joined, so that no half of it is believed by luck."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1")
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def check_framing(pairs: Pairs, headers: dict[str, str], version: str, limits: Limits) -> int | None:
    """Refuse a head that two readers could understand differently.

    Returns the length of the body, None when it was not announced. Raises: Problem.
    """
    if len(pairs) > limits.headers_max:
        raise Problem(431, "headers_too_many", f"A request may have {limits.headers_max} headers.", close=True)
    if len(pairs) != len(headers):
        names = [name.decode("latin-1") for name, _ in pairs]
        if any(names.count(name) > 1 for name in SINGLE):
            raise bad("header_repeated", "A header that may stand once was sent twice.")
    host = headers.get("host")
    if not host and (version == "1.1" or host is not None):
        raise bad("host", "A request names exactly one host.")
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is None:
        if coding is not None and coding.lower() != "chunked":
            raise bad("transfer_encoding", "The only transfer coding that is understood is chunked.")
        return None
    if coding is not None:
        raise bad("framing", "Content-Length and Transfer-Encoding exclude each other.")
    return check_length(length, limits)


def check_length(text: str, limits: Limits) -> int:
    """The announced length. Raises: Problem when it is none, or too much."""
    # A superscript two is a digit, says Python.
    if not (text.isascii() and text.isdigit()) or len(text) > LENGTH_DIGITS_MAX:
        raise bad("content_length", "Content-Length is not a number.")
    length = int(text)
    if length > limits.body_bytes_max:
        raise too_large(limits)
    return length


def check_size(pairs: Pairs, limits: Limits) -> None:
    """Bound what all headers take together. Raises: Problem."""
    if sum(len(name) + len(value) for name, value in pairs) > limits.head_bytes_max:
        raise head_too_large(limits)


def check_delivery(method: str, headers: dict[str, str], provider: Provider, limits: Limits) -> None:
    """Judge whether a request can be a delivery of this provider. Raises: Problem."""
    if method != "POST":
        raise Problem(405, "method_not_allowed", "Events are sent with POST.", headers=[(b"allow", b"POST")])
    if not _is_accepted(headers.get("content-type", ""), provider.content_types):
        raise Problem(415, "content_type", f"Send {' or '.join(provider.content_types)}, in UTF-8.")
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise Problem(415, "content_encoding", "Compressed bodies are not accepted; send it without Content-Encoding.")
    length = headers.get("content-length")
    if length is not None:
        # Our own listener has judged it already; another one may not have.
        check_length(length, limits)


@lru_cache(maxsize=64)  # each sender writes it in one way; strangers' ways push each other out
def _is_accepted(content_type: str, accepted: tuple[str, ...]) -> bool:
    if content_type == accepted[0]:
        return True
    media, _, rest = content_type.lower().partition(";")
    if media.strip() not in accepted:
        return False
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in CHARSETS:
            return False
    return True


def target_of(scope: MutableMapping[str, Any]) -> bytes:
    """Path and query of a request, exactly as received."""
    path: bytes = scope["raw_path"]
    return path + b"?" + scope["query_string"] if scope["query_string"] else path


def client_of(scope: MutableMapping[str, Any]) -> str | None:
    """The peer's address, without its port."""
    client = scope.get("client")
    return client[0] if client else None


def bad(reason: str, detail: str) -> Problem:
    """A 400 that ends the connection: what follows on it could be anything."""
    return Problem(400, reason, detail, close=True)


def head_too_large(limits: Limits) -> Problem:
    """The answer to a head over the limit."""
    return Problem(431, "head_too_large", f"A head may have {limits.head_bytes_max} bytes.", close=True)


def too_large(limits: Limits) -> Problem:
    """The answer to a body over the limit; the rest of it is not read."""
    return Problem(413, "too_large", f"A body may have {limits.body_bytes_max} bytes.", close=True)
