"""The stub of one write: everything that proves it, in one document that needs no database to be checked.

Its digest covers all other members; the audit entries carry their hashes, so `counterfoil audit verify` over an
export shows that they stand in the chain.
"""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from console import answers
from console.queries import approvals, audit, writes
from counterfoil import database, keys, tables
from counterfoil.clock import rfc3339

#: Entries about one write, its event and what takes it back; a proof leaves none out.
AUDIT_MAX = 100_000


def find(write_id: UUID) -> answers.Stub | None:
    """The proof of one write."""
    with Session(database.engine()) as session:
        write = session.get(tables.Write, write_id)
        if write is None:
            return None
        event = session.get(tables.Event, write.event_id)
        run = session.get(tables.Run, write.run_id) if write.run_id else None
        related = _related(session, write)
        subjects = [f"write:{one.id}" for one in (write, *related)] + [f"event:{write.event_id}"]
        stub = answers.Stub(
            write=writes.shown(write),
            event=_event(session, event),
            contract={"version": run.contract if run else None},
            decision=_decision(write, run),
            approval=_approval(approvals.of_write(session, write_id)),
            request=_request(write),
            before=write.pre_image,
            answer=write.receipt,
            probe=_probe(write),
            read_back=writes.entry(session, write.key) if write.destination == "books" else write.read_back,
            reversal=_reversal(write, related),
            audit=audit.about(session, subjects, most=AUDIT_MAX),
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


def _request(write: tables.Write) -> dict[str, Any]:
    """What was asked of the destination: under which key, how often, since when."""
    return {
        "key": write.key,
        "key_at_destination": keys.sent(write.key, write.revision),
        "digest": write.digest,
        "action": write.action,
        "target": write.target,
        "attempts": write.attempts,
        "first_sent_at": write.first_sent_at and rfc3339(write.first_sent_at),
        "last_sent_at": write.last_sent_at and rfc3339(write.last_sent_at),
    }


def _probe(write: tables.Write) -> dict[str, Any] | None:
    """How a doubt was settled; None where there was none. When and by whom stands in the audit entries."""
    if not write.probes:
        return None
    return {"asked": write.probes, "found": write.status, "detail": write.detail}


def _related(session: Session, write: tables.Write) -> Sequence[tables.Write]:
    """What took it back, or was to; or the write that it takes back."""
    if write.reverses is not None:
        original = session.get(tables.Write, write.reverses)
        return [original] if original is not None else []
    inverses = select(tables.Write).where(tables.Write.reverses == write.id).order_by(col(tables.Write.id))
    return session.exec(inverses).all()


def _reversal(write: tables.Write, related: Sequence[tables.Write]) -> dict[str, Any] | None:
    if not related:
        return None
    told = [writes.shown(one).model_dump(mode="json") for one in related]
    return {"reverses": told[0]} if write.reverses is not None else {"reversed_by": told}


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
