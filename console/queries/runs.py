"""Runs: what happened each time an event met its handler."""

from uuid import UUID

from sqlmodel import Session, col, select

from console import answers
from console.asks import RunsAsk
from console.queries import page
from counterfoil import database, tables

#: Runs of one event that are shown; an event with more has been retried for days.
OF_EVENT_MAX = 200


def find_page(ask: RunsAsk) -> answers.Page[answers.Run]:
    """One page of runs."""
    wanted = page.narrowed(
        select(tables.Run),
        (tables.Run.event_id, ask.event),
        (tables.Run.handler, ask.handler),
        (tables.Run.status, ask.status),
        (tables.Run.failure_class, ask.failure_class),
    )
    if ask.q is not None:
        wanted = wanted.where(page.holding(ask.q, tables.Run.handler, tables.Run.failure_class, tables.Run.detail))
    with Session(database.engine()) as session:
        rows, following = page.read(session, wanted, at=col(tables.Run.started_at), row_id=col(tables.Run.id), ask=ask)
    return answers.Page(items=[_shown(row) for row in rows], next_cursor=following)


def find(run_id: UUID) -> answers.Run | None:
    """One run with its steps."""
    with Session(database.engine()) as session:
        row = session.get(tables.Run, run_id)
    return None if row is None else _shown(row)


def of_event(session: Session, event_id: UUID) -> list[answers.Run]:
    """The runs of one event, oldest first."""
    rows = session.exec(
        select(tables.Run)
        .where(tables.Run.event_id == event_id)
        .order_by(col(tables.Run.id).desc())
        .limit(OF_EVENT_MAX)
    ).all()
    return [_shown(row) for row in reversed(rows)]


def _shown(row: tables.Run) -> answers.Run:
    same = {"attempt": row.attempt, "code_version": row.handler_version}
    fields = {name: getattr(row, name) for name in answers.Run.model_fields}
    return answers.Run(**fields | {"steps": [{**step, **same} for step in row.steps]})
