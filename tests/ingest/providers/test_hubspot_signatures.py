"""HubSpot's three signatures, and no way down from v3."""

from hashlib import sha256
from urllib.parse import unquote

import pytest

from ingest.providers.base import (
    Rejected,
    Request,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)
from ingest.providers.hubspot import PROVIDER, V1_V2, V3, V3_TIME, VERSION

SECRET = "22222222-3333-4444-5555-666666666666"
URL = "https://example.test/hooks/hubspot"
NOW = 1767225600.123
BODY = b'[{"x":1}]'
#: sha256 of the secret, the method, the URL and the body, by hand.
V1 = sha256(SECRET.encode() + BODY).hexdigest()
V2 = sha256(SECRET.encode() + b"POST" + URL.encode() + BODY).hexdigest()


def verify(headers: dict[str, str], url: str = URL, now: float = NOW, method: str = "POST") -> None:
    """Verify the body under these headers."""
    PROVIDER.verify(Request(method, url, headers, BODY), ("other", SECRET), now)


def test_each_version_is_accepted() -> None:
    """v1 and v2 by their header, v3 by its own."""
    verify({V1_V2: V1, VERSION: "v1"})
    verify({V1_V2: V2, VERSION: "v2"})
    verify(PROVIDER.sign(BODY, SECRET, NOW, URL))


@pytest.mark.parametrize("v3", ["", "x", "é", "A" * 44])
def test_a_wrong_v3_is_never_rescued_by_an_older_version(v3: str) -> None:
    """Where its header is present, only v3 counts: v1 could be played again."""
    for version, signature in (("v1", V1), ("v2", V2)):
        with pytest.raises(Rejected) as refusal:
            verify({V3: v3, V3_TIME: str(round(NOW * 1000)), V1_V2: signature, VERSION: version})
        assert refusal.value.status == 401


def test_v3_needs_its_time() -> None:
    """Without the time there is nothing to check, however good v1 is."""
    signed = PROVIDER.sign(BODY, SECRET, NOW, URL)
    with pytest.raises(SignatureMissing):
        verify({V3: signed[V3], V1_V2: V1, VERSION: "v1"})


@pytest.mark.parametrize(
    "sent", ["", "1767225600.123", "+1767225600123", "１７６７２２５６００１２３", "²", "9" * 4000, "now"]
)
def test_the_time_of_v3_must_be_ascii_digits(sent: str) -> None:
    """Anything else is malformed, never an exception of another kind."""
    with pytest.raises((SignatureMalformed, SignatureMissing)):
        verify(PROVIDER.sign(BODY, SECRET, NOW, URL) | {V3_TIME: sent})


def test_v3_counts_for_five_minutes() -> None:
    """300.000 seconds pass, a millisecond more does not; the future is not bounded."""
    signed = PROVIDER.sign(BODY, SECRET, NOW, URL)
    verify(signed, now=NOW + 300)
    verify(signed, now=NOW - 86400)
    with pytest.raises(SignatureExpired):
        verify(signed, now=NOW + 300.001)


@pytest.mark.parametrize("version", ["", "v3", "V1", "v1 ", "v1, v1", "é"])
def test_another_version_is_refused(version: str) -> None:
    """Closed by default."""
    with pytest.raises(Rejected):
        verify({V1_V2: V1, VERSION: version})
    with pytest.raises(SignatureMissing):
        verify({V1_V2: V1})


def test_a_signature_of_one_version_does_not_pass_for_another() -> None:
    """The version is part of what is checked."""
    for signature, version in ((V1, "v2"), (V2, "v1"), (V1.upper(), "v1")):
        with pytest.raises(SignatureMismatch):
            verify({V1_V2: signature, VERSION: version})


@pytest.mark.parametrize("escape", ["%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B"])
def test_v3_decodes_twelve_escapes(escape: str) -> None:
    """In upper and in lower case; HubSpot signs the URL with them decoded."""
    plain = f"{URL}?a=x{chr(int(escape[1:], 16))}y"
    signed = PROVIDER.sign(BODY, SECRET, NOW, plain)
    verify(signed, url=f"{URL}?a=x{escape}y")
    verify(signed, url=f"{URL}?a=x{escape.lower()}y")


@pytest.mark.parametrize("escape", ["%20", "%26", "%25", "%3D", "%23", "%2B", "%22", "%E2%82%AC"])
def test_v3_leaves_all_other_escapes(escape: str) -> None:
    """They are signed as they are, and nothing is decoded twice."""
    signed = PROVIDER.sign(BODY, SECRET, NOW, f"{URL}?a={escape}")
    verify(signed, url=f"{URL}?a={escape}")
    with pytest.raises(SignatureMismatch):
        verify(signed, url=f"{URL}?a={unquote(escape)}")
    verify(PROVIDER.sign(BODY, SECRET, NOW, f"{URL}?a=%253A"), url=f"{URL}?a=%253A")
    with pytest.raises(SignatureMismatch):
        verify(PROVIDER.sign(BODY, SECRET, NOW, f"{URL}?a=%253A"), url=f"{URL}?a=:")


def test_v2_is_hashed_undecoded() -> None:
    """The same URL with an escape decoded is another text for v2."""
    url = f"{URL}?a=%3A"
    verify({V1_V2: sha256(SECRET.encode() + b"POST" + url.encode() + BODY).hexdigest(), VERSION: "v2"}, url=url)
    decoded = f"{URL}?a=:"
    with pytest.raises(SignatureMismatch):
        verify({V1_V2: sha256(SECRET.encode() + b"POST" + decoded.encode() + BODY).hexdigest(), VERSION: "v2"}, url=url)


def test_method_and_url_are_signed() -> None:
    """v3 and v2 cover them."""
    signed = PROVIDER.sign(BODY, SECRET, NOW, URL)
    for url, method in ((URL + "/", "POST"), (URL.replace("https", "http"), "POST"), (URL, "PUT")):
        with pytest.raises(SignatureMismatch):
            verify(signed, url=url, method=method)
        with pytest.raises(SignatureMismatch):
            verify({V1_V2: V2, VERSION: "v2"}, url=url, method=method)
