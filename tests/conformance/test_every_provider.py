"""What holds for every provider: found by walking, so that adding one needs no line here.

The differences are visible traits: `signed` says whether a signature covers the body, eight fields of each item in it
(Adyen), or nothing of it (Chargebee).
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.providers import find
from ingest.providers.base import Provider, Received, Rejected, Request, Sample, SignatureMismatch, Unreadable

NOW = 1767225600.25
URL = "https://example.test/webhooks/source?a=b"

#: Secrets where any text would not do.
SECRETS = {
    "standard_webhooks": ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "chargebee": ("user:first", "user:second"),
    "adyen": ("44782DEF547AAA06C910C43932B1EB0C", "55893EF0658BBB17DA21D54A43C2FC1D"),
}

EVERY = list(find().values())
SAMPLES = [(provider, sample) for provider in EVERY for sample in provider.samples]
COVERED = [provider for provider in EVERY if provider.signed == "body"]

every = pytest.mark.parametrize("provider", EVERY, ids=lambda provider: provider.name)
every_covered = pytest.mark.parametrize("provider", COVERED, ids=lambda provider: provider.name)
every_sample = pytest.mark.parametrize(
    ("provider", "sample"), SAMPLES, ids=[f"{provider.name}-{sample.type}" for provider, sample in SAMPLES]
)
# A parametrised test draws anew for each provider.
drawn = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])


def secrets_of(provider: Provider) -> tuple[str, str]:
    """Two secrets of this provider."""
    return SECRETS.get(provider.name, ("first secret", "second secret"))


def a_request(provider: Provider, sample: Sample, secret: str | None = None) -> Request:
    """A signed request of this sample."""
    secret = secret or secrets_of(provider)[0]
    body = provider.seal(sample.body, secret)
    headers = {"content-type": "application/json", **sample.headers, **provider.sign(body, secret, NOW, URL)}
    return Request("POST", URL, headers, body)


def signature_headers(provider: Provider) -> list[str]:
    """The headers by which this provider vouches for a body."""
    return list(provider.sign(b"{}", secrets_of(provider)[0], NOW, URL))


def refusal_of(call: Callable[..., object], *arguments: object) -> Rejected | None:
    """The refusal that a call raises, None if it raises nothing; anything but a Rejected leaves and fails the test."""
    try:
        call(*arguments)
    except Rejected as refusal:
        return refusal
    return None


def refuses(provider: Provider, request: Request, *secrets: str) -> bool:
    """Whether the request is refused, with a status, a reason and a sentence without secrets."""
    secrets = secrets or secrets_of(provider)[:1]
    refusal = refusal_of(provider.verify, request, secrets, NOW)
    if refusal is None:
        return False
    assert refusal.status in (400, 401)
    assert refusal.reason
    assert refusal.detail
    assert not any(secret and secret in refusal.detail for secret in secrets)
    return True


def must_be_recordable(event: Received | Unreadable) -> None:
    """Whatever text goes to the database is short enough for it, UTF-8 and without NUL."""
    assert 0 < len(event.key) <= 400
    texts = [event.key, event.payload.decode()]
    if isinstance(event, Received):
        texts += [event.type, event.subject or "", event.account or "", event.api_version or "", event.form]
        assert 0 < len(event.type) <= 255
        assert len(event.subject or "") <= 400
        assert event.occurred_at is None or event.occurred_at.utcoffset() is not None
    assert not [text for text in texts if "\x00" in text]
    assert all(text.encode() for text in texts if text)


def events_of(provider: Provider, request: Request) -> list[Received]:
    """The events of a request of which nothing is unreadable."""
    events = provider.split(request)
    assert not [event for event in events if isinstance(event, Unreadable)]
    return [event for event in events if isinstance(event, Received)]


def test_the_providers_are_found() -> None:
    """Those that the project promises, each under its file's name."""
    promised = "stripe hubspot standard_webhooks github shopify slack paddle chargebee quickbooks xero zendesk intercom"
    assert {*promised.split(), "gocardless", "adyen", "recurly"} <= find().keys()


@every
def test_a_provider_says_what_it_is(provider: Provider) -> None:
    """A name, a variable for its secret, content types, and two events to show."""
    assert provider.name.isidentifier()
    assert provider.secret_env.startswith(provider.name.upper())
    assert provider.content_types
    assert len(provider.samples) >= 2
    assert all(provider.check_secret(secret) is None for secret in secrets_of(provider))
    assert provider.check_secret("")


@every_sample
def test_a_signed_request_is_accepted_and_read(provider: Provider, sample: Sample) -> None:
    """Verified and split into what the sample says it is."""
    request = a_request(provider, sample)
    provider.verify(request, secrets_of(provider)[:1], NOW)
    for event in events_of(provider, request):
        must_be_recordable(event)
        assert event.type == sample.type.removeprefix("v1.")
        assert len(event.content_hash) == 16
        assert event.form in ("full", "reference")
        assert event.subject is None or event.subject.startswith(f"{provider.name}:")
        assert isinstance(json.loads(event.payload), dict)
        assert provider.business(event.payload)


@every
def test_the_second_of_two_secrets_is_enough(provider: Provider) -> None:
    """While a secret is rolled both are live."""
    first, second = secrets_of(provider)
    request = a_request(provider, provider.samples[0], second)
    provider.verify(request, (first, second), NOW)
    provider.verify(request, (second, first), NOW)


@every
def test_another_secret_is_refused(provider: Provider) -> None:
    """Also no secret at all, and an empty one."""
    first, second = secrets_of(provider)
    request = a_request(provider, provider.samples[0], second)
    assert refuses(provider, request, first)
    with pytest.raises(SignatureMismatch):
        provider.verify(request, (), NOW)
    with pytest.raises(SignatureMismatch):
        provider.verify(request, ("",), NOW)


@every_covered
@drawn
@given(data=st.data())
def test_any_changed_byte_of_the_body_is_refused(provider: Provider, data: st.DataObject) -> None:
    """Changed, added or taken away, wherever it is."""
    request = a_request(provider, data.draw(st.sampled_from(provider.samples)))
    body = request.body
    where = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[where]))
    change = data.draw(st.sampled_from(["change", "add", "drop", "append"]))
    request.body = {
        "change": body[:where] + bytes([byte]) + body[where + 1 :],
        "add": body[:where] + bytes([byte]) + body[where:],
        "drop": body[:where] + body[where + 1 :],
        "append": body + bytes([byte]),
    }[change]
    assert request.body == body or refuses(provider, request)


@every
@drawn
@given(data=st.data())
def test_any_changed_character_of_a_signature_is_refused(provider: Provider, data: st.DataObject) -> None:
    """Of its value, or of the time that it covers; header names and labels in front of it are not meant."""
    request = a_request(provider, provider.samples[0])
    if provider.signed == "fields":
        start = request.body.index(b'"hmacSignature":"') + 17
        where = start + data.draw(st.integers(0, 43))
        byte = data.draw(st.integers(33, 126).filter(lambda byte: byte not in (request.body[where], 34, 92)))
        request.body = request.body[:where] + bytes([byte]) + request.body[where + 1 :]
    else:
        name = data.draw(st.sampled_from(signature_headers(provider)))
        value = request.headers[name]
        # A label such as `sha256=` may be in front, but the value itself has no second spelling.
        where = data.draw(st.integers(max(0, len(value) - 8), len(value) - 1))
        new = data.draw(st.characters(max_codepoint=255).filter(lambda new: new != value[where]))
        request.headers[name] = value[:where] + new + value[where + 1 :]
    assert refuses(provider, request)


STRANGE = ["", " ", "x", "é", "\x00", "=", ",", "t=,v1=", "v1,", "²", "９" * 10, "9" * 5000, "x" * 10_000, "\udcff"]


@every
@pytest.mark.parametrize("value", STRANGE, ids=lambda value: ascii(value[:8]))
def test_a_strange_header_is_refused_cleanly(provider: Provider, value: str) -> None:
    """Missing, empty, not ASCII, 10 kB: whichever of the headers it is."""
    for name in signature_headers(provider):
        request = a_request(provider, provider.samples[0])
        request.headers[name] = value
        assert refuses(provider, request)
        del request.headers[name]
        assert refuses(provider, request)
        twice = a_request(provider, provider.samples[0])
        twice.headers[name] = f"{twice.headers[name]}, {value}"
        refuses(provider, twice)


@every
@drawn
@given(data=st.data())
def test_nothing_but_a_refusal_ever_leaves(provider: Provider, data: st.DataObject) -> None:
    """Whatever headers and body are made of."""
    sample = data.draw(st.sampled_from(provider.samples))
    request = a_request(provider, sample)
    for name in list(request.headers):
        if data.draw(st.booleans()):
            request.headers[name] = data.draw(st.text(max_size=30))
    body = data.draw(st.binary(max_size=40) | st.just(request.body) | st.builds(json.dumps, JSON).map(str.encode))
    request.body = body
    refuses(provider, request)
    provider.challenge(request)
    if refusal_of(provider.split, request) is None:
        for event in provider.split(request):
            must_be_recordable(event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
)


@every_sample
@drawn
@given(data=st.data())
def test_a_member_of_any_kind_is_read_or_refused(provider: Provider, sample: Sample, data: st.DataObject) -> None:
    """Each member of a real event replaced by something else, however deep it is."""
    request = a_request(provider, sample)
    try:
        document = json.loads(request.body)
    except ValueError:
        return
    places = list(_places(document))
    container, name = data.draw(st.sampled_from(places))
    container[name] = data.draw(JSON)
    request.body = json.dumps(document).encode()
    if refusal_of(provider.split, request) is None:
        for event in provider.split(request):
            must_be_recordable(event)
            if isinstance(event, Received):
                provider.business(event.payload)


def _places(value: Any) -> Any:
    """Every member and element of a document, as container and name."""
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield value, name
        yield from _places(inner)


@every_sample
def test_a_retry_is_the_same_event(provider: Provider, sample: Sample) -> None:
    """New signature, new attempt counters and delivery state: the same key and content."""
    first = a_request(provider, sample)
    later = a_request(provider, sample)
    for name in provider.volatile:
        later.body = _replace_member(later.body, name)
    headers = provider.sign(later.body, secrets_of(provider)[0], NOW + 3600, URL)
    later.headers |= headers | {"webhook-id": first.headers.get("webhook-id", "")}
    before, after = events_of(provider, first), events_of(provider, later)
    assert [(event.key, event.content_hash, event.subject) for event in before] == [
        (event.key, event.content_hash, event.subject) for event in after
    ]
    pairs = zip(before, after, strict=True)
    assert all(provider.business(one.payload) == provider.business(two.payload) for one, two in pairs)


def _replace_member(body: bytes, name: str) -> bytes:
    """The body with a member of its events given another value, where it has it."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    for event in document if isinstance(document, list) else [document]:
        if name in event:
            event[name] = 987654321
    return json.dumps(document, separators=(",", ":")).encode()


@every
def test_two_different_events_have_different_keys(provider: Provider) -> None:
    """No two samples are one event."""
    keys = [event.key for sample in provider.samples for event in events_of(provider, a_request(provider, sample))]
    assert len(set(keys)) == len(keys) >= 2


@every_sample
def test_strange_bytes_in_a_signed_body_are_refused(provider: Provider, sample: Sample) -> None:
    """Whoever holds the secret must still send what the provider sends."""
    request = a_request(provider, sample)
    whole = request.body
    bad = [b"", b"null", b'"x"', b"7", b"[", b"{", b"\xff", b"\xef\xbb\xbf" + whole, whole + b"\xff", b"\x00"]
    for request.body in bad:
        with pytest.raises(Rejected) as refusal:
            provider.split(request)
        assert refusal.value.status == 400
