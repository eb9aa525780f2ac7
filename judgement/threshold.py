"""From which confidence on an answer may be used without a person: derived from labels, with a promise.

The promise: with a chance of at least 1 - doubt, no more than `error_max` of the automatic answers are wrong. "The
loosest cut that did well on the labels" breaks it about every second time, because it picks the luckiest of many
cuts. Here the cuts and the order in which they are tried are planned before a label is seen (Learn then Test): from
four starts, each with an equal part of the doubt, looser cuts are tried until one fails the binomial test. Half of the
doubt is kept for the luck of what comes afterwards: what is promised is the share that will be seen, not a true rate.

The labels have to be a uniform sample of real traffic, in which people may say "none of these"; such a row counts as
wrong. A promise from clean labels is void as soon as the traffic is not clean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Cuts from strict to loose, even in log-odds between 0.9999 and 0.1. Planned: they depend on no data.
CUTS = tuple(1 / (1 + math.exp(-odds)) for odds in np.linspace(math.log(9999), math.log(1 / 9), 120).tolist())
#: Where the four walks begin, as places in `CUTS`: strict questions are certified early, easy ones late.
STARTS = (12, 36, 60, 84)
#: What of the doubt is spent on the labels. Measured: with all of it, 12 of 100 splits broke a promise of 10.
SPENT = 0.5
#: One value for more than this share of the answers is no confidence.
_SAME_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Threshold:
    """The result: a cut with what was seen above it, or the reason why everything goes to a person."""

    cut: float | None
    reason: str
    labels: int
    used: int = 0  #: labels above the cut
    wrong: int = 0  #: wrong ones among them
    error_upper: float = 1.0  #: the error's upper bound at this one cut

    def permits(self, score: float) -> bool:
        """Whether an answer of this score may be used without a person."""
        return self.cut is not None and score >= self.cut

    @property
    def coverage(self) -> float:
        """Share of the labelled answers above the cut."""
        return self.used / self.labels if self.labels else 0.0


def labels_min(error_max: float, doubt: float) -> int:
    """How many labels above a cut it takes at least, all of them right."""
    return math.ceil(math.log(each_doubt(doubt)) / math.log(1 - error_max))


def each_doubt(doubt: float) -> float:
    """The doubt that each walk may spend."""
    return doubt * SPENT / len(STARTS)


def tail(used: int, wrong: int, error: float) -> float:
    """The chance of so few wrong ones among so many, were the true error this high (binomial)."""
    if wrong >= used:
        return 1.0
    logs = [
        math.lgamma(used + 1) - math.lgamma(k + 1) - math.lgamma(used - k + 1)
        + k * math.log(error) + (used - k) * math.log1p(-error)
        for k in range(wrong + 1)
    ]  # fmt: skip
    top = max(logs)
    return min(1.0, math.exp(top) * sum(math.exp(each - top) for each in logs))


def upper_bound(used: int, wrong: int, doubt: float) -> float:
    """The highest true error that so few wrong ones are still likely under (Clopper-Pearson, one-sided)."""
    if wrong >= used:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(used, wrong, middle) > doubt else (low, middle)
    return high


def derive(scores: Sequence[float], right: Sequence[bool], *, error_max: float, doubt: float = 0.1) -> Threshold:
    """The loosest cut that keeps the promise, or none with the reason."""
    s, r = np.asarray(scores, float), np.asarray(right, bool)
    needed = labels_min(error_max, doubt)
    if len(s) < needed:
        return Threshold(None, f"{len(s)} labels; it takes {needed} at least", len(s))
    if reason := degenerate(s):
        return Threshold(None, reason, len(s))
    order = np.argsort(-s)
    ranked, mistakes = s[order], np.append(0, np.cumsum(~r[order]))
    used = np.searchsorted(-ranked, -np.array(CUTS), side="right")
    loosest = _walk(used, mistakes[used], error_max, each_doubt(doubt))
    if loosest is None:
        return Threshold(
            None, f"no cut keeps the error under {error_max:.1%}: too many mistakes, or too few labels", len(s)
        )
    n, k = int(used[loosest]), int(mistakes[used[loosest]])
    return Threshold(CUTS[loosest], "certified", len(s), n, k, upper_bound(n, k, each_doubt(doubt)))


def degenerate(scores: NDArray[np.float64]) -> str:
    """Why these scores cannot tell good answers from bad ones; empty when they may."""
    if not np.isfinite(scores).all() or ((scores < 0) | (scores > 1)).any():
        return "scores that are no shares"
    _, counts = np.unique(np.round(scores, 6), return_counts=True)
    if counts.max() > _SAME_MAX * len(scores):
        return f"{counts.max() / len(scores):.0%} of the answers have the same confidence"
    return ""


def _walk(used: NDArray[np.int64], wrong: NDArray[np.int64], error_max: float, doubt: float) -> int | None:
    """The loosest cut that any of the planned walks reaches."""
    best: int | None = None
    for start in STARTS:
        place = start
        while place < len(CUTS) and _passes(int(used[place]), int(wrong[place]), error_max, doubt):
            best = place if best is None else max(best, place)
            place += 1
    return best


def _passes(used: int, wrong: int, error_max: float, doubt: float) -> bool:
    # More mistakes than are permitted never pass; the tail need not be summed to know it.
    return wrong <= error_max * used and tail(used, wrong, error_max) <= doubt
