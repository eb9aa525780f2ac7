"""A handler returns one of a closed set, and each says why."""

import json
from typing import Any

import pytest

from contracts.money import Money
from destinations.base import Effect
from engine import NeedsPerson, Outcome, Plan, Skip, Snooze
from engine.outcomes import SNOOZE_SECONDS_MAX, UnknownOutcome, as_json, from_json, outcome_of


def an_effect(key: str = "books:x:1") -> Effect:
    return Effect("books", "post_entry", key, "stripe:in_1", Money(5, "EUR"), {"lines": []}, {"why": "because"})


EVERY: list[Outcome] = [
    Plan((an_effect(), an_effect("books:x:2")), {"seen": 1}),
    Plan((Effect("books", "post_entry", "k", "s", None, {}),)),
    Skip("nothing to do"),
    Snooze(60, "not there yet"),
    NeedsPerson("context_missing", "which customer?"),
    NeedsPerson("out_of_bounds", "large", Money(10**9, "JPY")),
]


@pytest.mark.parametrize("outcome", EVERY, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_survives_being_written_down(outcome: Outcome) -> None:
    """A checkpoint gives back what was put in, digests included."""
    assert from_json(json.loads(json.dumps(as_json(outcome)))) == outcome
    assert outcome_of(outcome) is outcome


@pytest.mark.parametrize("returned", [None, True, [], {}, "done", (an_effect(),), an_effect(), Plan, Skip])
def test_anything_else_is_unknown(returned: object) -> None:
    """None is the most frequent mistake: a forgotten return."""
    with pytest.raises(UnknownOutcome):
        outcome_of(returned)


@pytest.mark.parametrize("document", [{}, {"outcome": "ok"}, {"outcome": None}])
def test_an_unknown_document_is_refused(document: dict[str, Any]) -> None:
    """What an older or newer version wrote is not taken for something else."""
    with pytest.raises(UnknownOutcome):
        from_json(document)


def test_a_plan_without_effects_is_refused() -> None:
    """An empty plan would be done without a word; Skip says why."""
    with pytest.raises(ValueError, match="return Skip"):
        Plan(())


def test_a_plan_does_not_write_one_key_twice() -> None:
    """The second would silently vanish behind the first."""
    with pytest.raises(ValueError, match="share a key"):
        Plan((an_effect(), an_effect()))


@pytest.mark.parametrize("seconds", [0, -1, SNOOZE_SECONDS_MAX + 1])
def test_a_snooze_has_bounds(seconds: int) -> None:
    """Neither a busy loop nor a burial."""
    with pytest.raises(ValueError, match="snooze"):
        Snooze(seconds, "later")


@pytest.mark.parametrize("make", [lambda: Skip(" "), lambda: Snooze(5, ""), lambda: NeedsPerson("x", "")])
def test_an_outcome_says_why(make: Any) -> None:
    """A reason is what the person reads."""
    with pytest.raises(ValueError, match="say why"):
        make()
