"""The routes below `/crm/v3/objects/{kind}`."""

from typing import Any

from sandbox.hubspot import batches, shapes
from sandbox.hubspot.crm import Crm
from sandbox.hubspot.kinds import Kind, find_pair
from sandbox.hubspot.reading import (
    all_asked,
    asked,
    asked_number,
    body_of,
    id_of,
    kind_of,
    names_of,
    properties_of,
    wishes_of,
)
from sandbox.hubspot.records import Record
from sandbox.hubspot.refusals import invalid, not_found
from sandbox.hubspot.searching import search
from sandbox.hubspot.shapes import Reply
from sandbox.standin.base import Ask

#: HubSpot's limit for one page of a list.
PAGE_MAX = 100


def route(crm: Crm, ask: Ask, kind: Kind, rest: list[str]) -> Reply:
    """Answer a request about objects of a kind. Raises: Refusal."""
    match (ask.method, *rest):
        case ("POST",):
            return _create(crm, ask, kind)
        case ("GET",):
            return _list(crm, ask, kind)
        case ("POST", "search"):
            return _search(crm, kind, body_of(ask))
        case ("POST", "merge"):
            return _merge(crm, kind, body_of(ask))
        case ("POST", "batch", "read"):
            return batches.read(crm, kind, body_of(ask), archived=asked(ask, "archived") == "true")
        case ("POST", "batch", action) if action in batches.ACTIONS:
            return batches.ACTIONS[action](crm, kind, body_of(ask))
        case ("GET", id_):
            record = crm.records.get(kind, id_, asked(ask, "idProperty"), archived=asked(ask, "archived") == "true")
            return 200, _shown(crm, ask, record)
        case ("PATCH", id_):
            return _update(crm, ask, kind, id_)
        case ("DELETE", id_):
            found = crm.records.find(kind, id_)
            if found is not None:
                crm.records.archive(found, crm.app)
            return 204, None
    raise not_found()


def _create(crm: Crm, ask: Ask, kind: Kind) -> Reply:
    body = body_of(ask)
    record = crm.keep(crm.prepare_new(kind, body, {}), crm.app)
    return 201, crm.row(record, properties_of(body))


def _update(crm: Crm, ask: Ask, kind: Kind, id_: str) -> Reply:
    body = body_of(ask)
    if wishes_of(body):
        raise invalid("Associations can be given at creation only.")
    record = crm.records.get(kind, id_, asked(ask, "idProperty"))
    raw = properties_of(body)
    return 200, crm.row(crm.keep(crm.records.prepare(kind, record, raw, taken={}), crm.app), raw)


def _merge(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    primary, other = (
        crm.records.get(kind, id_of({"id": body.get(name)})) for name in ("primaryObjectId", "objectIdToMerge")
    )
    if primary is other:
        raise invalid("A record cannot be merged with itself.")
    return 200, crm.row(crm.merge(primary, other, crm.app), ())


def _list(crm: Crm, ask: Ask, kind: Kind) -> Reply:
    limit = asked_number(ask, "limit", 10, PAGE_MAX)
    after = asked_number(ask, "after", 0, 2**63)
    archived = asked(ask, "archived") == "true"
    found = [each for each in crm.records.all(kind) if (each.archived_ms is not None) == archived]
    page = [each for each in found if int(each.id) > after]
    body: dict[str, Any] = {"results": [_shown(crm, ask, record) for record in page[:limit]]}
    if len(page) > limit:
        body["paging"] = {"next": {"after": page[limit - 1].id, "link": f"?after={page[limit - 1].id}"}}
    return 200, body


def _search(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    page = search(crm.records, crm.catalogue, kind, body, round(crm.account.search_lag_seconds * 1000))
    names = names_of(body, "properties")
    results = [shapes.shown(crm.catalogue, each.record, names, past=each.past) for each in page.found]
    made: dict[str, Any] = {"total": page.total, "results": results}
    if page.after is not None:
        made["paging"] = {"next": {"after": str(page.after), "link": f"?after={page.after}"}}
    return 200, made


def _shown(crm: Crm, ask: Ask, record: Record) -> dict[str, Any]:
    history = all_asked(ask, "propertiesWithHistory")
    made = shapes.shown(crm.catalogue, record, all_asked(ask, "properties"), history=history)
    linked = {}
    for name in all_asked(ask, "associations"):
        to = kind_of(name)
        rows = [
            {"id": id_, "type": _label(number)}
            for id_, numbers in crm.links.of(record, to)
            for number in sorted(numbers)
        ]
        if rows:
            linked[to.plural] = {"results": rows}
    if linked:
        made["associations"] = linked
    return made


def _label(number: int) -> str:
    pair = find_pair(number)
    if pair is None:
        raise AssertionError(f"Bug: an association of the unknown type {number}")
    return f"{pair[0]}_to_{pair[1]}"
