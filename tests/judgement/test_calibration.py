"""Reliability and calibration error, on cases that can be counted by hand."""

import numpy as np
import pytest

from judgement.calibration import coverage_at, error, table


def test_the_error_is_the_mean_gap() -> None:
    """Of ten answers at 0.9 and of ten at 0.5 five are right: the ones are 0.4 off, the others not at all."""
    confidence, right = [0.9] * 10 + [0.5] * 10, [True] * 5 + [False] * 5 + [True] * 5 + [False] * 5
    assert error(confidence, right) == pytest.approx(0.2)
    assert [each.count for each in table(confidence, right)] == [10, 10]


def test_what_is_calibrated_has_next_to_no_error() -> None:
    """Answers that are right as often as they say come out near zero, overconfident ones do not."""
    random = np.random.default_rng(0)
    confidence = random.random(200_000)
    right = random.random(200_000) < confidence
    assert error(confidence, right) < 0.005
    assert error(np.sqrt(confidence), right) > 0.1


def test_sureness_of_one_belongs_to_the_last_bin() -> None:
    """1.0 is a confidence like others."""
    assert table([1.0], [True])[0].high == 1.0


def test_coverage_counts_the_surest_answers() -> None:
    """Surest first: right, right, wrong, right gives half at full precision and all at three quarters."""
    assert coverage_at(1.0, [0.9, 0.8, 0.7, 0.6], [True, True, False, True]) == 0.5
    assert coverage_at(0.75, [0.9, 0.8, 0.7, 0.6], [True, True, False, True]) == 1.0
    assert coverage_at(0.9, [0.9, 0.8], [False, False]) == 0.0
