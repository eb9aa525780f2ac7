"""Questions and decisions, read: how each question stands, what people were asked, what they answered."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from console import answers
from console.asks import ClassificationsAsk
from console.fields import money
from console.queries import audit, kept, learning, page, trying
from contracts import questions
from contracts.answers import Question
from counterfoil import database, tables
from counterfoil.database import Connection
from judgement import states, watching

#: Trainings and contested inputs shown with a question; open decisions shown with a case.
HISTORY_MAX = 50
CONTESTED_MAX = 20
OPEN_MAX = 200
#: Entries of the audit about one decision; it is settled once, and looked at more often.
ENTRIES_MAX = 100

_TRAININGS = """
    SELECT number, status, question_version, reason, report, trained_at, activated_at
    FROM trained_models WHERE question = %s ORDER BY number DESC LIMIT %s
"""
# Of one person's answers to one input the newest counts.
_CONTESTED = """
    SELECT (array_agg(fields ORDER BY seq DESC))[1] AS fields, jsonb_object_agg(author, label) AS said,
           (array_agg(decision_id ORDER BY seq DESC) FILTER (WHERE decision_id IS NOT NULL))[1] AS decision_id
    FROM (SELECT DISTINCT ON (input_hash, author) input_hash, author, label, fields, seq, decision_id FROM labels
          WHERE question = %s ORDER BY input_hash, author, seq DESC) AS newest
    GROUP BY input_hash HAVING count(DISTINCT coalesce(label, '')) > 1 ORDER BY max(seq) DESC LIMIT %s
"""


def every() -> list[answers.Question]:
    """Every question that is asked here, by name."""
    with database.transaction() as conn:
        return [_question(conn, question) for _, question in sorted(questions.find().items())]


def one(name: str) -> answers.QuestionDetail | None:
    """One question with thresholds, figures and history."""
    question = questions.find().get(name)
    if question is None:
        return None
    with database.transaction() as conn:
        shown = _question(conn, question)
        history = conn.execute(_TRAININGS, (name, HISTORY_MAX)).fetchall()
        contested = _contested(conn, name)
        tried = trying.of(conn, question)
    report: Mapping[str, Any] = next((row["report"] for row in history if row["number"] == shown.model), {})
    with Session(database.engine()) as session:
        told = audit.about(session, [f"question:{name}"])
    return answers.QuestionDetail(
        **shown.model_dump(),
        instructions=question.instructions,
        fields=list(question.fields),
        meanings=_meanings(question),
        evidence_required=question.evidence_required,
        may_leave=question.may_leave,
        ask_from_minor=question.ask_from_minor,
        audit_share=question.threshold.audit_share,
        thresholds=_thresholds(question, report),
        reliability=[answers.Reliability(**row) for row in report.get("reliability", ())],
        ece=report.get("ece"),
        golden=answers.Golden(**report["golden"]) if report else None,
        history=[_training(row) for row in history],
        contested=[answers.Contested(**row) for row in contested],
        trial=tried,
        audit=told,
    )


def _contested(conn: Connection, name: str) -> list[dict[str, Any]]:
    """What people do not agree about; all their labels are compared, again only when there is another one."""
    newest = learning.newest_label(conn, name)
    return kept.find(
        ("contested", name, newest),
        lambda: conn.execute(_CONTESTED, (name, CONTESTED_MAX)).fetchall(),
        is_costly=lambda _: newest > 0,
    )


def find_page(ask: ClassificationsAsk) -> answers.Page[answers.Classification]:
    """One page of decisions."""
    row = tables.Decision
    wanted = page.narrowed(
        select(row),
        (row.question, ask.question),
        (row.status, ask.status),
        (row.sampled, ask.sampled),
    )
    if ask.q is not None:
        wanted = wanted.where(page.holding(ask.q, row.item, row.counterparty, row.label))
    with Session(database.engine()) as session:
        if ask.event is not None:
            wanted = wanted.where(_about(session, [ask.event]))
        rows, following = page.read(session, wanted, at=col(row.created_at), row_id=col(row.id), ask=ask)
        return answers.Page(items=[_shown(each) for each in rows], next_cursor=following)


def find(decision_id: UUID) -> answers.ClassificationDetail | None:
    """One decision with what it rests on."""
    with Session(database.engine()) as session:
        row = session.get(tables.Decision, decision_id)
        return None if row is None else _details(session, [row])[0]


def of_event(session: Session, event_id: UUID) -> list[answers.Classification]:
    """What was decided about an event, oldest first."""
    row = tables.Decision
    rows = session.exec(select(row).where(_about(session, [event_id])).order_by(col(row.id)).limit(OPEN_MAX)).all()
    return [_shown(each) for each in rows]


def open_of(
    session: Session, event_ids: Sequence[UUID], *, with_audit: bool = True
) -> list[answers.ClassificationDetail]:
    """What people are asked about these events, as their last pass saw it, oldest first."""
    if not event_ids:
        return []
    row, event = tables.Decision, tables.Event
    rows = session.exec(
        select(row)
        .join(event, col(event.id) == col(row.event_id))
        .where(
            _about(session, event_ids),
            row.status == "asked",
            row.generation == event.generation,
            col(row.question_version).in_([each.version for each in questions.find().values()]),
        )
        .order_by(col(row.id))
        .limit(OPEN_MAX)
    ).all()
    return _details(session, rows) if with_audit else [_detail(one, []) for one in rows]


def _about(session: Session, event_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """What these events asked, and what their twins asked for them."""
    row, fact = tables.Decision, tables.Fact
    # The facts themselves: with a question inside of `OR` every decision would be looked at.
    told = session.exec(select(fact.fact).where(col(fact.event_id).in_(event_ids))).all()
    return or_(col(row.event_id).in_(event_ids), col(row.scope).in_(told))


def _question(conn: Connection, question: Question) -> answers.Question:
    state, seen = states.of(conn, question), _seen(conn, question.name)
    row = conn.execute(
        "SELECT number FROM trained_models WHERE question = %s AND question_version = %s AND status = 'active'",
        (question.name, question.version),
    ).fetchone()
    return answers.Question(
        name=question.name,
        version=question.version,
        mode=state.mode,
        mode_reason=state.reason,
        changed_by=state.changed_by,
        changed_at=state.changed_at,
        risk=question.risk,
        labels=list(question.label_names),
        model=None if row is None else row["number"],
        figures=_figures(seen),
    )


def _seen(conn: Connection, question: str) -> watching.Figures:
    """What happened lately; of many decisions as it was a moment ago."""
    return kept.find(
        ("figures", question),
        lambda: watching.figures(conn, question),
        is_costly=lambda seen: seen.decided >= kept.MANY,
    )


def _figures(seen: watching.Figures) -> answers.Figures:
    named = {name: getattr(seen, name) for name in answers.Figures.model_fields if name != "cost_micro_usd_each"}
    each = round(seen.cost_micro_usd / seen.decided, 3) if seen.decided else None
    return answers.Figures(cost_micro_usd_each=each, **named)


def _meanings(question: Question) -> list[answers.LabelMeaning]:
    return [
        answers.LabelMeaning(
            name=label.name,
            description=label.description,
            risk=question.risk_of(label.name),
            always_asks=label.name in question.always_ask,
        )
        for label in question.labels
    ]


def _thresholds(question: Question, report: Mapping[str, Any]) -> list[answers.ThresholdShown]:
    """One per group that an answer may belong to; what was not measured says so."""
    known = report.get("thresholds", {})
    nothing = {"cut": None, "reason": "nothing was measured", "labels": 0, "used": 0, "wrong": 0, "error_upper": 1.0}
    return [
        answers.ThresholdShown(
            risk=group.risk,
            label=group.label or None,
            from_minor=group.from_minor or None,
            error_max=question.error_max_of(group.risk),
            **known.get(str(group), {**nothing, "coverage": 0.0}),
        )
        for group in question.groups
    ]


def _training(row: Mapping[str, Any]) -> answers.Training:
    report = row["report"]
    return answers.Training(
        golden=answers.Golden(**report["golden"]),
        labels=report["labels"],
        ece=report["ece"],
        **{name: value for name, value in row.items() if name != "report"},
    )


def _shown(row: tables.Decision) -> answers.Classification:
    names = answers.Classification.model_fields.keys() - {"amount"}
    amount = money(row.amount_minor, row.currency)
    return answers.Classification(amount=amount, **{name: getattr(row, name) for name in names})


def _details(session: Session, rows: Sequence[tables.Decision]) -> list[answers.ClassificationDetail]:
    """Rows with what they rest on; the entries about all of them in one question."""
    told: dict[str | None, list[answers.Audit]] = {}
    if rows:
        for entry in audit.about(session, [f"decision:{row.id}" for row in rows], most=ENTRIES_MAX * len(rows)):
            told.setdefault(entry.subject, []).append(entry)
    return [_detail(row, told.get(f"decision:{row.id}", [])) for row in rows]


def _detail(row: tables.Decision, told: list[answers.Audit]) -> answers.ClassificationDetail:
    question = questions.find().get(row.question)
    return answers.ClassificationDetail(
        **_shown(row).model_dump(),
        handler=row.handler,
        fields=row.fields,
        evidence=row.evidence,
        precedents=row.precedents,
        labels=list(question.label_names) if question else [],
        audit=told,
    )
