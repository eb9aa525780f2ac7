"""What code makes of an answer: each thing that speaks against it makes a person look, whatever the answer says."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.answers import Abstention, Answer, Group, Item, Label, Question, Risk, Span
from contracts.money import Money
from judgement.grounding import NotGrounded, spans
from judgement.threshold import Threshold
from judgement.verdict import Circumstances, judge

GIVEN = {"message": "please refund my order"}
SAID = Span(field="message", start=7, end=13, text="refund")
CERTIFIED = Threshold(0.8, "certified", 500, 400, 1, 0.01)
FINE = Circumstances("automatic", "", {Group(Risk.MONEY): CERTIFIED})
HOSTED = Circumstances("automatic", "", {}, local_guess="refund", hosted=replace(CERTIFIED, cut=0.0))


def _a_question(**changes: Any) -> Question:
    labels = (Label(name="refund", description="money back"), Label(name="other", description="anything else"))
    fixed = {"name": "intent", "labels": labels, "fields": ("message",), "evidence_required": True, "risk": Risk.MONEY}
    return Question.model_validate({**fixed, **changes})


def _an_answer(question: Question, **changes: Any) -> Answer:
    about = {"question": question.name, "question_version": question.version, "input_hash": question.input_hash(GIVEN)}
    sure = {"label": "refund", "confidence": 0.95, "evidence": (SAID,), "tier": "local", "model": "m"}
    return Answer.model_validate({**about, **sure, **changes})


def _told(known: Circumstances = FINE, question: Question | None = None, **changes: Any) -> tuple[bool, str]:
    question = question or _a_question()
    item = Item("1", GIVEN, "cus_1", Money(5000, "EUR"))
    verdict = judge(question, item, _an_answer(question, **changes), known)
    return verdict.commits, verdict.why


def test_an_answer_against_which_nothing_speaks_is_acted_on() -> None:
    """From the threshold itself on; a repeat of what a person said needs none."""
    assert _told() == (True, "score 0.950 is at least 0.800")
    assert _told(confidence=0.8)[0]
    assert _told(replace(FINE, thresholds={}), repeat=True) == (True, "a person answered this very input")


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"mode": "shadow", "mode_reason": "other words"}, "not let out: other words"),
        ({"mode": "ask", "mode_reason": "it was wrong"}, "not let out: it was wrong"),
        ({"instructions": "an order"}, "speaks to whoever judges it"),
        ({"unusual": "nothing was decided for cus_1 before"}, "nothing was decided for cus_1 before"),
    ],
)
def test_what_speaks_against_it_outweighs_any_answer(known: dict[str, Any], said: str, repeat: bool) -> None:
    """However sure it is, and though a person said the same of these words before."""
    commits, why = _told(replace(FINE, **known), confidence=1.0, repeat=repeat)
    assert (commits, said in why) == (False, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": None, "abstained": Abstention.CONTESTED}, "no answer: contested"),
        ({"evidence": (Span(field="message", start=0, end=6, text="refund"),)}, "not in the input"),
        ({"evidence": ()}, "no evidence"),
        ({"confidence": 0.799}, "score 0.799 is under 0.800"),
        ({"inside": 0.8}, "score 0.760 is under 0.800"),
    ],
)
def test_an_answer_that_is_not_good_enough_is_a_suggestion(changes: dict[str, Any], said: str) -> None:
    """It abstains, quotes what is not there, or is not as sure as it would have to be."""
    commits, why = _told(**changes)
    assert (commits, said in why) == (False, True)


@pytest.mark.parametrize(
    "thresholds", [{}, {Group(Risk.LOW): CERTIFIED}, {Group(Risk.MONEY): Threshold(None, "3 labels", 3)}]
)
def test_without_a_threshold_from_labels_nothing_is_acted_on(thresholds: dict[Group, Threshold]) -> None:
    """Sure or not: nobody knows what its being sure is worth; that of another risk does not count."""
    commits, why = _told(replace(FINE, thresholds=thresholds), confidence=1.0)
    assert (commits, "no threshold yet" in why) == (False, True)


@pytest.mark.parametrize(
    ("question", "said"),
    [({"always_ask": ("refund",)}, "confirms every 'refund'"), ({"ask_from_minor": 5000}, "from 50.00 EUR on")],
)
def test_what_the_question_wants_a_person_for_is_a_persons(question: dict[str, Any], said: str) -> None:
    """The label, or the amount; a repeat is no way round."""
    commits, why = _told(question=_a_question(**question), repeat=True)
    assert (commits, said in why) == (False, True)


@pytest.mark.parametrize(
    ("known", "commits"),
    [({}, True), ({"local_guess": "other"}, False), ({"local_guess": None}, False), ({"hosted": None}, False),
     ({"hosted": Threshold(None, "0 of 3", 3)}, False)],
)  # fmt: skip
def test_a_hosted_model_is_believed_where_both_agree_and_people_said_so(known: dict[str, Any], commits: bool) -> None:
    """It has no confidence of its own; a text may have talked it into anything."""
    assert _told(replace(HOSTED, **known), tier="hosted", confidence=0.0)[0] is commits


@pytest.mark.parametrize(
    "quote",
    [("message", "Refund"), ("message", "refund  my"), ("message", " "), ("message", "invented"), ("iban", "1")],
)
def test_a_quotation_is_found_letter_for_letter(quote: tuple[str, str]) -> None:
    """Nearly is not: whoever quotes what is not there invented it."""
    question = _a_question()
    assert spans(question, GIVEN, [("message", "refund")]) == (SAID,)
    with pytest.raises(NotGrounded):
        spans(question, {**GIVEN, "iban": "1"}, [quote])
