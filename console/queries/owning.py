"""Which cases are whose: the roster's live answer as a condition over cases."""

from sqlalchemy import ColumnElement, and_, false, or_
from sqlmodel import Session, col, select

from console.queries import roster
from counterfoil import tables


def by(session: Session, person: str) -> ColumnElement[bool]:
    """Cases that a person owns now. The roster is asked once per kind of case, of which there are few."""
    case = tables.Case
    kinds = session.exec(select(case.failure_class, case.source, case.handler, case.owner).distinct()).all()
    theirs: list[ColumnElement[bool]] = [
        and_(
            col(case.failure_class) == failure_class,
            col(case.source).is_not_distinct_from(source),
            col(case.handler).is_not_distinct_from(handler),
            col(case.owner).is_not_distinct_from(assigned),
        )
        for failure_class, source, handler, assigned in kinds
        if roster.owner_of(failure_class, source, handler, assigned) == person
    ]
    return or_(false(), *theirs)
