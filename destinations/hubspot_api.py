"""The questions that every operation at HubSpot asks: a record, its history, its associations, the account.

A read answers with what was asked for or raises; half an answer proves nothing. Values by which a record is found
travel in bodies, never in a URL: an address is the first thing that lands in somebody's log.
https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from counterfoil import clock
from destinations.http import Answer, Failed, Http, NoAnswer
from destinations.hubspot_answers import NotRead, Verdict, classify, not_understood, record_id
from destinations.remote import Sent

#: The property that an account may have for our keys.
MARKER = "counterfoil_key"
RECORD_ID = "hs_object_id"

#: How long we believe that a type has (or has not) the property for our keys (seconds): somebody may add it any time.
MARKER_SECONDS = 300.0
#: HubSpot's limits for one page of associations, and of a batch that is read with its history.
LINKS_PER_PAGE = 500
ROWS_PER_BATCH = 50
#: More associations of one record than this are not walked through for one write.
LINK_PAGES_MAX = 20
#: When the account's zone cannot be learned: asked again every hour until its midnight has passed.
DAILY_WAIT_SECONDS = 3600.0

_POSTED_READS = re.compile(r"/crm/v3/objects/[a-z_]+/(?:batch/read|search)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)

#: Per client: what was learned of its account, and until when it holds.
_markers: WeakKeyDictionary[Http, dict[str, tuple[float, bool]]] = WeakKeyDictionary()
_zones: WeakKeyDictionary[Http, ZoneInfo] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Version:
    """A value that a property has or had."""

    value: str
    at: datetime
    source: str  #: HubSpot's word for who did it: INTEGRATION, CRM_UI, …


@dataclass(frozen=True, slots=True)
class Record:
    """One object as HubSpot shows it; a value that is not set is empty text."""

    id: str
    values: Mapping[str, str]
    #: Newest first.
    history: Mapping[str, Sequence[Version]] = field(default_factory=dict)
    #: With what it is associated, of the types that were asked for: the first page of each.
    linked: Mapping[str, frozenset[str]] = field(default_factory=dict)


def is_read(method: str, path: str) -> bool:
    """Whether a request changes nothing: what a client made for reading may send."""
    return method == "GET" or (method == "POST" and _POSTED_READS.fullmatch(path) is not None)


def find_by_id(
    http: Http, kind: str, id: str, names: Iterable[str], *, history: bool = False, linked: Iterable[str] = ()
) -> Record | None:
    """A record by its own id; after a merge HubSpot answers with the one that stands for it. Raises: Failed."""
    asked = sorted(set(names))
    params = {"properties": ",".join(asked), "associations": ",".join(linked)}
    if history:
        params["propertiesWithHistory"] = ",".join(asked)
    answer = http.call(
        "GET", f"/crm/v3/objects/{kind}/{id}", params={name: value for name, value in params.items() if value}
    )
    if _says_absent(answer):
        # That something does not exist decides what is written, so a second witness is asked, in another way.
        if read_batch(http, kind, [id], asked) == []:
            return None
        raise NotRead(not_understood(answer))
    return _record_in(_needed(answer, 200).body, answer)


def find_by_property(
    http: Http, kind: str, name: str, value: str, names: Iterable[str], *, history: bool = False
) -> Record | None:
    """The record whose unique property holds this value. Raises: Failed."""
    if name == RECORD_ID:
        return find_by_id(http, kind, value, names, history=history)
    found = read_batch(http, kind, [value], {*names, name}, by=name, history=history)
    # An answer that holds neither the record nor the error for its absence is asked for a second time.
    if found is None:
        found = read_batch(http, kind, [value], {*names, name}, by=name, history=history)
    return found[0] if found else None


def read_batch(
    http: Http, kind: str, ids: Sequence[str], names: Iterable[str], *, by: str | None = None, history: bool = False
) -> list[Record] | None:
    """Those of the records that exist; None when the answer is empty and says nothing of any. Raises: Failed."""
    asked = sorted(set(names))
    body: dict[str, Any] = {"inputs": [{"id": id} for id in ids], "properties": asked, "propertiesWithHistory": []}
    if history:
        body["propertiesWithHistory"] = asked
    if by is not None:
        body["idProperty"] = by
    answer = http.call("POST", f"/crm/v3/objects/{kind}/batch/read", json=body)
    _needed(answer, 200, 207)
    rows, errors = answer.member("results"), answer.member("errors") or []
    if not isinstance(rows, list) or not isinstance(errors, list) or len(rows) > len(ids):
        raise NotRead(not_understood(answer))
    if any(not isinstance(each, dict) or each.get("category") != "OBJECT_NOT_FOUND" for each in errors):
        raise NotRead(not_understood(answer))
    if not errors and len(rows) < len(ids):
        if not rows:
            return None
        raise NotRead(not_understood(answer))
    return [_record_in(row, answer) for row in rows]


def all_names(http: Http, kind: str) -> list[str]:
    """The properties of a type that somebody can set. Raises: Failed."""
    answer = _needed(http.call("GET", f"/crm/v3/properties/{kind}"), 200)
    rows = answer.member("results")
    if not isinstance(rows, list) or not rows:
        raise NotRead(not_understood(answer))
    return [name for row in rows if (name := _settable(row)) is not None]


def has_marker(http: Http, kind: str) -> bool:
    """Whether records of this type have a property for our key. Raises: Failed."""
    known = _markers.setdefault(http, {})
    until, has = known.get(kind, (0.0, False))
    if clock.ticks_seconds() < until:
        return has
    answer = http.call("GET", f"/crm/v3/properties/{kind}/{MARKER}")
    has = answer.status == 200 and answer.member("name") == MARKER
    # A token that may not see the properties (403) writes without the marker; so does an account without it (404).
    if not has and answer.status not in (403, 404):
        raise NotRead(_verdict(answer, 200))
    known[kind] = (clock.ticks_seconds() + MARKER_SECONDS, has)
    return has


def linked_ids(http: Http, kind: str, id: str, to: str) -> list[str] | None:
    """Ids of the records of a type with which this one is associated; None: it does not exist. Raises: Failed."""
    found: list[str] = []
    after = ""
    for _ in range(LINK_PAGES_MAX):
        params: dict[str, Any] = {"limit": LINKS_PER_PAGE} | ({"after": after} if after else {})
        answer = http.call("GET", f"/crm/v4/objects/{kind}/{id}/associations/{to}", params=params)
        if _says_absent(answer):
            return None
        rows = _needed(answer, 200).member("results")
        ids = [_linked_id(row) for row in rows] if isinstance(rows, list) else [None]
        if None in ids:
            raise NotRead(not_understood(answer))
        found += [each for each in ids if each is not None]
        following = answer.member("paging", "next", "after")
        if following is None:
            return found
        after = str(following)
    raise NoAnswer(f"a record has more than {LINK_PAGES_MAX * LINKS_PER_PAGE} associations")


def search(
    http: Http, kind: str, groups: Sequence[Any], names: Sequence[str], limit: int, *, complete: bool
) -> Iterator[Record]:
    """What the index knows, newest first; it lags behind the records.

    Raises: Failed; also when there is more than `limit` and the answer has to be complete.
    """
    body = {
        "filterGroups": [{"filters": filters} for filters in groups],
        "properties": list(names),
        "sorts": [{"propertyName": RECORD_ID, "direction": "DESCENDING"}],
        "limit": limit,
    }
    answer = _needed(http.call("POST", f"/crm/v3/objects/{kind}/search", json=body), 200)
    rows, total = answer.member("results"), answer.member("total")
    if not isinstance(rows, list) or type(total) is not int or (total and not rows):
        raise NotRead(not_understood(answer))
    if complete and total > limit:
        raise NoAnswer(f"a search found {total}, of which {limit} are read")
    for row in rows:
        yield _record_in(row, answer)


def sent_of(http: Http, verdict: Verdict, receipt: Mapping[str, Any]) -> Sent:
    """A verdict as what an attempt came to."""
    after = seconds_to_midnight(http) if verdict.after == "midnight" else verdict.after
    return Sent(verdict.meaning, verdict.detail, None, receipt, after, verdict.row.down)


def seconds_to_midnight(http: Http) -> float:
    """Until the account's day is over, and with it the day's limit; an hour when its zone cannot be learned."""
    try:
        zone = account_zone(http)
    except Failed:
        return DAILY_WAIT_SECONDS
    now = clock.now().astimezone(zone)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), zone)
    return max((midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds(), 1.0)


def account_zone(http: Http) -> ZoneInfo:
    """The account's time zone. Raises: Failed."""
    if http not in _zones:
        answer = _needed(http.call("GET", "/account-info/v3/details"), 200)
        try:
            _zones[http] = ZoneInfo(answer.member("timeZone"))
        except (ValueError, TypeError, KeyError, OSError):
            raise NotRead(not_understood(answer)) from None
    return _zones[http]


def same_value(sent: str, stands: str, name: str = "") -> bool:
    """Whether HubSpot's form of a value is what was sent: it writes numbers, times and addresses in its own way."""
    if sent == stands:
        return True
    if name == "email":
        return sent.lower() == stands.lower()
    if _NUMBER.fullmatch(sent) and _NUMBER.fullmatch(stands) and Decimal(sent) == Decimal(stands):
        return True
    moment = moment_of(sent)
    return moment is not None and moment == moment_of(stands)


def moment_of(text: Any) -> datetime | None:
    """A time as HubSpot writes times: ISO 8601, or milliseconds."""
    if not isinstance(text, str):
        return None
    try:
        if _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _needed(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise NotRead(_verdict(answer, *statuses))
    return answer


def _verdict(answer: Answer, *statuses: int) -> Verdict:
    return not_understood(answer) if answer.status in statuses else classify(answer)


def _says_absent(answer: Answer) -> bool:
    """HubSpot's own 404, not that of anything before it."""
    return answer.status == 404 and answer.member("status") == "error"


def _record_in(row: Any, answer: Answer) -> Record:
    """A record as an answer shows it. Raises: NotRead when it is none."""
    if not isinstance(row, dict):
        raise NotRead(not_understood(answer))
    id, values = record_id(row.get("id")), row.get("properties")
    if id is None or not isinstance(values, dict):
        raise NotRead(not_understood(answer))
    history = row.get("propertiesWithHistory") or {}
    links = row.get("associations") or {}
    if not isinstance(history, dict) or not isinstance(links, dict):
        raise NotRead(not_understood(answer))
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    versions = {name: _versions(each, answer) for name, each in history.items()}
    return Record(id, texts, versions, {name: _ends(each, answer) for name, each in links.items()})


def _versions(rows: Any, answer: Answer) -> list[Version]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotRead(not_understood(answer))
    found = []
    for row in rows:
        at, value = moment_of(row.get("timestamp")), row.get("value")
        if at is None:
            raise NotRead(not_understood(answer))
        found.append(Version("" if value is None else str(value), at, str(row.get("sourceType"))))
    return sorted(found, key=lambda version: version.at, reverse=True)


def _ends(link: Any, answer: Answer) -> frozenset[str]:
    rows = link.get("results") if isinstance(link, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotRead(not_understood(answer))
    return frozenset(id for row in rows if (id := record_id(row.get("id"))) is not None)


def _linked_id(row: Any) -> str | None:
    value = row.get("toObjectId") if isinstance(row, dict) else None
    return record_id(str(value)) if type(value) is int or isinstance(value, str) else None


def _settable(row: Any) -> str | None:
    if not isinstance(row, dict) or row.get("calculated") or row.get("archived"):
        return None
    about = row.get("modificationMetadata")
    read_only = isinstance(about, dict) and about.get("readOnlyValue")
    return row["name"] if isinstance(row.get("name"), str) and not read_only else None
