"""Owns Adyen, which signs inside the body: each item carries a hash of eight of its fields.

So every item is verified, one bad one refuses all, and what is outside the eight fields is as trustworthy as the
connection. Several items may carry one identity over time; Adyen wants the latest to count.

https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from ingest.providers.base import (
    EXACT,
    BodyRefused,
    Provider,
    Received,
    Request,
    Sample,
    SignatureMalformed,
    SignatureMissing,
    Unreadable,
)
from ingest.providers.declared import TYPE_CHARS_MAX, as_text, as_time, dig, get_object, make_key, make_subject
from ingest.providers.envelope import ELEMENTS_MAX, check_json, each_element, short_hash
from ingest.providers.schemes import must_match

ITEM = "NotificationRequestItem"

# In this order, joined by colons as they are: nothing is escaped, an absent one is empty.
_SIGNED = (
    ("pspReference",),
    ("originalReference",),
    ("merchantAccountCode",),
    ("merchantReference",),
    ("amount", "value"),
    ("amount", "currency"),
    ("eventCode",),
    ("success",),
)


class Adyen(Provider):
    """Adyen's standard webhook."""

    name = "adyen"
    secret_env = "ADYEN_WEBHOOK_SECRET"  # noqa: S105 (the name of a variable)
    signed = "fields"
    samples = (
        Sample(
            type="AUTHORISATION",
            body=b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{},"amount":'
            b'{"currency":"EUR","value":1130},"eventCode":"AUTHORISATION","eventDate":"2026-01-01T00:00:00+01:00",'
            b'"merchantAccountCode":"ExampleCOM","merchantReference":"order-1","paymentMethod":"visa",'
            b'"pspReference":"7914073381342284","success":"true"}}]}',
        ),
        Sample(
            type="CAPTURE",
            body=b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{},"amount":'
            b'{"currency":"EUR","value":1130},"eventCode":"CAPTURE","eventDate":"2026-01-01T00:00:01+01:00",'
            b'"merchantAccountCode":"ExampleCOM","merchantReference":"order-1","originalReference":'
            b'"7914073381342284","pspReference":"7914073381342285","success":"true"}}]}',
        ),
    )

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Check every item. Raises: also BodyRefused, since the signatures are in the body."""
        items = _get_items(request.body)
        if not items or len(items) > ELEMENTS_MAX:
            raise SignatureMissing("The body holds no items that could be signed, or too many.")
        keys = [key for key in map(_key, secrets) if key]
        for item in items:
            signature = dig(item, "additionalData", "hmacSignature")
            if not isinstance(signature, str) or not signature:
                raise SignatureMissing("An item of the body has no signature.")
            text = _signed_text(item)
            must_match((_make(text, key) for key in keys), [signature])

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Read the items; whether they are live is said once for all of them."""
        live = {"true": True, "false": False}.get(str(dig(check_json(request.body), "live")).lower())

        def identify(element: dict[str, Any], payload: bytes) -> Received:
            received = _identify(element, payload)
            received.livemode = live
            return received

        return each_element(request.body, ("notificationItems",), identify)

    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Add nothing: `seal` has signed."""
        return {}

    def seal(self, body: bytes, secret: str) -> bytes:
        """Put a signature into each item."""
        document = get_object(check_json(body))
        for element in document["notificationItems"]:
            item = element[ITEM]
            signature = _make(_signed_text(item), _key(secret) or b"").decode("ascii")
            item["additionalData"] = {**(item.get("additionalData") or {}), "hmacSignature": signature}
        return msgspec.json.encode(document)

    def business(self, payload: bytes) -> object:
        """Take the item without its additional data, which holds the signature."""
        item = EXACT.decode(payload)[ITEM]
        return {name: value for name, value in item.items() if name != "additionalData"}

    def check_secret(self, secret: str) -> str | None:
        """Check that the key is hexadecimal."""
        return None if _key(secret) else "is not a key in hexadecimal digits"


def _get_items(body: bytes) -> list[Any]:
    elements = get_object(check_json(body)).get("notificationItems")
    if not isinstance(elements, list):
        raise BodyRefused("The body holds no notificationItems.")
    return [dig(element, ITEM) for element in elements]


def _signed_text(item: Any) -> bytes:
    return ":".join(_write(dig(item, *path)) for path in _SIGNED).encode("utf-8", "replace")


def _write(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        raise SignatureMalformed("A signed field of an item is neither text nor a whole number.")
    return str(value)


def _make(text: bytes, key: bytes) -> bytes:
    return b64encode(hmac.digest(key, text, "sha256"))


def _key(secret: str) -> bytes | None:
    try:
        return bytes.fromhex(secret) if secret.isalnum() else None
    except ValueError:
        return None


def _identify(element: dict[str, Any], payload: bytes) -> Received:
    item = element.get(ITEM)
    kind, thing = as_text(dig(item, "eventCode")), as_text(dig(item, "pspReference"))
    if not kind or not thing or not isinstance(item, dict):
        raise BodyRefused("The item lacks its eventCode or pspReference.")
    content = {name: value for name, value in item.items() if name != "additionalData"}
    return Received(
        key=make_key(kind, thing),
        type=kind[:TYPE_CHARS_MAX],
        payload=payload,
        content_hash=short_hash(msgspec.json.encode(content, order="deterministic"), kind),
        # What happens later to a payment names the payment as its original.
        subject=make_subject("adyen", as_text(item.get("originalReference")) or thing),
        occurred_at=as_time(item.get("eventDate")),
        account=as_text(item.get("merchantAccountCode")),
    )


PROVIDER = Adyen()
