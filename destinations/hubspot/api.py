"""The questions that every operation at HubSpot asks: a record, its history, its associations, a search.

A read answers with what was asked for or raises; half an answer proves nothing. Values by which a record is found
travel in bodies, never in a URL: an address is the first thing that lands in somebody's log.
https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from destinations.http import Answer, Http, NoAnswer
from destinations.hubspot.answers import NotRead, classify, not_understood, record_id

#: The property that an account may have for our keys.
MARKER = "counterfoil_key"
RECORD_ID = "hs_object_id"

#: What webhooks call the types of records; ids are unique within one of them.
TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5", "tasks": "0-27"}

#: HubSpot's limits for one page of associations, and of a batch that is read with its history.
LINKS_PER_PAGE = 500
ROWS_PER_BATCH = 50
#: More associations of one record than this are not walked through for one write.
LINK_PAGES_MAX = 20

_POSTED_READS = re.compile(r"/crm/v3/objects/[a-z_]+/(?:batch/read|search)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)


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


@dataclass(frozen=True, slots=True)
class Link:
    """One record with which another is associated, and the numbers of the associations between them."""

    id: str
    types: frozenset[int]


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
    return _record_in(needed(answer, 200).body, answer)


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
    needed(answer, 200, 207)
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


def linked(http: Http, kind: str, id: str, to: str) -> list[Link] | None:
    """The records of a type with which this one is associated; None: it does not exist. Raises: Failed."""
    found: list[Link] = []
    after = ""
    for _ in range(LINK_PAGES_MAX):
        params: dict[str, Any] = {"limit": LINKS_PER_PAGE} | ({"after": after} if after else {})
        answer = http.call("GET", f"/crm/v4/objects/{kind}/{id}/associations/{to}", params=params)
        if _says_absent(answer):
            return None
        rows = needed(answer, 200).member("results")
        links = [_link(row) for row in rows] if isinstance(rows, list) else [None]
        found += [link for link in links if link is not None]
        if None in links:
            raise NotRead(not_understood(answer))
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
    answer = needed(http.call("POST", f"/crm/v3/objects/{kind}/search", json=body), 200)
    rows, total = answer.member("results"), answer.member("total")
    if not isinstance(rows, list) or type(total) is not int or (total and not rows):
        raise NotRead(not_understood(answer))
    if complete and total > limit:
        raise NoAnswer(f"a search found {total}, of which {limit} are read")
    for row in rows:
        yield _record_in(row, answer)


def same_value(sent: Any, stands: str, name: str = "") -> bool:
    """Whether HubSpot's form of a value is what was sent: it writes numbers, times and addresses in its own way."""
    if not isinstance(sent, str):
        # The mark of another write's receipt: what it stood for is not known here.
        return False
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


def needed(answer: Answer, *statuses: int) -> Answer:
    """The answer, if it has one of these statuses. Raises: NotRead."""
    if answer.status not in statuses:
        raise NotRead(classify(answer))
    return answer


def time_in(value: Any) -> str | None:
    """A member of an answer, if it is a time."""
    return value if moment_of(value) is not None else None


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


def _link(row: Any) -> Link | None:
    value = row.get("toObjectId") if isinstance(row, dict) else None
    id = record_id(str(value)) if type(value) is int or isinstance(value, str) else None
    types = row.get("associationTypes") if isinstance(row, dict) else None
    if id is None:
        return None
    rows = [each for each in types if isinstance(each, dict)] if isinstance(types, list) else []
    return Link(id, frozenset(each["typeId"] for each in rows if type(each.get("typeId")) is int))
