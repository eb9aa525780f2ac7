"""Stripe: the signature header in all its forms, and the identity on which both forms of a change meet."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.providers.base import (
    BodyRefused,
    Received,
    Rejected,
    Request,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)
from ingest.providers.stripe import PROVIDER

SECRET = "whsec_test"
NOW = 1767225600


def a_snapshot(**changes: Any) -> dict[str, Any]:
    """A snapshot event as Stripe sends it."""
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": NOW - 1,
        "data": {"object": {"id": "in_1", "object": "invoice", "total": 4200}},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
    } | changes


def a_thin(**changes: Any) -> dict[str, Any]:
    """A thin notification as Stripe sends it."""
    return {
        "id": "evt_thin_1",
        "object": "v2.core.event",
        "type": "v1.invoice.paid",
        "created": "2025-12-31T23:59:59.123Z",
        "livemode": True,
        "context": None,
        "related_object": {"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"},
        "snapshot_event": "evt_1",
    } | changes


def split(event: Any) -> Received:
    """Split a body of one event."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    [received] = PROVIDER.split(Request("POST", "https://example.test/", {}, body))
    assert isinstance(received, Received)
    return received


def verify(header: str | None, now: float = NOW, secrets: tuple[str, ...] = (SECRET,), body: bytes = b"{}") -> None:
    """Verify a body under this header."""
    headers = {} if header is None else {"stripe-signature": header}
    PROVIDER.verify(Request("POST", "https://example.test/", headers, body), secrets, now)


def v1(sent: int = NOW, secret: str = SECRET) -> str:
    """The hex signature of an empty object."""
    return PROVIDER.sign(b"{}", secret, sent, "")["stripe-signature"].partition("v1=")[2]


@pytest.mark.parametrize("age", [0, 1, 299, 300, 300.9, -86400])
def test_a_signature_counts_for_300_seconds(age: float) -> None:
    """Exactly 300 passes; the future is not bounded, as in Stripe's own libraries."""
    verify(f"t={NOW},v1={v1()}", NOW + age)


def test_a_signature_of_301_seconds_is_expired() -> None:
    """And only a genuine one is called expired."""
    with pytest.raises(SignatureExpired):
        verify(f"t={NOW},v1={v1()}", NOW + 301)
    with pytest.raises(SignatureMismatch):
        verify(f"t={NOW},v1={'0' * 64}", NOW + 301)


@pytest.mark.parametrize(
    "header",
    [
        f"v1={v1()},t={NOW}",
        f"t={NOW},v0={'0' * 64},v1={v1()}",
        f"t={NOW},v1={'0' * 64},v1={v1()},v1=short",
        f"t={NOW},future=thing,v1={v1()},novalue",
        f"t={NOW},v1=é,v1={v1()}",
    ],
)
def test_any_v1_in_any_order_is_enough(header: str) -> None:
    """All candidates are tried; unknown keys are skipped."""
    verify(header)


@pytest.mark.parametrize(
    ("header", "failure"),
    [
        (None, SignatureMissing),
        ("", SignatureMissing),
        ("garbage", SignatureMalformed),
        (f"t={NOW}", SignatureMalformed),
        (f"v1={v1()}", SignatureMalformed),
        (f"t={NOW},v0={v1()}", SignatureMalformed),
        (f"t={NOW}, v1={v1()}", SignatureMalformed),
        (f"t={NOW},t={NOW},v1={v1()}", SignatureMalformed),
        (f"t={NOW},v1={v1()},t={NOW - 1}", SignatureMalformed),
        (f"t={NOW},v1={v1()}, t={NOW},v1={v1()}", SignatureMalformed),
        (f"t=,v1={v1()}", SignatureMalformed),
        (f"t=+{NOW},v1={v1()}", SignatureMalformed),
        (f"t={NOW}.0,v1={v1()}", SignatureMalformed),
        (f"t=-{NOW},v1={v1()}", SignatureMalformed),
        ("t=１７６７２２５６００,v1=" + v1(), SignatureMalformed),
        ("t=²,v1=" + v1(), SignatureMalformed),
        ("t=" + "9" * 5000 + ",v1=" + v1(), SignatureMalformed),
        ("t=" + "9" * 30 + ",v1=" + v1(), SignatureMalformed),
        (f"t=0{NOW},v1={v1()}", SignatureMismatch),
        (f"t={NOW},v1={v1().upper()}", SignatureMismatch),
        (f"t={NOW},v1={v1()} ", SignatureMismatch),
        (f"t={NOW},v1=", SignatureMismatch),
        (f"t={NOW},v1=é", SignatureMismatch),
        (f"t={NOW + 1},v1={v1()}", SignatureMismatch),
        (f"t={NOW},v1={v1()}," + "x" * 10_000, SignatureMalformed),
    ],
)
def test_a_header_of_another_form_is_refused(header: str | None, failure: type[Rejected]) -> None:
    """Each with its own reason, all with 401."""
    with pytest.raises(failure) as refusal:
        verify(header)
    assert refusal.value.status == 401


def test_every_secret_is_tried_and_an_empty_one_never_matches() -> None:
    """While a secret is rolled there are two; a setting of nothing opens no door."""
    verify(f"t={NOW},v1={v1()}", secrets=("old", SECRET))
    for secrets in [(), ("",), ("old", "")]:
        with pytest.raises(SignatureMismatch):
            verify(f"t={NOW},v1={v1(secret='')}", secrets=secrets)


def test_a_snapshot_is_read() -> None:
    """Every field of the envelope, and the body byte for byte."""
    event = a_snapshot()
    received = split(event)
    assert received.key == "evt_1"
    assert received.type == "invoice.paid"
    assert received.payload == json.dumps(event).encode()
    assert received.subject == "stripe:in_1"
    assert received.occurred_at == datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert received.api_version == "2026-10-28.endive"
    assert received.livemode is True
    assert received.account is None
    assert received.form == "full"
    assert len(received.content_hash) == 16


def test_a_thin_notification_meets_its_snapshot() -> None:
    """One key, one type, one subject; it says that it holds no values, and keeps its milliseconds."""
    thin, full = split(a_thin()), split(a_snapshot())
    assert (thin.key, thin.type, thin.subject) == (full.key, full.type, full.subject)
    assert (thin.form, full.form) == ("reference", "full")
    assert thin.occurred_at == datetime(2025, 12, 31, 23, 59, 59, 123000, tzinfo=UTC)


@pytest.mark.parametrize("livemode", [True, False])
@pytest.mark.parametrize("context", ["acct_9", "org_1/acct_9"])
def test_the_forms_meet_on_a_connected_account(livemode: bool, context: str) -> None:
    """A thin notification's context is what a snapshot calls account."""
    thin = split(a_thin(context=context, livemode=livemode))
    full = split(a_snapshot(account="acct_9", livemode=livemode))
    assert thin.key == full.key
    assert thin.account == full.account == "acct_9"


def test_a_thin_notification_without_a_twin_stands_for_itself() -> None:
    """Two types exist only in this form, and not all are about an object."""
    event = a_thin(type="v1.billing.meter.no_meter_found")
    del event["snapshot_event"], event["related_object"]
    received = split(event)
    assert (received.key, received.type, received.subject) == ("evt_thin_1", "billing.meter.no_meter_found", None)
    assert split(a_thin(type="v2.core.account.updated")).type == "v2.core.account.updated"


def test_account_and_mode_are_part_of_the_identity() -> None:
    """The same id in another account or mode is another event."""
    events = [
        a_snapshot(account=account, livemode=live) for account in (None, "acct_1", "acct_2") for live in (True, False)
    ]
    assert [split(event).key for event in events] == [
        "evt_1",
        "test/evt_1",
        "acct_1/evt_1",
        "acct_1/test/evt_1",
        "acct_2/evt_1",
        "acct_2/test/evt_1",
    ]


@pytest.mark.parametrize("event_id", ["evt_00000000000000", "evt_0"])
def test_ids_of_zeros_are_told_apart_by_time_and_object(event_id: str) -> None:
    """Test events from the dashboard share an id; an id that merely ends in zeros is an id."""
    one = a_snapshot(id=event_id, livemode=False)
    assert split(one).key == f"test/{event_id}@{NOW - 1}:in_1"
    assert split(one | {"created": NOW}).key != split(one).key
    assert split(one | {"data": {"object": {"id": "in_2"}}}).key != split(one).key
    assert split(a_snapshot(id="evt_1000")).key == "evt_1000"


def test_a_retry_keeps_key_and_content() -> None:
    """Delivery state changes from attempt to attempt; what happened does not."""
    first, again = split(a_snapshot()), split(a_snapshot(pending_webhooks=7))
    assert (first.key, first.content_hash) == (again.key, again.content_hash)
    changed = split(a_snapshot(data={"object": {"id": "in_1", "object": "invoice", "total": 4201}}))
    assert changed.content_hash != first.content_hash


def test_business_content_is_compared_by_value() -> None:
    """Neither white space nor the order of members matters, every digit does."""
    one = b'{"type":"t","data":{"a":1,"b":0.1},"pending_webhooks":1}'
    two = b'{"pending_webhooks": 2, "data": {"b": 0.1, "a": 1}, "type": "t"}'
    three = b'{"type":"t","data":{"a":1,"b":0.10000000000000000000001},"pending_webhooks":1}'
    assert PROVIDER.business(one) == PROVIDER.business(two) != PROVIDER.business(three)


def test_optional_members_may_be_missing() -> None:
    """No time, no version, an object without id: kept, and said to be unknown."""
    received = split(
        b'{"id":"evt_1","object":"event","livemode":false,"type":"balance.available","data":{"object":{}}}'
    )
    assert (received.occurred_at, received.api_version, received.subject) == (None, None, None)


@pytest.mark.parametrize(
    "event",
    [
        [],
        [a_snapshot()],
        "event",
        a_snapshot(object="invoice"),
        a_snapshot(object=None),
        a_snapshot(id=None),
        a_snapshot(id=""),
        a_snapshot(id=1),
        a_snapshot(id="test/evt_1"),
        a_snapshot(id="evt_\u00e9"),
        a_snapshot(id="e" * 256),
        a_snapshot(type=None),
        a_snapshot(type=""),
        a_snapshot(type="invoice paid"),
        a_snapshot(type="x" * 256),
        a_snapshot(livemode="true"),
        a_snapshot(livemode=1),
        a_snapshot(livemode=None),
        a_snapshot(created=True),
        a_snapshot(created=1.5),
        a_snapshot(created=10**30),
        a_snapshot(created=-(10**30)),
        a_snapshot(created="yesterday"),
        a_snapshot(created=[]),
        a_snapshot(account="test"),
        a_snapshot(account="acct_1/test"),
        a_snapshot(account=7),
        a_snapshot(api_version=1),
        a_thin(snapshot_event="a/b"),
        a_thin(snapshot_event=1),
    ],
)
def test_an_event_that_stripe_does_not_make_is_refused(event: Any) -> None:
    """400 with a sentence that holds no value of the payload."""
    with pytest.raises(BodyRefused) as refusal:
        split(event)
    assert "yesterday" not in refusal.value.detail
    assert "invoice paid" not in refusal.value.detail


@pytest.mark.parametrize("member", ["id", "object", "type", "livemode"])
def test_the_refusal_names_the_missing_member(member: str) -> None:
    """Whoever reads the rejection knows where to look."""
    event = a_snapshot()
    del event[member]
    with pytest.raises(BodyRefused, match=f"`{member}`"):
        split(event)
