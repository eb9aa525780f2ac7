"""Owns Standard Webhooks, and Svix, which is the same under other header names.

Two kinds of signatures: `v1` with a shared secret (base64, after an optional `whsec_`), `v1a` with ed25519, for which
the configured secret is the sender's public key (`whpk_…`). Which one counts follows from the secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ingest.providers.base import (
    BodyRefused,
    Provider,
    Received,
    Request,
    Sample,
    SignatureMalformed,
    SignatureMismatch,
    Unreadable,
)
from ingest.providers.declared import KEY_CHARS_MAX, TYPE_CHARS_MAX, as_text, as_time, dig, get_object, make_subject
from ingest.providers.envelope import business_hash, check_json
from ingest.providers.schemes import check_age, check_time_text, get_header

#: The specification's window, on both sides.
WINDOW_SECONDS = 300

PUBLIC = "whpk_"
SHARED = "whsec_"

_FAMILIES = ("svix-", "webhook-")
_PARTS = ("id", "timestamp", "signature")


class StandardWebhooks(Provider):
    """Any sender that follows the specification."""

    name = "standard_webhooks"
    secret_env = "STANDARD_WEBHOOKS_WEBHOOK_SECRET"  # noqa: S105 (the name of a variable)
    samples = (
        Sample(
            type="invoice.paid",
            body=b'{"type":"invoice.paid","timestamp":"2026-01-01T00:00:00Z","data":{"id":"inv_1","amount":4200}}',
        ),
        Sample(
            type="contact.created",
            body=b'{"type":"contact.created","timestamp":"2026-01-01T00:00:01Z","data":{"id":"con_1"}}',
        ),
    )

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Check every signature that is of the kind of a configured secret."""
        message_id, sent, signatures = _read_headers(request.headers)
        text = f"{message_id}.{sent}.".encode("utf-8", "replace") + request.body
        if not any(_matches(secret, text, signatures) for secret in secrets):
            raise SignatureMismatch
        check_age(int(sent), now, WINDOW_SECONDS, WINDOW_SECONDS)

    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Sign as v1; the message id is made from the body, so that one body stays one event."""
        message_id = "msg_" + sha256(body).hexdigest()[:24]
        text = f"{message_id}.{int(now)}.".encode("ascii") + body
        made = b64encode(hmac.digest(_key(secret) or b"", text, "sha256")).decode("ascii")
        values = (message_id, str(int(now)), f"v1,{made}")
        return {f"webhook-{part}": value for part, value in zip(_PARTS, values, strict=True)}

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Read the one event; its identity is the message id, which the signature covers."""
        event = get_object(check_json(request.body))
        about = as_text(dig(event, "data", "id"))
        kind = (as_text(event.get("type")) or "untyped")[:TYPE_CHARS_MAX]
        received = Received(
            key=_read_headers(request.headers)[0],
            type=kind,
            payload=request.body,
            content_hash=business_hash(request.body, (), kind),
            subject=make_subject(self.name, about) if about else None,
            occurred_at=as_time(event.get("timestamp")),
        )
        if len(received.key) > KEY_CHARS_MAX or not received.key.isprintable():
            raise BodyRefused("The message id is too long or cannot be printed.")
        return [received]

    def check_secret(self, secret: str) -> str | None:
        """Check that the secret is base64, of the length of a key."""
        key = _key(secret)
        if key is None or not key:
            return "is not base64 after its prefix"
        if secret.startswith(PUBLIC) and len(key) != 32:
            return "is not an ed25519 public key of 32 bytes"
        return None


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, list[str]]:
    """Read one complete family of headers; parts of two families are never mixed."""
    family = next((name for name in _FAMILIES if all(name + part in headers for part in _PARTS)), "webhook-")
    message_id, sent, signature = [get_header(headers, family + part) for part in _PARTS]
    check_time_text(sent)
    if "." in message_id:
        # Where the id ends and the time starts would be open to choice.
        raise SignatureMalformed("The message id holds a dot.")
    return message_id, sent, signature.split(" ")


def _matches(secret: str, text: bytes, signatures: Sequence[str]) -> bool:
    """Try every signature of this secret's kind; tokens of unknown kinds are skipped."""
    key = _key(secret)
    if not key:
        return False
    public = secret.startswith(PUBLIC)
    wanted = "v1a," if public else "v1,"
    candidates = [token[len(wanted) :] for token in signatures if token.startswith(wanted)]
    if public:
        return any(_is_signed(key, text, candidate) for candidate in candidates)
    made = b64encode(hmac.digest(key, text, "sha256"))
    return any(hmac.compare_digest(made, candidate.encode("ascii", "replace")) for candidate in candidates)


def _is_signed(key: bytes, text: bytes, candidate: str) -> bool:
    try:
        signature = b64decode(candidate.encode("ascii"), validate=True)
        # Base64 has several spellings of some bytes; one is the sender's.
        if b64encode(signature).decode("ascii") != candidate:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (ValueError, InvalidSignature):
        return False
    return True


def _key(secret: str) -> bytes | None:
    """Decode the key, with or without padding; None if it is not base64."""
    text = secret.removeprefix(SHARED).removeprefix(PUBLIC).rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None


PROVIDER = StandardWebhooks()
