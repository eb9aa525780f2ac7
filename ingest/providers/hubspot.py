"""Owns HubSpot: arrays of subscription events, and the single object that a workflow action sends.

Three signatures exist. Only v3 covers the time, so where its header is present nothing else counts: falling back to an
older one would let an old request be played again. The signed URL is the public one, as HubSpot called it.

The identity of an event is what happened to which object and when. `eventId` is documented as not unique,
`attemptNumber` changes with every attempt, and `subscriptionId` differs between overlapping subscriptions: none counts.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec

from ingest.providers.base import BodyRefused, Provider, Received, Request, Sample, SignatureMalformed, Unreadable
from ingest.providers.declared import as_text, as_time, dig, make_key, make_subject, shorten
from ingest.providers.envelope import business_hash, check_json, each_element
from ingest.providers.schemes import check_age, check_time_text, get_header, key_bytes, must_match

V3 = "x-hubspot-signature-v3"
V3_TIME = "x-hubspot-request-timestamp"
V1_V2 = "x-hubspot-signature"
VERSION = "x-hubspot-signature-version"

#: Documented for v3; the official libraries do not bound the future.
AGE_SECONDS_MAX = 300

#: Ids and times are signed 64-bit numbers.
ID_MAX = 2**63 - 1
#: A property may hold 65,536 characters; an identity that long cannot be indexed, its hash can.
VALUE_CHARS_MAX = 80

# What tells two events of one type, portal and millisecond apart, in the order in which the key shows it.
_IDS = ("objectId", "primaryObjectId", "newObjectId", "fromObjectId", "toObjectId")
_IDENTITY = ("objectTypeId", *_IDS, "mergedObjectIds", "propertyName", "propertyValue", "associationType",
             "associationRemoved", "isPrimaryAssociation", "messageId", "messageType")  # fmt: skip
# The generic subscriptions name an object type by its id; by that, both kinds of events meet on one subject.
_TYPE_IDS = {"contact": "0-1", "company": "0-2", "deal": "0-3", "ticket": "0-5", "product": "0-7", "line_item": "0-8",
             "task": "0-27"}  # fmt: skip
_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")

# Exactly these are decoded before a v3 signature is made; %20, %25, %26 and all others stay.
_ESCAPES = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class HubSpot(Provider):
    """HubSpot, through an app's webhook subscriptions or a workflow."""

    name = "hubspot"
    secret_env = "HUBSPOT_CLIENT_SECRET"  # noqa: S105 (the name of a variable)
    signs_url = True
    body_tells_all = True
    volatile = ("attemptNumber", "eventId", "subscriptionId")
    samples = (
        Sample(
            type="deal.propertyChange",
            body=b'[{"eventId":501,"subscriptionId":77,"portalId":62515,"appId":54321,"occurredAt":1767225599999,'
            b'"subscriptionType":"deal.propertyChange","attemptNumber":0,"objectId":9001,"changeSource":"CRM_UI",'
            b'"propertyName":"dealstage","propertyValue":"closedwon"}]',
        ),
        Sample(
            type="contact.merge",
            body=b'[{"eventId":502,"subscriptionId":78,"portalId":62515,"appId":54321,"occurredAt":1767225600123,'
            b'"subscriptionType":"contact.merge","attemptNumber":0,"objectId":301,"changeSource":"CRM_UI",'
            b'"primaryObjectId":301,"mergedObjectIds":[302],"newObjectId":303,"numberOfPropertiesMoved":4}]',
        ),
    )

    def verify(self, request: Request, secrets: Sequence[str], now: float) -> None:
        """Check v3 if its header is there, else v1 or v2 as their header says."""
        if V3 in request.headers:
            _verify_v3(request, secrets, now)
        else:
            _verify_v1_v2(request, secrets)

    def sign(self, body: bytes, secret: str, now: float, url: str, method: str = "POST") -> dict[str, str]:
        """Sign as v3."""
        sent = str(round(now * 1000))
        made = b64encode(hmac.digest(key_bytes(secret), _v3_text(method, url, body, sent), "sha256"))
        return {V3: made.decode("ascii"), V3_TIME: sent}

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Take an array for subscription events, an object for a workflow action."""
        if request.body.lstrip(b" \t\r\n")[:1] == b"{":
            return [_read_action(check_json(request.body), request.body)]
        events = each_element(request.body, (), _identify)
        if not events:
            raise BodyRefused("The body holds no events.")
        return events


def _verify_v3(request: Request, secrets: Sequence[str], now: float) -> None:
    signature = get_header(request.headers, V3)
    sent = get_header(request.headers, V3_TIME)
    check_time_text(sent)
    text = _v3_text(request.method, request.url, request.body, sent)
    expected = (b64encode(hmac.digest(key_bytes(secret), text, "sha256")) for secret in secrets if secret)
    must_match(expected, [signature])
    check_age(int(sent), now, AGE_SECONDS_MAX, None, per_second=1000)


def _v3_text(method: str, url: str, body: bytes, sent: str) -> bytes:
    if "%" in url:
        url = _ESCAPES.sub(lambda escape: chr(int(escape[0][1:], 16)), url)
    return f"{method}{url}".encode("utf-8", "replace") + body + sent.encode("ascii")


def _verify_v1_v2(request: Request, secrets: Sequence[str]) -> None:
    signature = get_header(request.headers, V1_V2)
    version = get_header(request.headers, VERSION)
    if version not in ("v1", "v2"):
        raise SignatureMalformed("The version of the signature is neither v1 nor v2.")
    text = request.body
    if version == "v2":
        text = f"{request.method}{request.url}".encode("utf-8", "replace") + text
    # A plain hash, not an HMAC: that is what these versions are.
    expected = (sha256(key_bytes(secret) + text).hexdigest().encode("ascii") for secret in secrets if secret)
    must_match(expected, [signature])


def _identify(event: dict[str, Any], payload: bytes) -> Received:
    """Identify one element of the array. Raises: BodyRefused, which parks this element alone."""
    kind = event.get("subscriptionType") or event.get("eventType")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise BodyRefused("The element has no subscriptionType.")
    portal = _read_id(event, "portalId")
    occurred_ms, occurred_at = _read_time(event)
    ids = {name: _read_id(event, name) for name in _IDS if event.get(name) is not None}
    if not ids:
        raise BodyRefused("The element lacks its object's id.")
    facts = [
        f"{name}={ids.get(name) or _write(event[name], hidden=name == 'propertyValue')}"
        for name in _IDENTITY
        if event.get(name) is not None
    ]
    thing = ids.get("primaryObjectId") or ids.get("fromObjectId") or ids.get("objectId") or next(iter(ids.values()))
    return Received(
        key=shorten(f"{portal}/{kind}/{'/'.join(facts)}@{occurred_ms}"),
        type=kind,
        payload=payload,
        content_hash=business_hash(payload, HubSpot.volatile, kind),
        subject=make_subject("hubspot", f"{portal}:{_object_type(event, kind)}:{thing}"),
        occurred_at=occurred_at,
        account=portal,
    )


def _read_id(event: dict[str, Any], name: str) -> str:
    """Read an id that may be a number or the text of one. Raises: BodyRefused."""
    number = _whole(event.get(name))
    if number is None:
        raise BodyRefused(f"The element's {name} is not an id.")
    return str(number)


def _read_time(event: dict[str, Any]) -> tuple[int, datetime]:
    """Read `occurredAt`, as written (a part of the identity) and as a time. Raises: BodyRefused.

    Whole milliseconds, a number or the text of one: a fraction or a sign would be another event at the same moment.
    """
    number = _whole(event.get("occurredAt"))
    moment = as_time(number)
    if number is None or moment is None:
        raise BodyRefused("The element's occurredAt is not a time in whole milliseconds.")
    return number, moment


def _whole(value: object) -> int | None:
    """Read a whole number from 0 to 64 bits, or the text of one; anything else is none."""
    text = as_text(value) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= ID_MAX else None


def _write(value: Any, *, hidden: bool = False) -> str:
    """Write a value so that it cannot be taken for another, and not longer than an index bears.

    What a person's record holds is hidden: keys are shown, searched for, and kept longer than payloads.
    """
    if isinstance(value, list):
        value = sorted(value, key=str)
    written = quote(value, safe="") if isinstance(value, str) else "!" + msgspec.json.encode(value).decode()
    if hidden or len(written) > VALUE_CHARS_MAX:
        return "sha256:" + sha256(written.encode()).hexdigest()[:32]
    return written


def _object_type(event: dict[str, Any], kind: str) -> str:
    named = event.get("objectTypeId")
    if isinstance(named, str) and named:
        return named
    pair = event.get("associationType")
    name = pair.partition("_TO_")[0] if isinstance(pair, str) and "_TO_" in pair else kind.partition(".")[0]
    return _type_id(name)


def _type_id(name: str) -> str:
    return _TYPE_IDS.get(name.lower(), name.lower())


def _read_action(action: dict[str, Any], payload: bytes) -> Received:
    """Read what a workflow sends: a custom action names its execution, a plain webhook only the object's state."""
    portal = as_text(dig(action, "origin", "portalId") or action.get("portalId") or action.get("portal-id"))
    thing = as_text(dig(action, "object", "objectId") or action.get("objectId") or action.get("vid"))
    named = as_text(dig(action, "object", "objectType") or action.get("objectType"))
    kind = _type_id(named or ("contact" if "vid" in action else "object"))
    execution = as_text(action.get("callbackId"))
    properties = dig(action, "object", "properties") or action.get("properties")
    changed = _find_change(properties) if isinstance(properties, dict) else None
    if not portal or not (execution or (thing and changed)):
        raise BodyRefused("The workflow action carries neither a callbackId nor an object with its last change.")
    return Received(
        key=make_key(portal, "workflow.action", *([execution] if execution else [kind, f"{thing}@{changed}"])),
        type="workflow.action",
        payload=payload,
        content_hash=business_hash(payload, ()),
        subject=make_subject("hubspot", f"{portal}:{kind}:{thing}") if thing else None,
        occurred_at=as_time(changed),
        account=portal,
    )


def _find_change(properties: dict[str, Any]) -> str | None:
    """Find when the object last changed; older bodies wrap each value in an object."""
    for name in ("hs_lastmodifieddate", "lastmodifieddate"):
        value = properties.get(name)
        found = as_text(value.get("value") if isinstance(value, dict) else value)
        if found:
            return found
    return None


PROVIDER = HubSpot()
