"""Does any label fit? A small head that tells what is unlike everything known from what is merely hard.

Nobody has examples of what nobody thought of. So groups of similar labels are hidden, one after the other: to voters
that never saw them their texts *are* outside. What the voters look like then is what the head learns.
Where labels are too few for that, the distance to everything known decides (`by_distance`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgement.local.pool import pooled
from judgement.local.voters import Examples, Looks, Voters

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Fewer labels than this cannot be hidden in groups and still leave something to compare with.
LABELS_MIN = 6
#: Fewer rows than this would fit the head to chance.
_ROWS_MIN = 60
#: How often groups are hidden: every label once, a fifth of them at a time.
ROUNDS = 5
#: The share of outside texts that the head assumes; moves `inside` as a whole, not its order.
_OUTSIDE_SHARE = 0.1
#: Pull to zero of the head's weights, in rows: with few rows it believes little.
_RIDGE = 5.0
_NEWTON_STEPS = 30


@dataclass(frozen=True, slots=True)
class Outside:
    """A logistic head over standardised features, and the cut below which the judge abstains."""

    middle: Doubles
    spread: Doubles
    weight: Doubles  #: the last one is the intercept
    cut: float  #: 97 % of what is inside lies above

    def inside(self, features: Doubles) -> Doubles:
        """How likely one of the labels fits, per row."""
        scores = _standard(features, self.middle, self.spread) @ self.weight
        return 1 / (1 + np.exp(-np.clip(scores, -30, 30)))


#: The share of inside texts that must not be turned away.
KEPT = 0.97


#: Which feature the likeness of letters to the nearest example is; that of meaning, where there is one, is the last.
_NEAREST_LETTERS = 4
#: So near to the cut a distance counts in part; beyond, it is inside or outside and changes no order.
_STEP, _STEEP = 0.005, 8.0


def features(looks: Looks, weights: Floats) -> Doubles:
    """What unusual texts look like: unsure, unlike every example, the voters of different minds."""
    shares = pooled(looks.opinions, weights).astype(np.float64)
    ranked = np.sort(shares, axis=1)
    first, second = ranked[:, -1], ranked[:, -2]
    columns = [
        np.log(first + 1e-6) - np.log(1 - first + 1e-6),
        first - second,
        -(shares * np.log(shares + 1e-12)).sum(axis=1) / np.log(shares.shape[1]),
        (looks.opinions.argmax(axis=2) == shares.argmax(axis=1)[:, None]).sum(axis=1),
        looks.letters.max(axis=1),
    ]
    for voter in range(looks.opinions.shape[1]):
        scores = np.sort(looks.opinions[:, voter].astype(np.float64), axis=1)
        columns += [scores[:, -1], scores[:, -1] - scores[:, -2], np.log(np.exp(scores - scores[:, -1:]).sum(axis=1))]
    if looks.meaning is not None:
        columns.append(looks.meaning.max(axis=1))
    return np.stack(columns, axis=1)


def groups(examples: Examples, count: int) -> list[list[int]]:
    """The labels in groups of similar ones, about as many groups as each has members."""
    vectors = _middles(examples, count)
    like = vectors @ vectors.T
    left, found = list(range(count)), []
    size = max(1, round(count**0.5))
    while left:
        near = sorted(left, key=lambda label: -like[left[0], label])[:size]
        found.append(near)
        left = [label for label in left if label not in near]
    return found


def fit(examples: Examples, count: int, weights: Floats, usable: NDArray[np.bool_], *, seed: int = 0) -> Outside | None:
    """Hide groups of labels in turn and learn what that looks like; None where there is too little to hide."""
    if count < LABELS_MIN or usable.sum() < _ROWS_MIN:
        return None
    hidden = [np.concatenate(part) for part in _rounds(groups(examples, count))]
    fold = np.random.default_rng(seed).integers(0, ROUNDS, len(examples))
    within, without = [], []
    for number, labels in enumerate(hidden):
        seen = ~np.isin(examples.labels, labels)
        # Whatever nobody asked (descriptions) always teaches and is never asked.
        voters = Voters.trained(examples.take(np.flatnonzero(seen & ((fold != number) | ~usable))), count, seed=seed)
        ask = np.flatnonzero(usable & ((fold == number) | ~seen & (fold == (number + 1) % ROUNDS)))
        asked = examples.take(ask)
        looks = voters.look(asked.meaning, asked.letters)
        # Hidden labels are no answers here: as if the question did not have them.
        kept = np.setdiff1d(np.arange(count), labels)
        rows = features(Looks(looks.opinions[:, :, kept], looks.meaning, looks.letters), weights)
        within.append(rows[seen[ask]])
        without.append(rows[~seen[ask]])
    return _fit(np.concatenate(within), np.concatenate(without))


def by_distance(looks: Looks, weights: Floats) -> Outside | None:
    """Where labels are too few to hide some: what is farther from every example than nearly all known ones are.

    From looks of voters that had not learned the known ones. Chosen with the examples that ship: of texts that no label
    fits it keeps more from being answered than hiding one label of five does, for fewer that are known.
    """
    if len(looks.opinions) < _ROWS_MIN:
        return None
    rows = features(looks, weights)
    middle, spread = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
    weight = np.zeros(rows.shape[1] + 1)
    nearest = _NEAREST_LETTERS if looks.meaning is None else rows.shape[1] - 1
    middle[nearest], spread[nearest], weight[nearest] = np.quantile(rows[:, nearest], 1 - KEPT), _STEP, _STEEP
    return Outside(middle, spread, weight, 0.5)


def _rounds(found: list[list[int]]) -> list[list[list[int]]]:
    return [part for part in (found[number::ROUNDS] for number in range(ROUNDS)) if part]


def _middles(examples: Examples, count: int) -> Floats:
    """One vector per label: the middle of its examples."""
    if examples.meaning is not None:
        rows = examples.meaning
    else:
        rows = examples.letters.folded(1024).dense(np.arange(len(examples)), 1024)
    total = np.zeros((count, rows.shape[1]), np.float32)
    np.add.at(total, examples.labels, rows)
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    middles: Floats = total / np.maximum(lengths, 1e-9)
    return middles


def _standard(rows: Doubles, middle: Doubles, spread: Doubles) -> Doubles:
    # Clipped: a feature far beyond everything seen must not carry the answer alone.
    scaled = np.clip((rows - middle) / spread, -4, 4)
    return np.concatenate([scaled, np.ones((len(rows), 1))], axis=1)


def _fit(within: Doubles, without: Doubles) -> Outside | None:
    if min(len(within), len(without)) < _ROWS_MIN / 2:
        return None
    rows = np.concatenate([within, without])
    middle, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    x = _standard(rows, middle, spread)
    y = np.concatenate([np.ones(len(within)), np.zeros(len(without))])
    share = np.where(y == 1, (1 - _OUTSIDE_SHARE) / len(within), _OUTSIDE_SHARE / len(without)) * len(y)
    weight = np.zeros(x.shape[1])
    ridge = np.eye(x.shape[1]) * _RIDGE
    for _ in range(_NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weight, -30, 30)))
        slope = x.T @ (share * (y - p)) - ridge @ weight
        curve = (x * (share * p * (1 - p))[:, None]).T @ x + ridge
        move = np.linalg.solve(curve, slope)
        weight += move
        if np.abs(move).max() < 1e-6:
            break
    plain = Outside(middle, spread, weight, 0.0)
    return Outside(middle, spread, weight, float(np.quantile(plain.inside(within), 1 - KEPT)))
