"""The numbers of a window of time, and what stands open now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from console import answers
from console.asks import StatsAsk
from console.fields import Money
from console.queries import page
from counterfoil import clock, database, tables
from counterfoil.lifecycle import CASE_LIVE, WriteState

#: Without a window the numbers are those of the last day.
WINDOW = timedelta(hours=24)


def read(ask: StatsAsk) -> answers.Stats:
    """The numbers of a window."""
    until = ask.until or clock.now()
    since = ask.since or _before(until)
    event, run, write = tables.Event, tables.Run, tables.Write
    events = page.window(col(event.received_at), col(event.id), since, until)
    written = page.window(col(write.created_at), col(write.id), since, until)
    with Session(database.engine()) as session:
        by_status = _counts(session, col(event.status), events)
        return answers.Stats(
            since=since,
            until=until,
            events_received=sum(by_status.values()),
            events_by_status=by_status,
            events_by_source=_counts(session, col(event.source), events),
            duplicates=session.exec(select(func.coalesce(func.sum(event.deliveries - 1), 0)).where(*events)).one(),
            runs_by_status=_counts(
                session, col(run.status), page.window(col(run.started_at), col(run.id), since, until)
            ),
            writes_by_status=_counts(session, col(write.status), written),
            written=_written(session, written),
            rejections=_rejections(session, since, until),
            notifications_by_status=_counts(session, col(tables.Notification.status), _told(since, until)),
            **_open_now(session),
            **_held_now(session),
        )


def _before(until: datetime) -> datetime:
    try:
        return until - WINDOW
    except OverflowError:
        return until


def _counts(session: Session, column: Any, conditions: Sequence[Any]) -> dict[str, int]:
    rows = session.exec(select(column, func.count()).where(*conditions).group_by(column)).all()
    return dict(sorted((str(value), count) for value, count in rows))


def _written(session: Session, conditions: Sequence[Any]) -> list[Money]:
    write = tables.Write
    return _sums(
        session,
        col(write.currency),
        col(write.amount_minor),
        [*conditions, col(write.status) == WriteState.CONFIRMED.value],
    )


def _sums(session: Session, currency: Any, amount: Any, conditions: Sequence[Any]) -> list[Money]:
    rows = session.exec(
        select(currency, func.sum(amount))
        .where(*conditions, currency.is_not(None), amount.is_not(None))
        .group_by(currency)
        .order_by(currency)
    ).all()
    return [Money(amount_minor=int(total), currency=code) for code, total in rows]


def _rejections(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    count = tables.RejectionCount
    rows = session.exec(
        select(count.reason, func.sum(count.count))
        .where(col(count.minute) >= since, col(count.minute) < until)
        .group_by(col(count.reason))
        .order_by(col(count.reason))
    ).all()
    return {reason: int(total) for reason, total in rows}


def _told(since: datetime, until: datetime) -> list[Any]:
    note = tables.Notification
    return page.window(col(note.created_at), col(note.id), since, until)


def _open_now(session: Session) -> dict[str, Any]:
    event, case, member = tables.Event, tables.Case, tables.CaseEvent
    due = session.exec(
        select(func.count(), func.extract("epoch", func.now() - func.min(event.due_at))).where(
            col(event.due_at) <= func.now()
        )
    ).one()
    live = col(case.status).in_([state.value for state in CASE_LIVE])
    return {
        "events_due": due[0],
        "oldest_due_seconds": None if due[1] is None else float(due[1]),
        "cases_live": _counts(session, col(case.failure_class), [live]),
        "at_stake": _sums(
            session,
            col(member.currency),
            col(member.amount_minor),
            [col(member.case_id).in_(select(case.id).where(live)), col(member.cleared_at).is_(None)],
        ),
    }


def _held_now(session: Session) -> dict[str, Any]:
    """What people hold, and what waits for destinations."""
    write, state = tables.Write, tables.DestinationState
    away = session.exec(
        select(state.destination).where(col(state.breaker) != "closed").order_by(col(state.destination))
    ).all()
    return {
        "pauses": session.exec(select(func.count()).select_from(tables.Pause)).one(),
        "writes_waiting": _counts(session, col(write.destination), [col(write.due_at).is_not(None)]),
        "destinations_away": list(away),
    }
