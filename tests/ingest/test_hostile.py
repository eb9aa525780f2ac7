"""Requests that nobody honest sends: each gets its 4xx problem within a second, and the door still serves.

A case is the exact bytes on the wire. Most are signed correctly, so that it is the fault under test that is found.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

STRIPE = "whsec_door_test_1"
HUBSPOT = "hubspot-door-test-1"
GOOD = (
    b'{"id":"evt_h","object":"event","type":"invoice.paid","created":1767225599,"livemode":true,'
    b'"data":{"object":{"id":"in_h","object":"invoice"}}}'
)


def wire(
    body: bytes = GOOD,
    *,
    path: bytes = b"/webhooks/stripe",
    line: bytes | None = None,
    signature: bytes | None = b"stripe",
    content_type: bytes | None = b"application/json",
    length: bytes | None = b"",
    host: bytes | None = b"door.test",
    extra: bytes = b"",
    sent: bytes | None = None,
) -> bytes:
    """One request; `sent` replaces the body on the wire, the signature is over `body`."""
    head = line or b"POST " + path + b" HTTP/1.1\r\n"
    if host is not None:
        head += b"Host: " + host + b"\r\n"
    if content_type is not None:
        head += b"Content-Type: " + content_type + b"\r\n"
    if signature == b"stripe":
        head += b"Stripe-Signature: " + stripe_signature(body) + b"\r\n"
    elif signature:
        head += signature + b"\r\n"
    if length is not None:
        head += b"Content-Length: " + (length or b"%d" % len(body)) + b"\r\n"
    return head + extra + b"\r\n" + (body if sent is None else sent)


def stripe_signature(body: bytes, at: float | None = None, secret: str = STRIPE, version: bytes = b"v1") -> bytes:
    """Stripe's header, made here so that the door's own code is not its judge."""
    moment = b"%d" % (time.time() if at is None else at)
    made = hmac.new(secret.encode(), moment + b"." + body, hashlib.sha256).hexdigest().encode()
    return b"t=" + moment + b"," + version + b"=" + made


def hubspot(body: bytes, **changes: Any) -> bytes:
    """A HubSpot v1 request."""
    made = hashlib.sha256(HUBSPOT.encode() + body).hexdigest().encode()
    header = b"X-HubSpot-Signature: " + made + b"\r\nX-HubSpot-Signature-Version: v1"
    return wire(body, path=b"/webhooks/hubspot", signature=header, **changes)


def chunked(*chunks: bytes, tail: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n" % len(chunk) + chunk + b"\r\n" for chunk in chunks) + tail


def signature(value: bytes) -> bytes:
    """A Stripe request with this signature header."""
    return wire(signature=b"Stripe-Signature: " + value)


def an_event(**changes: str) -> bytes:
    """The good event with members replaced by raw JSON text."""
    members = {
        "id": '"evt_h"',
        "object": '"event"',
        "type": '"invoice.paid"',
        "created": "1767225599",
        "livemode": "true",
        "data": '{"object":{"id":"in_h"}}',
    }
    members.update(changes)
    return ("{" + ",".join(f'"{name}":{text}' for name, text in members.items() if text) + "}").encode()


def with_data(text: str) -> bytes:
    """The good event with this raw JSON somewhere inside."""
    return an_event(data='{"object":{"id":"in_h","x":' + text + "}}")


@dataclass(frozen=True)
class Case:
    """What is sent and what it deserves; made late, because signatures age."""

    name: str
    expect: int
    make: Callable[[], bytes]


def cases() -> Iterator[Case]:
    def case(name: str, expect: int, make: Callable[[], bytes]) -> Case:
        return Case(name, expect, make)

    now = time.time()
    # Signatures
    yield case("no signature", 401, lambda: wire(signature=None))
    for name, value in {
        "empty": b"",
        "blank": b"   ",
        "no parts": b"hello",
        "only a time": b"t=1767225600",
        "no time": b"v1=" + b"0" * 64,
        "empty time": b"t=,v1=" + b"0" * 64,
        "time of letters": b"t=abc,v1=" + b"0" * 64,
        "negative time": b"t=-1,v1=" + b"0" * 64,
        "time with a plus": b"t=+1767225600,v1=" + b"0" * 64,
        "superscript digit": "t=176722560²,v1=".encode("latin-1") + b"0" * 64,
        "arabic digits as bytes": "t=١٧,v1=".encode() + b"0" * 64,
        "time of 5,000 digits": b"t=" + b"9" * 5000 + b",v1=" + b"0" * 64,
        "time as a float": b"t=1767225600.5,v1=" + b"0" * 64,
        "time not a number": b"t=nan,v1=" + b"0" * 64,
        "short": b"t=%d,v1=00" % now,
        "too long": b"t=%d,v1=" % now + b"0" * 4000,
        "not hex": b"t=%d,v1=" % now + b"z" * 64,
        "not ascii": b"t=%d,v1=" % now + b"\xff" * 64,
        "utf-8": b"t=%d,v1=" % now + "é".encode() * 32,
        "a thousand candidates": b"t=%d" % now + b",v1=00" * 1000,
        "only v0": None,
        "two times": None,
        "upper case": None,
        "of another secret": None,
        "301 seconds old": None,
    }.items():
        if value is not None:
            yield case(f"signature {name}", 401, lambda value=value: signature(value))
    yield case("signature only v0", 401, lambda: signature(stripe_signature(GOOD, version=b"v0")))
    yield case("signature with two times", 401, lambda: signature(b"t=1,t=" + stripe_signature(GOOD).split(b"=", 1)[1]))
    yield case("signature of another secret", 401, lambda: signature(stripe_signature(GOOD, secret="whsec_no")))
    yield case("signature 302 s old", 401, lambda: signature(stripe_signature(GOOD, time.time() - 302)))
    yield case("signature a year old", 401, lambda: signature(stripe_signature(GOOD, time.time() - 3e7)))
    yield case("signature over another body", 401, lambda: signature(stripe_signature(GOOD + b" ")))
    yield case(
        "signature twice, both good", 401, lambda: wire(extra=b"Stripe-Signature: " + stripe_signature(GOOD) + b"\r\n")
    )
    yield case(
        "signature twice, second good",
        401,
        lambda: signature(b"t=1,v1=" + b"0" * 64 + b"\r\nStripe-Signature: " + stripe_signature(GOOD)),
    )
    yield case("body changed in one byte", 401, lambda: wire(sent=GOOD.replace(b"in_h", b"in_i")))
    yield case("body cut and padded", 401, lambda: wire(sent=GOOD[:-1] + b" "))
    yield case("hubspot without signature", 401, lambda: wire(b"[]", path=b"/webhooks/hubspot", signature=None))
    yield case(
        "hubspot v3 without time",
        401,
        lambda: wire(b"[{}]", path=b"/webhooks/hubspot", signature=b"X-HubSpot-Signature-v3: AAAA"),
    )
    yield case(
        "hubspot wrong v3 beside a good v1",
        401,
        lambda: hubspot(
            b"[{}]", extra=b"X-HubSpot-Signature-v3: AAAA\r\nX-HubSpot-Request-Timestamp: %d\r\n" % (time.time() * 1e3)
        ),
    )
    yield case("hubspot empty v3 beside a good v1", 401, lambda: hubspot(b"[{}]", extra=b"X-HubSpot-Signature-v3:\r\n"))
    yield case(
        "hubspot time in superscript",
        401,
        lambda: wire(
            b"[]",
            path=b"/webhooks/hubspot",
            signature="X-HubSpot-Signature-v3: AAAA\r\nX-HubSpot-Request-Timestamp: ²".encode("latin-1"),
        ),
    )
    yield case(
        "hubspot signature not ascii",
        401,
        lambda: wire(b"[]", path=b"/webhooks/hubspot", signature=b"X-HubSpot-Signature: \xff\xfe"),
    )
    yield case(
        "a signature in a trailer",
        401,
        lambda: wire(
            signature=None,
            length=None,
            extra=b"Transfer-Encoding: chunked\r\nTrailer: Stripe-Signature\r\n",
            sent=chunked(GOOD, tail=b"0\r\nStripe-Signature: " + stripe_signature(GOOD) + b"\r\n\r\n"),
        ),
    )
    # Where and how
    yield case("unknown source", 404, lambda: wire(path=b"/webhooks/nobody"))
    yield case("known provider without secret", 404, lambda: wire(path=b"/webhooks/github"))
    yield case("no source", 404, lambda: wire(path=b"/webhooks/"))
    yield case("trailing slash", 404, lambda: wire(path=b"/webhooks/stripe/"))
    yield case("double slash", 404, lambda: wire(path=b"//webhooks/stripe"))
    yield case("upper-case source", 404, lambda: wire(path=b"/webhooks/STRIPE"))
    yield case("dots", 404, lambda: wire(path=b"/webhooks/../webhooks/stripe"))
    yield case("an encoded slash", 404, lambda: wire(path=b"/webhooks%2Fstripe%2F"))
    yield case("a NUL in the path", 404, lambda: wire(path=b"/webhooks/stripe%00"))
    yield case("bad percent", 404, lambda: wire(path=b"/webhooks/stripe%zz"))
    yield case("SQL in the path", 404, lambda: wire(path=b"/webhooks/stripe'--"))
    for method in (b"GET", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE"):
        line = method + b" /webhooks/stripe HTTP/1.1\r\n"
        yield case(f"method {method.decode()}", 405, lambda line=line: wire(line=line))
    for kind in (
        None,
        b"",
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/xml",
        b"application/jsonx",
        b"application/json; charset=utf-16",
        b"application/json; charset=latin-1",
        b"application/json, text/plain",
        b"\xff\xfe",
        b"json",
    ):
        yield case(f"content type {kind!r}", 415, lambda kind=kind: wire(content_type=kind))
    for coding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"identity, gzip", b"x-unknown"):
        yield case(
            f"content encoding {coding.decode()}",
            415,
            lambda coding=coding: wire(extra=b"Content-Encoding: " + coding + b"\r\n"),
        )
    # Bodies that are not JSON
    for name, body in {
        "empty": b"",
        "blank": b"   ",
        "text": b"hello",
        "cut": GOOD[:-5],
        "two documents": GOOD + GOOD,
        "trailing garbage": GOOD + b"x",
        "trailing NUL": GOOD + b"\0",
        "single quotes": GOOD.replace(b'"', b"'"),
        "trailing comma": GOOD[:-1] + b",}",
        "a comment": b"/* x */" + GOOD,
        "byte order mark": b"\xef\xbb\xbf" + GOOD,
        "utf-16": GOOD.decode().encode("utf-16"),
        "utf-16 without mark": GOOD.decode().encode("utf-16-le"),
        "bad utf-8": GOOD.replace(b"invoice.paid", b"invoice\xff"),
        "bad utf-8 in a skipped text": with_data('"@"').replace(b"@", b"\xc3\x28"),
        "overlong utf-8": with_data('"@"').replace(b"@", b"\xc0\x80"),
        "utf-8 of a surrogate": with_data('"@"').replace(b"@", b"\xed\xa0\x80"),
        "a raw NUL": with_data('"a@b"').replace(b"@", b"\0"),
        "a raw newline in a text": with_data('"a@b"').replace(b"@", b"\n"),
        "not a number": with_data("NaN"),
        "infinity": with_data("Infinity"),
        "minus infinity": with_data("-Infinity"),
        "hex": with_data("0x10"),
        "leading zero": with_data("007"),
        "plus sign": with_data("+1"),
        "no digits": with_data("1e"),
        "True": with_data("True"),
        "undefined": with_data("undefined"),
        "bad escape": with_data(r'"\x41"'),
        "cut escape": with_data(r'"\u00"'),
        # Bodies that parse, and must not pass
        "escaped NUL": with_data(r'"\u0000"'),
        "escaped NUL in a name": with_data(r'{"\u0000":1}'),
        "lone high surrogate": with_data(r'"\ud800"'),
        "lone low surrogate": with_data(r'"\udc00"'),
        "swapped surrogates": with_data(r'"\udc00\ud800"'),
        "surrogate in a name": with_data(r'{"\ud800":1}'),
        "duplicate member": with_data('{"a":1,"a":2}'),
        "duplicate id": GOOD.replace(b'{"id"', b'{"id":"evt_x","id"', 1),
        "duplicate by escape": with_data(r'{"a":1,"\u0061":2}'),
        "duplicate empty name": with_data('{"":1,"":2}'),
        "duplicate data": GOOD[:-1] + b',"data":{}}',
        "65 arrays deep": with_data("[" * 65 + "]" * 65),
        "65 objects deep": with_data('{"a":' * 65 + "1" + "}" * 65),
        "100,000 deep": with_data("[" * 100_000 + "]" * 100_000),
        "100,000 deep, never closed": b"[" * 100_000,
        "a number of 1,000 digits": with_data("9" * 1000),
        "a number of 500,000 digits": with_data("9" * 500_000),
        "a huge exponent": with_data("1e999999999"),
        "a huge negative exponent": with_data("1e-999999999"),
        "a long fraction": with_data("0." + "1" * 5000),
        # JSON that Stripe does not send
        "null": b"null",
        "true": b"true",
        "a number": b"42",
        "a text": b'"x"',
        "an array": b"[" + GOOD + b"]",
        "an empty object": b"{}",
        "no id": an_event(id=""),
        "id is a number": an_event(id="7"),
        "id is empty": an_event(id='""'),
        "id is null": an_event(id="null"),
        "id is an object": an_event(id="{}"),
        "no type": an_event(type=""),
        "type is a list": an_event(type="[]"),
        "another object": an_event(object='"charge"'),
        "created is a text": an_event(created='"yesterday"'),
        "created is a float": an_event(created="1.5"),
        "created is true": an_event(created="true"),
        "created is far beyond time": an_event(created="99999999999999999999"),
        "created is negative beyond time": an_event(created="-99999999999999999999"),
        "livemode is a text": an_event(livemode='"yes"'),
        "livemode is a number": an_event(livemode="1"),
    }.items():
        yield case(f"stripe body {name}", 400, lambda body=body: wire(body))
    for name, body in {
        "an object without meaning": b"{}",
        "an empty array": b"[]",
        "only bad elements": b"[1,2,3]",
        "nested arrays": b"[[{}]]",
        "too many elements": json.dumps([{"portalId": 1}] * 1001).encode(),
        "cut": b'[{"portalId":1}',
    }.items():
        yield case(f"hubspot body {name}", 400, lambda body=body: hubspot(body))
    # Sizes
    big = 1_048_577
    yield case("one byte over the limit", 413, lambda: wire(b"x" * big))
    yield case("announced over the limit, nothing sent", 413, lambda: wire(length=b"%d" % big, sent=b""))
    yield case("announced beyond 64 bits", 400, lambda: wire(length=b"99999999999999999999", sent=b""))
    yield case("announced a petabyte", 413, lambda: wire(length=b"1000000000000000", sent=b""))
    yield case(
        "over the limit in chunks",
        413,
        lambda: wire(length=None, extra=b"Transfer-Encoding: chunked\r\n", sent=chunked(*[b"x" * 65536] * 17)),
    )
    yield case("one header of 20 kB", 431, lambda: wire(extra=b"X-A: " + b"a" * 20_000 + b"\r\n"))
    yield case("a header of 1 MB", 431, lambda: wire(extra=b"X-A: " + b"a" * 1_000_000 + b"\r\n"))
    yield case("101 headers", 431, lambda: wire(extra=b"".join(b"X-%d: a\r\n" % n for n in range(101))))
    yield case("50,000 headers", 431, lambda: wire(extra=b"".join(b"X-%d: a\r\n" % n for n in range(50_000))))
    yield case("a header that never ends", 431, lambda: b"POST /webhooks/stripe HTTP/1.1\r\nX: " + b"a" * 60_000)
    yield case("a target of 10 kB", 414, lambda: wire(path=b"/webhooks/stripe?" + b"a" * 10_000))
    yield case("a target of 1 MB", 414, lambda: wire(path=b"/" + b"a" * 1_000_000))
    # Framing
    yield case("length and chunked", 400, lambda: wire(extra=b"Transfer-Encoding: chunked\r\n", sent=chunked(GOOD)))
    yield case(
        "chunked and length",
        400,
        lambda: wire(length=None, extra=b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", sent=chunked(GOOD)),
    )
    for coding in (
        b"gzip, chunked",
        b"chunked, gzip",
        b"identity",
        b"chunked, chunked",
        b"xchunked",
        b"",
        b"chunked;x",
        b"gzip",
    ):
        yield case(
            f"transfer encoding {coding.decode()!r}",
            400,
            lambda coding=coding: wire(
                length=None, extra=b"Transfer-Encoding: " + coding + b"\r\n", sent=chunked(GOOD)
            ),
        )
    yield case(
        "chunked twice",
        400,
        lambda: wire(
            length=None, extra=b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", sent=chunked(GOOD)
        ),
    )
    yield case(
        "chunked in a folded header",
        400,
        lambda: wire(length=None, extra=b"Transfer-Encoding:\r\n chunked\r\n", sent=chunked(GOOD)),
    )
    yield case(
        "a blank before the colon",
        400,
        lambda: wire(length=None, extra=b"Transfer-Encoding : chunked\r\n", sent=chunked(GOOD)),
    )
    for size in (b"zz", b"-1", b"0x5", b"5 5", b"", b"FFFFFFFFFFFFFFFFF"):
        yield case(
            f"chunk size {size.decode()!r}",
            400,
            lambda size=size: wire(
                length=None, extra=b"Transfer-Encoding: chunked\r\n", sent=size + b"\r\nhello\r\n0\r\n\r\n"
            ),
        )
    yield case(
        "a chunk longer than it said",
        400,
        lambda: wire(length=None, extra=b"Transfer-Encoding: chunked\r\n", sent=b"3\r\nhello\r\n0\r\n\r\n"),
    )
    for length in (b"-5", b"+5", b"5.0", b"0x5", b"abc", b"5 5", b"5, 5", "²".encode("latin-1"), b"\t"):
        yield case(f"content length {length!r}", 400, lambda length=length: wire(length=length))
    yield case("two lengths that differ", 400, lambda: wire(extra=b"Content-Length: 5\r\n"))
    yield case("two lengths that agree", 400, lambda: wire(extra=b"Content-Length: %d\r\n" % len(GOOD)))
    yield case("no host", 400, lambda: wire(host=None))
    yield case("an empty host", 400, lambda: wire(host=b""))
    yield case("two hosts", 400, lambda: wire(extra=b"Host: other.test\r\n"))
    yield case("two content types", 400, lambda: wire(extra=b"Content-Type: text/plain\r\n"))
    for protocol in (b"h2c", b"websocket"):
        extra = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
        yield case(f"an upgrade to {protocol.decode()}", 400, lambda extra=extra: wire(extra=extra))
    yield case("a header without a name", 400, lambda: wire(extra=b": x\r\n"))
    yield case("a header without a colon", 400, lambda: wire(extra=b"Hello\r\n"))
    yield case("a NUL in a header", 400, lambda: wire(extra=b"X-A: a\0b\r\n"))
    yield case("a NUL in a header name", 400, lambda: wire(extra=b"X\0A: ab\r\n"))
    yield case("a bare carriage return", 400, lambda: wire(extra=b"X-A: a\rb\r\n"))
    yield case(
        "a header that begins with a blank", 400, lambda: wire(line=b"POST /webhooks/stripe HTTP/1.1\r\n X: y\r\n")
    )
    # Not HTTP/1
    for line in (
        b"POST /webhooks/stripe HTTP/2.0\r\n",
        b"POST /webhooks/stripe HTTP/0.9\r\n",
        b"POST /webhooks/stripe HTTP/1.2\r\n",
        b"POST /webhooks/stripe HTTP/9.9\r\n",
        b"POST /webhooks/stripe http/1.1\r\n",
        b"POST /webhooks/stripe ICY/1.1\r\n",
        b"POST /webhooks/stripe\r\n",
        b"POST  HTTP/1.1\r\n",
        b"POST webhooks/stripe HTTP/1.1\r\n",
        b"POST * HTTP/1.1\r\n",
        b"POST http://evil.test/webhooks/stripe HTTP/1.1\r\n",
        b"POST /webhooks/str ipe HTTP/1.1\r\n",
        b"POST /webhooks/\xff HTTP/1.1\r\n",
        b"post /webhooks/stripe HTTP/1.1\r\n",
        b"FLY /webhooks/stripe HTTP/1.1\r\n",
        b"CONNECT door.test:443 HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
        b"\0\0\0\0\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ):
        yield case(f"line {line!r}", 400, lambda line=line: wire(line=line))


TABLE = list(cases())


@pytest.fixture(scope="module")
def hostile_door(module_database: str, door_over: Any) -> Iterator[Any]:
    """One door for the whole table: what one case leaves behind, the next one meets."""
    with door_over(module_database) as running:
        yield running


def test_the_table_is_long_enough_and_no_case_stands_twice() -> None:
    """At least 120 different hostile requests."""
    assert len({case.name for case in TABLE}) == len(TABLE) >= 120


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_a_hostile_request_is_refused_and_the_door_still_serves(hostile_door: Any, case: Case) -> None:
    """The stated 4xx, as a problem, within a second; nothing of it recorded; the next honest request is accepted."""
    data = case.make()
    began = time.monotonic()
    reply = hostile_door.raw(data)
    took = time.monotonic() - began
    assert reply is not None, "closed without an answer"
    assert reply.status == case.expect, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert problem["status"] == case.expect
    assert problem["type"].startswith("urn:counterfoil:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert STRIPE not in reply.body.decode()
    assert took < 1.0
    name = f"evt_good_{hashlib.sha256(case.name.encode()).hexdigest()[:12]}"
    honest = hostile_door.raw(wire(an_event(id=f'"{name}"')))
    assert honest.status == 200
    assert honest.json["accepted"] == 1
    assert hostile_door.rows("SELECT 1 FROM events WHERE NOT starts_with(key, 'evt_good_')") == []


@pytest.mark.parametrize(
    ("name", "make"),
    {
        "chunked": lambda: wire(length=None, extra=b"Transfer-Encoding: chunked\r\n", sent=chunked(GOOD[:9], GOOD[9:])),
        "chunked with extensions and a trailer": lambda: wire(
            length=None,
            extra=b"Transfer-Encoding: Chunked\r\n",
            sent=b"%x;a=b\r\n" % len(GOOD) + GOOD + b"\r\n0\r\nX-Trailer: 1\r\n\r\n",
        ),
        "HTTP/1.0": lambda: wire(line=b"POST /webhooks/stripe HTTP/1.0\r\n"),
        "HTTP/1.0 without a host": lambda: wire(line=b"POST /webhooks/stripe HTTP/1.0\r\n", host=None),
        "a query": lambda: wire(path=b"/webhooks/stripe?a=b%20c&d"),
        "percent-encoded": lambda: wire(path=b"/webhooks/strip%65"),
        "headers in odd case": lambda: wire(signature=b"sTRIPE-sIGNATURE: " + stripe_signature(GOOD)),
        "content type with a charset": lambda: wire(content_type=b'application/json; charset="UTF-8"'),
        "identity encoding": lambda: wire(extra=b"Content-Encoding: identity\r\n"),
        "an empty header": lambda: wire(extra=b"X-Empty:\r\n"),
        "expects 100-continue": lambda: wire(extra=b"Expect: 100-continue\r\n"),
        "blank lines before it": lambda: b"\r\n\r\n" + wire(),
        "exactly at the size limit": lambda: wire(GOOD[:-2] + b',"x":"' + b"x" * (1_048_576 - len(GOOD) - 7) + b'"}}'),
        "64 deep": lambda: wire(with_data("[" * 61 + "]" * 61)),
        "signed 290 s ago": lambda: signature(stripe_signature(GOOD, time.time() - 290)),
        "a rolled secret": lambda: signature(stripe_signature(GOOD) + b",v1=" + b"0" * 64 + b",v0=x"),
        "a pair of surrogates": lambda: wire(with_data(r'"\ud83d\ude00"')),
    }.items(),
)
def test_an_unusual_but_honest_request_is_accepted(running: Any, name: str, make: Callable[[], bytes]) -> None:
    """Strict is not the same as narrow."""
    reply = running.raw(make())
    assert reply is not None
    assert reply.status == 200, reply.body
    assert reply.json["accepted"] == 1
