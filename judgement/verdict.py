"""What code makes of an answer: acted on, or shown to a person. The model advises; every bound here is code.

Each rule can only lower trust. A label, a text, or what a model says of itself never raises a limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.answers import Answer, Group, Item, Question, faults
from contracts.money import Money
from judgement.threshold import Threshold

Mode = Literal["shadow", "ask", "automatic"]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the answer."""

    mode: Mode
    #: Why the mode is not `automatic`, in words.
    mode_reason: str
    #: Per group: from which score on an answer was right often enough.
    thresholds: Mapping[Group, Threshold]
    #: What makes the input unlike what was seen before, in words; None: nothing.
    unusual: str | None = None
    #: Words in the input that are addressed to whoever judges it; None: none were found.
    instructions: str | None = None
    #: What the local tier holds most likely, where a hosted model answered, and how often that model was right when the
    #: two agreed.
    local_guess: str | None = None
    hosted: Threshold | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether code acts on the answer, and why or why not, in a sentence for people."""

    commits: bool
    why: str
    threshold: float | None = None
    #: Everything is asked at present, not this input for being hard: what people say of it measures the traffic.
    asks_all: bool = False


def judge(question: Question, item: Item, answer: Answer, known: Circumstances) -> Verdict:
    """The first rule that speaks against the answer decides."""
    if known.mode != "automatic":
        return Verdict(False, f"the question is not let out: {known.mode_reason}", asks_all=True)
    label = answer.label
    if label is None:
        return _asks(f"no answer: {answer.abstained.value if answer.abstained else 'none'}")
    wrong = faults(answer, question, item.fields)
    if wrong:
        return _asks("; ".join(wrong))
    if known.instructions is not None:
        return _asks(f"the text speaks to whoever judges it: {known.instructions}")
    if label in question.always_ask:
        return _asks(f"a person confirms every {label!r}")
    bound, amount = question.ask_from_minor, item.amount
    if bound is not None and amount is not None and abs(amount.amount_minor) >= bound:
        return _asks(f"from {Money(bound, amount.currency)} on a person confirms")
    if known.unusual is not None:
        return _asks(known.unusual)
    if answer.repeat:
        return Verdict(True, "a person answered this very input")
    return _by_score(question, item, answer, known)


def _by_score(question: Question, item: Item, answer: Answer, known: Circumstances) -> Verdict:
    assert answer.label is not None
    if answer.tier == "hosted":
        return _by_agreement(answer.label, known)
    group = item.group_of(question, answer.label)
    threshold = known.thresholds.get(group)
    if threshold is None or threshold.cut is None:
        why = threshold.reason if threshold is not None else "nothing was measured"
        return _asks(f"no threshold yet: {why}")
    permitted = threshold.permits(answer.score)
    why = f"score {answer.score:.3f} is {'at least' if permitted else 'under'} {threshold.cut:.3f}"
    return Verdict(permitted, why, threshold.cut)


def _by_agreement(label: str, known: Circumstances) -> Verdict:
    """Whoever wrote the text may have talked the hosted model into its answer; the local one cannot be talked to."""
    if label != known.local_guess:
        return _asks(f"the hosted model says {label}, the local one rather {known.local_guess or 'nothing'}")
    if known.hosted is None or known.hosted.cut is None:
        why = known.hosted.reason if known.hosted is not None else "nothing was measured"
        return _asks(f"a hosted model's answer is a suggestion: {why}")
    return Verdict(True, f"both models agree, and then {known.hosted.wrong} of {known.hosted.used} were wrong")


def _asks(why: str) -> Verdict:
    return Verdict(False, why)
