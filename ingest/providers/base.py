"""Owns what a provider is: the request it judges, the events it finds, and the ways it can refuse.

A provider is pure: bytes and headers in, events or a refusal out. It opens nothing, reads no clock and no setting, so
that it can be tested exhaustively and called on the hottest path of the system.

    Rejected
    ├── SignatureMissing      401  signature_missing
    ├── SignatureMalformed    401  signature_malformed
    ├── SignatureMismatch     401  signature_mismatch
    ├── SignatureExpired      401  signature_expired
    └── BodyRefused           400  body_refused

To add a provider, create one file beside this one that exposes PROVIDER; `find()` in the package sees it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

import msgspec


class Rejected(Exception):
    """The request was refused."""

    status: ClassVar[int] = 400
    reason: ClassVar[str] = "rejected"

    def __init__(self, detail: str | None = None) -> None:
        """Take a detail for people; it must never hold a secret or a value from the payload."""
        self.detail = detail or (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(self.detail)


class SignatureMissing(Rejected):
    """The request carries no signature."""

    status = 401
    reason = "signature_missing"


class SignatureMalformed(Rejected):
    """The signature does not have the form that the provider sends."""

    status = 401
    reason = "signature_malformed"


class SignatureMismatch(Rejected):
    """The signature was not made with a secret of this source over this body."""

    status = 401
    reason = "signature_mismatch"


class SignatureExpired(Rejected):
    """The signature is genuine, but its time is outside the allowed window."""

    status = 401
    reason = "signature_expired"


class BodyRefused(Rejected):
    """The body is not what the provider sends."""

    status = 400
    reason = "body_refused"


class Request(msgspec.Struct):
    """One HTTP request as the door hands it over."""

    method: str
    url: str  #: the complete public URL, query exactly as received
    headers: dict[str, str]  #: names in lower case, values decoded as latin-1; sent twice: joined with ", "
    body: bytes  #: raw, after any transfer or content encoding is undone


class Received(msgspec.Struct):
    """One business event, identified."""

    key: str  #: the provider's business identity, unique within a source; never a hash of the body
    type: str  #: 'invoice.paid', also for the thin 'v1.invoice.paid'
    payload: bytes  #: the event's own JSON, byte for byte
    content_hash: bytes  #: 16 bytes over the business content, without attempt counters and delivery state
    subject: str | None = None  #: '<provider>:<object>', what ordering and staleness are about
    occurred_at: datetime | None = None  #: aware, UTC
    api_version: str | None = None
    livemode: bool | None = None
    account: str | None = None  #: connected account, portal, tenant, shop, workspace
    form: str = "full"  #: "reference" when the payload names the object but does not hold its values


class Unreadable(msgspec.Struct):
    """One bad element of a batch: kept as it came, so that it fails alone."""

    payload: bytes
    problem: str
    key: str  #: 'unreadable:' and the element's hash, for want of any identity of its own


class Sample(msgspec.Struct, frozen=True):
    """A request as the provider would send it, unsigned: for `counterfoil send` and for the conformance suite."""

    type: str
    body: bytes
    headers: Mapping[str, str] = {}  #: what it carries besides the signature


class Provider(ABC):
    """One sender of webhooks.

    Whoever extends this promises: only `Rejected` leaves `verify` and `split`, secrets are compared in constant time,
    every secret is tried, and `split` finds the same key for every delivery of one event.
    """

    name: str
    secret_env: str
    content_types: tuple[str, ...] = ("application/json",)
    empty_answer: bool = False  #: Xero wants its 200 without a body
    signed: Literal["body", "fields", "nothing"] = "body"  #: what a signature protects; see each exception's file
    signs_url: bool = False  #: the signature covers the public URL, so that must be configured
    #: `split` and `challenge` look at the body only, so that the same bytes are always the same events.
    body_tells_all: bool = False
    volatile: tuple[str, ...] = ()  #: members of an event that differ from one attempt to the next
    samples: tuple[Sample, ...] = ()

    @abstractmethod
    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Accept the request by returning. Raises: a 401 of `Rejected`."""

    @abstractmethod
    def split(self, request: Request) -> list[Received | Unreadable]:
        """Find the events of a verified request. Raises: BodyRefused when nothing of it can be kept."""

    @abstractmethod
    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Make the headers by which the provider would vouch for this body."""

    def seal(self, body: bytes, secret: str) -> bytes:
        """Put signatures into the body, for the provider that signs there; to be called before `sign`."""
        return body

    def challenge(self, request: Request) -> bytes | None:
        """Give the body of the 200 that answers a verified proof-of-address request; None if it is not one."""
        return None

    def business(self, payload: bytes) -> object:
        """Parse the business content of a recorded event, for comparing two of them value by value."""
        content: Any = EXACT.decode(payload)
        if isinstance(content, dict):
            return {name: value for name, value in content.items() if name not in self.volatile}
        return content

    def check_secret(self, secret: str) -> str | None:
        """Say what is wrong with a configured secret, None if nothing is. The secret itself is never repeated."""
        if not secret:
            return "is empty"
        if secret != secret.strip() or not secret.isprintable():
            return "has white space around it or characters that cannot be printed"
        return None


#: Numbers are compared as decimals: as binary floats, two different amounts could be equal.
EXACT = msgspec.json.Decoder(float_hook=Decimal)
