"""A handler returns one of a closed set, and each says why."""

from typing import Any

import pytest

from contracts.money import Money
from destinations.base import Effect
from engine import NeedsPerson, Plan, Skip, Snooze
from engine.outcomes import SNOOZE_SECONDS_MAX


def an_effect(key: str = "books:x:1") -> Effect:
    return Effect("books", "post_entry", key, "stripe:in_1", Money(5, "EUR"), {"lines": []}, {"why": "because"})


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
