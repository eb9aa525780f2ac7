"""The promise of a threshold: kept over many re-splits, with unsupported requests among them, and not given lightly."""

import numpy as np
import pytest

from judgement import threshold
from judgement.threshold import CUTS, derive, labels_min, tail, upper_bound

RESPLITS = 200
DOUBT = 0.1


def _traffic(count: int, outside: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and whether the answer was right: too sure of itself, and wrong whenever no label fits."""
    random = np.random.default_rng(seed)
    scores = random.beta(6, 0.8, count)
    right = random.random(count) < scores**1.3
    stray = random.random(count) < outside
    return np.where(stray, random.beta(2, 3, count), scores), right & ~stray


@pytest.mark.parametrize("labels", [300, 1000, 2000])
@pytest.mark.parametrize("outside", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("error_max", [0.01, 0.02, 0.05, 0.10])
def test_the_promise_holds_over_re_splits(error_max: float, outside: float, labels: int) -> None:
    """Of 200 random splits no more than the permitted share break the promise. Break it: take the loosest cut whose
    error on the labels is under the bound (`tail(...) <= 0.5`): every second split breaks it."""
    scores, right = _traffic(30_000, outside, seed=round(error_max * 1000) + labels)
    random = np.random.default_rng(7)
    broken = 0
    for _ in range(RESPLITS):
        order = random.permutation(len(scores))
        known, rest = order[:labels], order[labels:]
        found = derive(scores[known], right[known], error_max=error_max, doubt=DOUBT)
        if found.cut is not None:
            above = scores[rest] >= found.cut
            broken += bool(above.any() and 1 - right[rest][above].mean() > error_max)
    assert broken <= DOUBT * RESPLITS


def test_the_obvious_procedure_breaks_the_promise() -> None:
    """The loosest cut that did well on the labels does not do on the rest: what this module is there for."""
    scores, right = _traffic(30_000, 0.0, seed=1)
    random, broken = np.random.default_rng(7), 0
    for _ in range(RESPLITS):
        order = random.permutation(len(scores))
        known, rest = order[:1000], order[1000:]
        fine = [cut for cut in CUTS if (above := scores[known] >= cut).any() and right[known][above].mean() >= 0.98]
        broken += bool(fine) and 1 - right[rest][scores[rest] >= min(fine)].mean() > 0.02
    assert broken > 0.3 * RESPLITS


@pytest.mark.parametrize(("error_max", "least"), [(0.05, 86), (0.02, 217), (0.01, 437), (0.005, 875)])
def test_too_few_labels_certify_nothing(error_max: float, least: int) -> None:
    """One label short of the least everything goes to a person; with the least, all right, it is certified."""
    assert labels_min(error_max, DOUBT) == least
    scores = np.linspace(0.9999, 0.99999, least)
    assert derive(scores[1:], [True] * (least - 1), error_max=error_max).cut is None
    assert derive(scores, [True] * least, error_max=error_max).cut is not None


def test_a_threshold_uses_more_when_answers_are_better() -> None:
    """A promise that certified only next to nothing would be kept easily and be worth nothing."""
    scores, right = _traffic(2000, 0.0, seed=3)
    shares = [derive(scores, right, error_max=error).coverage for error in (0.02, 0.05, 0.10)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.4


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0.95] * 400 + [0.9] * 100, "same confidence"),
        ([float("nan")] * 500, "no shares"),
        ([1.5] * 500, "no shares"),
    ],
)
def test_degenerate_scores_switch_automatic_answers_off(scores: list[float], said: str) -> None:
    """A judge that is 95 % sure of everything is sure of nothing, however right it was."""
    found = derive(scores, [True] * len(scores), error_max=0.05)
    assert found.cut is None
    assert said in found.reason
    assert not found.permits(1.0)


def test_mistakes_among_the_surest_certify_nothing() -> None:
    """Where being sure does not mean being right, no cut helps."""
    random = np.random.default_rng(0)
    found = derive(random.random(2000), random.random(2000) < 0.9, error_max=0.02)
    assert found.cut is None
    assert "no cut" in found.reason


def test_a_cut_permits_from_itself_on() -> None:
    """What was certified is permitted, what lies below is not."""
    found = derive(np.linspace(0.5, 1, 4000), [True] * 4000, error_max=0.05)
    assert found.cut is not None
    assert found.permits(found.cut)
    assert not found.permits(np.nextafter(found.cut, 0))


@pytest.mark.parametrize(("used", "wrong"), [(10, 0), (100, 3), (1000, 17)])
def test_the_bound_is_where_the_tail_meets_the_doubt(used: int, wrong: int) -> None:
    """The upper bound is the error at which so few mistakes have just the chance of the doubt."""
    bound = upper_bound(used, wrong, 0.05)
    assert tail(used, wrong, bound) == pytest.approx(0.05, rel=1e-6)
    if not wrong:
        assert bound == pytest.approx(1 - 0.05 ** (1 / used))


def test_the_cuts_are_planned() -> None:
    """Cuts and starts are constants, strict to loose: the promise rests on their not depending on the labels."""
    assert list(CUTS) == sorted(CUTS, reverse=True)
    assert all(0 < start < len(CUTS) for start in threshold.STARTS)
