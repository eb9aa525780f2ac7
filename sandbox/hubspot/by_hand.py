"""What people do in the CRM itself, and what the account's admin sets: all of it seen by webhooks, none of it by us.

Actions, as `do` takes them; `user` is who it is (501 if absent), kinds go by any of their names:

    {"action": "create", "kind": …, "properties": {…}}
    {"action": "edit", "kind": …, "id": …, "properties": {…}}
    {"action": "delete", "kind": …, "id": …}
    {"action": "merge", "kind": …, "id": …, "other": …}
    {"action": "associate" | "dissociate", "kind": …, "id": …, "to_kind": …, "to": …}
    {"action": "rule", "kind": …, "property": …, "message": … | null}        refuses API writes of that property
    {"action": "set", "search_lag_seconds": …, "per_ten_seconds": …, …}      any number of the account's settings
"""

from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from sandbox.hubspot.account import Account
from sandbox.hubspot.crm import Crm
from sandbox.hubspot.echoes import Author
from sandbox.hubspot.kinds import Kind
from sandbox.hubspot.reading import id_of, kind_of, properties_of
from sandbox.hubspot.records import Record
from sandbox.hubspot.refusals import Refusal
from sandbox.standin.base import CannotDo

#: The person who did it when nobody says.
USER_ID = 501
#: What an admin can change while it runs.
_TYPES = {name: kind for name, kind in get_type_hints(Account).items()
          if name not in ("owners", "properties", "scopes", "rules")}  # fmt: skip


def do(crm: Crm, action: Mapping[str, Any]) -> dict[str, Any]:
    """Do it, and show what it became. Raises: CannotDo."""
    try:
        return _do(crm, dict(action))
    except Refusal as refusal:
        raise CannotDo(str(refusal)) from None


def _do(crm: Crm, action: dict[str, Any]) -> dict[str, Any]:
    name = action.get("action")
    if name == "set":
        return _set(crm, {key: value for key, value in action.items() if key != "action"})
    kind = kind_of(str(action.get("kind")))
    match name:
        case "rule":
            return _rule(crm, kind, action)
        case "create":
            prepared = crm.records.prepare(kind, None, properties_of(action), taken={}, by_hand=True)
            return crm.row(crm.keep(prepared, _person(action)), prepared.values)
    record = crm.records.get(kind, id_of(action))
    match name:
        case "edit":
            prepared = crm.records.prepare(kind, record, properties_of(action), taken={}, by_hand=True)
            return crm.row(crm.keep(prepared, _person(action)), prepared.values)
        case "delete":
            crm.records.archive(record, _person(action))
            return crm.row(record, ())
        case "merge":
            return _merge(crm, record, action)
        case "associate" | "dissociate":
            other = crm.records.get(kind_of(str(action.get("to_kind"))), str(action.get("to")))
            (crm.links.add if name == "associate" else crm.links.remove)(record, other, _person(action))
            return crm.row(record, ())
    raise CannotDo(f"there is no action {name!r}")


def _merge(crm: Crm, record: Record, action: dict[str, Any]) -> dict[str, Any]:
    other = crm.records.get(record.kind, str(action.get("other")))
    if other is record:
        raise CannotDo("a record cannot be merged with itself")
    return crm.row(crm.merge(record, other, _person(action)), ())


def _rule(crm: Crm, kind: Kind, action: dict[str, Any]) -> dict[str, Any]:
    key = (kind.type_id, str(action.get("property")))
    if action.get("message"):
        crm.account.rules[key] = str(action["message"])
    else:
        crm.account.rules.pop(key, None)
    return {"rules": [list(each) for each in crm.account.rules]}


def _set(crm: Crm, settings: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(settings) - set(_TYPES))
    if unknown:
        raise CannotDo(f"the account has no setting {', '.join(unknown)}")
    try:
        checked = {name: msgspec.convert(value, _TYPES[name]) for name, value in settings.items()}
    except msgspec.ValidationError as error:
        raise CannotDo(str(error)) from None
    for name, value in checked.items():
        setattr(crm.account, name, value)
    return settings


def _person(action: dict[str, Any]) -> Author:
    user_id = action.get("user", USER_ID)
    if not isinstance(user_id, int):
        raise CannotDo("user is the number of a person")
    return Author("CRM_UI", f"userId:{user_id}", user_id)
