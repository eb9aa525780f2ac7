"""Owns how signatures are checked, as data: most providers hash the body, some with a time in front of it.

Comparisons are made on the text of the signature, in bytes and in constant time: nothing is decoded, so there is no
second spelling of a signature and nothing to go wrong in decoding. Every candidate and every secret is tried.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha1, sha256
from typing import Literal, Protocol

import msgspec

from ingest.providers.base import (
    Request,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)

#: A header with two live secrets is 200 characters long; whatever is beyond this was not sent by a provider.
HEADER_CHARS_MAX = 4096
#: Unix milliseconds have 13 digits for some centuries to come.
TIME_CHARS_MAX = 20
#: Seconds reach this in the year 5138; milliseconds passed it in 1973.
MILLISECONDS_FROM = 10**11

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")


class Scheme(Protocol):
    """A way in which a request is vouched for."""

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Accept by returning. Raises: a 401 of `Rejected`."""

    def sign(self, body: bytes, secret: str, now: float) -> dict[str, str]:
        """Make the headers that `verify` accepts."""


class Basic(msgspec.Struct, frozen=True):
    """A user name and a password, `user:password`, in the place of a signature."""

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Compare the credentials encoded and whole: then where the colon is does not matter."""
        scheme, _, credentials = get_header(request.headers, "authorization").partition(" ")
        if scheme.lower() != "basic":
            raise SignatureMalformed("The authorization is not Basic.")
        must_match([b64encode(key_bytes(secret)) for secret in secrets if secret], [credentials])

    def sign(self, body: bytes, secret: str, now: float) -> dict[str, str]:
        """Make the header; the body has no part in it."""
        return {"authorization": "Basic " + b64encode(key_bytes(secret)).decode("ascii")}


class Hmac(msgspec.Struct, frozen=True, kw_only=True):
    """A keyed hash of the body in a header.

    `plain`: the header is the signature. `pairs`: it is a list of name=value, with the time under `time_field`.
    `list`: it is the time and then signatures.
    """

    headers: tuple[str, ...]  #: the first one that is present counts
    digest: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""  #: in front of the signature: 'sha256='
    layout: Literal["plain", "pairs", "list"] = "plain"
    separator: str = ","
    signature_field: str = ""
    time_field: str = ""
    time_header: str = ""
    time_unit: Literal["s", "s or ms", "iso"] = "s"
    before: str = ""  #: hashed in front of the body; {t} stands for the time, as received
    age_seconds_max: int | None = None
    ahead_seconds_max: int | None = None  #: None where the provider's own libraries do not bound the future

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Accept by returning. Raises: a 401 of `Rejected`."""
        value = get_header(request.headers, *self.headers)
        sent, candidates = self._read(value, request.headers)
        text = request.body
        if self.before:
            text = self.before.replace("{t}", sent).encode("ascii") + text
        must_match([self._make(text, secret) for secret in secrets if secret], candidates)
        if self.age_seconds_max is not None:
            count = int(sent)
            per_second = 1000 if self.time_unit == "s or ms" and count >= MILLISECONDS_FROM else 1
            check_age(count, now, self.age_seconds_max, self.ahead_seconds_max, per_second)

    def sign(self, body: bytes, secret: str, now: float) -> dict[str, str]:
        """Make the headers that `verify` accepts."""
        sent = _write_time(now, self.time_unit) if "{t}" in self.before else ""
        made = self._make(self.before.replace("{t}", sent).encode("ascii") + body, secret).decode("ascii")
        if self.layout == "pairs":
            value = f"{self.time_field}={sent}{self.separator}{self.signature_field}={made}"
        elif self.layout == "list":
            value = f"{sent}{self.separator}{made}"
        else:
            value = self.prefix + made
        headers = {self.headers[0]: value}
        if self.time_header:
            headers[self.time_header] = sent
        return headers

    def _make(self, text: bytes, secret: str) -> bytes:
        made = hmac.new(key_bytes(secret), text, sha256 if self.digest == "sha256" else sha1).digest()
        return made.hex().encode("ascii") if self.encoding == "hex" else b64encode(made)

    def _read(self, value: str, headers: Mapping[str, str]) -> tuple[str, list[str]]:
        """Take the time and the signatures out of the headers."""
        if self.layout == "pairs":
            sent, candidates = self._read_pairs(value)
        elif self.layout == "list":
            sent, *candidates = value.split(self.separator)
        else:
            sent = get_header(headers, self.time_header) if self.time_header else ""
            if not value.startswith(self.prefix):
                raise SignatureMalformed(f"The signature does not start with {self.prefix!r}.")
            candidates = [value[len(self.prefix) :]]
        if "{t}" in self.before:
            check_time_text(sent, self.time_unit)
        return sent, candidates

    def _read_pairs(self, value: str) -> tuple[str, list[str]]:
        sent = ""
        candidates = []
        for pair in value.split(self.separator):
            name, _, content = pair.partition("=")
            if name == self.signature_field:
                candidates.append(content)
            elif name == self.time_field and not sent:
                sent = content
            elif name.strip() == self.time_field:
                # Official libraries disagree about which of two times counts.
                raise SignatureMalformed("The signature header has more than one time.")
        if not sent or not candidates:
            raise SignatureMalformed(f"The signature header has no time or no {self.signature_field!r} signature.")
        return sent, candidates


def get_header(headers: Mapping[str, str], *names: str) -> str:
    """Get the first of these headers that is present. Raises: SignatureMissing, SignatureMalformed."""
    for name in names:
        value = headers.get(name)
        if value is not None:
            if len(value) > HEADER_CHARS_MAX:
                raise SignatureMalformed(f"The header {name} is too long.")
            if value:
                return value
            break
    raise SignatureMissing(f"The header {names[0]} is missing or empty.")


def must_match(expected: Iterable[bytes], candidates: Sequence[str]) -> None:
    """Compare what each secret makes with every signature received. Raises: SignatureMismatch.

    A character outside ASCII becomes a question mark, which no encoding of a hash contains.
    """
    received = [candidate.encode("ascii", "replace") for candidate in candidates]
    for made in expected:
        for candidate in received:
            if hmac.compare_digest(made, candidate):
                return
    raise SignatureMismatch


def check_time_text(sent: str, unit: str = "s") -> None:
    """Check that a time has the provider's form: it is hashed as received. Raises: SignatureMalformed."""
    if unit == "iso":
        fine = _ISO.fullmatch(sent) is not None
    else:
        # isdigit alone would let digits of other scripts pass.
        fine = sent.isascii() and sent.isdigit() and len(sent) <= TIME_CHARS_MAX
    if not fine:
        raise SignatureMalformed("The time of the signature is not a time.")


def check_age(sent: int, now: float, age_max: int, ahead_max: int | None, per_second: int = 1) -> None:
    """Check the window in whole units of the time sent; both limits belong to it. Raises: SignatureExpired."""
    age = (int(now) if per_second == 1 else round(now * per_second)) - sent
    if age > age_max * per_second:
        raise SignatureExpired(f"The signature is older than {age_max} seconds.")
    if ahead_max is not None and -age > ahead_max * per_second:
        raise SignatureExpired(f"The signature is more than {ahead_max} seconds ahead of our clock.")


def key_bytes(secret: str) -> bytes:
    """Encode a secret that is used as text."""
    return secret.encode("utf-8", "surrogatepass")


def _write_time(now: float, unit: str) -> str:
    if unit == "iso":
        return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(now) if unit == "s" else round(now * 1000))
