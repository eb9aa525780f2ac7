"""What a correction would do: the real edit and the real steps over it, taken back before anybody sees them."""

import json
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import destinations
from console import actions, asks, problems, strict
from counterfoil import database
from counterfoil.settings import settings
from engine import dry_run, registry
from engine.pipeline import Pipeline
from exceptions_queue import approvals


class Tried(NamedTuple):
    """What a corrected payload changes, and what its event would come to."""

    #: Place by place: what stands, what would stand.
    changes: list[dict[str, Any]]
    #: As a dry run tells it: status, violations, and the difference of writes.
    found: dict[str, Any]


def edit(who: str, case_id: UUID, ask: asks.EditAsk) -> Tried:
    """Try a correction without keeping it. Raises: Problem, as the correction itself would."""
    well_formed(ask.payload)
    pipeline = Pipeline(
        registry.find(settings().handlers_package), destinations.find(), crashes_max=settings().crashes_max
    )
    assert ask.event_id is not None, "Bug: a form names the event it corrects"
    with problems.told(), database.transaction() as conn:
        row = conn.execute(
            "SELECT p.body FROM events e JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version"
            " WHERE e.id = %s",
            (ask.event_id,),
        ).fetchone()
        actions.edit(conn, who, case_id, ask)
        found = dry_run.compare(conn, pipeline, ask.event_id)
        conn.rollback()
    assert row is not None, "Bug: what was edited is gone"
    assert found is not None, "Bug: what was edited is gone"
    return Tried(approvals.difference(_read(row["body"]), _read(ask.payload)), found)


def well_formed(text: str) -> None:
    """Raises: NotAcceptable, when the text is no JSON, or says something twice."""
    try:
        strict.check(text.encode("utf-8", "surrogatepass"))
    except strict.NotJson as wrong:
        raise problems.NotAcceptable(
            f"the payload cannot be read: {wrong}", [problems.Fault(field="payload", detail=str(wrong))]
        ) from None


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text
