"""Items of an event, judged: tiers in order, then code's verdict, and a decision on record before anybody acts on it.

known decision ─▶ repeat ─▶ local ─▶ hosted ─▶ verdict ─▶ decision: committed, or asked

Where a trial runs, a challenger is asked as well, after the verdict (`judgement.challenging`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from contracts.answers import Answer, Item, Question
from counterfoil import failpoints
from counterfoil.database import Connection
from counterfoil.ledger.echoes import record_facts
from counterfoil.settings import settings
from exceptions_queue import failures
from judgement import containment, decisions, states, trials, unusual
from judgement.beside import Judgement
from judgement.challenging import seconds
from judgement.decisions import Asked
from judgement.serving import serving
from judgement.training import Taught
from judgement.verdict import Circumstances, Verdict, judge


@dataclass(frozen=True, slots=True)
class Judged:
    """What a handler gets of one item. `label` None: a person said none of these."""

    label: str | None
    by: str  #: `person`, or the tier
    decision_id: UUID
    confidence: float | None
    evidence: list[Any]

    def as_json(self) -> dict[str, Any]:
        """As it stands in the context of a plan."""
        return {
            "label": self.label,
            "by": self.by,
            "decision": str(self.decision_id),
            "confidence": self.confidence,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Open:
    """An item that a person has to say."""

    item: str
    decision_id: UUID
    suggestion: str | None
    confidence: float | None
    runner_up: str | None
    why: str

    def as_json(self) -> dict[str, Any]:
        """As it stands in the case."""
        return {**asdict(self), "decision_id": str(self.decision_id)}


def ask(
    conn: Connection, asked: Asked, question: Question, items: Sequence[Item], *, dry: bool = False
) -> tuple[dict[str, Judged], list[Open]]:
    """The items that are decided, by reference, and those that are not. Needs a connection in autocommit.

    Raises: ModelUnavailable, ModelOutputInvalid where a hosted model is needed and of no use. `dry`: only what is
    decided counts; raises LowConfidence where something is not.
    """
    if asked.facts and not dry:
        # Before the look: a person who settles what a twin asked must know of this event.
        record_facts(conn, [(asked.scope, asked.event_id)])
    known = decisions.find(conn, asked, question)
    fresh = [item for item in items if not _stands(known.get(_place(question, item)))]
    if fresh and dry:
        raise failures.LowConfidence("not judged yet, and a dry run records nothing", rule="dry_run")
    if fresh:
        judged, failure = _judge_all(conn, asked, question, fresh)
        tried = None if failure else trials.running(conn, question)
        beside = seconds(conn, tried, question, judged, asked.event_id)
        decisions.record(conn, asked, question, judged, beside)
        failpoints.passing("run.classified")
        known = decisions.find(conn, asked, question)
        if failure:
            raise _with_items(failure, question, items, known)
    found: dict[str, Judged] = {}
    missing: list[Open] = []
    for item in items:
        row = known[_place(question, item)]
        if row["status"] == "asked":
            missing.append(_open(item, row))
            continue
        settled = row["status"] == "settled"
        found[item.ref] = Judged(
            row["settled_label"] if settled else row["label"],
            "person" if settled else row["tier"],
            row["id"],
            None if settled else row["confidence"],
            row["evidence"],
        )
    return found, missing


def _judge_all(
    conn: Connection, asked: Asked, question: Question, items: Sequence[Item]
) -> tuple[list[Judgement], failures.Failure | None]:
    """Every item, judged; and what was wrong with the hosted model, which is not asked any more in this pass then.

    A person may answer in its place, so its items are on record like any that are asked.
    """
    judged: list[Judgement] = []
    failed: failures.Failure | None = None
    for item in items:
        answer, known = _here(conn, question, item, asked.scope)
        verdict = judge(question, item, answer, known)
        if not verdict.commits and _hosted_helps(question, answer, known):
            try:
                if failed is None:
                    judged.append(_hosted(conn, asked, question, item, answer, known))
                    continue
            except (failures.ModelUnavailable, failures.ModelOutputInvalid) as failure:
                failed = failure
            verdict = Verdict(False, str(failed))
        judged.append(Judgement(item, answer, verdict, answer, known))
    return judged, failed


def _with_items(
    failure: failures.Failure, question: Question, items: Sequence[Item], known: dict[tuple[str, str], dict[str, Any]]
) -> failures.Failure:
    """The failure with what is open: whoever answers all of it sends the event on."""
    rows = [(item, known[_place(question, item)]) for item in items]
    failure.data["question"] = question.name
    failure.data["items"] = [_open(item, row).as_json() for item, row in rows if row["status"] == "asked"]
    return failure


def _open(item: Item, row: dict[str, Any]) -> Open:
    return Open(item.ref, row["id"], row["label"], row["confidence"], row["runner_up"], row["why"])


def preview(conn: Connection, question: Question, item: Item) -> tuple[Answer, Verdict]:
    """What is answered here, and what code would make of it. Nothing is recorded, and no hosted model is asked."""
    answer, known = _here(conn, question, item, None)
    return answer, judge(question, item, answer, known)


def _here(conn: Connection, question: Question, item: Item, scope: str | None) -> tuple[Answer, Circumstances]:
    state = states.of(conn, question)
    answer, taught = serving(question.name).answer(conn, item.fields, item.counterparty)
    return answer, Circumstances(
        mode=state.mode,
        mode_reason=state.reason,
        thresholds=taught.thresholds,
        unusual=unusual.why(conn, question, item, scope),
        instructions=containment.instructions_in(question.input_of(item.fields)),
        local_guess=answer.label or answer.runner_up,
    )


def _hosted_helps(question: Question, answer: Answer, known: Circumstances) -> bool:
    """Where a person is asked in any case nobody else is paid; nor is anybody shown what speaks to models."""
    return (
        settings().model is not None
        and question.may_leave
        and known.instructions is None
        and known.unusual is None
        and not answer.repeat
    )


def _hosted(
    conn: Connection, asked: Asked, question: Question, item: Item, local: Answer, known: Circumstances
) -> Judgement:
    from judgement.hosted import record, tier

    answer = tier.answer(question, item.fields, event_id=asked.event_id)
    if answer.label is not None:
        group = item.group_of(question, answer.label)
        known = replace(known, hosted=record.record_of(conn, question, answer.model, group))
    # Kept as the runner-up: whether the two agreed is what the hosted model's record is made of.
    answer = answer.model_copy(update={"runner_up": known.local_guess})
    return Judgement(item, answer, judge(question, item, answer, known), local, known)


def _stands(row: dict[str, Any] | None) -> bool:
    """Decided; or asked already by a twin that waits for the answer, so that a person is asked once."""
    return row is not None and (row["status"] != "asked" or row["of_a_twin"])


def _place(question: Question, item: Item) -> tuple[str, str]:
    return item.ref, question.input_hash(item.fields)


def taught_of(conn: Connection, question: Question) -> Taught:
    """The judge of a question as this process has it now, for figures."""
    return serving(question.name).answer(conn, {})[1]
