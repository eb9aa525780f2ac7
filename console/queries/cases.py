"""Cases: the list with owner and money at stake, one case with its events, and who was told."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, true
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from console import answers
from console.asks import CasesAsk
from console.fields import Money, money
from console.queries import approvals, audit, filters, finding, judgement, owning, page, roster
from console.queries.finding import Part
from counterfoil import database, tables
from judgement.decisions import ANSWERED

#: Event ids shown with each case of a list, and events shown with one case.
IN_LIST_MAX = 20
MEMBERS_MAX = 200


def find_page(ask: CasesAsk, session: Session | None = None) -> answers.Page[answers.Case]:
    """One page of cases."""
    wanted = page.narrowed(
        select(tables.Case), (tables.Case.status, ask.status), (tables.Case.failure_class, ask.failure_class)
    )
    with page.looking(session) as session:
        q = filters.asked(session, "cases", ask, lambda word: _matches(session, word, ask))
        if ask.owner is not None:
            wanted = wanted.where(owning.by(session, ask.owner))
        rows, following = page.read(
            session,
            wanted.where(*q.conditions),
            at=col(tables.Case.opened_at),
            row_id=col(tables.Case.id),
            ask=ask,
            through=q.times if q.is_dear and q.is_loose else None,
            looked=q.looked,
        )
        return answers.Page(items=shown(session, rows), next_cursor=following)


def find(case_id: UUID, *, brief: int | None = None) -> answers.CaseDetail | None:
    """One case with its events, notifications and audit; `brief`: so many of each, and what was done stays out."""
    most = brief or MEMBERS_MAX
    with Session(database.engine()) as session:
        row = session.get(tables.Case, case_id)
        if row is None:
            return None
        blocked = _blocked(session, case_id)
        return answers.CaseDetail(
            **shown(session, [row])[0].model_dump(by_alias=True),
            # What the owner was told last is for the next telling, not for people.
            detail={name: value for name, value in row.detail.items() if name != "told"},
            members=_members(session, finding.only(col(tables.CaseEvent.case_id), case_id), most=most),
            approvals=approvals.of_events(session, blocked, most=most),
            open_items=judgement.open_of(session, blocked, with_audit=brief is None)
            if row.failure_class in ANSWERED
            else [],
            notifications=notifications(session, [case_id], most=most),
            audit=audit.about(session, [f"case:{case_id}"]) if brief is None else [],
        )


def member(case_id: UUID, event_id: UUID) -> answers.CaseMember | None:
    """One event of a case, wherever in it it stands."""
    one = tables.CaseEvent
    with Session(database.engine()) as session:
        found = _members(session, and_(col(one.case_id) == case_id, col(one.event_id) == event_id))
    return found[0] if found else None


def first_blocked(case_id: UUID) -> answers.CaseMember | None:
    """The newest event that a case still blocks."""
    one = tables.CaseEvent
    with Session(database.engine()) as session:
        condition = and_(finding.only(col(one.case_id), case_id), col(one.cleared_at).is_(None))
        found = _members(session, condition, most=1)
    return found[0] if found else None


def _blocked(session: Session, case_id: UUID) -> Sequence[UUID]:
    """Events that the case still blocks, the oldest first: they have waited longest."""
    member = tables.CaseEvent
    return session.exec(
        select(member.event_id)
        .where(finding.only(col(member.case_id), case_id), col(member.cleared_at).is_(None))
        .order_by(col(member.case_id), col(member.event_id))
        .limit(MEMBERS_MAX)
    ).all()


def of_event(session: Session, event_id: UUID) -> list[answers.Case]:
    """Every case that an event was ever part of, oldest first."""
    rows = session.exec(
        select(tables.Case)
        .join(tables.CaseEvent, col(tables.CaseEvent.case_id) == col(tables.Case.id))
        .where(tables.CaseEvent.event_id == event_id)
        .order_by(col(tables.Case.id))
    ).all()
    return shown(session, rows)


def owners_of(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Who owns each of these cases now."""
    return {row.id: _owner(row) for row in _by_ids(session, case_ids)}


def notifications(session: Session, case_ids: Sequence[UUID], *, most: int = MEMBERS_MAX) -> list[answers.Notification]:
    """Who was told about these cases lately, oldest first."""
    note = tables.Notification
    # Of each case the newest, by index: a walk from the newest of all on would not end where there is none.
    last = rows_of(col(note.id)).where(finding.only(col(note.case_id), col(tables.Case.id)))
    newest = last.order_by(col(note.case_id).desc(), col(note.id).desc()).limit(most).lateral()
    of_each = rows_of(newest.c.id).select_from(tables.Case).join(newest, true())
    about = finding.collected(of_each.where(finding.among(col(tables.Case.id), case_ids)))
    rows = session.exec(select(note).where(col(note.id) == about).order_by(col(note.id).desc()).limit(most)).all()
    names = answers.Notification.model_fields
    return [answers.Notification(**{name: getattr(row, name) for name in names}) for row in reversed(rows)]


def at_stake(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, list[Money]]:
    """Money that is still blocked, per case and currency."""
    total = func.sum(tables.CaseEvent.amount_minor)
    rows = session.exec(
        select(tables.CaseEvent.case_id, tables.CaseEvent.currency, total)
        .where(
            col(tables.CaseEvent.case_id).in_(case_ids),
            col(tables.CaseEvent.cleared_at).is_(None),
            col(tables.CaseEvent.currency).is_not(None),
            col(tables.CaseEvent.amount_minor).is_not(None),
        )
        .group_by(col(tables.CaseEvent.case_id), col(tables.CaseEvent.currency))
        .order_by(col(tables.CaseEvent.currency))
    ).all()
    found: dict[UUID, list[Money]] = {}
    for case_id, currency, amount in rows:
        assert currency is not None
        assert amount is not None
        found.setdefault(case_id, []).append(Money(amount_minor=int(amount), currency=currency))
    return found


def shown(session: Session, rows: Sequence[tables.Case]) -> list[answers.Case]:
    """Rows as answers; money and events of all of them in one question each."""
    ids = [row.id for row in rows]
    stakes, events = at_stake(session, ids), _newest_events(session, ids)
    copied = answers.Case.model_fields.keys() - {"failure_class", "owner", "events", "count", "at_stake", "advice"}
    return [
        answers.Case(
            **{"class": row.failure_class},
            owner=_owner(row),
            events=events.get(row.id, []),
            count=row.events,
            at_stake=stakes.get(row.id, []),
            advice=roster.advice_for(row.failure_class),
            **{name: getattr(row, name) for name in copied},
        )
        for row in rows
    ]


def _by_ids(session: Session, ids: Sequence[UUID]) -> Sequence[tables.Case]:
    if not ids:
        return []
    return session.exec(select(tables.Case).where(col(tables.Case.id).in_(ids))).all()


def _newest_events(session: Session, case_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """A few event ids per case: each case is asked by index, all in one statement."""
    if not case_ids:
        return {}
    newest = (
        select(tables.CaseEvent.event_id)
        .where(finding.only(col(tables.CaseEvent.case_id), col(tables.Case.id)))
        .order_by(col(tables.CaseEvent.case_id).desc(), col(tables.CaseEvent.event_id).desc())
        .limit(IN_LIST_MAX)
        .lateral()
    )
    wanted = (
        select(tables.Case.id, newest.c.event_id)
        .join(newest, true())
        .where(col(tables.Case.id).in_(case_ids))
        .order_by(col(tables.Case.id), newest.c.event_id.desc())
    )
    found: dict[UUID, list[UUID]] = {}
    for case_id, event_id in session.exec(wanted).all():
        found.setdefault(case_id, []).append(event_id)
    return found


def incidents(session: Session, event_id: UUID) -> list[answers.CaseMember]:
    """What was wrong with an event, per case that it was part of."""
    return _members(session, col(tables.CaseEvent.event_id) == event_id)


def _members(session: Session, condition: ColumnElement[bool], *, most: int = MEMBERS_MAX) -> list[answers.CaseMember]:
    rows = session.exec(
        select(tables.CaseEvent, tables.Event)
        .join(tables.Event, col(tables.Event.id) == col(tables.CaseEvent.event_id), isouter=True)
        .where(condition)
        .order_by(col(tables.CaseEvent.case_id).desc(), col(tables.CaseEvent.event_id).desc())
        .limit(most)
    ).all()
    return [_member(member, event) for member, event in rows]


def _member(member: tables.CaseEvent, event: tables.Event | None) -> answers.CaseMember:
    known: dict[str, Any] = {name: getattr(event, name, None) for name in ("source", "key", "type", "status")}
    assert member.added_at is not None
    return answers.CaseMember(
        case_id=member.case_id,
        event_id=member.event_id,
        amount=money(member.amount_minor, member.currency),
        detail=member.detail,
        added_at=member.added_at,
        cleared_at=member.cleared_at,
        **known,
    )


def _matches(session: Session, word: str, ask: CasesAsk) -> Part:
    """Its id, or something that one of its events names; text inside of what names it, among the newest."""
    named = filters.named(session, "cases", word, ask)
    found = [named] if named is not None else []
    with suppress(ValueError):
        found.append(Part(col(tables.Case.id) == UUID(word), is_found=True))
    columns = (tables.Case.title, tables.Case.failure_class, tables.Case.handler, tables.Case.fingerprint)
    at, row_id = col(tables.Case.opened_at), col(tables.Case.id)
    text = page.holding_lately(session, word, *columns, at=at, row_id=row_id, ask=ask)
    return finding.either([Part(text, is_found=True), *found])


def _owner(row: tables.Case) -> str:
    return roster.owner_of(row.failure_class, row.source, row.handler, row.owner)
