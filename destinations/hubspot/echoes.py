"""Which of HubSpot's events our writes caused: the same record, property and value, by our app, at the write's time.

HubSpot does not name the request behind an event, so everything that an event says has to fit:

    who     an app: what a person or a workflow did is theirs. The app that the event names is ours
    what    a value that was not there before our write set it, a record that it made or archived
    when    HubSpot's own time of the change is that of its answer; where the answer was lost, about when we sent
    once    each property of a write explains one event of a type; a second one is somebody else's

While a write is unsettled nothing is certain, and the event waits for it. Overlapping subscriptions of one type are
one event already (the door's identity knows no subscription); a generic one (`object.*`) has a type of its own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from counterfoil import keys, settings
from destinations.echoes import Clue, SentWrite
from destinations.hubspot import api

#: The app whose token writes, where it is not the app whose webhooks arrive.
APP_SETTING = "HUBSPOT_APP_ID"

#: How far HubSpot's clock may be from ours.
CLOCKS_APART = timedelta(seconds=60)
#: An answer tells when the record was changed, by the clock that also stamps the change.
STAMPED_APART = timedelta(seconds=1)
#: Where the answer was lost: what is executed later than this after it was sent is not known of HubSpot.
LATE = timedelta(seconds=15)

_APPS = frozenset({None, "INTEGRATION", "API"})
_NUMBER = re.compile(r"(?:appId:)?([0-9]{1,19})\Z", re.ASCII)
#: What events and writes call a kind of record.
_KINDS = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
_KINDS |= {type_id: kind for kind, type_id in api.TYPE_IDS.items()}
_WRITTEN = {"upsert_contact": "contacts", "upsert_company": "companies", "upsert_deal": "deals",
            "upsert_ticket": "tickets", "create_task": "tasks"}  # fmt: skip


class _Event(msgspec.Struct, gc=False, rename="camel"):
    object_id: int
    occurred_at: int
    app_id: int | None = None
    change_source: str | None = None
    source_id: str | None = None
    object_type_id: str | None = None
    property_name: str = ""
    property_value: str | None = None


_read = msgspec.json.Decoder(_Event).decode


class HubSpotEchoes:
    """By record, property, value and time."""

    def clue(self, type: str, body: str) -> Clue | None:
        noun, _, what = type.partition(".")
        if what not in ("propertyChange", "creation", "deletion"):
            return None
        try:
            event = _read(body)
            at = datetime.fromtimestamp(event.occurred_at / 1000, UTC)
        except (msgspec.DecodeError, UnicodeEncodeError, ValueError, OverflowError, OSError):
            return None
        kind = _KINDS.get(event.object_type_id or noun) or _KINDS.get(noun)
        if kind is None or not _by_us(event):
            return None
        says = {"kind": kind, "what": what, "name": event.property_name, "value": event.property_value or ""}
        part = f"{type} {event.property_name}".rstrip()
        return Clue(part, record=str(event.object_id), at=at, says=says)

    def caused(self, clue: Clue, write: SentWrite) -> float | None:
        assert clue.at is not None, "Bug: a clue of another destination"
        receipt = write.receipt or {}
        if not write.is_written or receipt.get("reference") != clue.record:
            return None
        if receipt.get("status") == "already" and write.attempts == 1:
            return None  # it stood there as it was sent: nothing changed, and so nothing was told
        if not _did(clue.says, write, made=receipt.get("new") is True):
            return None
        earliest, latest = _when(write)
        return abs((clue.at - earliest).total_seconds()) if earliest <= clue.at <= latest else None

    def may_have_caused(self, clue: Clue, write: SentWrite) -> bool:
        assert clue.at is not None, "Bug: a clue of another destination"
        known = (write.pre_image or {}).get("reference")
        if not write.is_unsettled or known not in (None, clue.record) or clue.at < write.first_sent_at - CLOCKS_APART:
            return False
        return _did(clue.says, write, made=known is None)


def _by_us(event: _Event) -> bool:
    """Whether an app did it, and no other one than ours."""
    if event.change_source not in _APPS:
        return False
    if event.source_id is None:
        return True
    named = _NUMBER.match(event.source_id)
    if named is None:
        return False
    return named[1] == str(event.app_id) or named[1] == settings.secret(APP_SETTING)


def _did(says: Mapping[str, str], write: SentWrite, *, made: bool) -> bool:
    """Whether this is one of the things that the write does."""
    body: Mapping[str, Any] = write.action.get("body") or {}
    if says["what"] == "deletion":
        return write.operation == "archive" and body.get("object") == says["kind"]
    if _WRITTEN.get(write.operation) != says["kind"]:
        return False
    if says["what"] == "creation":
        return made
    sent = _properties(write, body, made=made).get(says["name"])
    if not isinstance(sent, str) or not api.same_value(sent, says["value"], says["name"]):
        return False
    before = (write.pre_image or {}).get("fields") or {}
    return made or not api.same_value(sent, str(before.get(says["name"]) or ""), says["name"])


def _properties(write: SentWrite, body: Mapping[str, Any], *, made: bool) -> dict[str, Any]:
    """What it sets: for a record that it makes also the property by which it is found, and our key."""
    found = dict(body.get("properties") or {})
    if made and isinstance(body.get("by"), Mapping):
        found[body["by"].get("property")] = body["by"].get("value")
        found[api.MARKER] = keys.sent(write.key, write.revision)
    return found


def _when(write: SentWrite) -> tuple[datetime, datetime]:
    """Between which moments, by HubSpot's clock, it was executed."""
    stood = api.moment_of((write.receipt or {}).get("updated_at"))
    if stood is not None and write.attempts == 1:
        return stood - STAMPED_APART, stood + STAMPED_APART
    return write.first_sent_at - CLOCKS_APART, write.last_sent_at + LATE + CLOCKS_APART
