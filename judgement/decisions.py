"""Decisions about items of events: found again by whoever judges the same item, settled by people."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from contracts.answers import Answer, Item, Question
from counterfoil import audit, keys, telemetry
from counterfoil.database import Connection
from exceptions_queue.refusals import NotNow, NotThere
from judgement import labels
from judgement.beside import Judgement, Second
from judgement.verdict import Verdict

_COLUMNS = """id, event_id, question, question_version, item, fields, counterparty, amount_minor, currency, tier, model,
    label, status, why, confidence, threshold, runner_up, runner_up_confidence, evidence, precedents, acted, sampled,
    settled_by, settled_label, settled_at, created_at"""
# Whoever settles one holds it until the events that wait for it are on their way: what is read here is read after that.
_FIND = f"""
    SELECT {", ".join(f"d.{name.strip()}" for name in _COLUMNS.split(","))}, d.input_hash,
           d.event_id IS DISTINCT FROM %(event)s AND EXISTS (
               SELECT FROM events e WHERE e.id = d.event_id AND e.generation = d.generation
                 AND e.status NOT IN ('done', 'ignored', 'superseded')) AS of_a_twin
    FROM decisions d
    WHERE d.scope = %(scope)s AND d.question = %(question)s AND d.question_version = %(version)s
    FOR SHARE OF d
"""
_RECORD = """
    INSERT INTO decisions (id, event_id, scope, generation, handler, question, question_version, item, input_hash,
        fields, counterparty, amount_minor, currency, tier, model, label, status, why, confidence, threshold, runner_up,
        runner_up_confidence, evidence, precedents, tokens_in, cost_micro_usd, latency_ms, acted, sampled)
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS d(id uuid, event_id uuid, scope text, generation int, handler text,
        question text, question_version text, item text, input_hash text, fields jsonb, counterparty text,
        amount_minor bigint, currency text, tier text, model text, label text, status text, why text,
        confidence float8, threshold float8, runner_up text, runner_up_confidence float8, evidence jsonb,
        precedents jsonb, tokens_in int, cost_micro_usd bigint, latency_ms float8, acted bool,
        sampled bool)
    ON CONFLICT (scope, question, item, question_version, input_hash) DO UPDATE SET
        event_id = excluded.event_id,
        tier = excluded.tier, model = excluded.model, label = excluded.label, status = excluded.status,
        why = excluded.why, confidence = excluded.confidence, threshold = excluded.threshold,
        runner_up = excluded.runner_up, runner_up_confidence = excluded.runner_up_confidence,
        evidence = excluded.evidence, precedents = excluded.precedents, latency_ms = excluded.latency_ms,
        acted = excluded.acted, generation = excluded.generation, handler = excluded.handler,
        tokens_in = greatest(decisions.tokens_in, excluded.tokens_in),
        cost_micro_usd = greatest(decisions.cost_micro_usd, excluded.cost_micro_usd)
        WHERE decisions.status = 'asked'
"""
# Only with a decision of this moment: of one that stood already the answers were compared when it was made.
_BESIDE = """
    INSERT INTO second_answers (decision_id, trial_id, input_hash, label, confidence, would_act, model, fault,
        cost_micro_usd, latency_ms, champion_label, champion_would_act, champion_cost_micro_usd, champion_latency_ms)
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS s(decision_id uuid, trial_id uuid, input_hash text, label text,
        confidence float8, would_act bool, model text, fault text, cost_micro_usd bigint, latency_ms float8,
        champion_label text, champion_would_act bool, champion_cost_micro_usd bigint, champion_latency_ms float8)
    WHERE EXISTS (SELECT FROM decisions d WHERE d.id = s.decision_id)
    ON CONFLICT (decision_id, trial_id) DO NOTHING
"""

_TOLD_BY = """
    SELECT event_id FROM decisions WHERE id = %(id)s AND NOT acted AND status = 'asked'
    UNION
    SELECT f.event_id FROM decisions d JOIN facts f ON f.fact = d.scope
    WHERE d.id = %(id)s AND NOT d.acted AND d.status = 'asked'
"""
_LOCK = f"SELECT id FROM events WHERE id IN ({_TOLD_BY}) ORDER BY id FOR UPDATE"
# What an event waits for stands in its case. A statement of its own: it has to see what the lock waited for.
_WAITING = """
    SELECT e.id, e.status, w.items IS NOT NULL AS waits, EXISTS (
        SELECT FROM decisions d WHERE d.id <> %(id)s AND d.status = 'asked' AND d.question_version = ANY(%(versions)s)
          AND d.id IN (SELECT (one ->> 'decision_id')::uuid FROM jsonb_array_elements(w.items) AS one)) AS asks_more
    FROM events e LEFT JOIN LATERAL (
        SELECT ce.detail -> 'items' AS items FROM case_events ce JOIN cases c ON c.id = ce.case_id
        WHERE ce.event_id = e.id AND ce.cleared_at IS NULL AND c.failure_class = ANY(%(classes)s)
          AND e.status IN ('waiting', 'exception')
          AND ce.detail -> 'items' @> jsonb_build_array(jsonb_build_object('decision_id', %(id)s::text))) w ON true
    WHERE e.id = ANY(%(events)s) ORDER BY e.id
"""


#: The classes under which an event waits for people's answers: nobody may decide, or the hosted model is of no use.
ANSWERED = ("low_confidence", "model_unavailable", "model_output_invalid")


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a decision is made."""

    event_id: UUID
    generation: int
    handler: str
    #: What the event tells. Events that tell the same first fact are twins: one decision holds for all of them.
    facts: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """What the decision holds for."""
        return self.facts[0] if self.facts else f"event:{self.event_id}"


class Waiting(NamedTuple):
    """An event that a decision may concern, locked."""

    id: UUID
    status: str
    waits: bool  #: for this very decision
    asks_more: bool  #: and for others that are still open


class Settled(NamedTuple):
    """What a settled decision was about."""

    event_id: UUID | None
    acted: bool  #: code had acted on it


class DecisionNotFound(NotThere):
    """There is no such decision."""


class DecisionSettled(NotNow):
    """A person has decided it already."""


class InputGone(NotNow):
    """What was judged is not kept any more; nobody can say what it was."""


def find(conn: Connection, asked: Asked, question: Question) -> dict[tuple[str, str], dict[str, Any]]:
    """What was decided about the items of an event, by (item, input hash); `of_a_twin`: another event waits for it."""
    values = {"event": asked.event_id, "scope": asked.scope, "question": question.name, "version": question.version}
    rows = conn.execute(_FIND, values).fetchall()
    return {(row["item"], row["input_hash"]): row for row in rows}


def record(
    conn: Connection,
    asked: Asked,
    question: Question,
    judged: Sequence[Judgement],
    beside: Sequence[Second] = (),
) -> None:
    """Keep what was judged, and what a challenger said beside it.

    Commits, because the point is to outlive a crash a moment later.
    """
    rows = [_row(asked, question, each.item, each.answer, each.verdict) for each in judged]
    with conn.transaction():
        conn.execute(_RECORD, (msgspec.json.encode(rows).decode(),))
        audit.append(
            conn,
            "judge",
            [
                audit.Entry(
                    "judge",
                    f"decision.{row['status']}",
                    f"event:{asked.event_id}",
                    {name: row[name] for name in ("question", "question_version", "item", "tier", "label")},
                )
                for row in rows
            ],
        )
        if beside:
            ids = {(row["item"], row["input_hash"]): UUID(row["id"]) for row in rows}
            second = [each.as_row(ids[each.item, each.champion.input_hash]) for each in beside]
            conn.execute(_BESIDE, (msgspec.json.encode(second).decode(),))
    for row in rows:
        telemetry.metrics.decisions.labels(question.name, row["status"]).inc()


def settle(
    conn: Connection,
    question: Question,
    decision_id: UUID,
    label: str | None,
    *,
    who: str,
    reason: str,
    origin: labels.Origin | None = None,
) -> Settled:
    """A person's answer: a label for ever, and the decision settled. `origin`: by default what the decision tells.

    On what code had committed it is an override, or the result of a sample; the write is not changed by it.

    Raises: DecisionNotFound, DecisionSettled, InputGone, NoSuchLabel.
    """
    row = conn.execute(
        f"SELECT {_COLUMNS}, input_hash FROM decisions WHERE id = %s FOR UPDATE", (decision_id,)
    ).fetchone()
    if row is None:
        raise DecisionNotFound(f"there is no decision {decision_id}")
    if row["status"] == "settled":
        raise DecisionSettled(f"{row['settled_by']} decided it already: {row['settled_label'] or 'none of these'}")
    if row["fields"] is None:
        raise InputGone("what was judged was deleted with its event's payload")
    labels.add(
        conn,
        question,
        labels.NewLabel(
            fields=row["fields"],
            label=label,
            origin=origin or _origin(row),
            author=who,
            reason=reason,
            # What people are asked about was chosen for being hard; only what was drawn by chance measures.
            uniform=bool(row["sampled"]),
            use=None if row["sampled"] else "learn",
            decision_id=decision_id,
            counterparty=row["counterparty"],
        ),
    )
    conn.execute(
        "UPDATE decisions SET status = 'settled', settled_by = %s, settled_label = %s, settled_at = now()"
        " WHERE id = %s",
        (who, label, decision_id),
    )
    audit.append(
        conn,
        "desk",
        [audit.Entry(who, "decision.settled", f"decision:{decision_id}",
                     {"question": question.name, "label": label, "before": row["label"], "reason": reason})],
    )  # fmt: skip
    return Settled(row["event_id"], bool(row["acted"]))


def waiting(conn: Connection, decision_id: UUID, versions: Collection[str]) -> list[Waiting]:
    """The events that tell what an open decision is about, locked; of one that is not open there is none.

    What each waits for is what its last pass saw; what another version of the question (`versions`: those of now)
    left behind, nobody has to answer.
    """
    locked = [row["id"] for row in conn.execute(_LOCK, {"id": decision_id})]
    values = {"id": decision_id, "versions": list(versions), "events": locked, "classes": list(ANSWERED)}
    return [Waiting(**row) for row in conn.execute(_WAITING, values)]


def is_sampled(decision_id: UUID, share: float) -> bool:
    """Whether chance chose it to be looked at by a person, committed or not; the same for ever."""
    drawn = int.from_bytes(hashlib.sha256(b"sample:" + decision_id.bytes).digest()[:4])
    return drawn < share * 2**32


def _origin(row: Mapping[str, Any]) -> labels.Origin:
    if not row["acted"]:
        return "correction"
    return "sample" if row["sampled"] else "override"


def _row(asked: Asked, question: Question, item: Item, answer: Answer, verdict: Verdict) -> dict[str, Any]:
    id = keys.new_id()
    return {
        "id": str(id),
        "event_id": str(asked.event_id),
        "scope": asked.scope,
        "generation": asked.generation,
        "handler": asked.handler,
        "question": question.name,
        "question_version": question.version,
        "item": item.ref,
        "input_hash": answer.input_hash,
        "fields": question.input_of(item.fields),
        "counterparty": item.counterparty,
        "amount_minor": item.amount.amount_minor if item.amount else None,
        "currency": item.amount.currency if item.amount else None,
        "tier": "repeat" if answer.repeat else answer.tier,
        "model": answer.model,
        "label": answer.label,
        "status": "committed" if verdict.commits else "asked",
        "why": verdict.why,
        "confidence": answer.score if answer.label else None,
        "threshold": verdict.threshold,
        "runner_up": answer.runner_up,
        "runner_up_confidence": answer.runner_up_confidence if answer.runner_up else None,
        "evidence": [span.model_dump() for span in answer.evidence],
        "precedents": [precedent.model_dump() for precedent in answer.precedents],
        "tokens_in": answer.tokens,
        "cost_micro_usd": int(answer.cost * Decimal(1_000_000)),
        "latency_ms": answer.latency_seconds * 1000,
        "acted": verdict.commits,
        "sampled": verdict.asks_all or is_sampled(id, question.threshold.audit_share),
    }
