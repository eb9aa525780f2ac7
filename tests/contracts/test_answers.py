"""Questions and answers as data: closed, versioned by content, and checked before they are used."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.answers import Abstention, Answer, Label, Question, Risk, Span, faults

GIVEN = {"message": "please refund my order", "amount": "12"}


def _a_question(**changes: Any) -> Question:
    labels = (Label(name="refund", description="money back"), Label(name="other", description="anything else"))
    return Question.model_validate({"name": "intent", "labels": labels, "fields": ("message",), **changes})


def _an_answer(question: Question, **changes: Any) -> Answer:
    about = {"question": question.name, "question_version": question.version, "input_hash": question.input_hash(GIVEN)}
    return Answer.model_validate({**about, "tier": "local", "model": "m", "label": "refund", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"instructions": "be kind"},
        {"fields": ("message", "amount")},
        {"risk": Risk.MONEY},
        {"always_ask": ("refund",)},
        {"labels": (Label(name="refund", description="money back!"), Label(name="other", description="anything else"))},
    ],
)
def test_another_word_is_another_version(changes: dict[str, Any]) -> None:
    """Whatever could change an answer or the trust in it changes the version; the same words never do."""
    assert _a_question().version == _a_question().version != _a_question(**changes).version


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": (Label(name="refund", description="a"),)},
        {"labels": (Label(name="refund", description="a"), Label(name="refund", description="b"))},
        {"fields": ()},
        {"fields": ("message", "message")},
        {"always_ask": ("unheard_of",)},
        {"threshold": {"error_max": 0.9}},
        {"unknown": 1},
    ],
)
def test_a_question_that_contradicts_itself_is_none(changes: dict[str, Any]) -> None:
    """It does not start, instead of answering strangely."""
    with pytest.raises(ValidationError):
        _a_question(**changes)


def test_an_input_is_what_the_question_looks_at() -> None:
    """Two inputs that differ elsewhere are one; values do not run into each other."""
    question = _a_question(fields=("message", "amount"))
    assert question.input_of({**GIVEN, "name": "Ann"}) == GIVEN
    assert question.input_hash({**GIVEN, "name": "Ann"}) == question.input_hash(GIVEN)
    assert question.input_hash({"message": "ab", "amount": "c"}) != question.input_hash(
        {"message": "a", "amount": "bc"}
    )


def test_risk_decides_where_nothing_is_said() -> None:
    """Money errs one in a hundred at most; a label's own risk goes before the question's."""
    labels = (Label(name="refund", description="a", risk=Risk.MONEY), Label(name="other", description="b"))
    question = _a_question(labels=labels, risk=Risk.LOW)
    assert (question.risk_of("refund"), question.risk_of("other")) == (Risk.MONEY, Risk.LOW)
    assert (question.error_max_of(Risk.MONEY), question.error_max_of(Risk.LOW)) == (0.01, 0.05)
    assert _a_question(threshold={"error_max": 0.03}).error_max_of(Risk.MONEY) == 0.03


@pytest.mark.parametrize("both", [{"label": None}, {"abstained": Abstention.CONTESTED}])
def test_an_answer_is_a_label_or_a_reason(both: dict[str, Any]) -> None:
    """Neither and both are refused."""
    with pytest.raises(ValidationError):
        _an_answer(_a_question(), **both)


def test_a_sound_answer_has_no_faults() -> None:
    """With evidence that stands where it says."""
    span = Span(field="message", start=7, end=13, text="refund")
    question = _a_question(evidence_required=True)
    assert faults(_an_answer(question, evidence=(span,)), question, GIVEN) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": "invented"}, "none of the labels"),
        ({"runner_up": "invented"}, "none of the labels"),
        ({"question_version": "0" * 16}, "another question"),
        ({"input_hash": "0" * 64}, "another input"),
        ({"evidence": (Span(field="message", start=0, end=6, text="refund"),)}, "not in the input"),
        ({"evidence": (Span(field="amount", start=0, end=2, text="12"),)}, "not in the input"),
        ({"evidence": ()}, "no evidence"),
    ],
)
def test_an_unsound_answer_is_named_as_such(changes: dict[str, Any], said: str) -> None:
    """Each fault alone is found. Evidence from a field that is not looked at is none."""
    span = Span(field="message", start=7, end=13, text="refund")
    question = _a_question(evidence_required=True)
    answer = _an_answer(question, **{"evidence": (span,), **changes})
    assert any(said in each for each in faults(answer, question, GIVEN))


def test_the_score_is_both_doubts() -> None:
    """Sure of the label but not that any fits is not sure; an abstention scores nothing."""
    question = _a_question()
    assert _an_answer(question, confidence=0.9, inside=0.5).score == pytest.approx(0.45)
    assert _an_answer(question, label=None, abstained=Abstention.OUTSIDE, confidence=0.9).score == 0
