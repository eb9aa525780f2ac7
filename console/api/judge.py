"""Questions and classifications: the functions behind them, and their routes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from console import answers, asks, judging, problems
from console.api import act
from console.api.route import NOT_THERE_OR_NOT_NOW, Asking, Reply, Route
from console.queries import judgement
from contracts.answers import Question
from counterfoil.database import Connection


def list_questions(_: Asking) -> answers.Page[answers.Question]:
    return answers.Page(items=judgement.every(), next_cursor=None)


def show_question(asking: Asking) -> answers.QuestionDetail:
    return question(asking.named)


def list_classifications(asking: Asking) -> answers.Page[answers.Classification]:
    return judgement.find_page(asking.query)


def show_classification(asking: Asking) -> answers.ClassificationDetail:
    return classification(asking.one)


def correct(asking: Asking) -> Reply:
    def settle(conn: Connection) -> act.Done:
        due = judging.correct(conn, asking.actor.name, asking.one, asking.body)
        return {"id": str(asking.one), "event_due": due}

    return act.once(asking, "correct_classification", settle, _corrected)


def let_out(asking: Asking) -> Reply:
    return _changed(asking, "question_mode", judging.let_out, question)


def roll_back(asking: Asking) -> Reply:
    return _changed(asking, "question_rollback", judging.roll_back, question)


def show_trial(asking: Asking) -> answers.Trial:
    return trial(asking.named)


def try_out(asking: Asking) -> Reply:
    return _changed(asking, "question_trial", judging.try_out, trial)


def end_trial(asking: Asking) -> Reply:
    return _changed(asking, "question_trial_stop", judging.end_trial, trial)


def trial(name: str) -> answers.Trial:
    """The trial of a question that runs, else its last one. Raises: NotFound."""
    found = question(name).trial
    if found is None:
        raise problems.NotFound(f"nothing was ever tried beside {name}")
    return found


def question(name: str) -> answers.QuestionDetail:
    """One question. Raises: NotFound."""
    judging.a_question(name)
    found = judgement.one(name)
    assert found is not None, "Bug: a question is gone"
    return found


def classification(decision_id: UUID) -> answers.ClassificationDetail:
    """One decision. Raises: NotFound."""
    found = judgement.find(decision_id)
    if found is None:
        raise problems.NotFound(f"there is no classification {decision_id}")
    return found


def _corrected(done: act.Done) -> answers.Corrected:
    return answers.Corrected(classification=classification(UUID(done["id"])), event_due=done["event_due"])


def _changed(
    asking: Asking,
    name: str,
    action: Callable[[Connection, str, Question, Any], object],
    answer: Callable[[str], BaseModel],
) -> Reply:
    known = judging.a_question(asking.named)

    def change(conn: Connection) -> act.Done:
        action(conn, asking.actor.name, known, asking.body)
        return {"name": known.name}

    return act.once(asking, name, change, lambda done: answer(done["name"]))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/questions",
        list_questions,
        "What is judged, and how far",
        answers.Page[answers.Question],
        right="look",
    ),
    Route(
        "GET",
        "/questions/{name}",
        show_question,
        "One question, with its measure",
        answers.QuestionDetail,
        right="look",
    ),
    Route(
        "POST",
        "/questions/{name}/mode",
        let_out,
        "Let a question out, or take it back",
        answers.QuestionDetail,
        body=asks.ModeAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "POST",
        "/questions/{name}/rollback",
        roll_back,
        "Let an earlier training answer again",
        answers.QuestionDetail,
        body=asks.RollbackAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "GET",
        "/questions/{name}/trial",
        show_trial,
        "What a challenger says beside what answers",
        answers.Trial,
        right="look",
    ),
    Route(
        "POST",
        "/questions/{name}/trial",
        try_out,
        "Let a challenger answer beside; nothing acts on it",
        answers.Trial,
        body=asks.TrialAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "POST",
        "/questions/{name}/trial/stop",
        end_trial,
        "End the trial that runs",
        answers.Trial,
        body=asks.Change,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "GET",
        "/classifications",
        list_classifications,
        "What was decided about items of events",
        answers.Page[answers.Classification],
        query=asks.ClassificationsAsk,
        right="look",
    ),
    Route(
        "GET",
        "/classifications/{id}",
        show_classification,
        "One decision, with what it rests on",
        answers.ClassificationDetail,
        right="look",
    ),
    Route(
        "POST",
        "/classifications/{id}/correct",
        correct,
        "A person's label; the event goes on once nothing of it is open",
        answers.Corrected,
        body=asks.CorrectAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="judge",
    ),
)
