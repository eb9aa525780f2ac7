"""Editing: a corrected copy of a payload beside the original, held against its contract before anything is stored.

What is edited is what the event says, never whose it is: a fault that the payload did not cause (a wrong account, a
second content under one identity) cannot be edited away.
"""

import json
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import contracts
from contracts import ContractBroken, ContractUnknown, Violation
from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState
from exceptions_queue.cases.desk import blocked_events, get_live
from exceptions_queue.refusals import (
    EditRefused,
    EventMoving,
    EventNotFound,
    EventNotInCase,
    EventUnnamed,
    signed,
)

#: The one fault of the door's that lies in the payload; a copy that keeps its contract takes it away.
MENDABLE_FAULT: Final = "contract_violation"


def edit(conn: Connection, case_id: UUID, event_id: UUID | None, payload: str, *, who: str, reason: str) -> int:
    """Store a corrected copy as the event's next version and send it to the start; returns the version.

    `payload` is JSON text and stays as it was written: whoever parses and writes it again may change a number.
    `event_id` may be None when the case blocks exactly one event. Ring the bell after the commit.

    Raises: CaseNotFound, CaseClosed, EventUnnamed, EventNotInCase, EventMoving, EditRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    case = get_live(conn, case_id)
    event = _get_resting(conn, choose(conn, case_id, event_id))
    fault = event["fault"]
    if fault is not None and fault.get("class") != MENDABLE_FAULT:
        raise EditRefused(f"the payload is not what is wrong ({fault.get('class')}); {case['title']}")
    hold_against_contract(event, _original(conn, event["id"]), payload)
    version = add_version(conn, event["id"], payload, who, reason)
    move(conn, "event", [event["id"]], EventState.QUEUED, sets=queued_again(event, version))
    detail = {"event": str(event["id"]), "version": version, "reason": reason}
    again = {"case": str(case_id), "version": version, "generation": event["generation"] + 1, "reason": reason}
    audit.append(
        conn,
        "desk",
        [
            audit.Entry(who, "case.edited", f"case:{case_id}", detail),
            audit.Entry(who, "event.edited", f"event:{event['id']}", again),
        ],
    )
    return version


def queued_again(event: dict[str, Any], version: int) -> dict[str, Any]:
    """What an event's row says when it goes to the start with another version of its payload."""
    return {
        "payload_version": version,
        "generation": event["generation"] + 1,
        "fault": None,
        "due_at": NOW,
        "attempts": 0,
        "crashes": 0,
        "lease_until": None,
        "finished_at": None,
    }


def choose(conn: Connection, case_id: UUID, event_id: UUID | None) -> UUID:
    """The event of the case that is meant. Raises: EventUnnamed, EventNotInCase."""
    blocked = blocked_events(conn, case_id)
    if event_id is None:
        if len(blocked) != 1:
            raise EventUnnamed(f"the case blocks {len(blocked)} events: name the one to edit")
        return blocked[0]
    if event_id not in blocked:
        raise EventNotInCase(f"the case does not block event {event_id}")
    return event_id


_RESTING = """
SELECT id, source, provider, type, api_version, generation, fault FROM events
WHERE id = %s AND status IN ('waiting', 'exception') FOR UPDATE
"""


def _get_resting(conn: Connection, event_id: UUID) -> dict[str, Any]:
    event = conn.execute(_RESTING, (event_id,)).fetchone()
    if event is None:
        found = conn.execute("SELECT status FROM events WHERE id = %s", (event_id,)).fetchone()
        if found is None:
            raise EventNotFound(f"there is no event {event_id}")
        raise EventMoving(f"the event is {found['status']}: wait until it rests, then edit")
    return event


def _original(conn: Connection, event_id: UUID) -> bytes:
    row = conn.execute("SELECT body FROM payloads WHERE event_id = %s AND version = 0", (event_id,)).fetchone()
    return row["body"].encode() if row is not None else b""


def hold_against_contract(event: dict[str, Any], original: bytes, payload: str) -> None:
    """The copy keeps its contract and tells of what the original told. Raises: EditRefused."""
    try:
        body = payload.encode()
        contract = contracts.find(event["provider"], event["type"], event["api_version"], body)
        contract.check(body)
        _must_stay(contract, original, body)
    except ContractBroken as broken:
        raise EditRefused("the corrected copy breaks its contract too; nothing was stored", broken.violations) from None
    except ContractUnknown as unknown:
        nobody = Violation("(all)", "contract_unknown", event["type"], "a contract that covers it", str(unknown))
        raise EditRefused("no contract covers this event, so no copy can be checked", (nobody,)) from None
    except (ValueError, RecursionError) as failure:
        raise EditRefused(f"the corrected copy is no JSON: {failure}") from None


def _must_stay(contract: type[contracts.Contract], original: bytes, payload: bytes) -> None:
    """Raises: ContractBroken, when the copy has become another event, or is about something else.

    It would be written under the other one's key, past everything that was known about that one. What the contract
    complains of in the original may change.
    """
    try:
        was: Any = json.loads(original, parse_float=Decimal)
        contract.check(original)
        wrong: set[str] = set()
    except ContractBroken as broken:
        wrong = {violation.field for violation in broken.violations}
    except ValueError:
        return  # nobody could read what it was
    now = json.loads(payload, parse_float=Decimal)
    changed = tuple(
        Violation(
            name, "identity_kept", "another value", "as received", "Correct what the event says, not whose it is."
        )
        for name in contract.identity
        if _member(was, name) is not None and _member(was, name) != _member(now, name) and name not in wrong
    )
    if changed:
        raise ContractBroken(contract.version, changed)


def _member(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def add_version(conn: Connection, event_id: UUID, body: str, who: str, reason: str) -> int:
    """The next version; the event's row is locked, so nobody else takes this number."""
    row = conn.execute(
        "INSERT INTO payloads (event_id, version, body, author, reason)"
        " SELECT %s, coalesce(max(version), 0) + 1, %s, %s, %s FROM payloads WHERE event_id = %s RETURNING version",
        (event_id, body, who, reason, event_id),
    ).fetchone()
    assert row is not None
    return int(row["version"])
