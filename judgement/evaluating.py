"""How a judge does on labels that it was not taught: risk against coverage, calibration, confusion. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgement import calibration
from judgement.calibration import Bin
from judgement.local.judge import Local
from judgement.training import Labelled

#: Shares of all labels at which the curve is read off, for a table.
STEPS = tuple(step / 10 for step in range(1, 11))


@dataclass(frozen=True, slots=True)
class Point:
    """The surest answers, so many of them: how many are wrong, and the lowest score among them."""

    coverage: float
    error: float
    score: float


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The whole measure."""

    labels: int
    answered: int
    right: int
    ece: float | None
    curve: tuple[Point, ...]
    reliability: tuple[Bin, ...]
    #: (what a person said, what the judge said): how often; None: none of these, or no answer.
    confusion: dict[tuple[str | None, str | None], int]

    def at(self, coverage: float) -> Point | None:
        """The curve where this share is answered; None beyond what is."""
        return next((point for point in self.curve if point.coverage >= coverage - 1e-9), None)


def evaluate(judge: Local, labelled: Sequence[Labelled]) -> Evaluated:
    """Ask about every label that was not taught. Milliseconds each."""
    held = [each for each in labelled if each.use != "learn"]
    answers = [judge.answer(each.fields, measured=True) for each in held]
    told = [(answer, each) for answer, each in zip(answers, held, strict=True) if answer.label is not None]
    scores = [answer.score for answer, _ in told]
    right = [answer.label == each.label for answer, each in told]
    return Evaluated(
        labels=len(held),
        answered=len(told),
        right=sum(right),
        ece=calibration.error(scores, right) if told else None,
        curve=_curve(scores, right, len(held)),
        reliability=tuple(calibration.table(scores, right)) if told else (),
        confusion=dict(Counter((each.label, answer.label) for answer, each in zip(answers, held, strict=True))),
    )


def _curve(scores: Sequence[float], right: Sequence[bool], count: int) -> tuple[Point, ...]:
    """One point per answer, surest first; equal scores are answered together or not at all."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    ranked = np.asarray(scores, float)[order]
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    last = np.append(ranked[1:] != ranked[:-1], True) if len(ranked) else np.zeros(0, bool)
    return tuple(
        Point((place + 1) / count, float(wrong[place]) / (place + 1), float(ranked[place]))
        for place in np.flatnonzero(last).tolist()
    )
