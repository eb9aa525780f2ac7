"""The routes of associations: `/crm/v4/objects/…/associations/…` and `/crm/v4/associations/…/batch/…`."""

from typing import Any

from sandbox.hubspot import shapes
from sandbox.hubspot.crm import Crm
from sandbox.hubspot.kinds import PRIMARY, Kind
from sandbox.hubspot.links import CATEGORY
from sandbox.hubspot.reading import asked_number, body_of, id_of, kind_of, rows_of
from sandbox.hubspot.records import Record
from sandbox.hubspot.refusals import Refusal, not_found
from sandbox.hubspot.shapes import Reply
from sandbox.standin.base import Ask

#: HubSpot's limit for one page of associations.
PAGE_MAX = 500


def route(crm: Crm, ask: Ask, kind: Kind, rest: list[str]) -> Reply:
    """Answer a request about the associations of one record. Raises: Refusal."""
    match (ask.method, *rest):
        case ("PUT", id_, "associations", "default", to_name, to_id):
            to = kind_of(to_name)
            rows = _associate(crm, crm.records.get(kind, id_), crm.records.get(to, to_id))
            return 200, shapes.batch(rows, [], crm.records.ms())
        case ("GET", id_, "associations", to_name):
            return 200, _page(crm, ask, crm.records.get(kind, id_), kind_of(to_name))
        case ("DELETE", id_, "associations", to_name, to_id):
            one, other = crm.records.find(kind, id_), crm.records.find(kind_of(to_name), to_id)
            if one is not None and other is not None:
                crm.links.remove(one, other, crm.app)
            return 204, None
    raise not_found()


def route_batch(crm: Crm, ask: Ask, kind: Kind, to: Kind, rest: list[str]) -> Reply:
    """Answer a batch about associations between two kinds. Raises: Refusal."""
    match (ask.method, *rest):
        case ("POST", "batch", "associate", "default"):
            return _associate_all(crm, kind, to, body_of(ask))
        case ("POST", "batch", "read"):
            return _read_all(crm, kind, to, body_of(ask))
    raise not_found()


def _page(crm: Crm, ask: Ask, record: Record, to: Kind) -> dict[str, Any]:
    limit, after = asked_number(ask, "limit", PAGE_MAX, PAGE_MAX), asked_number(ask, "after", 0, 2**63)
    found = sorted(_linked(crm, record, to), key=lambda row: int(row["toObjectId"]))
    rest = [row for row in found if row["toObjectId"] > after]
    made: dict[str, Any] = {"results": rest[:limit]}
    if len(rest) > limit:
        made["paging"] = {"next": {"after": str(rest[limit - 1]["toObjectId"])}}
    return made


def _associate(crm: Crm, one: Record, other: Record) -> list[dict[str, Any]]:
    crm.links.add(one, other, crm.app)
    return [
        {
            "from": {"id": start.id},
            "to": {"id": end.id},
            "associationSpec": {
                "associationCategory": CATEGORY,
                "associationTypeId": crm.links.number(start.kind, end.kind),
            },
        }
        for start, end in ((one, other), (other, one))
    ]


def _associate_all(crm: Crm, kind: Kind, to: Kind, body: dict[str, Any]) -> Reply:
    rows: list[dict[str, Any]] = []
    errors = []
    for wish in rows_of(body):
        ids = id_of(wish.get("from")), id_of(wish.get("to"))
        one, other = crm.records.find(kind, ids[0]), crm.records.find(to, ids[1])
        if one is None or other is None:
            message = f"No {kind.singular} {ids[0]} or no {to.singular} {ids[1]} exists."
            context = {"fromObjectId": [ids[0]], "toObjectId": [ids[1]]}
            errors.append(Refusal(404, "OBJECT_NOT_FOUND", message, context=context).row())
        else:
            rows += _associate(crm, one, other)
    return (207 if errors else 200), shapes.batch(rows, errors, crm.records.ms())


def _read_all(crm: Crm, kind: Kind, to: Kind, body: dict[str, Any]) -> Reply:
    rows = []
    for wish in rows_of(body):
        record = crm.records.find(kind, id_of(wish))
        linked = _linked(crm, record, to) if record is not None else []
        if linked:
            rows.append({"from": {"id": id_of(wish)}, "to": linked})
    return 200, shapes.batch(rows, [], crm.records.ms())


def _linked(crm: Crm, record: Record, to: Kind) -> list[dict[str, Any]]:
    return [
        {
            "toObjectId": int(id_),
            "associationTypes": [
                {"category": CATEGORY, "typeId": number, "label": "Primary" if number in PRIMARY.values() else None}
                for number in numbers
            ],
        }
        for id_, numbers in crm.links.of(record, to)
    ]
