"""Noticing that the world moved: other inputs than before, or more mistakes than were promised."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: Rates of error that the breaker bets on, as multiples of the promised one: a small rise and a landslide.
_RISES = (1.5, 2.0, 3.0, 5.0, 10.0)
#: A share that chance alone moves so far once in a thousand looks, and far enough to matter.
DEVIATIONS, SHARE_MIN = 3.3, 0.05
#: An error rate that no bet goes beyond.
_RATE_MAX = 0.95


@dataclass(slots=True)
class Breaker:
    """A bet against the promise, one audited answer after the other.

    While the promise holds, the stake grows twentyfold with a chance of 5 % at most, however long one looks (a
    likelihood ratio is a martingale; Ville). So at twenty the question stops answering by itself. The state is
    `stakes`: whoever keeps it carries on where he stopped.
    """

    error_max: float
    stakes: tuple[float, ...] = (1.0,) * len(_RISES)
    alarm_at: float = 20.0

    @property
    def stake(self) -> float:
        """What the bets are worth together."""
        return sum(self.stakes) / len(self.stakes)

    @property
    def open(self) -> bool:
        """Whether the promise is to be taken as broken."""
        return self.stake >= self.alarm_at

    def audited(self, *, right: bool) -> bool:
        """Count one audited answer; returns whether the breaker is open now. Once open it stays so."""
        if not self.open:
            self.stakes = tuple(
                stake * self._ratio(rise, right) for stake, rise in zip(self.stakes, _RISES, strict=True)
            )
        return self.open

    def _ratio(self, rise: float, right: bool) -> float:
        risen = min(_RATE_MAX, self.error_max * rise)
        return (1 - risen) / (1 - self.error_max) if right else risen / self.error_max


@dataclass(frozen=True, slots=True)
class Moved:
    """How far newer inputs lie from older ones, and how often chance alone does as much."""

    distance: float
    chance: float

    @property
    def noticed(self) -> bool:
        """Whether somebody should look: one false alarm in a hundred looks."""
        return self.chance < 0.01


def moved(before: Floats, after: Floats, *, shuffles: int = 199, seed: int = 0) -> Moved:
    """Compare the middles of two sets of vectors; chance is measured by shuffling them together."""
    rows = np.concatenate([before, after]).astype(np.float64)
    random = np.random.default_rng(seed)

    # The difference of two means is one product with these weights, and a shuffle is the same with weights shuffled.
    weights = np.append(np.full(len(before), 1 / len(before)), np.full(len(after), -1 / len(after)))
    shuffled = np.stack([weights, *(random.permutation(weights) for _ in range(shuffles))])
    gaps = np.linalg.norm(shuffled @ rows, axis=1)
    as_far = int((gaps[1:] >= gaps[0]).sum())
    return Moved(float(gaps[0]), (as_far + 1) / (shuffles + 1))


def share_moved(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether so many of so many is another share than before, by more than chance does."""
    (was, of_before), (now, of_after) = before, after
    both = (was + now) / (of_before + of_after)
    chance = math.sqrt(both * (1 - both) * (1 / of_before + 1 / of_after))
    return abs(now / of_after - was / of_before) >= max(SHARE_MIN, DEVIATIONS * chance)
