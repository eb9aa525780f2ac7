"""One event of a case, as its page shows it: how it ran, what it wrote, and its payload when it is to be corrected."""

from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, func, select

from console import answers
from console.queries import audit, runs, writes
from counterfoil import database, tables

#: Decisions shown beside a write; an invoice has a line or a few.
DECISIONS_MAX = 20


class Member(NamedTuple):
    """What became of one event."""

    event: tables.Event
    last_run: answers.Run | None
    runs: int
    writes: list[answers.Write]


def find(event_id: UUID) -> Member | None:
    """One event with its last run and its writes."""
    with Session(database.engine()) as session:
        event = session.get(tables.Event, event_id)
        if event is None:
            return None
        passes = runs.of_event(session, event_id)
        return Member(event, passes[-1] if passes else None, len(passes), writes.of_event(session, event_id))


def blocked(case_id: UUID) -> int:
    """How many events a case blocks now."""
    member = tables.CaseEvent
    with Session(database.engine()) as session:
        return session.exec(
            select(func.count()).select_from(member).where(member.case_id == case_id, col(member.cleared_at).is_(None))
        ).one()


def blocked_events(case_ids: list[UUID], most: int) -> list[UUID]:
    """The events that some cases block, oldest first, at most so many."""
    member = tables.CaseEvent
    with Session(database.engine()) as session:
        found = session.exec(
            select(member.event_id)
            .where(col(member.case_id).in_(case_ids), col(member.cleared_at).is_(None))
            .order_by(col(member.event_id))
            .limit(most)
        ).all()
    return list(found)


def history(case_id: UUID, most: int) -> list[answers.Audit]:
    """What was done with a case lately, oldest first; who looked at it stands in the audit."""
    with Session(database.engine()) as session:
        found = audit.newest(session, f"case:{case_id}", most=4 * most)
    return [one for one in found if one.action != "data.revealed"][:most][::-1]


def payload(event_id: UUID) -> str | None:
    """The current version of an event's payload, to the last character."""
    with Session(database.engine()) as session:
        event = session.get(tables.Event, event_id)
        found = session.get(tables.Payload, (event_id, event.payload_version)) if event else None
        return None if found is None else found.body


def reliability(question: str) -> list[answers.Reliability]:
    """How often answers of each confidence were right, when the present judge was measured."""
    with database.transaction() as conn:
        row = conn.execute(
            "SELECT report -> 'reliability' AS measured FROM trained_models WHERE question = %s AND status = 'active'",
            (question,),
        ).fetchone()
    return [answers.Reliability(**one) for one in (row["measured"] or ())] if row else []


def decisions(event_id: UUID) -> list[tables.Decision]:
    """What was judged about an event, with the words that spoke for it; the first few."""
    row = tables.Decision
    with Session(database.engine()) as session:
        found = session.exec(
            select(row).where(row.event_id == event_id).order_by(col(row.id).desc()).limit(DECISIONS_MAX)
        ).all()
    return list(found)


def source_of(event_id: UUID) -> str | None:
    """Where an event came from: rights are given by source."""
    with Session(database.engine()) as session:
        event = session.get(tables.Event, event_id)
        return None if event is None else event.source
