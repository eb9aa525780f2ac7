"""Softmax heads: linear classifiers over dense or hashed vectors, trained in seconds, nudged in milliseconds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
#: Which rows are wanted -> their vectors.
Source = Callable[[Rows], Floats]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a head is trained; chosen by out-of-fold scores on training data, once for all questions."""

    passes: int
    steps_min: int  #: few examples are gone through more often
    rate: float
    decay: float  #: pull of every weight towards zero, per step and rate
    batch: int = 128


def softmax(scores: Floats) -> Floats:
    """Rows of scores as shares that sum to one."""
    scores = np.asarray(scores - scores.max(axis=-1, keepdims=True))
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


class Head:
    """Weights and an intercept per label."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self.weight, self.bias = weight, bias

    @classmethod
    def empty(cls, width: int, labels: int) -> "Head":
        """A head that knows nothing: every label alike."""
        return cls(np.zeros((width, labels), np.float32), np.zeros(labels, np.float32))

    def scores(self, x: Floats) -> Floats:
        """One score per label, before softmax."""
        out: Floats = x @ self.weight + self.bias
        return out

    def scores_sparse(self, buckets: NDArray[np.int32], values: Floats) -> Floats:
        """The same for one sparse vector: touches only its own rows."""
        out: Floats = values @ self.weight[buckets] + self.bias
        return out

    def train(self, source: Source, y: Rows, schedule: Schedule, *, seed: int) -> None:
        """Adam over shuffled batches with a rate that falls to zero; the same seed gives the same head."""
        random = np.random.default_rng(seed)
        steps_per_pass = max(1, -(-len(y) // schedule.batch))
        steps = max(schedule.steps_min, schedule.passes * steps_per_pass)
        moments = [(np.zeros_like(part), np.zeros_like(part)) for part in (self.weight, self.bias)]
        order: Rows = np.zeros(0, np.int64)
        for step in range(steps):
            if len(order) == 0:
                order = random.permutation(len(y))
            rows, order = order[: schedule.batch], order[schedule.batch :]
            x = source(rows)
            slope = softmax(self.scores(x))
            slope[np.arange(len(rows)), y[rows]] -= 1
            slope /= len(rows)
            rate = np.float32(schedule.rate * (1 - step / steps))
            self.weight *= 1 - rate * np.float32(schedule.decay)
            for part, slopes, moment in zip(
                (self.weight, self.bias), (x.T @ slope, slope.sum(axis=0)), moments, strict=True
            ):
                _adam(part, slopes, moment, rate, step)


def _adam(part: Floats, slopes: Floats, moment: tuple[Floats, Floats], rate: np.float32, step: int) -> None:
    """One step, in place; the constants are those of the published method."""
    first, second = moment
    first *= np.float32(0.9)
    first += np.float32(0.1) * slopes
    second *= np.float32(0.999)
    second += np.float32(0.001) * slopes * slopes
    correction = np.float32(np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1)))
    part -= rate * correction * first / (np.sqrt(second) + np.float32(1e-8))
