"""Owns Stripe: snapshot events, thin notifications, and the identity on which the two forms of one change meet.

Identity is (account or own, livemode, id). A thin notification names its snapshot twin in `snapshot_event`; a thin one
without a twin stands for itself. Written as `evt_1`, `test/evt_1`, `acct_1/evt_1` or `acct_1/test/evt_1`.

https://docs.stripe.com/webhooks, https://docs.stripe.com/event-destinations
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ingest.providers.base import EXACT, BodyRefused, Provider, Received, Request, Sample, Unreadable
from ingest.providers.declared import as_text, as_time, dig, get_object, make_subject, shorten
from ingest.providers.envelope import check_json, short_hash
from ingest.providers.schemes import Hmac

#: Stripe promises ids of at most 255 characters.
NAME_CHARS_MAX = 255

_NAME = re.compile(r"[A-Za-z0-9_.:-]+").fullmatch
_ABOUT = re.compile(r"at `\$\.?([a-z_.]*)`|required field `([a-z_]*)`")


class Envelope(msgspec.Struct, gc=False):
    """What the door reads of an event; `data` stays as it was written."""

    id: str
    object: Literal["event", "v2.core.event"]
    type: str
    livemode: bool
    created: int | str | None = None
    api_version: str | None = None
    account: str | None = None
    context: str | None = None
    snapshot_event: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    related_object: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(Envelope).decode


class Stripe(Provider):
    """Stripe, through a webhook endpoint or an event destination."""

    samples = (
        Sample(
            type="invoice.paid",
            body=b'{"id":"evt_1SampleInvoicePaid","object":"event","api_version":"2026-10-28.endive","created":1767225599,'
            b'"data":{"object":{"id":"in_1Sample","object":"invoice","amount_paid":4200,"currency":"usd","total":4200}},'
            b'"livemode":true,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"invoice.paid"}',
        ),
        Sample(
            type="v1.customer.created",
            body=b'{"id":"evt_1SampleThin","object":"v2.core.event","type":"v1.customer.created","livemode":true,'
            b'"created":"2026-01-01T00:00:00.000Z","context":null,"reason":null,"snapshot_event":"evt_1SampleCustomer",'
            b'"related_object":{"id":"cus_Sample","type":"customer","url":"/v1/customers/cus_Sample"}}',
        ),
    )
    name = "stripe"
    secret_env = "STRIPE_WEBHOOK_SECRET"  # noqa: S105 (the name of a variable)
    body_tells_all = True
    volatile = ("pending_webhooks",)
    #: The official libraries do not bound the future: only Stripe can make a time of the future.
    scheme = Hmac(
        headers=("stripe-signature",),
        layout="pairs",
        signature_field="v1",
        time_field="t",
        before="{t}.",
        age_seconds_max=300,
    )

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Check the scheme; while a secret is rolled, one `v1` per live secret is sent."""
        self.scheme.verify(request, secrets, now)

    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Sign as Stripe does; the key is the whole secret, `whsec_` included."""
        return self.scheme.sign(body, secret, now)

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Read the one event of the body."""
        event = get_object(check_json(request.body))
        try:
            envelope = _decode(request.body)
        except msgspec.ValidationError as error:
            raise BodyRefused(_explain(error)) from None
        read = _read_snapshot if envelope.object == "event" else _read_thin
        return [read(envelope, request.body, event)]

    def business(self, payload: bytes) -> object:
        """Take the type and the data: all else is delivery, or is in the key."""
        content: Any = EXACT.decode(payload)
        return {"type": content["type"], "data": content.get("data"), "object": content.get("related_object")}


def _read_snapshot(envelope: Envelope, payload: bytes, event: dict[str, Any]) -> Received:
    about = as_text(dig(event, "data", "object", "id"))
    account = _find_account(envelope)
    key = _make_key(account, envelope.livemode, envelope.id)
    if key.endswith("0") and not envelope.id.rpartition("_")[2].strip("0"):
        # Test events made in the dashboard share an id of zeros.
        key = shorten(f"{key}@{envelope.created}:{about or '-'}")
    return Received(
        key=key,
        type=_check_name(envelope.type),
        payload=payload,
        content_hash=short_hash(bytes(envelope.data), envelope.type),
        subject=make_subject("stripe", about) if about else None,
        occurred_at=_read_time(envelope.created),
        api_version=envelope.api_version,
        livemode=envelope.livemode,
        account=account,
    )


def _read_thin(envelope: Envelope, payload: bytes, event: dict[str, Any]) -> Received:
    about = as_text(dig(event, "related_object", "id"))
    account = _find_account(envelope)
    return Received(
        key=_make_key(account, envelope.livemode, envelope.snapshot_event or envelope.id),
        type=_check_name(envelope.type.removeprefix("v1.")),
        payload=payload,
        content_hash=short_hash(bytes(envelope.related_object) + bytes(envelope.data), envelope.type),
        subject=make_subject("stripe", about) if about else None,
        occurred_at=_read_time(envelope.created),
        livemode=envelope.livemode,
        account=account,
        form="reference",
    )


def _find_account(envelope: Envelope) -> str | None:
    """Find the connected account; a thin notification has it as the end of its context."""
    account = envelope.account
    if account is None and envelope.context:
        account = envelope.context.rpartition("/")[2]
    if not account:
        return None
    if account == "test":
        # It would read like the mark of test mode in a key.
        raise BodyRefused("The account of the event is not one that Stripe makes.")
    return _check_name(account)


def _make_key(account: str | None, livemode: bool, event_id: str) -> str:
    _check_name(event_id)
    if livemode:
        return f"{account}/{event_id}" if account else event_id
    return f"{account}/test/{event_id}" if account else f"test/{event_id}"


def _check_name(name: str) -> str:
    """Let only ids and types pass that Stripe could have made: a slash would forge another key."""
    if len(name) > NAME_CHARS_MAX or not _NAME(name):
        raise BodyRefused("The event's id, type or account is not one that Stripe makes.")
    return name


def _read_time(created: int | str | None) -> datetime | None:
    moment = as_time(created)
    if moment is None and created is not None:
        raise BodyRefused("The event's `created` is not a time.")
    return moment


def _explain(error: msgspec.ValidationError) -> str:
    """Name the member at fault, never its value."""
    match = _ABOUT.search(str(error))
    member = (match[1] or match[2]) if match else ""
    return f"The event's `{member}` is missing or not of the expected kind." if member else "Not a Stripe event."


PROVIDER = Stripe()
