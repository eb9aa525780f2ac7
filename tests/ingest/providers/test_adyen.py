"""Adyen: every item of a batch is signed, and every one is verified."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ingest.providers import find
from ingest.providers.base import (
    Received,
    Rejected,
    Request,
    SignatureMismatch,
    SignatureMissing,
)

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


ADYEN_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"


def an_item(**changes: Any) -> dict[str, Any]:
    """One item of an Adyen notification, unsigned."""
    return {
        "amount": {"currency": "EUR", "value": 1130},
        "eventCode": "AUTHORISATION",
        "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704",
        "pspReference": "7914073381342284",
        "success": "true",
    } | changes


def adyen(*items: dict[str, Any], live: str = "false") -> bytes:
    """A sealed notification of these items."""
    document = {"live": live, "notificationItems": [{"NotificationRequestItem": item} for item in items]}
    return find()["adyen"].seal(json.dumps(document).encode(), ADYEN_KEY)


def test_adyen_signs_as_its_documentation_shows() -> None:
    """The published example: this key over these fields gives this signature."""
    item = json.loads(adyen(an_item()))["notificationItems"][0]["NotificationRequestItem"]
    assert item["additionalData"]["hmacSignature"] == "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="


def test_adyen_verifies_every_item() -> None:
    """One item changed, unsigned or added refuses all; each of the eight fields is covered."""
    body = adyen(an_item(), an_item(pspReference="2"), an_item(pspReference="3"))
    verify("adyen", body, {}, ADYEN_KEY)
    for old, new in (
        (b'"pspReference":"3"', b'"pspReference":"4"'),
        (b'"value":1130', b'"value":1131'),
        (b'"EUR"', b'"USD"'),
        (b'"AUTHORISATION"', b'"CAPTURE"'),
        (b'"success":"true"', b'"success":"false"'),
        (b'"success":"true"', b'"originalReference":"1","success":"true"'),
        (b"TestMerchant", b"OtherMerchant"),
        (b"TestPayment", b"OtherPayment"),
    ):
        head, _, tail = body.rpartition(old)
        with pytest.raises(SignatureMismatch):
            verify("adyen", head + new + tail, {}, ADYEN_KEY)
    document = json.loads(body)
    document["notificationItems"].append({"NotificationRequestItem": an_item(pspReference="9")})
    with pytest.raises(SignatureMissing):
        verify("adyen", json.dumps(document).encode(), {}, ADYEN_KEY)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"notificationItems":{}}',
        b'{"notificationItems":[]}',
        b'{"notificationItems":[1]}',
        b'{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":1}}}]}',
        b'{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"x"},"success":[]}}]}',
        b'{"notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"x"},"success":1.0}}]}',
    ],
)
def test_adyen_without_signed_items_is_refused(body: bytes) -> None:
    """Nothing to verify is not verified."""
    with pytest.raises(Rejected):
        verify("adyen", body, {}, ADYEN_KEY)


def test_adyen_items_are_identified_by_code_and_reference() -> None:
    """The mode is said once for all; what follows a payment is about that payment."""
    one, two = split(
        "adyen", adyen(an_item(), an_item(eventCode="CAPTURE", pspReference="2", originalReference="1"), live="true")
    )
    assert (one.key, one.subject, one.livemode) == ("AUTHORISATION/7914073381342284", "adyen:7914073381342284", True)
    assert (two.key, two.subject, two.account) == ("CAPTURE/2", "adyen:1", "TestMerchant")
    check = find()["adyen"].check_secret
    assert check(ADYEN_KEY) is None
    assert all(check(bad) for bad in ("", "xyz", "abc", "AB CD"))
