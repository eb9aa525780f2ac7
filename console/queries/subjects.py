"""Everything that ever touched one thing - an invoice, a customer, a deal - at every provider and destination.

the name ─▶ events about it, events that name it, events that what we wrote for it caused
         ─▶ the writes and cases of all of these, and writes whose record at a destination has this id
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, union_all
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

import destinations
from console import answers
from console.fields import Money
from console.queries import cases, filters, finding, identities, writes
from console.queries import events as their
from counterfoil import database
from counterfoil.tables import Case, CaseEvent, Echo, Event, Mention, Write
from destinations.remote import is_remote

#: The newest of each; a customer of many years has more than anybody reads.
EVENTS_MAX, WRITES_MAX, CASES_MAX, RELATED_MAX = 200, 400, 50, 40


class Subject(NamedTuple):
    """What is known about one thing; oldest first."""

    events: list[answers.Event]
    writes: list[answers.Write]
    cases: list[answers.Case]
    #: What was written and stands, by destination and currency.
    written: list[tuple[str, Money]]
    #: Other things that its events name, the most often named first.
    related: list[tuple[str, int]]
    #: There is more than is shown.
    is_cut: bool


def find(name: str) -> Subject:
    """Everything about the thing of this name: with its source or without."""
    with Session(database.engine()) as session:
        bare = _bare(session, name)
        by_record = _written_there(session, bare)
        ids = _event_ids(session, name, bare, by_record)
        rows = session.exec(select(Event).where(finding.among(col(Event.id), ids)).order_by(col(Event.id))).all()
        made = _writes(session, name, ids, by_record)
        in_cases = rows_of(col(CaseEvent.case_id)).where(finding.among(col(CaseEvent.event_id), ids))
        stood = session.exec(
            select(Case)
            .where(col(Case.id) == finding.collected(in_cases))
            .order_by(col(Case.id).desc())
            .limit(CASES_MAX)
        ).all()
        return Subject(
            their.shown(session, rows),
            [writes.shown(row) for row in reversed(made)],
            list(reversed(cases.shown(session, stood))),
            _written(made),
            [*_records(made, bare), *_related(session, ids, {name, bare})],
            len(ids) >= EVENTS_MAX or len(made) >= WRITES_MAX,
        )


def exists(session: Session, name: str) -> bool:
    """Whether anything is about a thing of this name, or names it."""
    full = [name, *(f"{source}:{name}" for source in identities.sources(session))]
    for wanted in (
        select(Event.id).where(col(Event.subject).in_(full)),
        select(Mention.event_id).where(col(Mention.kind) == "id", col(Mention.value).in_({name, _bare(session, name)})),
        select(Write.id).where(col(Write.subject).in_(full)),
    ):
        if session.exec(wanted.limit(1)).first() is not None:
            return True
    return False


def _bare(session: Session, name: str) -> str:
    source, colon, rest = name.partition(":")
    return rest if colon and source in identities.sources(session) else name


def _written_there(session: Session, bare: str) -> list[UUID]:
    """Writes whose record at a network destination has this id: the index over records sent.

    One number may be a contact and a ticket: where the name says which of them, writes of other kinds are none.
    """
    kind = _kind(bare)
    of_kind = [col(Write.operation).in_(_operations(kind))] if kind else []
    record = func.coalesce(col(Write.receipt)["reference"].astext, col(Write.pre_image)["reference"].astext, "")
    return list(
        session.exec(
            select(Write.id)
            .where(
                col(Write.destination).in_(_remote()),
                record == bare.rpartition(":")[2],
                col(Write.first_sent_at).is_not(None),
                *of_kind,
            )
            .limit(WRITES_MAX)
        )
    )


def _kind(bare: str) -> str:
    """What a name says of the kind of its record: `0-5` of `1:0-5:77`; nothing of a number alone."""
    return bare.rpartition(":")[0].rpartition(":")[2]


def _remote() -> list[str]:
    return [name for name, one in destinations.find().items() if is_remote(one)]


def _operations(kind: str) -> list[str]:
    found = [one for one in destinations.find().values() if is_remote(one)]
    return [each.name for one in found for each in one.operations.values() if each.record == kind]


def _event_ids(session: Session, name: str, bare: str, by_record: Sequence[UUID]) -> list[UUID]:
    full = {name, bare, *(f"{source}:{bare}" for source in identities.sources(session))}
    about = finding.only(col(Write.subject), name)
    known = [
        *(
            _newest(
                rows_of(col(Event.id)).where(finding.only(col(Event.subject), one)), col(Event.subject), col(Event.id)
            )
            for one in sorted(full)
        ),
        *(
            _newest(rows_of(col(Mention.event_id)).where(filters.exactly("id", one)), col(Mention.event_id))
            for one in sorted({name, bare})
        ),
        _newest(rows_of(col(Write.event_id)).where(about), col(Write.subject), col(Write.id)),
        rows_of(col(Write.event_id)).where(finding.among(col(Write.id), by_record)),
    ]
    found = session.connection().execute(union_all(*(each.subquery().select() for each in known))).scalars()
    ids = sorted(set(found), reverse=True)[:EVENTS_MAX]
    caused = session.exec(
        select(Echo.event_id)
        .join(Write, col(Write.id) == col(Echo.write_id))
        .where(finding.among(col(Write.event_id), ids))
        .limit(EVENTS_MAX)
    ).all()
    return list(dict.fromkeys([*ids, *caused]))


def _newest(wanted: Select[UUID], *order: Any) -> Select[UUID]:
    """As many as are shown, in the order that an index has: however many there are."""
    return wanted.order_by(*(column.desc() for column in order)).limit(EVENTS_MAX)


def _writes(session: Session, name: str, event_ids: Sequence[UUID], by_record: Sequence[UUID]) -> Sequence[Write]:
    """What was written for these events, about this thing, or to this record; the newest."""
    row_id = col(Write.id)
    about = rows_of(row_id).where(finding.only(col(Write.subject), name))
    about = about.order_by(col(Write.subject).desc(), row_id.desc()).limit(WRITES_MAX)
    made = rows_of(row_id).where(finding.among(col(Write.event_id), event_ids))
    ids = {*by_record, *session.connection().execute(union_all(about.subquery().select(), made)).scalars()}
    wanted = select(Write).where(finding.among(row_id, sorted(ids, reverse=True)[:WRITES_MAX]))
    return session.exec(wanted.order_by(row_id.desc())).all()


def _written(made: Sequence[Write]) -> list[tuple[str, Money]]:
    found: dict[tuple[str, str], int] = {}
    for row in made:
        if row.status == "confirmed" and row.amount_minor is not None and row.currency is not None:
            place = (row.destination, row.currency)
            found[place] = found.get(place, 0) + row.amount_minor
    return [
        (destination, Money(amount_minor=amount, currency=currency))
        for (destination, currency), amount in sorted(found.items())
    ]


def _records(made: Sequence[Write], but: str) -> list[tuple[str, int]]:
    """Records at destinations that were written for it: the way across."""
    found: dict[str, int] = {}
    for row in made:
        reference = (row.receipt or {}).get("reference") if row.first_sent_at is not None else None
        if isinstance(reference, str) and reference != but:
            found[reference] = found.get(reference, 0) + 1
    return list(found.items())[:RELATED_MAX]


def _related(session: Session, ids: Sequence[UUID], but: set[str]) -> list[tuple[str, int]]:
    rows = session.exec(
        select(Mention.value, func.count())
        .where(finding.among(col(Mention.event_id), ids), col(Mention.kind) == "id", col(Mention.value).not_in(but))
        .group_by(col(Mention.value))
        .order_by(func.count().desc(), col(Mention.value))
        .limit(RELATED_MAX)
    ).all()
    return [(value, count) for value, count in rows if ":" not in value]
