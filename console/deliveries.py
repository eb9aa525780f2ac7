"""Deliveries to try things out with: real samples made fresh, signed as their sender signs, doubled, spoilt, reordered.

Pure but for chance and the clock: what is posted is decided here, `counterfoil send` posts it.
"""

import json
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from math import floor
from typing import Any

from ingest.providers.base import Provider, Received, Rejected, Request

#: Members that name an event or its object; elsewhere an id is somebody else's and stays.
ID_MEMBERS = frozenset(
    {"id", "eventId", "event_id", "notification_id", "snapshot_event", "hook_id", "webhook_id", "trigger_id"}
    | {"objectId", "primaryObjectId", "fromObjectId", "newObjectId", "messageId"}
    | {"pspReference", "resourceId", "intuitentityid", "invoice_number"}
)
#: How deep such a member may stand: `data.object.id`; what is deeper are parts of the object.
ID_DEPTH_MAX = 3
#: Headers that carry the identity of an event.
ID_HEADERS = re.compile(r"(delivery|event-id|webhook-id|notification-id|invocation-id)$")
#: Members that hold a moment.
TIME_MEMBERS = re.compile(
    r"(created|updated|start|end|ts|time|timestamp|date|occurredAt|lastUpdated|eventDate|eventDateUtc"
    r"|available_on|effective_at|.*_(?:at|start|end|date|time|on))"
)
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Seconds, milliseconds: what lies outside is a number, not a moment (2001 to 2065).
_SECONDS = range(1_000_000_000, 3_000_000_000)
_MILLISECONDS = range(1_000_000_000_000, 3_000_000_000_000)
#: Shorter ids are words; replacing them everywhere would hit others.
_ID_CHARACTERS_MIN = 5
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class SampleUnknown(Exception):
    """There is no sample of this type."""


@dataclass(frozen=True)
class Unsigned:
    """A request before it is signed."""

    type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A request as it is posted, and whether the door should take it."""

    type: str
    body: bytes
    headers: Mapping[str, str]
    acceptable: bool = True


def samples(provider: Provider) -> dict[str, Unsigned]:
    """Every sample of a provider by its type: whole events from the contracts' folder before small ones."""
    found = {sample.type: Unsigned(sample.type, sample.body, sample.headers) for sample in provider.samples}
    folder = resources.files("contracts").joinpath("samples", provider.name)
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".json"):
                kind = file.name.removesuffix(".json")
                found[kind] = Unsigned(kind, whole(provider, file.read_bytes()))
    return found


def get_sample(provider: Provider, kind: str) -> Unsigned:
    """One sample. Raises: SampleUnknown, with those that there are."""
    known = samples(provider)
    if kind not in known:
        raise SampleUnknown(f"{provider.name} has no sample {kind!r}; there are {', '.join(sorted(known))}")
    return known[kind]


def whole(provider: Provider, body: bytes) -> bytes:
    """A sample as a body: HubSpot posts its events in arrays, its samples are single elements."""
    if provider.name != "hubspot":
        return body
    parsed = json.loads(body)
    return _compact([parsed]) if isinstance(parsed, dict) and "subscriptionType" in parsed else body


class Freshener:
    """Gives samples new identities and the present time, the same ones to all of a story."""

    def __init__(self, now: datetime, chance: random.Random) -> None:
        self._now = now
        self._chance = chance
        self._fresh: dict[str | int, str | int] = {}

    def freshen(self, provider: Provider, sample: Unsigned, *, ago: timedelta = timedelta()) -> Unsigned:
        """The sample with new ids, moved in time so that it happened `ago`."""
        try:
            document = json.loads(sample.body)
        except ValueError:
            return sample  # a form, such as Slack's commands
        events = events_of(provider, sample)
        self._forget_own(events)
        happened = [event.occurred_at for event in events if event.occurred_at] or _moments_on_top(document)
        shift = self._now - ago - max(happened) if happened else timedelta()
        self._collect(document, 0)
        body = _compact(_mapped(document, lambda name, value: self._member(name, value, shift)))
        headers = {name: self._header(name, value) for name, value in sample.headers.items()}
        return Unsigned(sample.type, body, headers)

    def _forget_own(self, events: Sequence[Received]) -> None:
        """Drop the ids that name the event itself, so that a second sample is another event about the same object."""
        own = {
            old
            for old in self._fresh
            if any(str(old) in event.key and str(old) not in (event.subject or "") for event in events)
        }
        self._fresh = {old: new for old, new in self._fresh.items() if old not in own}

    def _collect(self, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            for name, member in value.items():
                if name in ID_MEMBERS and depth <= ID_DEPTH_MAX:
                    self._learn(member)
                self._collect(member, depth + 1)
        elif isinstance(value, list) and depth <= ID_DEPTH_MAX:
            for item in value:
                self._collect(item, depth)

    def _learn(self, old: Any) -> None:
        if isinstance(old, bool) or not isinstance(old, int | str) or old in self._fresh:
            return
        if isinstance(old, int):
            self._fresh[old] = self._chance.randrange(10**9, 10**10)
        elif len(old) >= _ID_CHARACTERS_MIN or old.isdigit():
            self._fresh[old] = self._renewed(old)

    def _renewed(self, old: str) -> str:
        if _UUID.fullmatch(old):
            return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        if old.isdigit():
            digits = max(len(old), 6)
            return str(self._chance.randrange(10 ** (digits - 1), 10**digits))
        prefix = old[: old.rfind("_") + 1]
        tail = max(len(old) - len(prefix), 10)
        return prefix + "".join(self._chance.choices(_LETTERS, k=tail))

    def _member(self, name: str, value: Any, shift: timedelta) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return _moved_number(value, shift) if TIME_MEMBERS.fullmatch(name) else self._number(name, value)
        if isinstance(value, str):
            if TIME_MEMBERS.fullmatch(name):
                return _moved_text(value, shift)
            return str(self._fresh.get(value, value)) if name in ID_MEMBERS else self._text(value)
        return value

    def _number(self, name: str, value: int) -> int:
        fresh = self._fresh.get(value) if name in ID_MEMBERS else None
        return fresh if isinstance(fresh, int) else value

    def _text(self, value: str) -> str:
        if len(value) < _ID_CHARACTERS_MIN:
            return value
        for old, new in self._fresh.items():
            if isinstance(old, str) and isinstance(new, str) and len(old) >= _ID_CHARACTERS_MIN and old in value:
                value = value.replace(old, new)
        return value

    def _header(self, name: str, value: str) -> str:
        if not ID_HEADERS.search(name.lower()):
            return value
        self._learn(value)
        return str(self._fresh.get(value, value))


def events_of(provider: Provider, sample: Unsigned) -> list[Received]:
    """What the door would find in a sample; nothing in one whose identity only its signature brings."""
    headers = {name.lower(): value for name, value in sample.headers.items()}
    headers.setdefault("content-type", provider.content_types[0])
    try:
        found = provider.split(Request("POST", "https://example.com/", headers, sample.body))
    except Rejected:
        return []
    return [event for event in found if isinstance(event, Received)]


def related(provider: Provider, kind: str) -> list[Unsigned]:
    """All samples about the same object as this one, in the order of their time; three of it when it stands alone."""
    wanted = get_sample(provider, kind)
    subject = _subject(provider, wanted)
    same = [one for one in samples(provider).values() if subject and _subject(provider, one) == subject]
    same = [one for one in same if "@" not in one.type]
    if len(same) < 2:
        return [wanted] * 3
    return sorted(same, key=lambda one: _time(provider, one))


def signed(provider: Provider, unsigned: Unsigned, *, secret: str, now: float, url: str, tamper: bool) -> Delivery:
    """The request as its sender would post it; `tamper` changes one byte afterwards."""
    body = provider.seal(unsigned.body, secret)
    headers = {"content-type": provider.content_types[0], **unsigned.headers, **provider.sign(body, secret, now, url)}
    return Delivery(unsigned.type, spoilt(body) if tamper else body, headers, acceptable=not tamper)


def spoilt(body: bytes) -> bytes:
    """The body with one byte changed: a digit, where there is one, so that it stays JSON."""
    found = [place for place, byte in enumerate(body) if byte in b"0123456789"]
    place = found[-1] if found else len(body) - 1
    other = b"1"[0] if body[place] != b"1"[0] else b"2"[0]
    return body[:place] + bytes([other]) + body[place + 1 :]


def _moments_on_top(document: Any) -> list[datetime]:
    """When it happened, for a sample whose identity only its signature brings."""
    members = document if isinstance(document, dict) else {}
    texts = [value for name, value in members.items() if TIME_MEMBERS.fullmatch(name) and isinstance(value, str)]
    return [datetime.fromisoformat(text) for text in texts if _ISO.fullmatch(text) and text.endswith("Z")]


def _subject(provider: Provider, sample: Unsigned) -> str | None:
    return next((event.subject for event in events_of(provider, sample)), None)


def _time(provider: Provider, sample: Unsigned) -> datetime:
    moments = [event.occurred_at for event in events_of(provider, sample) if event.occurred_at]
    return moments[0] if moments else datetime.min.replace(tzinfo=UTC)


def _mapped(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _mapped(member, change, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change, name) for item in value]
    return change(name, value)


def _moved_number(value: int, shift: timedelta) -> int:
    if value in _SECONDS:
        return value + floor(shift.total_seconds())
    return value + floor(shift.total_seconds() * 1000) if value in _MILLISECONDS else value


def _moved_text(value: str, shift: timedelta) -> str:
    found = _ISO.fullmatch(value)
    if found is None:
        return value
    day, fraction, zone = found.groups()
    moved = datetime.fromisoformat(day + "+00:00") + timedelta(seconds=floor(shift.total_seconds()))
    return f"{moved:%Y-%m-%dT%H:%M:%S}{fraction or ''}{zone or ''}"


def _compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def planned(
    provider: Provider,
    sample: Unsigned,
    *,
    now: datetime,
    chance: random.Random,
    count: int = 1,
    duplicate: int = 0,
    reorder: bool = False,
    keep_ids: bool = False,
) -> Sequence[Unsigned]:
    """What is posted, in its order."""
    wanted: list[Unsigned] = []
    for _ in range(count):
        freshener = Freshener(now, chance)
        if reorder:
            story = related(provider, sample.type)
            chapter = []
            for place, one in enumerate(story):
                ago = timedelta(seconds=2 * (len(story) - place))
                chapter.append(one if keep_ids else freshener.freshen(provider, one, ago=ago))
            wanted += reversed(chapter)
        else:
            wanted.append(sample if keep_ids else freshener.freshen(provider, sample))
    return [one for one in wanted for _ in range(1 + duplicate)]
