"""A challenger asked beside what answers: its answer is recorded with the decision, and never acted on.

Whatever it does wrong, the decision is made as if it were not there.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from contracts import questions
from contracts.answers import Answer, Item, Question
from counterfoil import telemetry
from counterfoil.database import Connection
from exceptions_queue.failures import Failure
from judgement import models
from judgement.beside import Judgement, Second
from judgement.serving import Serving
from judgement.trials import HOSTED, NEXT, Trial
from judgement.verdict import Circumstances, judge


def seconds(
    conn: Connection, trial: Trial | None, question: Question, judged: Sequence[Judgement], event_id: UUID
) -> list[Second]:
    """The challenger's answers, for the items in its share. Raises nothing of its own."""
    if trial is None:
        return []
    found = (_second(conn, trial, question, each, event_id) for each in judged)
    return [each for each in found if each is not None]


def _second(conn: Connection, trial: Trial, question: Question, one: Judgement, event_id: UUID) -> Second | None:
    # What a person said of these very words, both repeat: there is nothing to compare.
    if one.local.repeat or not trial.includes(one.answer.input_hash):
        return None
    asks_hosted = trial.challenger == HOSTED
    if asks_hosted and one.known.instructions is not None:
        return None  # no model is shown what speaks to models
    champion = one.answer if asks_hosted else one.local
    acts = _would_act(question, one.item, champion, one.known)
    so_far = Second(trial.id, one.item.ref, champion, acts, None, model=trial.challenger)
    try:
        answer, would_act = _challenged(conn, trial, question, one, event_id)
    except Failure as failure:
        return replace(so_far, fault=failure.rule or type(failure).__name__)
    except Exception as bug:
        telemetry.log.error("challenger.failed", question=question.name, challenger=trial.challenger, exc_info=bug)
        return replace(so_far, fault=type(bug).__name__)
    return replace(so_far, answer=answer, would_act=would_act)


def _challenged(
    conn: Connection, trial: Trial, question: Question, one: Judgement, event_id: UUID
) -> tuple[Answer, bool]:
    """Its answer, and whether code would act on it, were it the one that answers."""
    known = one.known
    if trial.challenger == HOSTED:
        from judgement.hosted import record, tier

        answer = tier.answer(question, one.item.fields, event_id=event_id, trial=True)
        if answer.label is not None:
            group = one.item.group_of(question, answer.label)
            known = replace(known, hosted=record.record_of(conn, question, answer.model, group))
        return answer, _would_act(question, one.item, answer, known)
    asked = question if trial.challenger != NEXT else questions.next_of(question.name)
    assert asked is not None, "Bug: a trial of another version runs, and there is none"
    answer, taught = _served(asked.name, asked.version, trial.number).answer(
        conn, one.item.fields, one.item.counterparty
    )
    return answer, _would_act(asked, one.item, answer, replace(known, thresholds=taught.thresholds))


def _would_act(question: Question, item: Item, answer: Answer, known: Circumstances) -> bool:
    """In mode `automatic`: how far the question is let out says nothing about who answers better."""
    return judge(question, item, answer, replace(known, mode="automatic")).commits


#: A judge takes some megabytes, and of a trial that is over nobody asks: so many are kept at most.
_KEPT_MAX = 4


@lru_cache(maxsize=_KEPT_MAX)
def _served(name: str, version: str, number: int | None) -> Serving:
    """The challenger's judge in this process: taught what people say like the champion's."""
    question = questions.find()[name]
    if question.version == version:
        return Serving(question, models.Which(number=number))
    other = questions.next_of(name)
    assert other is not None
    assert other.version == version, "Bug: a version that is neither the question's nor the next one's"
    return Serving(other, models.Which(candidate=True))
