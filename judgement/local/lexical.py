"""Texts as hashed counts: sparse vectors that need no vocabulary, so a new word is known with its first example."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgement.local.text import grams

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

#: Buckets of the memory: so many that two grams seldom share one.
BUCKETS = 1 << 18
#: Buckets of the head: every one costs a row of weights. Measured: 4,096 lose nothing against a full vocabulary.
HEAD_BUCKETS = 4_096


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of (bucket, value) pairs, one after the other."""

    starts: NDArray[np.int64]
    buckets: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, index: int) -> tuple[Ints, Floats]:
        """One row's buckets and values."""
        part = slice(self.starts[index], self.starts[index + 1])
        return self.buckets[part], self.values[part]

    def folded(self, width: int) -> "Sparse":
        """The same rows over fewer buckets, each bucket once per row."""
        owners = np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.starts))
        places, back = np.unique(owners * width + self.buckets % width, return_inverse=True)
        values = np.bincount(back, self.values, minlength=len(places)).astype(np.float32)
        starts = np.searchsorted(places, np.arange(len(self) + 1, dtype=np.int64) * width)
        return Sparse(starts.astype(np.int64), (places % width).astype(np.int32), values)

    def dense(self, rows: NDArray[np.int64], width: int) -> Floats:
        """Some rows written out; expects each bucket once per row (see `folded`)."""
        out = np.zeros((len(rows), width), np.float32)
        lengths = (self.starts[1:] - self.starts[:-1])[rows]
        owners = np.repeat(np.arange(len(rows)), lengths)
        first = np.repeat(self.starts[rows] - np.append(0, np.cumsum(lengths)[:-1]), lengths)
        where = first + np.arange(len(owners))
        out[owners, self.buckets[where]] = self.values[where]
        return out


def counted(text: str) -> tuple[Ints, Floats]:
    """The buckets of a text and the dampened count in each."""
    hashes = [zlib.crc32(gram.encode()) & (BUCKETS - 1) for gram in grams(text)]
    buckets, counts = np.unique(np.array(hashes, np.int32), return_counts=True)
    return buckets, (1 + np.log(counts)).astype(np.float32)


def stacked(rows: Iterable[tuple[Ints, Floats]]) -> Sparse:
    """Rows put together."""
    listed = list(rows)
    lengths = np.array([0, *(len(buckets) for buckets, _ in listed)], np.int64)
    return Sparse(
        np.cumsum(lengths),
        np.concatenate([buckets for buckets, _ in listed] or [np.zeros(0, np.int32)]),
        np.concatenate([values for _, values in listed] or [np.zeros(0, np.float32)]),
    )


class Rarity:
    """How much a bucket says: the rarer among the remembered texts, the more."""

    def __init__(self, rows: Sparse) -> None:
        seen = np.bincount(rows.buckets, minlength=BUCKETS)
        self._weight = (np.log((1 + len(rows)) / (1 + seen)) + 1).astype(np.float32)

    def weighed(self, row: tuple[Ints, Floats]) -> tuple[Ints, Floats]:
        """A row as a unit vector by rarity; an empty text stays empty."""
        buckets, values = row
        values = values * self._weight[buckets]
        length = np.sqrt(float(values @ values))
        return buckets, values / np.float32(length or 1)

    def all_weighed(self, rows: Sparse) -> Sparse:
        """The same for many rows."""
        values = rows.values * self._weight[rows.buckets]
        lengths = np.sqrt(np.add.reduceat(np.append(values**2, 0), rows.starts[:-1])) if len(rows) else values
        lengths = np.where(np.diff(rows.starts) > 0, lengths, 1)
        spread = np.repeat(lengths, np.diff(rows.starts)).astype(np.float32)
        return Sparse(rows.starts, rows.buckets, values / spread)
