"""Our verdicts beside those of the vendors' own libraries: what they sign we accept, what we sign they accept."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
import stripe
import svix
from hubspot.utils.signature import Signature
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.providers import find
from ingest.providers.base import Rejected, Request

URL = "https://example.test/webhooks?a=b"
BODIES = st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
HEX = st.text("0123456789abcdef", min_size=60, max_size=64)
SW_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"


def accepts(name: str, body: bytes, headers: dict[str, str], secret: str, now: float) -> bool:
    """Whether our provider accepts it."""
    try:
        find()[name].verify(Request("POST", URL, headers, body), (secret,), now)
    except Rejected:
        return False
    return True


def stripe_accepts(body: bytes, header: str) -> bool:
    """Whether Stripe's library accepts it now."""
    try:
        stripe.WebhookSignature.verify_header(body.decode(), header, "whsec_1", tolerance=300)
    except stripe.SignatureVerificationError:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(BODIES, st.sampled_from([-250, -350, 0, 200]), HEX)
def test_stripe_agrees(body: bytes, offset: int, junk: str) -> None:
    """On fresh, old, future, forged and rolled signatures."""
    now = int(time.time())
    header = find()["stripe"].sign(body, "whsec_1", now + offset, URL)["stripe-signature"]
    sent, _, signature = header.partition(",v1=")
    for variant in (
        header,
        f"{sent},v1={junk},v1={signature},v0={junk}",
        f"{sent},v1={junk}",
        f"{sent},v0={signature}",
    ):
        ours = accepts("stripe", body, {"stripe-signature": variant}, "whsec_1", now)
        assert ours == stripe_accepts(body, variant), variant


@settings(max_examples=40, deadline=None)
@given(BODIES)
def test_hubspot_agrees_on_all_three_versions(body: bytes) -> None:
    """Its library makes the signatures that we accept, and accepts the one that we make."""
    now = time.time()
    sent = str(round(now * 1000))
    text = body.decode()
    for version in ("v1", "v2"):
        made = Signature.get_signature("s", text, version, http_uri=URL)
        headers = {"x-hubspot-signature": made, "x-hubspot-signature-version": version}
        assert accepts("hubspot", body, headers, "s", now)
        assert not accepts("hubspot", body, headers, "t", now)
    made = Signature.get_signature("s", text, "v3", http_uri=URL, timestamp=sent)
    assert accepts("hubspot", body, {"x-hubspot-signature-v3": made, "x-hubspot-request-timestamp": sent}, "s", now)
    ours = find()["hubspot"].sign(body, "s", now, URL)
    assert Signature.is_valid(
        ours["x-hubspot-signature-v3"],
        "s",
        text,
        http_uri=URL,
        signature_version="v3",
        timestamp=ours["x-hubspot-request-timestamp"],
    )


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
@settings(max_examples=40, deadline=None)
@given(body=BODIES, offset=st.sampled_from([-280, -320, 0, 280, 320]))
def test_standard_webhooks_agree(library: Any, body: bytes, offset: int) -> None:
    """On the signature itself, and on the window."""
    now = int(time.time())
    theirs = library(SW_SECRET)
    signature = theirs.sign("msg_1", datetime.fromtimestamp(now + offset, UTC), body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now + offset), "webhook-signature": signature}
    assert accepts("standard_webhooks", body, headers, SW_SECRET, now) == (abs(offset) <= 300)
    ours = find()["standard_webhooks"].sign(body, SW_SECRET, now + offset, URL)
    for made in (ours, ours | {"webhook-signature": "v1,AAAA"}):
        try:
            theirs.verify(body, made, json_parse=False) if library is standardwebhooks.Webhook else _svix(
                theirs, body, made
            )
            accepted = True
        except (standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError):
            accepted = False
        assert accepted == accepts("standard_webhooks", body, made, SW_SECRET, now)


def _svix(library: Any, body: bytes, headers: dict[str, str]) -> None:
    """Svix's library parses what it has verified; a body that is not JSON was verified all the same."""
    try:
        library.verify(body, headers)
    except ValueError:
        return
