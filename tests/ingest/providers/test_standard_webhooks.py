"""Standard Webhooks and Svix: two families of headers, two kinds of keys, a window on both sides."""

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
from ingest.providers.standard_webhooks import PROVIDER

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
BODY = b'{"type":"invoice.paid","timestamp":"2026-01-01T00:00:00Z","data":{"id":"inv_1"}}'
NOW = 1767225600
SIGNED = PROVIDER.sign(BODY, SECRET, NOW, "")
SIGNATURE = SIGNED["webhook-signature"]


def verify(headers: dict[str, str], now: float = NOW, *secrets: str) -> None:
    """Verify the body under these headers."""
    PROVIDER.verify(Request("POST", "https://example.test/", headers, BODY), secrets or (SECRET,), now)


def svix(headers: dict[str, str]) -> dict[str, str]:
    """The same headers by Svix's names."""
    return {name.replace("webhook-", "svix-"): value for name, value in headers.items()}


def test_both_families_are_accepted() -> None:
    """Whole, under either name; a complete Svix family wins over the other."""
    verify(SIGNED)
    verify(svix(SIGNED))
    verify(svix(SIGNED) | SIGNED | {"webhook-signature": "v1,x"})


def test_families_are_never_mixed() -> None:
    """An id from one and a signature from the other are no signature."""
    with pytest.raises(SignatureMissing):
        verify({"svix-id": SIGNED["webhook-id"], **{k: v for k, v in SIGNED.items() if k != "webhook-id"}})
    with pytest.raises(SignatureMismatch):
        verify(SIGNED | svix(SIGNED) | {"svix-signature": "v1,x"})


@pytest.mark.parametrize("age", [-300, -1, 0, 300])
def test_the_window_is_open_on_both_sides(age: int) -> None:
    """Three hundred seconds each way, limits included."""
    verify(SIGNED, NOW + age)


@pytest.mark.parametrize("age", [-301, 301])
def test_outside_the_window_a_signature_is_expired(age: int) -> None:
    """A second more is too much, in the past and in the future."""
    with pytest.raises(SignatureExpired):
        verify(SIGNED, NOW + age)


@pytest.mark.parametrize(
    "signature", [f"v2,x {SIGNATURE}", f"junk  {SIGNATURE} v1a,xx", f"v1,é {SIGNATURE}", f"v1, {SIGNATURE}"]
)
def test_unknown_tokens_are_skipped(signature: str) -> None:
    """Also one without a comma."""
    verify(SIGNED | {"webhook-signature": signature})


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", SIGNATURE[3:], SIGNATURE.replace("v1,", "v1a,"), SIGNATURE + "=", "v1,é", "é"]
)
def test_no_signature_of_the_key_is_no_entry(signature: str) -> None:
    """Whatever stands in the header instead."""
    with pytest.raises(Rejected) as refusal:
        verify(SIGNED | {"webhook-signature": signature})
    assert refusal.value.status == 401


@pytest.mark.parametrize("sent", ["", "soon", "1767225600.0", "²", "９", "9" * 5000, "-1", " 1767225600"])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    """Digits in ASCII and not many."""
    with pytest.raises((SignatureMalformed, SignatureMissing)):
        verify(SIGNED | {"webhook-timestamp": sent})


def test_an_id_with_a_dot_is_refused() -> None:
    """`a.1` at time 2 would sign the same text as `a` at time 1.2 of another split."""
    with pytest.raises(SignatureMalformed):
        verify(SIGNED | {"webhook-id": "msg.1"})


def test_an_unpadded_secret_is_the_same_key() -> None:
    """With and without prefix and padding."""
    key = b"0123456789abcdef0123456789abcdef"
    text = b64encode(key).decode()
    signed = PROVIDER.sign(BODY, text, NOW, "")
    for secret in (text, text.rstrip("="), "whsec_" + text, "whsec_" + text.rstrip("=")):
        verify(signed, NOW, secret)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whsec_a b", "not base64!", "whsec_A"])
def test_a_secret_that_is_no_key_opens_nothing(secret: str) -> None:
    """And is reported when the configuration is checked."""
    assert PROVIDER.check_secret(secret)
    with pytest.raises(SignatureMismatch):
        verify(SIGNED, NOW, secret)
    verify(SIGNED, NOW, secret, SECRET)


def _asymmetric() -> tuple[Ed25519PrivateKey, str]:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return private, "whpk_" + b64encode(public).decode()


def test_ed25519_is_verified_with_the_public_key() -> None:
    """v1a alone, or beside v1; neither key accepts the other's signature."""
    private, public = _asymmetric()
    text = f"msg_1.{NOW}.".encode() + BODY
    signature = "v1a," + b64encode(private.sign(text)).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert PROVIDER.check_secret(public) is None
    verify(headers, NOW, public)
    verify(headers, NOW, SECRET, public)
    verify(headers | {"webhook-signature": f"v1,x {signature}"}, NOW, public)
    # 64 bytes leave four bits of the last character unused: another one there decodes to the same signature.
    respelled = signature[:-3] + chr(ord(signature[-3]) + 1) + "=="
    assert b64decode(respelled[4:]) == b64decode(signature[4:])
    for wrong in (
        respelled,
        signature[:-3] + "A==",
        signature.replace("v1a", "v1"),
        "v1a,",
        "v1a,é",
        "v1a,AAAA",
        signature + "\n",
    ):
        with pytest.raises(SignatureMismatch):
            verify(headers | {"webhook-signature": wrong}, NOW, public)
    with pytest.raises(SignatureMismatch):
        verify(headers, NOW, SECRET)
    with pytest.raises(SignatureMismatch):
        verify(headers | {"webhook-id": "msg_2"}, NOW, public)


def test_a_public_key_is_no_shared_secret() -> None:
    """Who knows the public key, which is everybody, must not be able to sign."""
    _, public = _asymmetric()
    forged = PROVIDER.sign(BODY, public, NOW, "")
    with pytest.raises(SignatureMismatch):
        verify(forged, NOW, public)
    assert PROVIDER.check_secret("whpk_AAAA")


def _split(body: bytes, headers: dict[str, str] = SIGNED) -> Received:
    [received] = PROVIDER.split(Request("POST", "https://example.test/", headers, body))
    assert isinstance(received, Received)
    return received


def test_the_message_id_is_the_identity() -> None:
    """It survives retries and is signed."""
    received = _split(BODY)
    assert received.key == SIGNED["webhook-id"]
    assert (received.type, received.subject) == ("invoice.paid", "standard_webhooks:inv_1")
    assert _split(b'{"test":1}').type == "untyped"


@pytest.mark.parametrize("message_id", ["x" * 401, "a\x00b", "a\tb"])
def test_an_id_that_cannot_be_recorded_is_refused(message_id: str) -> None:
    """Too long for an index, or with characters that no database takes."""
    with pytest.raises(BodyRefused):
        _split(BODY, SIGNED | {"webhook-id": message_id})
