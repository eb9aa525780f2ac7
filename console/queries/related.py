"""Which events belong together: those that tell one fact, and those that our own writes caused."""

from uuid import UUID

from sqlmodel import Session, col, select

from console import answers
from counterfoil import tables

#: More events than these tell one fact, or come of one event's writes, only when something is wrong with both.
RELATED_MAX = 200


def same_fact(session: Session, event_id: UUID) -> list[answers.SameFact]:
    """The other events that tell a fact which this one tells, in the order of their arrival."""
    told = select(tables.Fact.fact).where(tables.Fact.event_id == event_id)
    rows = session.exec(
        select(tables.Fact, tables.Event)
        .where(col(tables.Fact.fact).in_(told), tables.Fact.event_id != event_id)
        .where(tables.Event.id == tables.Fact.event_id)
        .order_by(col(tables.Event.received_at), col(tables.Event.id), col(tables.Fact.fact))
        .limit(RELATED_MAX)
    ).all()
    return [
        answers.SameFact(
            fact=fact.fact,
            event_id=event.id,
            source=event.source,
            type=event.type,
            key=event.key,
            status=event.status,
            outcome=event.outcome,
        )
        for fact, event in rows
    ]


def caused_by(session: Session, event_id: UUID) -> answers.CausedBy | None:
    """The write that came back as this event."""
    found = session.exec(
        select(tables.Echo, tables.Write).where(
            tables.Echo.event_id == event_id, tables.Write.id == tables.Echo.write_id
        )
    ).first()
    if found is None:
        return None
    echo, write = found
    return answers.CausedBy(
        write_id=write.id, write=write.key, destination=write.destination, event_id=write.event_id, part=echo.part
    )


def caused(session: Session, event_id: UUID) -> list[answers.Caused]:
    """The events that came back from what was written for this one."""
    rows = session.exec(
        select(tables.Echo, tables.Write, tables.Event)
        .where(tables.Write.event_id == event_id, tables.Echo.write_id == tables.Write.id)
        .where(tables.Event.id == tables.Echo.event_id)
        .order_by(col(tables.Echo.write_id), col(tables.Echo.seen_at), col(tables.Echo.part))
        .limit(RELATED_MAX)
    ).all()
    return [
        answers.Caused(
            write_id=write.id,
            write=write.key,
            event_id=event.id,
            type=event.type,
            key=event.key,
            status=event.status,
            part=echo.part,
        )
        for echo, write, event in rows
    ]
