"""Voters made one: a product of their opinions, weighted so that the known labels are as likely as possible.

Weights are fitted on out-of-fold opinions, never negative. Because they are free to be small or large together, the
same fit is the calibration: a pool that was too sure gets smaller weights.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from judgement.local.heads import softmax

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]

#: Rows that the fit looks at; four weights are settled long before.
_ROWS_MAX = 6_000
_STEPS = 200
#: How many labels the starting weights are worth. Many, because with few labels an out-of-fold voter misses a good
#: part of what the deployed one knows, and looks less sure than it may be.
_START_ROWS = 600
#: Share of people's labels taken to be slips. Without it a few of them, answered rightly and surely, count as proof
#: that the pool is too sure of everything.
_SLIPS = 0.03


def pooled(opinions: Floats, weights: Floats) -> Floats:
    """Shares per label from scores (row, voter, label)."""
    return softmax(np.einsum("rvl,v->rl", opinions, weights))


def fit(opinions: Floats, y: Rows, start: Floats) -> Floats:
    """The non-negative weights under which the known labels are likeliest, held by the start where labels are few."""
    if len(y) == 0:
        return start
    if len(y) > _ROWS_MAX:
        rows = np.random.default_rng(0).permutation(len(y))[:_ROWS_MAX]
        opinions, y = opinions[rows], y[rows]
    centred = (opinions - opinions.mean(axis=2, keepdims=True)).astype(np.float64)
    # Voters speak on different scales (a cosine, a score): each is measured by its own spread during the fit.
    spread = np.maximum(centred.std(axis=(0, 2)), 1e-9)
    centred /= spread[None, :, None]
    chosen = centred[np.arange(len(y)), :, y]
    home = start.astype(np.float64) * spread
    loss = partial(_loss, centred, chosen, home, _START_ROWS / len(y))
    return np.asarray(_descend(loss, home) / spread, np.float32)


def _descend(loss: "partial[tuple[float, Doubles]]", start: Doubles) -> Doubles:
    """Projected accelerated descent; the loss is convex, so where it ends does not depend on where it starts."""
    weights, momentum, step = start, start.copy(), 1.0
    for count in range(_STEPS):
        value, slope = loss(momentum)
        while True:
            trial = np.maximum(momentum - step * slope, 0)
            move = trial - momentum
            if step < 1e-9 or loss(trial)[0] <= value + slope @ move + (move @ move) / (2 * step) + 1e-12:
                break
            step /= 2
        done = np.abs(trial - weights).max() < 1e-5
        momentum = np.maximum(trial + count / (count + 3) * (trial - weights), 0)
        weights = trial
        if done:
            break
        step *= 1.3
    return weights


def _loss(centred: Doubles, chosen: Doubles, home: Doubles, hold: float, weights: Doubles) -> tuple[float, Doubles]:
    """Mean negative log likelihood with the pull to the start, and its slope."""
    scores = np.einsum("rvl,v->rl", centred, weights)
    top = scores.max(axis=1, keepdims=True)
    shares = np.exp(scores - top)
    total = shares.sum(axis=1, keepdims=True)
    shares /= total
    away = weights - home
    right = (1 - _SLIPS) * np.exp(chosen @ weights - top[:, 0]) / total[:, 0]
    told = right + _SLIPS / scores.shape[1]
    loss = float(-np.log(told).mean() + hold * (away @ away) / 2)
    gaps = np.einsum("rvl,rl->rv", centred, shares) - chosen
    slope = ((right / told)[:, None] * gaps).mean(axis=0) + hold * away
    return loss, slope
