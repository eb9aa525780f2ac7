"""The batch routes of objects: up to 100 rows, refused as a whole or row by row.

A row that carries an `objectWriteTraceId` fails alone, in a 207; one without takes the whole batch with it, and then
nothing is written. The trace id links an error to its row and nothing more: it makes no repetition safe.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sandbox.hubspot import shapes
from sandbox.hubspot.crm import Crm
from sandbox.hubspot.kinds import Kind
from sandbox.hubspot.reading import id_of, names_of, properties_of, rows_of, text_of
from sandbox.hubspot.records import Prepared, Taken
from sandbox.hubspot.refusals import Refusal, invalid
from sandbox.hubspot.shapes import Reply

#: HubSpot's limit for the rows of a batch that is read with histories.
WITH_HISTORY_MAX = 50


def create(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    """Make records."""
    taken: Taken = {}
    return _write(crm, rows_of(body), lambda row: crm.prepare_new(kind, row, taken), done=201)


def update(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    """Change records; ids that lead nowhere are listed, the others are changed."""
    rows = rows_of(body)
    _refuse_doubles(rows)
    taken: Taken = {}
    missing = [id_of(row) for row in rows if crm.records.find(kind, id_of(row), text_of(row, "idProperty")) is None]

    def prepare(row: dict[str, Any]) -> Prepared:
        record = crm.records.get(kind, id_of(row), text_of(row, "idProperty"))
        return crm.records.prepare(kind, record, properties_of(row), taken=taken)

    return _write(crm, [row for row in rows if id_of(row) not in missing], prepare, errors=_not_found(kind, missing))


def upsert(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    """Make or change records by a unique property; every row of the answer says whether it is new."""
    rows = rows_of(body)
    _refuse_doubles(rows)
    for row in rows:
        if not text_of(row, "idProperty"):
            raise invalid("Some required fields were not set: [idProperty]")
    taken: Taken = {}

    def prepare(row: dict[str, Any]) -> Prepared:
        return crm.prepare_upsert(kind, id_of(row), text_of(row, "idProperty") or "", row, taken)

    return _write(crm, rows, prepare, tells_new=True)


def read(crm: Crm, kind: Kind, body: dict[str, Any], *, archived: bool) -> Reply:
    """Read records; ids that lead nowhere are listed."""
    id_property = text_of(body, "idProperty")
    names, history = names_of(body, "properties"), names_of(body, "propertiesWithHistory")
    ids = [id_of(row) for row in rows_of(body)]
    if history and len(ids) > WITH_HISTORY_MAX:
        raise invalid(f"At most {WITH_HISTORY_MAX} records can be read with their history at once.")
    rows, missing = [], []
    for id_ in ids:
        record = crm.records.find(kind, id_, id_property, archived=archived)
        if record is None:
            missing.append(id_)
        else:
            rows.append(shapes.shown(crm.catalogue, record, names, history=history))
    errors = _not_found(kind, missing)
    return (207 if errors else 200), shapes.batch(rows, errors, crm.records.ms())


def archive(crm: Crm, kind: Kind, body: dict[str, Any]) -> Reply:
    """Delete records; those that are not there count as deleted."""
    for id_ in map(id_of, rows_of(body)):
        record = crm.records.find(kind, id_)
        if record is not None:
            crm.records.archive(record, crm.app)
    return 204, None


def _write(
    crm: Crm,
    rows: list[dict[str, Any]],
    prepare: Callable[[dict[str, Any]], Prepared],
    *,
    errors: list[dict[str, Any]] | None = None,
    done: int = 200,
    tells_new: bool = False,
) -> Reply:
    """Check every row, then write those that may be written."""
    refused, good = list(errors or ()), []
    for row in rows:
        trace_id = text_of(row, "objectWriteTraceId")
        try:
            good.append((prepare(row), row, trace_id))
        except Refusal as refusal:
            if trace_id is None:
                raise
            refused.append(refusal.row(trace_id))
    made = []
    for prepared, row, trace_id in good:
        is_new = prepared.record is None
        id_property = text_of(row, "idProperty")
        names = [*properties_of(row), *([id_property] if id_property else ())]
        shown = crm.row(crm.keep(prepared, crm.app), names)
        if tells_new:
            shown["new"] = is_new
        if trace_id is not None:
            shown["objectWriteTraceId"] = trace_id
        made.append(shown)
    # Nothing is promised about the order of the results.
    crm.rng.shuffle(made)
    return (207 if refused else done), shapes.batch(made, refused, crm.records.ms())


def _refuse_doubles(rows: list[dict[str, Any]]) -> None:
    doubles = [id_ for id_, count in Counter(map(id_of, rows)).items() if count > 1]
    if doubles:
        raise invalid(
            f"Duplicate IDs found in batch input: [{', '.join(doubles)}]. IDs must be unique", context={"ids": doubles}
        )


def _not_found(kind: Kind, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    message = f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist."
    return [Refusal(404, "OBJECT_NOT_FOUND", message, context={"ids": ids}).row()]


ACTIONS: dict[str, Callable[[Crm, Kind, dict[str, Any]], Reply]] = {
    "create": create,
    "update": update,
    "upsert": upsert,
    "archive": archive,
}
