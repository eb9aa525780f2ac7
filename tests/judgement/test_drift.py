"""Noticing: the breaker opens when the promise is broken and seldom otherwise; inputs that moved are seen."""

import numpy as np
import pytest

from judgement.drift import Breaker, moved


def _audited_until_open(error: float, error_max: float, count: int, seed: int) -> int | None:
    random, breaker = np.random.default_rng(seed), Breaker(error_max)
    for number in range(count):
        if breaker.audited(right=bool(random.random() >= error)):
            return number + 1
    return None


@pytest.mark.parametrize("error_max", [0.01, 0.02, 0.05])
def test_a_kept_promise_seldom_opens_the_breaker(error_max: float) -> None:
    """At exactly the promised error, over 1,500 audited answers, one breaker in twenty at most. Break it: add right
    answers' stakes without the ratio."""
    opened = [_audited_until_open(error_max, error_max, 1500, seed) is not None for seed in range(200)]
    assert np.mean(opened) <= 0.05


@pytest.mark.parametrize(("error_max", "rise", "bound"), [(0.01, 5, 150), (0.02, 5, 80), (0.05, 5, 40), (0.05, 2, 300)])
def test_a_broken_promise_is_found(error_max: float, rise: int, bound: int) -> None:
    """Half of the breakers have opened after so many audited answers."""
    found = [_audited_until_open(error_max * rise, error_max, 20 * bound, seed) or 20 * bound for seed in range(100)]
    assert np.median(found) <= bound


def test_an_open_breaker_stays_open() -> None:
    """Right answers afterwards do not close it: a person does."""
    breaker = Breaker(0.01)
    while not breaker.open:
        breaker.audited(right=False)
    assert all(breaker.audited(right=True) for _ in range(500))


def test_a_breaker_carries_on_from_its_stakes() -> None:
    """The state is all there is to keep."""
    first = Breaker(0.05)
    for right in (True, False, True, False):
        first.audited(right=right)
    again = Breaker(0.05, first.stakes)
    assert again.audited(right=False) == first.audited(right=False)
    assert again.stake == first.stake


def test_moved_inputs_are_noticed_and_others_are_not() -> None:
    """A shift of a third of a spread in 300 texts is seen; more of the same is not."""
    random = np.random.default_rng(1)
    before = random.normal(size=(400, 32)).astype(np.float32)
    same, other = random.normal(size=(300, 32)), random.normal(size=(300, 32)) + 0.3
    assert not moved(before, same.astype(np.float32)).noticed
    assert moved(before, other.astype(np.float32)).noticed
