"""A write in doubt, by a person's hand: asked about once more, or settled by what the owner found out.

    in_doubt ──probe───▶ in_doubt, due now: the sender asks the destination
             ──happened──▶ confirmed, with the person as its witness
             ──did not───▶ in_doubt, known to be absent: sent again under the same key

Only a doubt that nobody holds is settled by hand, and only when the probes have come to their end: as long as the
destination is still being asked, its answer counts for more than a memory.
"""

from typing import Any
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState, WriteState
from engine.sending import completing, reversing
from engine.sending.inverses import WriteNotFound
from exceptions_queue import cases
from exceptions_queue.refusals import NotLikeThat, NotNow, signed

#: How long it is taken for certain that a write is absent when a person has found it so: whatever holds the sending up
#: (a pause, an outage) for longer makes it asked about once more.
ABSENT_HOURS = 24
#: An id at a destination, or a link to it.
REFERENCE_CHARACTERS_MAX = 500


class NotInDoubt(NotNow):
    """The write is not in doubt, or is being asked about right now."""


class ReferenceMissing(NotLikeThat):
    """Where it stands has to be named when it happened."""


def probe(conn: Connection, write_id: UUID, *, who: str, reason: str) -> None:
    """Have the destination asked now. Ring the bell after the commit. Raises: WriteNotFound, NotInDoubt."""
    who, reason = signed(who, reason)
    row = _locked(conn, write_id)
    conn.execute("UPDATE writes SET due_at = now() WHERE id = %s", (write_id,))
    detail = {"key": row["key"], "reason": reason, "probes": row["probes"]}
    audit.append(conn, "desk", [audit.Entry(who, "write.asked_about", f"write:{write_id}", detail)])


def settle(conn: Connection, write_id: UUID, *, happened: bool, reference: str | None, who: str, reason: str) -> None:
    """Record what the owner found out about a write in doubt. Ring the bell after the commit.

    Raises: WriteNotFound, NotInDoubt, ReferenceMissing, ReasonMissing.
    """
    who, reason = signed(who, reason)
    row = _locked(conn, write_id)
    if row["due_at"] is not None:
        raise NotInDoubt("the destination is still being asked about it; wait for what it says, or probe it now")
    if happened:
        entries = _confirm(conn, row, _reference(reference), who, reason)
    else:
        if reference is not None:
            raise ReferenceMissing("what did not happen stands nowhere: leave the reference out")
        entries = _send_again(conn, row, who, reason)
    audit.append(conn, "desk", entries)


_ROW = """
SELECT id, key, status, event_id, reverses, due_at, probes, receipt, lease_until > now() AS held
FROM writes WHERE id = %s FOR UPDATE
"""


def _locked(conn: Connection, write_id: UUID) -> dict[str, Any]:
    """The write in doubt, locked after its event. Raises: WriteNotFound, NotInDoubt."""
    conn.execute("SELECT 1 FROM events WHERE id = (SELECT event_id FROM writes WHERE id = %s) FOR UPDATE", (write_id,))
    row = conn.execute(_ROW, (write_id,)).fetchone()
    if row is None:
        raise WriteNotFound(f"there is no write {write_id}")
    if row["status"] != WriteState.IN_DOUBT:
        raise NotInDoubt(f"the write is {row['status']}: there is no doubt to settle")
    if row["held"]:
        raise NotInDoubt("the destination is being asked about it right now: look again in a moment")
    return row


def _reference(text: str | None) -> str:
    cleaned = (text or "").strip()
    if not cleaned:
        raise ReferenceMissing("say where it stands: the id that the destination gave it")
    if len(cleaned) > REFERENCE_CHARACTERS_MAX or not cleaned.isprintable():
        raise ReferenceMissing(f"a reference is printable and has up to {REFERENCE_CHARACTERS_MAX} characters")
    return cleaned


def _confirm(conn: Connection, row: dict[str, Any], reference: str, who: str, reason: str) -> list[audit.Entry]:
    detail = f"found by {who}: {reason}"
    conn.execute(
        "UPDATE writes SET receipt = coalesce(receipt, '{}') || jsonb_build_object('status', 'settled_by_person',"
        " 'reference', %s::text, 'by', %s::text, 'reason', %s::text) WHERE id = %s",
        (reference, who, reason, row["id"]),
    )
    sets = {"confirmed_at": NOW, "due_at": None, "lease_until": None, "detail": detail}
    move(conn, "write", [row["id"]], WriteState.CONFIRMED, sets=sets)
    told = {"key": row["key"], "reference": reference, "reason": reason, "happened": True}
    entries = [audit.Entry(who, "write.confirmed", f"write:{row['id']}", told)]
    if row["reverses"] is not None:
        return entries + reversing.settle(
            conn, row["reverses"], row["event_id"], WriteState.CONFIRMED, detail, actor=who
        )
    entries += completing.complete(conn, [row["event_id"]], {}, {})
    return entries + _free(conn, row["event_id"], who)


def _send_again(conn: Connection, row: dict[str, Any], who: str, reason: str) -> list[audit.Entry]:
    conn.execute(
        "UPDATE writes SET absent_at = now() + make_interval(hours => %s), due_at = now(), detail = %s WHERE id = %s",
        (ABSENT_HOURS, f"not there, found by {who}: {reason}", row["id"]),
    )
    told = {"key": row["key"], "reason": reason, "happened": False}
    entries = [audit.Entry(who, "write.found_absent", f"write:{row['id']}", told)]
    if row["reverses"] is not None:
        return entries + cases.clear_reversals(conn, [row["event_id"]], actor=who)
    return entries + _free(conn, row["event_id"], who)


_WAITS = """
SELECT 1 AS one FROM writes w WHERE w.event_id = %s AND w.reverses IS NULL
  AND (w.status = 'awaiting_approval' OR w.status = 'refused' OR w.status = 'in_doubt' AND w.due_at IS NULL)
"""


def _free(conn: Connection, event_id: UUID, who: str) -> list[audit.Entry]:
    """The event waits for its other writes now, no longer for a person; unless one of those does."""
    if conn.execute(_WAITS, (event_id,)).fetchone():
        return []
    freed = conn.execute(
        "UPDATE events SET case_id = NULL WHERE id = %s AND status = %s AND case_id IS NOT NULL RETURNING id",
        (event_id, EventState.WAITING),
    ).fetchone()
    return cases.clear(conn, [event_id], actor=who) if freed else []
