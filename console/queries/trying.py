"""Trials, read: what a challenger said beside what answers, against what people said."""

from console import answers
from contracts import questions
from contracts.answers import Question
from counterfoil.database import Connection
from judgement import comparing, trials
from judgement.comparing import Compared, Told


def challengers(question: answers.QuestionDetail) -> list[tuple[str, str]]:
    """What could answer beside it now, each with its words."""
    found = [
        (f"{trials.TRAINING}{each.number}", f"training {each.number} ({each.status})")
        for each in question.history
        if each.status in ("retired", "refused") and each.question_version == question.version
    ]
    known = questions.find()[question.name]
    more = ((trials.NEXT, "the next version of the question"), (trials.HOSTED, "the hosted model alone"))
    return found + [(name, words) for name, words in more if trials.could_answer(known, name)]


def of(conn: Connection, question: Question) -> answers.Trial | None:
    """The running trial of a question, else its last one."""
    trial = trials.latest(conn, question.name)
    if trial is None:
        return None
    found = comparing.compare(conn, trial)
    return answers.Trial(
        id=trial.id,
        question=trial.question,
        challenger=trial.challenger,
        share=trial.share,
        running=trial.runs(question),
        started_by=trial.started_by,
        started_at=trial.started_at,
        reason=trial.reason,
        ended_by=trial.ended_by,
        ended_at=trial.ended_at,
        ended_reason=trial.ended_reason,
        inputs=found.inputs,
        faults=found.faults,
        champion=_done(found, "champion"),
        challenged=_done(found, "challenger"),
        by_chance=_labels(found.by_chance),
        all_labels=_labels(found.all),
        advice=comparing.advice(trial, found),
    )


def _done(found: Compared, side: str) -> answers.TrialDone:
    answered = found.inputs - found.faults
    acts: int = getattr(found, f"{side}_acts")
    return answers.TrialDone(
        acts=acts,
        coverage=acts / answered if answered else None,
        cost_micro_usd=getattr(found, f"{side}_cost_micro_usd"),
        latency_ms_p50=getattr(found, f"{side}_latency_ms_p50"),
    )


def _labels(told: Told) -> answers.TrialLabels:
    return answers.TrialLabels(
        labels=told.labels,
        champion=_side(told, "champion"),
        challenger=_side(told, "challenger"),
        chance=told.chance,
        odds=told.odds,
    )


def _side(told: Told, side: str) -> answers.TrialSide:
    right: int = getattr(told, f"{side}_right")
    low, high = comparing.interval(right, told.labels) or (None, None)
    return answers.TrialSide(
        right=right,
        accuracy=right / told.labels if told.labels else None,
        accuracy_at_least=low,
        accuracy_at_most=high,
        only=getattr(told, f"only_{side}"),
        acts=getattr(told, f"{side}_acts"),
        acts_wrong=getattr(told, f"{side}_acts_wrong"),
    )
