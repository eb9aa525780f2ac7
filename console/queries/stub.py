"""The stub of one write: everything that proves it, in one document that needs no database to be checked.

Its digest covers all other members; the audit entries carry their hashes, so `counterfoil audit verify` over an
export shows that they stand in the chain.
"""

import hashlib
from typing import Any
from uuid import UUID

from sqlmodel import Session

from console import answers
from console.queries import approvals, audit, writes
from counterfoil import database, keys, tables
from counterfoil.clock import rfc3339


def find(write_id: UUID) -> answers.Stub | None:
    """The proof of one write."""
    with Session(database.engine()) as session:
        write = session.get(tables.Write, write_id)
        if write is None:
            return None
        event = session.get(tables.Event, write.event_id)
        run = session.get(tables.Run, write.run_id) if write.run_id else None
        subjects = [f"write:{write_id}", f"event:{write.event_id}"]
        stub = answers.Stub(
            write=writes.shown(write),
            event=_event(session, event),
            contract={"version": run.contract if run else None},
            decision=_decision(write, run),
            approval=_approval(approvals.of_write(session, write_id)),
            request={"key": write.key, "digest": write.digest, "action": write.action},
            answer=write.receipt,
            read_back=writes.entry(session, write.key) if write.destination == "books" else None,
            reversal=None,
            audit=audit.about(session, subjects),
            digest="",
        )
    stub.digest = keys.digest(stub.model_dump(mode="json", exclude={"digest"}))
    return stub


def _event(session: Session, event: tables.Event | None) -> dict[str, Any]:
    if event is None:
        return {}
    payload = session.get(tables.Payload, (event.id, event.payload_version))
    return {
        "id": str(event.id),
        "source": event.source,
        "key": event.key,
        "type": event.type,
        "subject": event.subject,
        "occurred_at": rfc3339(event.occurred_at),
        "received_at": rfc3339(event.received_at),
        "api_version": event.api_version,
        "account": event.account,
        "livemode": event.livemode,
        "payload_version": event.payload_version,
        "payload_sha256": hashlib.sha256(payload.body.encode()).hexdigest() if payload else None,
        "payload_author": payload.author if payload else None,
        "payload": payload.body if payload else None,
    }


def _approval(found: answers.Approval | None) -> dict[str, Any] | None:
    """Who agreed to exactly what; without what changes with the time of day."""
    return None if found is None else found.model_dump(mode="json", exclude={"age_seconds", "with_it"})


def _decision(write: tables.Write, run: tables.Run | None) -> dict[str, Any]:
    return {
        "handler": write.handler,
        "handler_version": run.handler_version if run else None,
        "run_id": str(run.id) if run else None,
        "attempt": run.attempt if run else None,
        "evidence": (write.action or {}).get("evidence"),
        "steps": run.steps if run else [],
    }
