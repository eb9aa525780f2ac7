"""The voters: four opinions on every label, from heads and memories over the same examples.

Meaning (the encoder's vectors) and letters (hashed grams), each once as a trained head and once as the nearest
examples. They err in different places, which is what makes their pool better than the best of them. Without an
encoder the two over letters serve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgement.local import lexical
from judgement.local.heads import Head, Schedule, Source
from judgement.local.lexical import HEAD_BUCKETS, Rarity, Sparse
from judgement.local.memory import ByLabel, Postings

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

# Schedules, scales and starting weights were chosen by out-of-fold scores on training data, for all questions alike.
_DENSE = Schedule(passes=20, steps_min=400, rate=0.02, decay=0.05)
_HASHED = Schedule(passes=4, steps_min=60, rate=0.04, decay=0.02, batch=256)
_NUDGE = Schedule(passes=1, steps_min=8, rate=0.01, decay=0.0, batch=32)
#: Unit vectors are short: scaled up, the heads get where they belong in fewer steps.
_DENSE_SCALE, _HASHED_SCALE = np.float32(4), np.float32(8)
#: So many rows are written out once for a whole training: 32 MB.
_DENSE_MAX = 2_000
#: What the voters weigh before there are labels to fit weights on.
START = np.array([0.5, 10.0, 1.4, 0.07], np.float32)
START_LETTERS = np.array([5.0, 0.5], np.float32)
#: The same where nobody has decided anything yet: a head that saw one phrase per label has little to say.
START_WORDS = np.array([0.0, 10.0, 1.0, 0.05], np.float32)
#: New examples are kept beside the sorted ones until there are this many: a correction must not cost a rebuild.
_RECENT_MAX = 256


@dataclass(slots=True)
class Examples:
    """Texts as vectors, with their labels as numbers. `meaning` is None without an encoder."""

    meaning: Floats | None
    letters: Sparse
    labels: Rows

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows) -> "Examples":
        """Some of them."""
        letters = lexical.stacked(self.letters.row(int(index)) for index in rows)
        return Examples(None if self.meaning is None else self.meaning[rows], letters, self.labels[rows])


@dataclass(frozen=True, slots=True)
class Looks:
    """What the voters say about some texts: opinions (row, voter, label) and the likeness to every example."""

    opinions: Floats
    meaning: Floats | None
    letters: Floats


class Voters:
    """Heads and memories over one set of examples."""

    def __init__(self, examples: Examples, count: int, heads: dict[str, Head]) -> None:
        self._count, self.heads = count, heads
        self.examples = examples
        self._rarity = Rarity(examples.letters)
        self._recent: list[tuple[lexical.Ints, Floats]] = []
        self._newest: Postings | None = None
        self._sort()

    @classmethod
    def trained(cls, examples: Examples, count: int, *, seed: int = 0) -> "Voters":
        """Voters with heads trained anew."""
        hashed = Head.empty(HEAD_BUCKETS, count)
        heads = {"hashed": hashed}
        weighed = Rarity(examples.letters).all_weighed(examples.letters).folded(HEAD_BUCKETS)
        hashed.train(_scaled(weighed), examples.labels, _HASHED, seed=seed)
        if (meaning := examples.meaning) is not None:
            heads["dense"] = dense = Head.empty(meaning.shape[1], count)
            dense.train(lambda rows: meaning[rows] * _DENSE_SCALE, examples.labels, _DENSE, seed=seed)
        return cls(examples, count, heads)

    def start(self, *, decided: bool = True) -> Floats:
        """Weights to begin with, where people decided something and where they did not yet."""
        if self.examples.meaning is None:
            return START_LETTERS
        return START if decided else START_WORDS

    def look(self, meaning: Floats | None, letters: Sparse) -> Looks:
        """Ask all voters about some texts."""
        weighed = self._rarity.all_weighed(letters)
        near = np.stack([self._likeness(*weighed.row(index)) for index in range(len(letters))])
        hashed = weighed.folded(HEAD_BUCKETS)
        spelled = [
            self.heads["hashed"].scores_sparse(buckets, values * _HASHED_SCALE)
            for buckets, values in (hashed.row(index) for index in range(len(hashed)))
        ]
        opinions = [self._by_label.nearest(near), np.stack(spelled)]
        like = None
        if meaning is not None and self.examples.meaning is not None:
            like = meaning @ self.examples.meaning.T
            opinions = [self.heads["dense"].scores(meaning * _DENSE_SCALE), self._by_label.nearest(like), *opinions]
        return Looks(np.stack(opinions, axis=1), like, near)

    def add(self, meaning: Floats | None, letters: tuple[lexical.Ints, Floats], label: int) -> None:
        """Remember one more example and nudge the heads towards it; takes milliseconds."""
        old = self.examples
        both = None if meaning is None or old.meaning is None else np.vstack([old.meaning, meaning[None]])
        grown = Sparse(
            np.append(old.letters.starts, old.letters.starts[-1] + len(letters[0])),
            np.append(old.letters.buckets, letters[0]),
            np.append(old.letters.values, letters[1]),
        )
        self.examples = Examples(both, grown, np.append(old.labels, label))
        self._nudge(letters)
        self._recent.append(self._rarity.weighed(letters))
        if len(self._recent) > _RECENT_MAX:
            self._rarity = Rarity(grown)
            self._sort()
        else:
            self._newest = Postings(lexical.stacked(self._recent))
            self._by_label = ByLabel(self.examples.labels, self._count)

    def _sort(self) -> None:
        self._recent = []
        self._sorted = Postings(self._rarity.all_weighed(self.examples.letters))
        self._newest = None
        self._by_label = ByLabel(self.examples.labels, self._count)

    def _likeness(self, buckets: lexical.Ints, values: Floats) -> Floats:
        old = self._sorted.likeness(buckets, values)
        return old if self._newest is None else np.append(old, self._newest.likeness(buckets, values))

    def _nudge(self, letters: tuple[lexical.Ints, Floats]) -> None:
        """A few steps over the newest example and some old ones, which keep the rest from being forgotten."""
        count = len(self.examples)
        old = np.random.default_rng(count).integers(0, count, 31)
        some = self.examples.take(np.append(old, count - 1))
        weighed = self._rarity.all_weighed(some.letters).folded(HEAD_BUCKETS)
        hashed = weighed.dense(np.arange(len(some)), HEAD_BUCKETS) * _HASHED_SCALE
        self.heads["hashed"].train(lambda rows: hashed[rows], some.labels, _NUDGE, seed=count)
        if (meaning := some.meaning) is not None:
            self.heads["dense"].train(lambda rows: meaning[rows] * _DENSE_SCALE, some.labels, _NUDGE, seed=count)


def _scaled(weighed: Sparse) -> Source:
    """Rows as a head takes them: written out once where they are few."""
    if len(weighed) > _DENSE_MAX:
        return lambda rows: weighed.dense(rows, HEAD_BUCKETS) * _HASHED_SCALE
    written = weighed.dense(np.arange(len(weighed)), HEAD_BUCKETS) * _HASHED_SCALE
    return lambda rows: written[rows]
