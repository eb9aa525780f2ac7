"""The numbers of a window of time, and what stands open now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from console import answers
from console.asks import StatsAsk
from console.fields import Money
from console.queries import page
from counterfoil import clock, database, tables
from counterfoil.database import Connection
from counterfoil.ledger import tally
from counterfoil.lifecycle import CASE_LIVE, WriteState

#: Without a window the numbers are those of the last day.
WINDOW = timedelta(hours=24)
#: Rows of these last minutes are counted themselves, spans of this long are kept before.
LIVE, KEPT = timedelta(minutes=15), timedelta(days=7)
#: Before and after which nothing was ever received.
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC)


def read(ask: StatsAsk) -> answers.Stats:
    """The numbers of a window."""
    until = ask.until or clock.now()
    since = ask.since or _before(until)
    with database.transaction() as conn:
        seen = _counted(conn, since, until)
    with Session(database.engine()) as session:
        return answers.Stats(
            since=since,
            until=until,
            events_received=seen.received,
            events_by_status=dict(sorted(seen.by_status.items())),
            events_by_source=dict(sorted(seen.by_source.items())),
            duplicates=seen.duplicates,
            runs_by_status=dict(sorted(seen.runs.items())),
            writes_by_status=dict(sorted(seen.writes.items())),
            written=[Money(amount_minor=minor, currency=code) for code, minor in sorted(seen.written.items())],
            rejections=_rejections(session, since, until),
            notifications_by_status=_counts(session, col(tables.Notification.status), _told(since, until)),
            **_open_now(session),
            **_held_now(session),
        )


@dataclass
class _Seen:
    """What a window counted."""

    received: int = 0
    duplicates: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)

    def add(self, numbers: tally.Numbers) -> None:
        """Count one span."""
        for event in numbers.events:
            self.received += event.count
            self.duplicates += event.duplicates
            self.by_status[event.status] += event.count
            self.by_source[event.source] += event.count
        for run in numbers.runs:
            self.runs[run.status] += run.count
        for write in numbers.writes:
            self.writes[write.status] += write.count
            if write.status == WriteState.CONFIRMED and write.currency is not None:
                self.written[write.currency] += write.amount_minor


def _counted(conn: Connection, since: datetime, until: datetime) -> _Seen:
    """Rows where the window begins and where it ends, what is kept (`tally`) between: nobody counts a day of rows.

    What was received in the last minutes is counted as it stands; of before, a span may be minutes old.
    """
    seen, now = _Seen(), clock.now()
    since, until = max(since, _FIRST), min(until, _LAST)
    begins, ends = since, since
    if since < now - LIVE and until > now - KEPT:
        begins = _begin(max(since, now - KEPT)) + tally.FINE
        ends = max(begins, _begin(min(until, now - LIVE)))
    for first, last in ((since, min(begins, until)), (ends, until)):
        if first < last:
            for numbers in tally.count(conn, first, last, last - first).values():
                seen.add(numbers)
    for _, numbers in tally.read(conn, begins, ends):
        seen.add(numbers)
    return seen


def _begin(moment: datetime) -> datetime:
    """Where the span that holds it begins."""
    width = tally.FINE.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // width * width, UTC)


def _before(until: datetime) -> datetime:
    try:
        return until - WINDOW
    except OverflowError:
        return until


def _counts(session: Session, column: Any, conditions: Sequence[Any]) -> dict[str, int]:
    rows = session.exec(select(column, func.count()).where(*conditions).group_by(column)).all()
    return dict(sorted((str(value), count) for value, count in rows))


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
