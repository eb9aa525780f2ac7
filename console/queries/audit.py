"""The audit chain, read: what is known about some subjects, and the whole chain in its order."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import Session, col, select

from console import answers
from counterfoil import database, tables

#: Entries shown about one thing; the whole chain is exported with `counterfoil audit export`.
ABOUT_MAX = 500
#: Rows per round trip while the whole chain is read; a few megabytes.
PORTION = 2_000


def about(session: Session, subjects: Sequence[str]) -> list[answers.Audit]:
    """Entries about these subjects, oldest first."""
    rows = session.exec(
        select(tables.AuditEntry)
        .where(col(tables.AuditEntry.subject).in_(subjects))
        .order_by(col(tables.AuditEntry.at), col(tables.AuditEntry.lane), col(tables.AuditEntry.seq))
        .limit(ABOUT_MAX)
    ).all()
    return [
        answers.Audit(
            lane=row.lane,
            seq=row.seq,
            at=row.at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=json.loads(row.detail),
            hash=bytes(row.hash).hex(),
        )
        for row in rows
    ]


def chain(*, newest: int | None = None) -> Iterator[dict[str, Any]]:
    """Every entry by lane and number, or only the newest of each lane, as `chain.verified` wants them."""
    entry = tables.AuditEntry
    columns = (entry.lane, entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.hash)
    wanted = select(*columns).order_by(col(entry.lane), col(entry.seq))  # type: ignore[call-overload]
    if newest is not None:
        head = tables.AuditHead
        wanted = wanted.join(head, col(head.lane) == col(entry.lane)).where(col(entry.seq) > col(head.seq) - newest)
    with database.engine().connect() as connection:
        for row in connection.execution_options(yield_per=PORTION).execute(wanted):
            yield dict(row._mapping)


def heads() -> dict[str, tuple[int, bytes]]:
    """Where each lane ends."""
    with Session(database.engine()) as session:
        return {head.lane: (head.seq, bytes(head.hash)) for head in session.exec(select(tables.AuditHead)) if head.seq}
