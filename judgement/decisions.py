"""Decisions about items of events: found again by whoever judges the same item, settled by people."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from contracts.answers import Answer, Item, Question
from counterfoil import audit, keys, telemetry
from counterfoil.database import Connection
from judgement import labels
from judgement.verdict import Verdict

_COLUMNS = """id, event_id, question, question_version, item, fields, counterparty, amount_minor, currency, tier, model,
    label, status, why, confidence, threshold, runner_up, runner_up_confidence, evidence, precedents, acted, sampled,
    settled_by, settled_label, settled_at, created_at"""
_FIND = f"""
    SELECT {_COLUMNS}, input_hash FROM decisions
    WHERE event_id = %s AND question = %s AND question_version = %s
"""
_RECORD = """
    INSERT INTO decisions (id, event_id, generation, handler, question, question_version, item, input_hash, fields,
        counterparty, amount_minor, currency, tier, model, label, status, why, confidence, threshold, runner_up,
        runner_up_confidence, evidence, precedents, tokens_in, cost_micro_usd, latency_ms, acted, sampled)
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS d(id uuid, event_id uuid, generation int, handler text,
        question text, question_version text, item text, input_hash text, fields jsonb, counterparty text,
        amount_minor bigint, currency text, tier text, model text, label text, status text, why text,
        confidence float8, threshold float8, runner_up text, runner_up_confidence float8, evidence jsonb,
        precedents jsonb, tokens_in int, cost_micro_usd bigint, latency_ms float8, acted bool,
        sampled bool)
    ON CONFLICT (event_id, question, item, question_version, input_hash) DO UPDATE SET
        tier = excluded.tier, model = excluded.model, label = excluded.label, status = excluded.status,
        why = excluded.why, confidence = excluded.confidence, threshold = excluded.threshold,
        runner_up = excluded.runner_up, runner_up_confidence = excluded.runner_up_confidence,
        evidence = excluded.evidence, precedents = excluded.precedents, latency_ms = excluded.latency_ms,
        acted = excluded.acted, generation = excluded.generation, handler = excluded.handler,
        tokens_in = greatest(decisions.tokens_in, excluded.tokens_in),
        cost_micro_usd = greatest(decisions.cost_micro_usd, excluded.cost_micro_usd)
        WHERE decisions.status = 'asked'
"""

_STILL_ASKED = """
    SELECT count(*) AS n FROM decisions d JOIN events e ON e.id = d.event_id
    WHERE d.event_id = %s AND d.status = 'asked' AND d.generation = e.generation AND d.question_version = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom a decision is made."""

    event_id: UUID
    generation: int
    handler: str


class Settled(NamedTuple):
    """What a settled decision was about."""

    event_id: UUID | None
    acted: bool  #: code had acted on it


class DecisionNotFound(LookupError):
    """There is no such decision."""


class DecisionSettled(ValueError):
    """A person has decided it already."""


class InputGone(ValueError):
    """What was judged is not kept any more; nobody can say what it was."""


def find(conn: Connection, event_id: UUID, question: Question) -> dict[tuple[str, str], dict[str, Any]]:
    """What was decided about the items of an event, by (item, input hash)."""
    rows = conn.execute(_FIND, (event_id, question.name, question.version)).fetchall()
    return {(row["item"], row["input_hash"]): row for row in rows}


def record(
    conn: Connection, asked: Asked, question: Question, judged: list[tuple[Item, Answer, Verdict]]
) -> dict[str, UUID]:
    """Keep what was judged; the ids by item. Commits, because the point is to outlive a crash a moment later."""
    rows = [_row(asked, question, *each) for each in judged]
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
        found = find(conn, asked.event_id, question)
    for row in rows:
        telemetry.metrics.decisions.labels(question.name, row["status"]).inc()
    return {item: row["id"] for (item, _), row in found.items()}


def settle(
    conn: Connection, question: Question, decision_id: UUID, label: str | None, *, who: str, reason: str
) -> Settled:
    """A person's answer: a label for ever, and the decision settled.

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
            origin=_origin(row),
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


def still_asked(conn: Connection, event_id: UUID, versions: Collection[str]) -> int:
    """How many items of an event wait for a person, as its last pass saw it.

    What an edit or another version of the question (`versions`: those of now) left behind, nobody has to answer.
    """
    row = conn.execute(_STILL_ASKED, (event_id, list(versions))).fetchone()
    assert row is not None
    return int(row["n"])


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
