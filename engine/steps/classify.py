"""Classify: closed questions about items of an event, judged within bounds; what code may not take, a person says.

The answers are decisions on record before the plan sees them; a second walk finds them again, whoever died meanwhile.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contracts.answers import Item, Question
from counterfoil import database, failpoints
from engine.passing import Pass
from exceptions_queue import failures

if TYPE_CHECKING:
    from judgement.asking import Open


class AsksOthers(Exception):
    """The event has items to be judged: not on the loop that walks a whole group."""


def classify(passing: Pass) -> list[str]:
    """Judge what the handler declared; returns what was asked. No item, no cost.

    Raises: AsksOthers (the pass may not wait), LowConfidence with the open items, ModelUnavailable, ModelOutputInvalid.
    """
    assert passing.spec is not None
    assert passing.contract is not None
    asked = []
    for name, ask in passing.spec.asks.items():
        items = ask.items(passing.contract, passing.context)
        passing.context[name] = {}
        if not items:
            continue
        if not passing.apart:
            raise AsksOthers
        passing.context[name] = _judged(passing, name, ask.question, items)
        asked.append(name)
    failpoints.passing("run.classified")
    return asked


def _judged(passing: Pass, name: str, question: Question, items: Sequence[Item]) -> dict[str, Any]:
    # Here, because a judge brings along what takes a fifth of a second and 50 MB, and most workers never need one.
    from judgement import asking, decisions

    event, spec = passing.event, passing.spec
    assert spec is not None
    asker = decisions.Asked(event.id, event.generation, spec.name, passing.facts)
    with database.connect(autocommit=True) as conn:
        found, missing = asking.ask(conn, asker, question, items, dry=passing.dry)
    if missing:
        raise failures.LowConfidence(
            _told(name, missing),
            rule=question.name,
            data={"question": question.name, "items": [each.as_json() for each in missing]},
            amount_minor=passing.money.amount_minor if passing.money else None,
            currency=passing.money.currency if passing.money else None,
        )
    return {ref: each.as_json() for ref, each in found.items()}


def _told(name: str, missing: "list[Open]") -> str:
    first = missing[0]
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{name} of {first.item} is not decided: {first.why}{more}"
