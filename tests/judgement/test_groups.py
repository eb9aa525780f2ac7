"""Answers that share a threshold: of one risk, or of a label that stands alone, and of one band of amounts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from contracts.answers import Answer, Group, Item, Label, Question, Risk, ThresholdPolicy
from contracts.money import Money
from judgement import training
from judgement.threshold import labels_min
from judgement.training import Labelled
from judgement.verdict import Circumstances, judge

QUESTION = Question(
    name="revenue",
    labels=(
        Label(name="plan", description="Goes on by itself."),
        Label(name="hours", description="Work."),
        Label(name="gift", description="Given away.", alone=True),
        Label(name="note", description="Nothing is sold.", risk=Risk.LOW),
    ),
    fields=("text",),
    risk=Risk.MONEY,
    threshold=ThresholdPolicy(bands_minor=(100_000, 1_000_000)),
)
MONEY = Group(Risk.MONEY)
LEAST = labels_min(0.01, 0.1)


class Parrot:
    """A judge that says what the text says, a little surer each time; right unless the text says otherwise."""

    question = QUESTION

    def answer(self, given: dict[str, str], **_: Any) -> Answer:
        """The first word; the second is how sure."""
        label, sure = given["text"].split()
        return Answer(question="revenue", question_version=QUESTION.version, input_hash=QUESTION.input_hash(given),
                      tier="local", model="parrot", label=label, confidence=float(sure))  # fmt: skip


def _labels(count: int, label: str = "plan", *, amount: int | None = None, wrong: int = 0) -> list[Labelled]:
    sure = np.linspace(0.99, 0.9999, count)
    return [
        Labelled(f"{label}{amount}{number}", {"text": f"{label} {sure[number]:.5f}"},
                 "hours" if number < wrong else label, "calibrate", "Ines", True, amount_minor=amount)
        for number in range(count)
    ]  # fmt: skip


def _thresholds(labelled: Sequence[Labelled]) -> Any:
    return training.measured(Parrot(), labelled).thresholds  # type: ignore[arg-type]


def _acts(thresholds: Any, amount: int | None, label: str = "plan") -> bool:
    given = {"text": f"{label} 0.9999"}
    item = Item("1", given, None, None if amount is None else Money(amount, "EUR"))
    return judge(QUESTION, item, Parrot().answer(given), Circumstances("automatic", "", thresholds)).commits


@pytest.mark.parametrize(
    ("label", "amount", "group"),
    [
        ("plan", None, MONEY),
        ("hours", 99_999, MONEY),
        ("hours", 100_000, Group(Risk.MONEY, from_minor=100_000)),
        ("plan", -999_999, Group(Risk.MONEY, from_minor=100_000)),
        ("plan", 5_000_000, Group(Risk.MONEY, from_minor=1_000_000)),
        ("gift", 5, Group(Risk.MONEY, "gift")),
        ("note", 100_000, Group(Risk.LOW, from_minor=100_000)),
    ],
)
def test_an_answer_belongs_to_one_group(label: str, amount: int | None, group: Group) -> None:
    """By its label's risk and its amount, whichever sign; all groups of a question are known beforehand."""
    assert QUESTION.group_of(label, amount) == group
    assert group in QUESTION.groups


def test_small_amounts_say_nothing_of_large_ones() -> None:
    """However many were right: a band is certified by its own labels. Break it: derive over all amounts."""
    thresholds = _thresholds([*_labels(LEAST, amount=500), *_labels(20, amount=200_000)])
    assert _acts(thresholds, 500)
    assert _acts(thresholds, None), "no amount stands with the smallest"
    assert not _acts(thresholds, 100_000)
    assert not _acts(thresholds, 2_000_000), "a band of which nothing was ever labelled"
    thresholds = _thresholds([*_labels(LEAST, amount=500), *_labels(LEAST, amount=200_000)])
    assert _acts(thresholds, 100_000)


def test_mistakes_with_large_amounts_are_not_drowned_in_small_ones() -> None:
    """One in ten wrong there, none in four thousand elsewhere: together they would keep the promise."""
    thresholds = _thresholds([*_labels(4_000, amount=500), *_labels(LEAST, amount=200_000, wrong=LEAST // 10)])
    assert _acts(thresholds, 500)
    assert not _acts(thresholds, 200_000)


def test_a_label_that_stands_alone_is_certified_by_its_own_answers() -> None:
    """Those of other labels of its risk do not speak for it, nor it for them."""
    assert not _acts(_thresholds(_labels(LEAST)), 500, "gift")
    thresholds = _thresholds(_labels(LEAST, "gift"))
    assert _acts(thresholds, 500, "gift")
    assert not _acts(thresholds, 500)


def test_the_report_names_every_group_that_was_measured() -> None:
    """By words that do not change with the program: a report outlives it."""
    report = training.measured(Parrot(), [*_labels(9), *_labels(9, amount=200_000), *_labels(9, "gift")]).report  # type: ignore[arg-type]
    assert set(report["thresholds"]) == {"money", "money from 100000", "money gift"}


@pytest.mark.parametrize("bands", [(0,), (-5,), (500, 500), (900, 500)])
def test_bands_rise(bands: tuple[int, ...]) -> None:
    """The first begins above zero."""
    with pytest.raises(ValueError, match="bands_minor"):
        ThresholdPolicy(bands_minor=bands)
