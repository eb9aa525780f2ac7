"""What is particular to each of the other providers; what they share is in the conformance suite."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.providers import find
from ingest.providers.base import (
    BodyRefused,
    Received,
    Rejected,
    Request,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    Unreadable,
)
from ingest.providers.declared import as_time, make_key

NOW = 1767225600
URL = "https://example.test/hooks"


def split(name: str, body: bytes | Any, headers: Mapping[str, str] | None = None) -> list[Received]:
    """Split a body by this provider; all of it must be readable."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    events = find()[name].split(Request("POST", URL, dict(headers or {}), raw))
    assert all(isinstance(event, Received) for event in events)
    return [event for event in events if isinstance(event, Received)]


def verify(name: str, body: bytes, headers: Mapping[str, str], secret: str, now: float = NOW) -> None:
    """Verify a body by this provider."""
    find()[name].verify(Request("POST", URL, dict(headers), body), (secret,), now)


def test_github_takes_event_and_delivery_from_headers() -> None:
    """Without them an event has no identity."""
    headers = {"x-github-event": "push", "x-github-delivery": "d-1"}
    [event] = split("github", b'{"repository":{"full_name":"a/b","owner":{"login":"a"}}}', headers)
    assert (event.key, event.type, event.subject, event.account) == ("d-1", "push", "github:a/b", "a")
    for missing in ({}, {"x-github-event": "push"}, {"x-github-event": "push", "x-github-delivery": ""}):
        with pytest.raises(BodyRefused):
            split("github", b"{}", missing)
    with pytest.raises(BodyRefused):
        split("github", b"{}", {"x-github-event": "push", "x-github-delivery": "a\x00b"})


@pytest.mark.parametrize("prefix", ["x-", ""])
def test_shopify_reads_both_spellings_of_its_headers(prefix: str) -> None:
    """The event id is shared by subscriptions; topic and shop belong to the identity."""
    headers = {
        f"{prefix}shopify-topic": "orders/paid",
        f"{prefix}shopify-shop-domain": "a.myshopify.com",
        f"{prefix}shopify-webhook-id": "w-1",
        f"{prefix}shopify-event-id": "e-1",
    }
    [event] = split("shopify", b'{"id":7,"test":true}', headers)
    assert event.key == "a.myshopify.com/orders%2Fpaid/e-1"
    assert (event.type, event.account, event.livemode) == ("orders/paid", "a.myshopify.com", False)
    [again] = split("shopify", b'{"id":7}', headers | {f"{prefix}shopify-webhook-id": "w-2"})
    assert again.key == event.key
    [other] = split("shopify", b'{"id":7}', headers | {f"{prefix}shopify-topic": "orders/create"})
    assert other.key != event.key
    del headers[f"{prefix}shopify-event-id"]
    assert split("shopify", b"{}", headers)[0].key.endswith("/w-1")
    del headers[f"{prefix}shopify-webhook-id"]
    with pytest.raises(BodyRefused):
        split("shopify", b"{}", headers)


def test_shopify_is_signed_under_either_header() -> None:
    """The newer product omits `X-`."""
    [(_, signature)] = find()["shopify"].sign(b"{}", "s", NOW, URL).items()
    verify("shopify", b"{}", {"x-shopify-hmac-sha256": signature}, "s")
    verify("shopify", b"{}", {"shopify-hmac-sha256": signature}, "s")
    with pytest.raises(SignatureMismatch):
        verify("shopify", b"{}", {"x-shopify-hmac-sha256": "x", "shopify-hmac-sha256": signature}, "s")


def test_slack_answers_the_proof_of_address() -> None:
    """The challenge comes back, and no event is made of it."""
    slack = find()["slack"]
    request = Request("POST", URL, {}, '{"type":"url_verification","challenge":"é1","token":"t"}'.encode())
    assert slack.challenge(request) == "é1".encode()
    assert slack.split(request) == []
    for body in (
        b'{"type":"url_verification"}',
        b'{"x":"url_verification","challenge":"c"}',
        b'{"url_verification"',
        b"[]",
    ):
        assert slack.challenge(Request("POST", URL, {}, body)) is None
    assert all(provider.challenge(request) is None for name, provider in find().items() if name != "slack")


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_slack_records_a_command_as_json() -> None:
    """Its fields, without the token; the trigger is its identity."""
    body = b"token=secret&team_id=T1&channel_id=C1&command=%2Fbooks&text=caf%C3%A9+x&trigger_id=13.7.a&response_url="
    [event] = split("slack", body, FORM)
    assert (event.key, event.type, event.subject, event.account) == ("13.7.a", "command", "slack:C1", "T1")
    assert json.loads(event.payload)["text"] == "café x"
    assert b"secret" not in event.payload


def test_slack_records_an_interaction_as_it_stands() -> None:
    """The JSON inside the form, strictly read like any other."""
    [event] = split("slack", b"payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%221.2%22%7D", FORM)
    assert (event.key, event.type, event.payload) == (
        "1.2",
        "block_actions",
        b'{"type":"block_actions","trigger_id":"1.2"}',
    )
    for body in (
        b"payload=%7B%22a%22%3A1%2C%22a%22%3A2%7D",
        b"payload=",
        b"a=1&a=2",
        b"x",
        b"",
        b"a=%FF&trigger_id=1",
        b"trigger_id=1%00",
        b"\xff=1",
        b"&".join(b"a%d=1" % number for number in range(101)),
    ):
        with pytest.raises(BodyRefused):
            split("slack", body, FORM)


def test_slack_finds_identities_where_there_is_no_event_id() -> None:
    """The notice of a rate limit by its minute, a closed view by its hash."""
    limited = {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820}
    assert split("slack", limited)[0].key == "app_rate_limited:T1:1518467820"
    assert split("slack", {"type": "view_closed", "view": {"id": "V1", "hash": "1.a"}})[0].key == "V1:1.a"
    with pytest.raises(BodyRefused):
        split("slack", {"type": "event_callback", "event": {"type": "message"}})


@pytest.mark.parametrize(("name", "ahead"), [("slack", True), ("recurly", True), ("paddle", False)])
def test_the_time_of_a_signature_is_bounded(name: str, ahead: bool) -> None:
    """300 seconds old passes, 301 does not; the future as the provider's own library has it."""
    signed = find()[name].sign(b"{}", "s", NOW, URL)
    verify(name, b"{}", signed, "s", NOW + 300)
    with pytest.raises(SignatureExpired):
        verify(name, b"{}", signed, "s", NOW + 301)
    if ahead:
        verify(name, b"{}", signed, "s", NOW - 300)
        with pytest.raises(SignatureExpired):
            verify(name, b"{}", signed, "s", NOW - 301)
    else:
        verify(name, b"{}", signed, "s", NOW - 86400)


def test_paddle_takes_any_of_several_signatures_but_one_time() -> None:
    """Separated by semicolons."""
    value = find()["paddle"].sign(b"{}", "s", NOW, URL)["paddle-signature"]
    verify("paddle", b"{}", {"paddle-signature": f"{value};h1=00"}, "s")
    verify("paddle", b"{}", {"paddle-signature": value.replace(";", ";h1=00;")}, "s")
    with pytest.raises(SignatureMalformed):
        verify("paddle", b"{}", {"paddle-signature": f"{value};ts=1"}, "s")
    with pytest.raises(SignatureMalformed):
        verify("paddle", b"{}", {"paddle-signature": value.replace(";", ",")}, "s")


def test_paddle_identity_is_the_event_not_the_notification() -> None:
    """Two destinations are notified of one event."""
    body = {"event_id": "evt_1", "event_type": "a.b", "notification_id": "n1", "data": {"id": "txn_1"}}
    [one], [two] = split("paddle", body), split("paddle", body | {"notification_id": "n2"})
    assert (one.key, one.content_hash) == (two.key, two.content_hash)


@pytest.mark.parametrize("per_second", [1, 1000])
def test_recurly_reads_seconds_and_milliseconds(per_second: int) -> None:
    """The documentation says one and shows the other; the window is the same."""
    sent = str(NOW * per_second)
    made = hmac.new(b"s", f"{sent}.{{}}".encode(), hashlib.sha256).hexdigest()
    headers = {"recurly-signature": f"{sent},{'0' * 64},{made}"}
    verify("recurly", b"{}", headers, "s", NOW + 300)
    with pytest.raises(SignatureExpired):
        verify("recurly", b"{}", headers, "s", NOW + 301)


def test_recurly_identity_is_the_notification() -> None:
    """The body's `id` may be the object's: two things that happen to one account are two events."""
    body = {"id": "acc", "object_type": "account", "event_type": "created", "event_time": "2026-01-01T00:00:00Z"}
    [one] = split("recurly", body)
    [two] = split("recurly", body | {"event_type": "updated"})
    [three] = split("recurly", body | {"event_time": "2026-01-01T00:00:01Z"})
    [four] = split("recurly", body, {"recurly-notification-id": "n1"})
    assert (one.type, one.subject, one.form) == ("account.created", "recurly:account:acc", "reference")
    assert len({one.key, two.key, three.key, four.key}) == 4
    with pytest.raises(BodyRefused):
        split("recurly", {"object_type": "account", "event_type": "created"})


def test_zendesk_trusts_a_body_id_only_from_event_subscriptions() -> None:
    """A trigger's free body may hold a ticket's id, which many events share."""
    invocation = {"x-zendesk-webhook-invocation-id": "inv-1"}
    event = {"type": "zen:event-type:ticket.created", "id": "e-1", "subject": "zen:ticket:42", "account_id": 7}
    [one] = split("zendesk", event, invocation)
    assert (one.key, one.type, one.subject, one.account) == ("e-1", "ticket.created", "zendesk:zen:ticket:42", "7")
    [two] = split("zendesk", {"id": 42, "status": "solved"}, invocation)
    assert (two.key, two.type) == ("inv-1", "trigger")
    with pytest.raises(BodyRefused):
        split("zendesk", {"id": 42, "status": "solved"})


@pytest.mark.parametrize(
    "sent", ["", "1767225600", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z{", "２026-01-01T00:00:00Z"]
)
def test_zendesk_text_in_front_of_the_body_must_be_a_time(sent: str) -> None:
    """Nothing separates the two when they are signed: a time of free form could swallow the start of the body."""
    signed = find()["zendesk"].sign(b'{"a":1}', "s", NOW, URL)
    with pytest.raises((SignatureMalformed, SignatureMissing)):
        verify("zendesk", b'"a":1}', signed | {"x-zendesk-webhook-signature-timestamp": sent}, "s")


def test_xero_asks_with_an_empty_array() -> None:
    """No events, no complaint; the answer is to be empty."""
    assert split("xero", b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"X"}') == []
    assert find()["xero"].empty_answer
    assert not any(provider.empty_answer for name, provider in find().items() if name != "xero")


def test_xero_identity_is_what_happened_to_which_resource_and_when() -> None:
    """Times without a zone are UTC."""
    event = {"tenantId": "t", "resourceId": "r", "eventType": "UPDATE", "eventCategory": "INVOICE"}
    event["eventDateUtc"] = "2026-01-01T01:15:39.902"
    [one] = split("xero", {"events": [event]})
    assert one.key == "t/r/invoice.update/2026-01-01T01:15:39.902"
    assert (one.type, one.account, one.form) == ("invoice.update", "t", "reference")
    assert one.occurred_at == datetime(2026, 1, 1, 1, 15, 39, 902000, tzinfo=UTC)


def test_gocardless_finds_the_resource_among_the_links() -> None:
    """Up to 250 events, each by its own id; a bad one is parked."""
    good = {"id": "EV1", "resource_type": "payments", "action": "confirmed", "links": {"payment": "PM1"}}
    one, two = find()["gocardless"].split(
        Request("POST", URL, {}, json.dumps({"events": [good, {"action": "x"}]}).encode())
    )
    assert isinstance(one, Received)
    assert (one.key, one.type, one.subject) == ("EV1", "payments.confirmed", "gocardless:PM1")
    assert isinstance(two, Unreadable)


def test_quickbooks_mixes_companies_in_one_array() -> None:
    """Each event belongs to its own; ids are counted per company and kind."""
    events = [
        {"id": "q1", "type": "qbo.invoice.created.v1", "intuitentityid": "5", "intuitaccountid": account}
        for account in ("1", "2")
    ]
    one, two = split("quickbooks", events)
    assert (one.key, two.key) == ("1/q1", "2/q1")
    assert (one.subject, one.account, one.form) == ("quickbooks:1:invoice:5", "1", "reference")


def test_quickbooks_reads_the_older_form() -> None:
    """Companies, then entities; whatever is bad is parked for itself."""
    entity = {"id": "5", "name": "Invoice", "operation": "Update", "lastUpdated": "2026-01-01T00:00:00Z"}
    body = {
        "eventNotifications": [
            {"realmId": "1", "dataChangeEvent": {"entities": [entity, {"id": "6"}]}},
            {"realmId": "2", "dataChangeEvent": {"entities": [entity]}},
            {"dataChangeEvent": {"entities": [entity]}},
            {"realmId": "3"},
        ]
    }
    found = find()["quickbooks"].split(Request("POST", URL, {}, json.dumps(body).encode()))
    assert [type(event) for event in found] == [Received, Unreadable, Received, Unreadable, Unreadable]
    assert isinstance(found[0], Received)
    assert found[0].key == "1/Invoice/5/Update/2026-01-01T00:00:00Z"
    assert (found[0].subject, found[0].account) == ("quickbooks:1:invoice:5", "1")
    assert json.loads(found[0].payload) == entity
    for nothing in ({"eventNotifications": [{"realmId": "3"}]}, {}, {"eventNotifications": 1}):
        with pytest.raises(BodyRefused):
            split("quickbooks", nothing)


def test_chargebee_compares_whole_credentials() -> None:
    """A password may hold colons; the scheme's name may be in any case."""
    secret = "user:pass:word"
    [(name, value)] = find()["chargebee"].sign(b"", secret, NOW, URL).items()
    verify("chargebee", b"{}", {name: value}, secret)
    verify("chargebee", b"{}", {name: value.replace("Basic", "bASIC")}, secret)
    for wrong in (
        "Basic",
        "Basic !",
        value + "=",
        value.replace("Basic", "Bearer"),
        "Basic é",
        value.replace(" ", "  "),
    ):
        with pytest.raises(Rejected) as refusal:
            verify("chargebee", b"{}", {name: wrong}, secret)
        assert refusal.value.status == 401
    check = find()["chargebee"].check_secret
    assert check(secret) is None
    assert all(check(bad) for bad in ("", "user", "user:", ":word"))


@pytest.mark.parametrize(
    ("kind", "content", "subject"),
    [
        ("invoice_generated", {"customer": {"id": "c"}, "invoice": {"id": "i"}}, "chargebee:invoice:i"),
        ("credit_note_created", {"credit": {"id": "x"}, "credit_note": {"id": "n"}}, "chargebee:credit_note:n"),
        ("payment_succeeded", {"transaction": {"id": "t"}}, None),
        ("x", [], None),
    ],
)
def test_chargebee_is_about_what_its_type_names(kind: str, content: Any, subject: str | None) -> None:
    """Not about whatever else is enclosed."""
    [event] = split("chargebee", {"id": "ev_1", "event_type": kind, "content": content})
    assert event.subject == subject


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (NOW, datetime(2026, 1, 1, tzinfo=UTC)),
        (NOW * 1000 + 1, datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),
        (str(NOW), datetime(2026, 1, 1, tzinfo=UTC)),
        ("1767225600.5", datetime(2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        (True, None),
        (None, None),
        ([], None),
        ("", None),
        ("²", None),
        ("9" * 400, None),
        (10**400, None),
        (-(10**400), None),
        (1e300, None),
    ],
)
def test_a_time_is_read_in_all_the_forms_that_occur(value: object, moment: datetime | None) -> None:
    """What is no time is unknown, never an exception."""
    assert as_time(value) == moment


def test_parts_of_a_key_cannot_be_moved_between_each_other() -> None:
    """Two lists of parts never give one key; a long one stays short and its own."""
    lists = [("a", "b/c"), ("a/b", "c"), ("a", "b", "c"), ("a%2Fb", "c"), ("a/b/c",)]
    assert len({make_key(*parts) for parts in lists[:4]}) == 4
    assert len(make_key("x" * 5000)) <= 400
    assert make_key("x" * 5000) != make_key("x" * 5001)
