"""Which cases are whose: the roster's live answer as a condition over cases."""

from typing import Final

from sqlalchemy import ColumnElement, Text, any_, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, select

from console.queries import kept, roster
from counterfoil import tables
from counterfoil.lifecycle import CASE_LIVE

#: What the roster is asked about: class, source, handler, and to whom it was given by hand.
Kind = tuple[str, str | None, str | None, str | None]
#: Stands between the parts of a kind as one text; in no name of ours.
BETWEEN: Final = "\x1f"
#: From so many kinds on they are not looked for among closed cases each time. Live ones always are.
KINDS_MANY: Final = 20


def by(session: Session, person: str) -> ColumnElement[bool]:
    """Cases that a person owns now. The roster is asked once per kind of case, of which there are few."""
    case = tables.Case
    theirs = [as_text(kind) for kind in kinds(session) if roster.owner_of(*kind) == person]
    # One comparison with all kinds at once, however many there are.
    said = [func.coalesce(col(column), "") for column in (case.source, case.handler, case.owner)]
    kind = func.concat_ws(BETWEEN, col(case.failure_class), *said)
    found: ColumnElement[bool] = kind == any_(literal(theirs, ARRAY(Text)))
    return found


def kinds(session: Session) -> set[Kind]:
    """Every kind of case that there is."""
    case = tables.Case
    wanted = select(case.failure_class, case.source, case.handler, case.owner).distinct()

    def of(*conditions: ColumnElement[bool]) -> set[Kind]:
        return {(row[0], row[1], row[2], row[3]) for row in session.exec(wanted.where(*conditions))}

    closed = col(case.closed_at).is_not(None)
    ever = kept.find(("kinds of cases",), lambda: of(closed), is_costly=lambda found: len(found) >= KINDS_MANY)
    return ever | of(col(case.status).in_(sorted(CASE_LIVE)))


def as_text(kind: Kind) -> str:
    """A kind as one text."""
    return BETWEEN.join(part or "" for part in kind)
