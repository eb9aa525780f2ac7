"""Owns the providers that need no code of their own: a scheme, and the places where an event says what it is.

A place is a path into the event ('data.id'), a header ('@x-shopify-topic'), or a function of the event for what neither
can say. Several places are alternatives, the first that holds something counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from ingest.providers.base import BodyRefused, Provider, Received, Request, Sample, Unreadable
from ingest.providers.envelope import business_hash, check_json, each_element
from ingest.providers.schemes import MILLISECONDS_FROM, Scheme

Place = str | Callable[[dict[str, Any]], object]

#: An index entry of Postgres holds 2,700 bytes; four bytes a character at the worst.
KEY_CHARS_MAX = 400
TYPE_CHARS_MAX = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where an event of this provider says what it is."""

    key: tuple[tuple[Place, ...], ...]  #: parts of the identity, each with its alternatives
    type: tuple[Place, ...]
    subject: tuple[Place, ...] = ()
    occurred_at: tuple[Place, ...] = ()
    account: tuple[Place, ...] = ()
    api_version: tuple[Place, ...] = ()
    livemode: tuple[Place, ...] = ()


class Declared(Provider):
    """A provider as data."""

    def __init__(
        self,
        name: str,
        *,
        scheme: Scheme,
        places: Places,
        events_at: tuple[str, ...] | None = None,
        volatile: tuple[str, ...] = (),
        form: str = "full",
        empty_answer: bool = False,
        samples: tuple[Sample, ...] = (),
    ) -> None:
        """Take `events_at` as the path of the array of events; None: the body is one event."""
        self.name = name
        self.secret_env = f"{name.upper()}_WEBHOOK_SECRET"
        self.scheme = scheme
        self.places = places
        self.events_at = events_at
        self.volatile = volatile
        self.form = form
        self.empty_answer = empty_answer
        self.samples = samples

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Check the scheme."""
        self.scheme.verify(request, secrets, now)

    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Sign as the scheme says."""
        return self.scheme.sign(body, secret, now)

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Take the body for one event, or for an array of them."""

        def identify(event: dict[str, Any], payload: bytes) -> Received:
            return self.identify(event, payload, request.headers)

        if self.events_at is not None:
            return each_element(request.body, self.events_at, identify)
        return [identify(get_object(check_json(request.body)), request.body)]

    def identify(self, event: dict[str, Any], payload: bytes, headers: Mapping[str, str]) -> Received:
        """Look the event up in its places. Raises: BodyRefused when it has no identity."""
        places = self.places

        def text(alternatives: tuple[Place, ...]) -> str | None:
            return as_text(find(alternatives, event, headers))

        parts = [text(alternatives) for alternatives in places.key]
        if None in parts:
            raise BodyRefused("The event does not carry the members or headers that identify it.")
        subject = text(places.subject)
        # A type is a label, not an identity: without it the event is still kept, and no handler takes it.
        kind = (text(places.type) or "untyped")[:TYPE_CHARS_MAX]
        livemode = find(places.livemode, event, headers)
        return Received(
            key=make_key(*(part for part in parts if part)),
            type=kind,
            payload=payload,
            content_hash=business_hash(payload, self.volatile, kind),
            subject=make_subject(self.name, subject) if subject else None,
            occurred_at=as_time(find(places.occurred_at, event, headers)),
            api_version=text(places.api_version),
            livemode=livemode if isinstance(livemode, bool) else None,
            account=text(places.account),
            form=self.form,
        )


def get_object(parsed: Any) -> dict[str, Any]:
    """Get the body as an object. Raises: BodyRefused if it is none."""
    if not isinstance(parsed, dict):
        raise BodyRefused("The body is not an object.")
    return parsed


def find(alternatives: tuple[Place, ...], event: dict[str, Any], headers: Mapping[str, str]) -> object:
    """Find what the first filled place holds, None if all are empty."""
    for place in alternatives:
        if not isinstance(place, str):
            value = place(event)
        elif place.startswith("@"):
            value = headers.get(place[1:])
            if value is not None and not value.isprintable():
                value = None
        else:
            value = dig(event, *place.split("."))
        if value is not None and value != "":
            return value
    return None


def dig(value: Any, *path: str) -> Any:
    """Follow a path of member names, None where it ends early."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def as_text(value: object) -> str | None:
    """Read an id or a name: text, or a whole number as text; anything else is none."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def as_time(value: object) -> datetime | None:
    """Read a time: RFC 3339 text (UTC where it names no zone), or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            if not value.replace(".", "", 1).isdigit():
                moment = datetime.fromisoformat(value)
                return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return _EPOCH + (timedelta(milliseconds=value) if value >= MILLISECONDS_FROM else timedelta(0, value))
    except (ValueError, OverflowError):
        return None


def make_key(*parts: str) -> str:
    """Join the parts of an identity so that no two lists of parts give one key."""
    if len(parts) == 1:
        return shorten(parts[0])
    return shorten("/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts))


def make_subject(provider: str, thing: str) -> str:
    """Name the thing that an event is about."""
    return shorten(f"{provider}:{thing}")


def shorten(key: str) -> str:
    """Keep a key short enough for an index: what is too long ends in the hash of all of it."""
    if len(key) <= KEY_CHARS_MAX:
        return key
    return key[: KEY_CHARS_MAX - 40] + "~" + sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
