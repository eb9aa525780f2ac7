"""The audit chain, read: what is known about some subjects, and the whole chain in its order."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlmodel import Session, col, select

from console import answers
from counterfoil import database, tables

#: Entries shown about one thing; the whole chain is exported with `counterfoil audit export`.
ABOUT_MAX = 500
#: Rows per round trip while the whole chain is read; a few megabytes.
PORTION = 2_000

_ENTRIES = select(tables.AuditEntry.__table__).order_by(col(tables.AuditEntry.lane), col(tables.AuditEntry.seq))  # type: ignore[attr-defined]
_ENDS = select(tables.AuditHead.__table__).where(col(tables.AuditHead.seq) > 0)  # type: ignore[attr-defined]


def about(session: Session, subjects: Sequence[str], *, most: int = ABOUT_MAX) -> list[answers.Audit]:
    """Entries about these subjects, oldest first."""
    rows = session.exec(
        select(tables.AuditEntry)
        .where(col(tables.AuditEntry.subject).in_(subjects))
        .order_by(col(tables.AuditEntry.at), col(tables.AuditEntry.lane), col(tables.AuditEntry.seq))
        .limit(most)
    ).all()
    return [of_row(row.model_dump()) for row in rows]


def newest(session: Session, subject: str, *, most: int) -> list[answers.Audit]:
    """The last entries about one subject, the newest first."""
    entry = tables.AuditEntry
    rows = session.exec(
        select(entry).where(entry.subject == subject).order_by(col(entry.at).desc(), col(entry.seq).desc()).limit(most)
    )
    return [of_row(row.model_dump()) for row in rows]


def of_row(row: Mapping[str, Any]) -> answers.Audit:
    """An entry as it is answered."""
    copied = {name: row[name] for name in ("lane", "seq", "at", "actor", "action", "subject")}
    return answers.Audit(detail=json.loads(row["detail"]), hash=bytes(row["hash"]).hex(), **copied)


def chain(*, newest: int | None = None) -> Iterator[dict[str, Any]]:
    """Every entry by lane and number, or only the newest of each lane, as `chain.verified` wants them."""
    wanted = _ENTRIES
    if newest is not None:
        entry, head = tables.AuditEntry, tables.AuditHead
        wanted = wanted.join(head, col(head.lane) == col(entry.lane)).where(col(entry.seq) > col(head.seq) - newest)
    with database.engine().connect() as connection:
        for row in connection.execution_options(yield_per=PORTION).execute(wanted):
            yield dict(row._mapping)


@contextmanager
def whole() -> Iterator[tuple[dict[str, tuple[int, bytes]], Iterator[dict[str, Any]]]]:
    """The heads and every entry up to them: one view of the database, however much is written meanwhile."""
    with database.engine().connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        ends = {row.lane: (row.seq, bytes(row.hash)) for row in connection.execute(_ENDS)}
        entries = connection.execution_options(yield_per=PORTION).execute(_ENTRIES)
        yield ends, (dict(row._mapping) for row in entries)


def heads() -> dict[str, tuple[int, bytes]]:
    """Where each lane ends."""
    with Session(database.engine()) as session:
        return {head.lane: (head.seq, bytes(head.hash)) for head in session.exec(select(tables.AuditHead)) if head.seq}
