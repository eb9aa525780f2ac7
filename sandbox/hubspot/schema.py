"""The routes that are not about records: properties, owners, the account.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

import re
from typing import Any

from sandbox.hubspot.crm import Crm
from sandbox.hubspot.kinds import Kind
from sandbox.hubspot.properties import UNIQUE_MAX, Property
from sandbox.hubspot.reading import asked, asked_number, body_of
from sandbox.hubspot.refusals import Refusal, invalid, not_found
from sandbox.hubspot.shapes import Reply, property_shown
from sandbox.standin.base import Ask

_TYPES = ("string", "number", "bool", "date", "datetime", "enumeration")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")


def route_properties(crm: Crm, ask: Ask, kind: Kind, rest: list[str]) -> Reply:
    """Answer a request about the properties of a kind. Raises: Refusal."""
    match (ask.method, *rest):
        case ("GET",):
            return 200, {"results": [property_shown(each) for each in crm.catalogue.all(kind)]}
        case ("POST",):
            return 201, property_shown(_add_property(crm, kind, body_of(ask)))
        case ("GET", name):
            definition = crm.catalogue.find(kind, name)
            if definition is None:
                raise not_found(f"Property {name} does not exist.")
            return 200, property_shown(definition)
    raise not_found()


def route_owners(crm: Crm, ask: Ask, rest: list[str]) -> Reply:
    """Answer a request about owners. Raises: Refusal."""
    archived = asked(ask, "archived") == "true"
    owners = [owner for owner in crm.account.owners if owner.archived == archived]
    match (ask.method, *rest):
        case ("GET",):
            email, after = asked(ask, "email"), asked_number(ask, "after", 0, 2**63)
            limit = asked_number(ask, "limit", 100, 500)
            found = [owner for owner in owners if (not email or owner.email == email.lower()) and int(owner.id) > after]
            body: dict[str, Any] = {"results": [owner.as_json() for owner in found[:limit]]}
            if len(found) > limit:
                body["paging"] = {"next": {"after": found[limit - 1].id}}
            return 200, body
        case ("GET", id_):
            by = "user_id" if asked(ask, "idProperty") == "userId" else "id"
            for owner in owners:
                if str(getattr(owner, by)) == id_:
                    return 200, owner.as_json()
    raise not_found()


def account_details(crm: Crm) -> Reply:
    """Whose account this is."""
    account = crm.account
    return 200, {
        "portalId": account.portal_id,
        "accountType": "STANDARD",
        "timeZone": account.time_zone,
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }


def _add_property(crm: Crm, kind: Kind, body: dict[str, Any]) -> Property:
    missing = [name for name in _REQUIRED if not isinstance(body.get(name), str) or not body[name]]
    if missing:
        raise invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    if not _NAME.fullmatch(body["name"]) or body["type"] not in _TYPES:
        raise invalid(f"A property of this name and type cannot be: {body['name']}, {body['type']}")
    if crm.catalogue.find(kind, body["name"]) is not None:
        raise Refusal(409, "OBJECT_ALREADY_EXISTS", f"A property named '{body['name']}' already exists.")
    is_unique = body.get("hasUniqueValue") is True
    if is_unique and body["type"] not in ("string", "number"):
        raise invalid("Only text and numbers can be unique.")
    added = [name for name in crm.catalogue.uniques(kind) if name != "email"]
    if is_unique and len(added) >= UNIQUE_MAX:
        raise invalid(f"{kind.plural} can have at most {UNIQUE_MAX} unique properties.")
    definition = Property(
        body["name"], body["type"], _options(body), is_unique, label=body["label"], group=body["groupName"],
        field_type=body["fieldType"], hubspot_defined=False,
    )  # fmt: skip
    if not crm.records.pretends:
        crm.catalogue.add(kind, definition)
    return definition


def _options(body: dict[str, Any]) -> tuple[str, ...]:
    found = body.get("options") or []
    if not isinstance(found, list) or not all(isinstance(each, dict) and each.get("value") for each in found):
        raise invalid("options is a list of objects with a value.")
    return tuple(str(each["value"]) for each in found)
