"""From people's labels to a judge with thresholds: trained on one part, fitted on another, held against a third."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contracts.answers import Group, Question, Risk
from judgement import calibration
from judgement.local.encoder import Encoder
from judgement.local.fitting import Example
from judgement.local.judge import Local
from judgement.threshold import Threshold, derive, labels_min, upper_bound

Use = Literal["learn", "calibrate", "golden"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One label as training sees it. `label` None: none of these. `traffic`: drawn by chance from real events."""

    id: str
    fields: Mapping[str, str]
    label: str | None
    use: Use
    author: str
    traffic: bool = False
    counterparty: str | None = None
    amount_minor: int | None = None


@dataclass(slots=True)
class Taught:
    """A judge, from which score on its answers may be used, and how it did where it was not taught."""

    judge: Local
    thresholds: dict[Group, Threshold]
    report: dict[str, Any]


def examples(labelled: Iterable[Labelled]) -> list[Example]:
    """What is taught, in order."""
    return [
        Example(each.id, each.fields, each.label, each.author, each.counterparty)
        for each in labelled
        if each.use == "learn" and each.label is not None
    ]


def train(question: Question, labelled: Sequence[Labelled], encoder: Encoder | None) -> Taught:
    """Train, fit the thresholds and measure. A matter of seconds with hundreds of labels."""
    return measured(Local.taught(question, examples(labelled), encoder), labelled)


def measured(judge: Local, labelled: Sequence[Labelled]) -> Taught:
    """Thresholds and figures of a judge, from labels that it was not taught."""
    question = judge.question
    held = [each for each in labelled if each.use == "calibrate"]
    seen = [_Seen.of(judge, each) for each in held]
    thresholds = {group: _threshold(question, group, seen) for group in sorted({_group(question, s) for s in seen})}
    golden = [_Seen.of(judge, each) for each in labelled if each.use == "golden"]
    told = [each for each in seen if each.answer is not None]
    report = {
        "labels": {use: sum(1 for each in labelled if each.use == use) for use in ("learn", "calibrate", "golden")},
        "golden": _golden(golden),
        "ece": calibration.error([s.score for s in told], [s.right for s in told]) if told else None,
        "reliability": [
            {"confidence": b.confidence, "accuracy": b.accuracy, "count": b.count}
            for b in calibration.table([s.score for s in told], [s.right for s in told])
        ],
        "thresholds": {
            str(group): {"cut": t.cut, "reason": t.reason, "labels": t.labels, "used": t.used, "wrong": t.wrong,
                         "error_upper": t.error_upper, "coverage": t.coverage}
            for group, t in thresholds.items()
        },
    }  # fmt: skip
    return Taught(judge, thresholds, report)


@dataclass(frozen=True, slots=True)
class _Seen:
    labelled: Labelled
    answer: str | None
    guess: str | None
    score: float

    @property
    def right(self) -> bool:
        return self.answer is not None and self.answer == self.labelled.label

    @classmethod
    def of(cls, judge: Local, labelled: Labelled) -> "_Seen":
        answer = judge.answer(labelled.fields, measured=True)
        return cls(labelled, answer.label, answer.label or answer.runner_up, answer.score)


def _group(question: Question, seen: _Seen) -> Group:
    """That of the answer: it is answers that are acted on."""
    return question.group_of(seen.guess or question.label_names[0], seen.labelled.amount_minor)


def _threshold(question: Question, group: Group, seen: Sequence[_Seen]) -> Threshold:
    """From labels of real traffic; from shipped ones only where little is at stake, and said so."""
    error_max, doubt = question.error_max_of(group.risk), question.threshold.doubt
    those = [each for each in seen if _group(question, each) == group]
    traffic = [each for each in those if each.labelled.traffic]
    needed = labels_min(error_max, doubt)
    if len(traffic) >= needed:
        return derive([s.score for s in traffic], [s.right for s in traffic], error_max=error_max, doubt=doubt)
    if group.risk is not Risk.LOW:
        return Threshold(None, f"it takes {needed} labels of real traffic, and there are {len(traffic)}", len(traffic))
    found = derive([s.score for s in those], [s.right for s in those], error_max=error_max, doubt=doubt)
    if found.cut is None:
        return found
    reason = f"{found.reason}; measured on shipped examples, not on your traffic"
    return Threshold(found.cut, reason, found.labels, found.used, found.wrong, found.error_upper)


def _golden(seen: Sequence[_Seen]) -> dict[str, Any]:
    asked = [each for each in seen if each.labelled.label is not None]
    right = sum(1 for each in asked if each.guess == each.labelled.label)
    count = len(asked)
    return {
        "labels": count,
        "accuracy": right / count if count else None,
        "at_least": 1 - upper_bound(count, count - right, 0.05) if count else None,
    }


def is_worse(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether a training did worse on the golden set than chance explains."""
    before, after = old["golden"], new["golden"]
    if before["accuracy"] is None or after["accuracy"] is None:
        return False
    # Below what the one before surely reaches.
    return bool(after["accuracy"] < before["at_least"])
