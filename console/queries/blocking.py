"""Events that live cases block, the newest first: what a class or a person's desk holds up."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import select as rows_of
from sqlmodel import Session, col

from console.queries import finding
from console.queries.finding import Bounds, Condition, Ids
from counterfoil.lifecycle import CASE_LIVE
from counterfoil.tables import Case, CaseEvent

#: Blocked events of whichever case that are looked through at once, where very many cases fit.
PORTION: Final = 5_000


def events(of_case: Condition) -> tuple[Ids, Any]:
    """What some cases block."""
    member = CaseEvent
    held = rows_of(col(member.event_id)).join(Case, col(Case.id) == col(member.case_id))
    return held.where(col(member.cleared_at).is_(None), _live(), of_case), col(member.event_id)


def newest(session: Session, of_case: Condition, bounds: Bounds) -> tuple[list[UUID], UUID | None]:
    """What some cases block, the newest, and down to where; None: to the end."""
    member = CaseEvent
    held = rows_of(col(member.event_id)).where(col(member.cleared_at).is_(None), *bounds.of(col(member.event_id)))
    cases = finding.few(session, rows_of(col(Case.id)).where(_live(), of_case))
    if cases is not None:
        return finding.newest(session, held.where(finding.among(col(member.case_id), cases)), col(member.event_id))
    return _looked_through(session, held, of_case)


def _looked_through(session: Session, held: Ids, of_case: Condition) -> tuple[list[UUID], UUID | None]:
    """Very many cases fit: of the newest blocked events it is asked which case that is."""
    member = CaseEvent
    some = (
        held.add_columns(col(member.case_id)).order_by(col(member.event_id).desc()).limit(PORTION + 1).subquery("some")
    )
    fits = finding.asked(rows_of(col(Case.id)).where(col(Case.id) == some.c.case_id, _live(), of_case))
    rows = session.connection().execute(rows_of(some.c.event_id, fits).order_by(some.c.event_id.desc())).all()
    floor = rows[PORTION - 1][0] if len(rows) > PORTION else None
    return [event_id for event_id, is_one in rows[:PORTION] if is_one], floor


def _live() -> Condition:
    return col(Case.status).in_(sorted(CASE_LIVE))
