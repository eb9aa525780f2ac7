"""What people decided before: the nearest remembered examples of every label, by meaning and by letters.

Meaning finds rewordings, letters find spellings and codes; near in meaning is not safe enough for a look-up, near in
letters is.
"""

import numpy as np
from numpy.typing import NDArray

from judgement.local import lexical
from judgement.local.lexical import Sparse

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

#: Examples of a label that speak for it: one may be mislabelled, three seldom are.
NEAREST = 3
#: What a label without any example scores: less than any likeness to one.
NOTHING = np.float32(-0.2)


class ByLabel:
    """Which examples belong to which label, sorted once for many looks."""

    def __init__(self, labels: Rows, count: int) -> None:
        self._order = np.argsort(labels, kind="stable")
        self._present, self._starts = np.unique(labels[self._order], return_index=True)
        self._sizes = np.diff(np.append(self._starts, len(labels)))
        self._count = count

    def nearest(self, likeness: Floats) -> Floats:
        """For every row of likenesses to all examples: the mean of the best few per label.

        Equal likenesses of one label count once, so that an example said three times is still one voice.
        """
        out = np.full((len(likeness), self._count), NOTHING, np.float32)
        if not len(self._present):
            return out
        left = likeness[:, self._order]
        total = np.zeros((len(likeness), len(self._present)), np.float32)
        voices = np.zeros_like(total)
        for _ in range(NEAREST):
            best = np.maximum.reduceat(left, self._starts, axis=1)
            real = best > -np.inf
            total[real] += best[real]
            voices += real
            left[left >= np.repeat(best, self._sizes, axis=1)] = -np.inf
        out[:, self._present] = total / voices
        return out


class Postings:
    """Remembered sparse vectors by bucket, so that a look costs what the text's own grams cost."""

    def __init__(self, rows: Sparse) -> None:
        owners = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.starts))
        order = np.argsort(rows.buckets, kind="stable")
        self._owners, self._values = owners[order], rows.values[order]
        self._starts = np.searchsorted(rows.buckets[order], np.arange(lexical.BUCKETS + 1)).astype(np.int32)
        self._count = len(rows)

    def likeness(self, buckets: NDArray[np.int32], values: Floats) -> Floats:
        """Cosine of one unit vector to all remembered ones."""
        starts = self._starts[buckets]
        lengths = self._starts[buckets + 1] - starts
        where = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
        weights = np.repeat(values, lengths) * self._values[where]
        return np.bincount(self._owners[where], weights, minlength=self._count).astype(np.float32)
