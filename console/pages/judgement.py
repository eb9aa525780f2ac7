"""Judgement: how far each question is let out and what that rests on, its decisions, and single answers."""

from typing import Any

from console import answers, asks
from console.access import reveals
from console.api import judge
from console.pages import forms, plots, wording
from console.pages.page import Go, Page, Shown, Visit
from console.queries import judgement, learning, members, trying
from counterfoil import database

#: Decisions on one page.
ROWS = 50
#: Stands where a label would and is none: the field of a form cannot be empty and answered.
NONE_OF_THESE = "(none)"


def show_all(visit: Visit) -> Shown:
    """Every question."""
    return Shown("judgement/all.html", "Judgement", {"questions": judgement.every(), "bar": plots.bar})


def show_one(visit: Visit) -> Shown:
    """One question, with its measure and its decisions."""
    question = judge.question(visit.named)
    ask = forms.said(asks.ClassificationsAsk, visit.query, question=question.name, limit=str(ROWS))
    with database.transaction() as conn:
        taught = learning.read(conn, question.name)
    return Shown(
        "judgement/one.html",
        f"Question {question.name}",
        {
            "question": question,
            "decisions": judgement.find_page(ask),
            "taught": taught,
            "challengers": trying.challengers(question),
            "reliability": reliability(question.reliability),
            "bar": plots.bar,
        },
    )


def reliability(measured: list[answers.Reliability]) -> Any:
    """How sure answers were against how often they were right; None: nothing was measured."""
    if not measured:
        return None
    most = max(one.count for one in measured) or 1
    return plots.against_diagonal(
        "How sure, and how often right",
        "On the dotted line an answer that is 80 % sure is right 80 times of 100",
        [(one.confidence, one.accuracy, one.count / most) for one in measured],
    )


def show_decision(visit: Visit) -> Shown:
    """One decision with what it rests on; its words may be a customer's, so that it is kept who saw them."""
    decision = judge.classification(visit.one)
    reveals.record(visit.person.name, f"classifications:{decision.id}")
    texts = [
        (name, wording.pieces(str(text), [span for span in decision.evidence if span.get("field") == name]))
        for name, text in (decision.fields or {}).items()
    ]
    with database.transaction() as conn:
        precedents = learning.precedents(conn, decision.precedents)
    meaning = wording.how_often_right(decision.confidence, members.reliability(decision.question))
    return Shown(
        "judgement/decision.html",
        f"Decision about {decision.item}",
        {
            "decision": decision,
            "texts": texts,
            "meaning": meaning,
            "precedents": precedents,
            "none_of_these": NONE_OF_THESE,
        },
    )


def set_mode(visit: Visit) -> Go:
    """Let a question out, or take it back."""
    ask = forms.said(asks.ModeAsk, visit.form)
    judge.let_out(visit.asking(body=ask))
    return Go(f"/judgement/{visit.named}", f"{visit.named} is set to {ask.mode}.")


def correct(visit: Visit) -> Go:
    """Say what an item is."""
    ask = forms.said(asks.CorrectAsk, visit.form)
    if ask.label == NONE_OF_THESE:
        ask = ask.model_copy(update={"label": None})
    judge.correct(visit.asking(body=ask))
    return Go(f"/classifications/{visit.one}", "Thank you. It is kept as a label, and the event goes on if it waited.")


_ON = "/judgement/{name}"
PAGES = (
    Page("GET", "/judgement", show_all),
    Page("GET", _ON, show_one),
    Page("POST", f"{_ON}/mode", set_mode, "control", on=_ON),
    *(
        Page("POST", f"{_ON}/{verb}", forms.sends(call, _ON, said, ask), "control", on=_ON)
        for verb, call, ask, said in (
            ("rollback", judge.roll_back, asks.RollbackAsk, "The earlier training answers again."),
            ("trial", judge.try_out, asks.TrialAsk, "It answers beside from now on; nothing acts on what it says."),
            ("trial/stop", judge.end_trial, asks.Change, "The trial is over; what was said stays."),
        )
    ),
    Page("GET", "/classifications/{id}", show_decision, "reveal"),
    Page("POST", "/classifications/{id}/correct", correct, "judge", on="/classifications/{id}"),
)
