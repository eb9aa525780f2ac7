"""Whether a confidence means what it says: the reliability table and the calibration error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: As in the literature, so that figures can be compared.
BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar confidence: how sure they were and how often they were right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def table(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """The reliability table; empty bins are left out."""
    c, r = np.asarray(confidence, float), np.asarray(right, bool)
    place = np.minimum((c * bins).astype(int), bins - 1)
    return [
        Bin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int(inside.sum()),
            confidence=float(c[inside].mean()),
            accuracy=float(r[inside].mean()),
        )
        for index in range(bins)
        if (inside := place == index).any()
    ]


def error(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """Expected calibration error: the mean gap between being sure and being right."""
    total = len(confidence)
    return sum(each.count / total * abs(each.confidence - each.accuracy) for each in table(confidence, right, bins))


def coverage_at(precision: float, confidence: Sequence[float], right: Sequence[bool]) -> float:
    """The largest share of answers, surest first, of which so many are right; for figures, not for deciding."""
    order = np.argsort(-np.asarray(confidence, float), kind="stable")
    hits = np.cumsum(np.asarray(right, bool)[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(hits >= precision)
    return float((enough[-1] + 1) / len(order)) if len(enough) else 0.0
