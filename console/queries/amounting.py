"""Amounts that people ask for as conditions: what events name, what stands at stake in cases, what is written."""

from decimal import Decimal
from math import ceil, floor
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_
from sqlalchemy import select as rows_of
from sqlmodel import col

from console.searching import Amount, Term
from counterfoil.tables import Case, CaseEvent, Mention, Write


def naming(term: Term) -> ColumnElement[bool]:
    """Over mentions: such an amount, by their key."""
    return and_(col(Mention.kind) == "amount", _amount(term, Mention.value, Mention.amount_minor))


def at_stake(term: Term) -> ColumnElement[bool]:
    """Cases that hold up such an amount, all their events together."""
    member = CaseEvent
    stake = (
        rows_of(col(member.case_id))
        .where(col(member.cleared_at).is_(None))
        .group_by(col(member.case_id), col(member.currency))
        .having(_amount(term, member.currency, func.sum(member.amount_minor)))
    )
    return col(Case.id).in_(stake)


def of_write(term: Term) -> ColumnElement[bool]:
    """Writes of such an amount."""
    return _amount(term, Write.currency, Write.amount_minor)


def _amount(term: Term, currency: Any, minor: Any) -> ColumnElement[bool]:
    assert isinstance(term.value, Amount), "Bug: the grammar has read it"
    # The number first: where no index serves, it is the cheaper one to compare.
    return or_(
        *(and_(_compared(minor, term.op, number), col(currency).in_(alike)) for alike, number in term.value.by_scale())
    )


def _compared(column: Any, op: str, number: Decimal) -> ColumnElement[bool]:
    """With whole numbers, so that an index on the column serves."""
    found: dict[str, Any] = {
        ">": column > floor(number),
        ">=": column >= ceil(number),
        "<": column < ceil(number),
        "<=": column <= floor(number),
        ":": column == int(number) if number == int(number) else false(),
    }
    condition: ColumnElement[bool] = found[op]
    return condition
