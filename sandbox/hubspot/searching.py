"""Searches records as they stood a while ago: HubSpot's index lags behind its writes.

https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.hubspot.kinds import Kind
from sandbox.hubspot.properties import Catalogue, Property
from sandbox.hubspot.records import Past, Record, Records
from sandbox.hubspot.refusals import invalid
from sandbox.hubspot.values import moment_ms, number

#: HubSpot's limits: results of one page and of all pages, groups, filters of a group, filters in all.
PAGE_MAX, RESULTS_MAX, GROUPS_MAX, GROUP_FILTERS_MAX, FILTERS_MAX = 200, 10_000, 5, 6, 18

_Comparable = str | Decimal | int


class Found(NamedTuple):
    """One record and how the index sees it."""

    record: Record
    past: Past


class Page(NamedTuple):
    """One page of results."""

    total: int
    found: list[Found]
    after: int | None


class _Filter(NamedTuple):
    definition: Property
    operator: str
    value: str
    values: tuple[str, ...]
    high: str


def search(records: Records, catalogue: Catalogue, kind: Kind, body: Mapping[str, Any], lag_ms: int) -> Page:
    """Find the records that match. Raises: Refusal."""
    if body.get("query"):
        raise invalid("This stand-in has no full-text search: use filters.")
    groups = [_read_group(catalogue, kind, each) for each in _list(body, "filterGroups")]
    if len(groups) > GROUPS_MAX or sum(map(len, groups)) > FILTERS_MAX:
        raise invalid(f"At most {GROUPS_MAX} filter groups and {FILTERS_MAX} filters are allowed.")
    limit, after = _number(body, "limit", 10), _number(body, "after", 0)
    if not 0 <= limit <= PAGE_MAX or after + limit > RESULTS_MAX:
        raise invalid(f"A page has at most {PAGE_MAX} results, all pages together {RESULTS_MAX}.")
    seen_ms = records.ms() - lag_ms
    found = [Found(record, past) for record in _candidates(records, kind, groups) if (past := _seen(record, seen_ms))]
    if groups:
        found = [each for each in found if any(all(_matches(each, one) for one in group) for group in groups)]
    _sort(found, catalogue, kind, _list(body, "sorts"))
    end = after + limit
    return Page(len(found), found[after:end], end if end < len(found) else None)


def _seen(record: Record, seen_ms: int) -> Past | None:
    """The last state that the index knows; None if it knows none, or the record as deleted."""
    at = bisect_right(record.past, seen_ms, key=lambda past: past.at_ms)
    past = record.past[at - 1] if at else None
    return past if past is not None and not past.is_archived else None


def _candidates(records: Records, kind: Kind, groups: list[list[_Filter]]) -> list[Record]:
    """All records that could match, oldest first: those that ever had a value that is asked for by name."""
    ids: set[str] = set()
    for group in groups:
        exact = next((one for one in group if one.operator in ("EQ", "IN") and one.definition.type == "string"), None)
        if exact is None or exact.definition.read_only:
            return records.all(kind)
        for value in exact.values or (exact.value,):
            ids |= records.ever.get((kind.type_id, exact.definition.name, value.lower()), set())
    if not groups:
        return records.all(kind)
    return records.some(kind, ids)


def _read_group(catalogue: Catalogue, kind: Kind, group: Any) -> list[_Filter]:
    filters = _list(group, "filters") if isinstance(group, dict) else []
    if not 1 <= len(filters) <= GROUP_FILTERS_MAX:
        raise invalid(f"A filter group has from 1 to {GROUP_FILTERS_MAX} filters.")
    return [_read_filter(catalogue, kind, each) for each in filters]


def _read_filter(catalogue: Catalogue, kind: Kind, wish: Any) -> _Filter:
    name = wish.get("propertyName") if isinstance(wish, dict) else None
    definition = catalogue.find(kind, name) if isinstance(name, str) else None
    if definition is None:
        raise invalid(f"There was a problem with the request: {kind.singular} has no property {name}.")
    operator = str(wish.get("operator"))
    values = tuple(str(each) for each in _list(wish, "values"))
    value, high = wish.get("value"), wish.get("highValue")
    if operator not in _OPERATORS:
        raise invalid(f"There was a problem with the request: no operator {operator}.")
    needs_values = operator in ("IN", "NOT_IN")
    if needs_values != bool(values) or (value is None) == (not needs_values and "HAS_PROPERTY" not in operator):
        raise invalid(f"There was a problem with the request: {operator} came with the wrong kind of values.")
    return _Filter(definition, operator, str(value), values, str(high))


def _matches(found: Found, one: _Filter) -> bool:
    text = found.record.value(one.definition.name, found.past)
    if one.operator == "NOT_HAS_PROPERTY":
        return not text
    if not text:
        return one.operator in ("NEQ", "NOT_IN")
    own, wanted = _comparable(one.definition, text), _comparable(one.definition, one.value)
    if own is None:
        return False
    return _OPERATORS[one.operator](own, wanted, one)


def _is_one_of(own: Any, _: Any, one: _Filter) -> bool:
    # Texts are kept in lower case in the index and the values of IN are taken as they are: upper case never matches.
    wanted = one.values if isinstance(own, str) else [_comparable(one.definition, each) for each in one.values]
    return own in wanted


def _is_between(own: Any, wanted: Any, one: _Filter) -> bool:
    high = _comparable(one.definition, one.high)
    return wanted is not None and high is not None and wanted <= own <= high


_OPERATORS: dict[str, Callable[[Any, Any, _Filter], bool]] = {
    "EQ": lambda own, wanted, _: bool(own == wanted),
    "NEQ": lambda own, wanted, _: bool(own != wanted),
    "GT": lambda own, wanted, _: wanted is not None and bool(own > wanted),
    "GTE": lambda own, wanted, _: wanted is not None and bool(own >= wanted),
    "LT": lambda own, wanted, _: wanted is not None and bool(own < wanted),
    "LTE": lambda own, wanted, _: wanted is not None and bool(own <= wanted),
    "BETWEEN": _is_between,
    "IN": _is_one_of,
    "NOT_IN": lambda own, wanted, one: not _is_one_of(own, wanted, one),
    "HAS_PROPERTY": lambda _own, _wanted, _: True,
    "NOT_HAS_PROPERTY": lambda _own, _wanted, _: False,
}


def _comparable(definition: Property, text: str) -> _Comparable | None:
    if definition.type == "number":
        return number(text)
    if definition.type in ("date", "datetime"):
        return moment_ms(text)
    return text.lower()


def _sort(found: list[Found], catalogue: Catalogue, kind: Kind, sorts: list[Any]) -> None:
    """Sort by what is asked for: at most one property; else oldest first."""
    if len(sorts) > 1:
        raise invalid("At most one sort is allowed.")
    for wish in sorts:
        name = wish.get("propertyName") if isinstance(wish, dict) else str(wish).lstrip("-")
        definition = catalogue.find(kind, str(name))
        if definition is None:
            raise invalid(f"There was a problem with the request: no property {name} to sort by.")
        down = wish.get("direction") == "DESCENDING" if isinstance(wish, dict) else str(wish).startswith("-")

        def rank(each: Found, by: Property = definition) -> tuple[bool, Any]:
            value = _comparable(by, each.record.value(by.name, each.past) or "")
            return (value is not None, value if value is not None else 0)

        found.sort(key=rank, reverse=down)


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name) or []
    if not isinstance(found, list):
        raise invalid(f"{name} is a list.")
    return found


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    found = body.get(name)
    text = str(default if found in (None, "") else found)
    if not (text.isascii() and text.isdigit()):
        raise invalid(f"{name} is a whole number.")
    return int(text)
