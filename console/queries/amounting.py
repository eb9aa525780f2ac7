"""Amounts that people ask for as conditions: what events name, what stands at stake in cases, what is written."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import ceil, floor
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_
from sqlalchemy import select as rows_of
from sqlmodel import col

from console.searching import Amount, Term
from counterfoil.tables import Case, CaseEvent, Event, Mention, Write


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


def _amount(term: Term, currency: Any, minor: Any) -> ColumnElement[bool]:
    assert isinstance(term.value, Amount), "Bug: the grammar has read it"
    return or_(
        *(and_(col(currency).in_(alike), _compared(minor, term.op, number)) for alike, number in term.value.by_scale())
    )


def _amount_of_event(term: Term) -> ColumnElement[bool]:
    named = rows_of(col(Mention.event_id)).where(
        col(Mention.kind) == "amount", _amount(term, Mention.value, Mention.amount_minor)
    )
    return col(Event.id).in_(named)


def _amount_of_case(term: Term) -> ColumnElement[bool]:
    """The money that is at stake in it, by currency."""
    member = CaseEvent
    stake = (
        rows_of(col(member.case_id))
        .where(col(member.case_id) == col(Case.id), col(member.cleared_at).is_(None))
        .group_by(col(member.case_id), col(member.currency))
        .having(_amount(term, member.currency, func.sum(member.amount_minor)))
    )
    return exists(stake)


#: By list.
CONDITIONS: Mapping[str, Callable[[Term], ColumnElement[bool]]] = {
    "events": _amount_of_event,
    "cases": _amount_of_case,
    "writes": lambda term: _amount(term, Write.currency, Write.amount_minor),
}
