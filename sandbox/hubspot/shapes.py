"""How records, histories and batches look in an answer."""

from collections.abc import Iterable
from typing import Any

from sandbox.hubspot.properties import Catalogue, Property
from sandbox.hubspot.records import Past, Record, Version
from sandbox.hubspot.values import iso

#: A status and what is to be encoded as JSON; None for no body.
Reply = tuple[int, Any]

#: HubSpot shows this many of a property's values (more for contacts): an older one is no longer to be found.
VERSIONS_MAX = 20


def shown(
    catalogue: Catalogue, record: Record, asked: Iterable[str] = (), *, history: Iterable[str] = (),
    past: Past | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A record: its standing properties and those asked for. A value that was never set is null, not absent."""
    kind = record.kind
    wanted = list(asked) or kind.defaults
    values: dict[str, str | None] = {"hs_object_id": record.id}
    for name in (kind.created, kind.modified, *wanted, *history):
        if catalogue.find(kind, name) is not None:
            values[name] = record.value(name, past)
    made: dict[str, Any] = {
        "id": record.id,
        "properties": values,
        "createdAt": iso(record.created_ms),
        "updatedAt": iso(past.at_ms if past else record.modified_ms),
        "archived": record.archived_ms is not None,
    }
    if record.archived_ms is not None:
        made["archivedAt"] = iso(record.archived_ms)
    if history:
        made["propertiesWithHistory"] = {
            name: [_version(version) for version in record.history.get(name, [])[: -VERSIONS_MAX - 1 : -1]]
            for name in history
        }
    return made


def batch(rows: list[dict[str, Any]], errors: list[dict[str, Any]], at_ms: int) -> dict[str, Any]:
    """The answer to a batch. It says COMPLETE whatever happened."""
    at = iso(at_ms)
    made: dict[str, Any] = {"status": "COMPLETE", "results": rows, "startedAt": at, "completedAt": at}
    if errors:
        made |= {"numErrors": len(errors), "errors": errors}
    return made


def property_shown(definition: Property) -> dict[str, Any]:
    """One property's definition."""
    kind = "enumeration" if definition.type == "owner" else definition.type
    return {
        "name": definition.name,
        "label": definition.label or definition.name,
        "type": kind,
        "fieldType": definition.field_type or _FIELD_TYPES.get(kind, "text"),
        "description": "",
        "groupName": definition.group or "information",
        "options": [
            {"label": each, "value": each, "displayOrder": at, "hidden": False}
            for at, each in enumerate(definition.options)
        ],
        "hasUniqueValue": definition.unique,
        "hubspotDefined": definition.hubspot_defined,
        "archived": False,
        "calculated": False,
        "externalOptions": definition.type == "owner",
        "hidden": False,
        "displayOrder": -1,
        "formField": False,
        "modificationMetadata": {
            "archivable": not definition.hubspot_defined,
            "readOnlyDefinition": definition.hubspot_defined,
            "readOnlyValue": definition.read_only,
        },
    }


_FIELD_TYPES = {"number": "number", "enumeration": "select", "bool": "booleancheckbox", "date": "date",
                "datetime": "date"}  # fmt: skip


def _version(version: Version) -> dict[str, Any]:
    made: dict[str, Any] = {
        "value": version.value,
        "timestamp": iso(version.at_ms),
        "sourceType": version.author.source,
        "sourceId": version.author.source_id,
    }
    if version.author.user_id is not None:
        made["updatedByUserId"] = version.author.user_id
    return made
