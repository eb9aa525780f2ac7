"""Accepting: of one identity with two contents, the owner takes the newer one.

It becomes a corrected copy of the first event, held against its contract like any correction, and that event runs
again; the event that brought it is settled. What the first content wrote stays: if the newer one plans other content
under the same key, that is refused and a case of its own.
"""

from typing import Any, Final
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState
from exceptions_queue.cases.clearing import clear
from exceptions_queue.cases.desk import get_live
from exceptions_queue.cases.editing import MENDABLE_FAULT, add_version, choose, hold_against_contract, queued_again
from exceptions_queue.refusals import AcceptRefused, EventMoving, EventNotFound, signed

#: The fault of an event whose identity had come before with other content.
CONFLICT: Final = "identity_conflict"
#: What two contents of one identity must agree on; whoever differs here is not the same event.
SAME: Final = ("source", "provider", "type", "account", "livemode")


def accept(conn: Connection, case_id: UUID, event_id: UUID | None, *, who: str, reason: str) -> int:
    """Make the newer content the first event's next version and send that to the start; returns the version.

    `event_id` may be None when the case blocks exactly one event. Ring the bell after the commit.

    Raises: CaseNotFound, CaseClosed, EventUnnamed, EventNotInCase, EventMoving, AcceptRefused, EditRefused,
    ReasonMissing.
    """
    who, reason = signed(who, reason)
    get_live(conn, case_id)
    newer, first = _both(conn, choose(conn, case_id, event_id))
    body = _text(conn, newer["id"], newer["payload_version"])
    # As the newer one was received: its version and time are the content's.
    hold_against_contract(newer, _text(conn, first["id"], 0).encode(), body)
    version = add_version(conn, first["id"], body, who, reason)
    content = {name: newer[name] for name in ("api_version", "occurred_at", "subject")}
    move(conn, "event", [first["id"]], EventState.QUEUED, sets={**queued_again(first, version), **content})
    outcome = f"its content is version {version} of event {first['id']}, by {who}: {reason}"
    settled = {"outcome": outcome, "case_id": None, "due_at": None, "lease_until": None, "finished_at": NOW}
    move(conn, "event", [newer["id"]], EventState.IGNORED, sets=settled)
    detail = {"case": str(case_id), "version": version, "reason": reason}
    entries = [
        audit.Entry(who, "event.edited", f"event:{first['id']}", {**detail, "content_of": str(newer["id"])}),
        audit.Entry(who, "event.ignored", f"event:{newer['id']}", detail),
        audit.Entry(who, "case.accepted", f"case:{case_id}", {"event": str(newer["id"]), "reason": reason}),
    ]
    audit.append(conn, "desk", [*entries, *clear(conn, [newer["id"]], actor=who)])
    return version


_BOTH = """
SELECT * FROM events WHERE id = %(newer)s
    OR id = (SELECT (fault ->> 'original')::uuid FROM events WHERE id = %(newer)s AND fault ->> 'class' = %(conflict)s)
ORDER BY id FOR UPDATE
"""


def _both(conn: Connection, newer_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event with the newer content and the one that came first, locked. Raises: AcceptRefused, EventMoving."""
    rows = {row["id"]: row for row in conn.execute(_BOTH, {"newer": newer_id, "conflict": CONFLICT}).fetchall()}
    newer = rows.pop(newer_id, None)
    if newer is None:
        raise EventNotFound(f"there is no event {newer_id}")
    fault = newer["fault"] or {}
    if fault.get("class") != CONFLICT:
        raise AcceptRefused(
            "only the newer of two contents of one identity is accepted; "
            "after a change of the source's mode or accounts, replay: the event is judged anew"
        )
    if not rows:
        raise AcceptRefused("the first event is not kept any more; there is nothing to correct")
    first = next(iter(rows.values()))
    for event in (newer, first):
        if event["status"] in (EventState.QUEUED, EventState.RUNNING):
            raise EventMoving(f"event {event['id']} is {event['status']}: wait until it rests, then accept")
    if (first["fault"] or {"class": MENDABLE_FAULT}).get("class") != MENDABLE_FAULT:
        raise AcceptRefused(
            f"the first event has a fault of its own ({first['fault'].get('class')}): settle that first"
        )
    if differing := [name for name in SAME if newer[name] != first[name]]:
        raise AcceptRefused(f"the two differ in their {', '.join(differing)}: they are not one event")
    return newer, first


def _text(conn: Connection, event_id: UUID, version: int) -> str:
    row = conn.execute("SELECT body FROM payloads WHERE event_id = %s AND version = %s", (event_id, version)).fetchone()
    if row is None:
        raise AcceptRefused(f"the payload of event {event_id} is not kept any more")
    return str(row["body"])
