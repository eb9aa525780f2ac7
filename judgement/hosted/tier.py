"""The hosted model as one tier: known answers first, then within budget one call; what it cost is recorded."""

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.answers import Abstention, Answer, Question, Span
from counterfoil import database, failpoints, telemetry
from counterfoil.settings import settings
from exceptions_queue.failures import Failure, ModelUnavailable
from judgement.hosted import budgets, paid, prompt
from judgement.hosted.calling import Reply, ask
from judgement.hosted.prices import Price, price_of

#: Beyond the time of one call: a vendor's library may take this long to load on a busy machine.
SPARE_SECONDS = 30.0
#: A person says instead what the model may have said.
_LOST: dict[str, Any] = {"label": None, "lost": True, "evidence": [], "tokens": 0, "cost_micro_usd": 0}


def answer(
    question: Question, given: Mapping[str, str], *, event_id: UUID | None = None, trial: bool = False
) -> Answer:
    """The hosted model's answer, uncalibrated: its confidence is 0 until people's labels say how often it is right.

    Raises: ModelUnavailable (down, too slow, unpriced, over budget), ModelOutputInvalid (no valid, grounded answer).
    Needs settings().model. `trial`: nothing acts on the answer, and it may take but a part of the budgets.
    """
    model = settings().model
    assert model is not None, "Bug: asked without a model"
    seconds, started = settings().model_seconds, time.monotonic()
    fields = question.input_of(given)
    key = (question.version, model, question.input_hash(given))
    with database.connect(autocommit=True) as conn:
        try:
            known = paid.find_or_claim(conn, key, lease_seconds=seconds + SPARE_SECONDS, wait_seconds=seconds)
        except TimeoutError as waited:
            raise ModelUnavailable(str(waited), rule="model_in_flight") from None
        except paid.AnswerLost:
            known = _LOST
        if known is None:
            try:
                bounds = budgets.budgets_for(question.name, event_id, trial=trial)
                known = _ask(conn, question, fields, model, key, bounds)
            except BaseException:
                paid.leave(conn, key)
                raise
    return _answer(question, given, model, known, time.monotonic() - started)


def _ask(
    conn: database.Connection,
    question: Question,
    fields: Mapping[str, str],
    model: str,
    key: paid.Key,
    bounds: Sequence[budgets.Budget],
) -> dict[str, Any]:
    price = price_of(model)
    said = len(prompt.instructions(question).encode()) + len(prompt.message(fields).encode())
    reservation = budgets.reserve(conn, bounds, price.at_most(said))
    cost = reservation.sum  # until it is known: of a call that broke off nobody can say what it cost
    try:
        reply = ask(question, fields, model, seconds=settings().model_seconds)
        cost = price.of(reply.tokens_in, reply.tokens_out)
        known = _as_json(reply, cost)
        # The first thing that happens: whoever dies now has not paid for nothing.
        paid.keep(conn, key, known, cost)
        failpoints.passing("model.answered")
        return known
    except Failure as failure:
        cost = _cost_of(failure, price, cost)
        raise
    finally:
        budgets.settle(conn, reservation, cost)
        telemetry.metrics.model_spent.labels(question.name).inc(cost / 1_000_000)


def _cost_of(failure: Failure, price: Price, at_most: int) -> int:
    if failure.data.get("paid") is False:
        return 0
    if "read" in failure.data:
        return price.of(failure.data["read"], failure.data["written"])
    return at_most


def _as_json(reply: Reply, cost: int) -> dict[str, Any]:
    return {
        "label": reply.label,
        "declined": reply.declined,
        "evidence": [span.model_dump() for span in reply.evidence],
        "tokens": reply.tokens_in + reply.tokens_out,
        "cost_micro_usd": cost,
    }


def _answer(question: Question, given: Mapping[str, str], model: str, known: Mapping[str, Any], took: float) -> Answer:
    abstained = None
    if known["label"] is None:
        abstained = Abstention.DECLINED if known.get("declined") else Abstention.OUTSIDE
        abstained = Abstention.LOST if known.get("lost") else abstained
    return Answer(
        question=question.name,
        question_version=question.version,
        input_hash=question.input_hash(given),
        tier="hosted",
        model=model,
        label=known["label"],
        abstained=abstained,
        evidence=tuple(Span(**span) for span in known["evidence"]),
        tokens=known["tokens"],
        cost=Decimal(known["cost_micro_usd"]) / 1_000_000,
        latency_seconds=took,
    )
