"""Writes to our own database that had to wait for a person: applied in the round's transaction once they are approved.

Reversals of such writes come the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg

from contracts.money import Money
from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.ledger.outbox import FREE_TO_GO
from counterfoil.lifecycle import WriteState
from destinations.base import Effect, Receipt, SameTransaction
from engine.sending import completing, reversing
from engine.sending.recording import Recorded, incident_of
from exceptions_queue import caps, cases, failures
from exceptions_queue.policy import PERIOD_LOCKED, policy

#: Applied per round; what is more comes with the next one.
LIMIT = 100

# Nothing of a plan is made while another part of it waits for a person, nor before what goes out ahead of it: that may
# be shown to people once more.
_ITS_TURN = """
(w.reverses IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM writes o WHERE o.event_id = w.event_id AND o.reverses IS NULL
      AND (o.status = 'awaiting_approval'
           OR o.position < w.position AND o.destination <> ALL(%(own)s)
              AND o.status NOT IN ('confirmed', 'superseded', 'reversing', 'reversed'))))
"""
_DUE = f"""
SELECT w.id, w.event_id FROM writes w
WHERE w.due_at <= now() AND w.destination = ANY(%(own)s) AND w.status IN ('planned', 'approved')
  AND (w.approvals_needed = 0 OR write_is_approved(w))
  AND {FREE_TO_GO} AND {_ITS_TURN}
ORDER BY w.due_at LIMIT %(limit)s
"""
_LOCKED = f"""
SELECT id, key, destination, operation, subject, amount_minor, currency, action, event_id, reverses, status, handler,
       (SELECT e.source FROM events e WHERE e.id = w.event_id) AS source
FROM writes w WHERE id = ANY(%(ids)s) AND status IN ('planned', 'approved') AND due_at <= now()
  AND (approvals_needed = 0 OR write_is_approved(w)) AND {_ITS_TURN} ORDER BY id FOR UPDATE OF w
"""


def apply_due(conn: Connection, destinations: Mapping[str, SameTransaction], recorded: Recorded) -> None:
    """Make the writes of our own destinations that are due; what comes of it is added to the round's."""
    own = list(destinations)
    due = conn.execute(_DUE, {"own": own, "limit": LIMIT}).fetchall()
    if not due:
        return
    # Skipped: the round holds events already, and waiting for more could close a circle of waiters.
    ours = conn.execute(
        "SELECT id FROM events WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED",
        ([row["event_id"] for row in due],),
    )
    events = {row["id"] for row in ours}
    ids = [row["id"] for row in due if row["event_id"] in events]
    rows = conn.execute(_LOCKED, {"ids": ids, "own": own}).fetchall()
    refused = {row["id"]: closed for row in rows if (closed := _closed(row))}
    for name, destination in destinations.items():
        batch = {row["id"]: row for row in rows if row["destination"] == name and row["id"] not in refused}
        if not batch:
            continue
        for id, receipt in _applied(conn, destination, batch).items():
            if isinstance(receipt, Exception):
                told = f"it cannot be made as it stands ({type(receipt).__name__})"
                refused[id] = _failure(failures.WriteRefused, batch[id], told, "cannot_be_made")
            elif receipt.status == "different":
                refused[id] = _failure(failures.WriteRefused, batch[id], "its key holds other content", "key_taken")
            else:
                recorded.entries += _confirm(conn, batch[id], receipt.status, receipt.reference)
    made = [row["id"] for row in rows if row["id"] not in refused]
    caps.count_writes(conn, [row["id"] for row in rows if row["id"] in made and row["reverses"] is None])
    for row in rows:
        if row["id"] in refused:
            recorded.entries += _refuse(conn, row, str(refused[row["id"]]))
    _complete(conn, rows, refused, recorded)


def _applied(
    conn: Connection, destination: SameTransaction, rows: Mapping[UUID, Mapping[str, Any]]
) -> dict[UUID, Receipt | Exception]:
    """All of them together. One that cannot be made (an account is gone since it was planned) is found by making each
    alone, and holds up nobody.
    """
    try:
        with conn.transaction():
            effects = {id: _effect(row) for id, row in rows.items()}
            receipts = destination.apply_many(conn, effects)
            # Applied once more, an effect is compared with what stands: that is reading it back.
            stands = destination.apply_many(conn, effects)
    except psycopg.OperationalError:
        raise
    except Exception as failure:
        if len(rows) == 1:
            return dict.fromkeys(rows, failure)
        return {id: made for id, row in rows.items() for made in _applied(conn, destination, {id: row}).values()}
    return {
        id: receipt if stands[id].status == "already" else replace(receipt, status="different")
        for id, receipt in receipts.items()
    }


def _complete(
    conn: Connection, rows: Sequence[Mapping[str, Any]], refused: Mapping[UUID, failures.Failure], recorded: Recorded
) -> None:
    """Failures become cases; events come to rest."""
    incidents = [_incident(row, refused[row["id"]]) for row in rows if row["id"] in refused]
    opened = cases.open_many(conn, incidents)
    recorded.entries += opened.entries
    recorded.new_cases += opened.new
    plans = [row for row in rows if row["reverses"] is None]
    failed = {row["event_id"]: refused[row["id"]] for row in plans if row["id"] in refused}
    recorded.entries += completing.complete(conn, {row["event_id"] for row in plans}, failed, opened)


def _incident(row: Mapping[str, Any], failure: failures.Failure) -> cases.Incident:
    what = incident_of if row["reverses"] is None else reversing.incident_of
    return what(failure, row["event_id"], row["source"], row["handler"])


def _closed(row: Mapping[str, Any]) -> failures.Failure | None:
    """The books may have been closed since it was planned."""
    closed = policy().locked_period(row["destination"], row["action"]["body"])
    return _failure(failures.OutOfBounds, row, closed, PERIOD_LOCKED) if closed else None


def _failure(kind: type[failures.Failure], row: Mapping[str, Any], told: str, rule: str) -> failures.Failure:
    return kind(
        f"{row['key']}: {told}",
        rule=rule,
        destination=row["destination"],
        data={"write_id": str(row["id"]), "key": row["key"]},
        amount_minor=row["amount_minor"],
        currency=row["currency"],
    )


def _refuse(conn: Connection, row: Mapping[str, Any], told: str) -> list[audit.Entry]:
    move(conn, "write", [row["id"]], WriteState.REFUSED, sets={"due_at": None, "detail": told})
    entries = [audit.Entry("engine", "write.refused", f"write:{row['id']}", {"detail": told})]
    return entries + _settle_original(conn, row, WriteState.REFUSED, told)


def _confirm(conn: Connection, row: Mapping[str, Any], status: str, reference: str) -> list[audit.Entry]:
    conn.execute("UPDATE writes SET receipt = jsonb_build_object('status', %s::text, 'reference', %s::text),"
                 " attempts = 1, read_back = '{\"differences\": []}' WHERE id = %s",
                 (status, reference, row["id"]))  # fmt: skip
    detail = {"key": row["key"], "reference": reference}
    entries = []
    if row["status"] == WriteState.APPROVED:
        # Approved, then sent: the same two steps as everywhere, in one transaction.
        move(conn, "write", [row["id"]], WriteState.SENDING)
        entries.append(audit.Entry("engine", "write.sending", f"write:{row['id']}", {"key": row["key"], "attempt": 1}))
    sets: dict[str, Any] = {"due_at": None, "confirmed_at": NOW, "detail": "written in our own database"}
    move(conn, "write", [row["id"]], WriteState.CONFIRMED, sets=sets)
    entries.append(audit.Entry("engine", "write.confirmed", f"write:{row['id']}", detail))
    return entries + _settle_original(conn, row, WriteState.CONFIRMED, f"taken back by {row['key']}")


def _settle_original(conn: Connection, row: Mapping[str, Any], state: WriteState, detail: str) -> list[audit.Entry]:
    if row["reverses"] is None:
        return []
    return reversing.settle(conn, row["reverses"], row["event_id"], state, detail)


def _effect(row: Mapping[str, Any]) -> Effect:
    money = Money(row["amount_minor"], row["currency"]) if row["amount_minor"] is not None else None
    return Effect(row["destination"], row["operation"], row["key"], row["subject"] or "", money, row["action"]["body"])
