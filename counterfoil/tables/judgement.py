"""What judging leaves behind: decisions, people's labels, trained models, paid answers and what they cost."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Float, Identity, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment, number, one_of

TIERS = ("repeat", "local", "hosted")
#: `committed`: code acted on it. `asked`: a person has to say. `settled`: a person has said.
DECISION_STATES = ("committed", "asked", "settled")
#: What a label is used for; drawn once when it is made and never changed, so that what measures never trains.
LABEL_USES = ("learn", "calibrate", "golden")
LABEL_ORIGINS = ("imported", "correction", "override", "sample", "labelling", "approval")
QUESTION_MODES = ("shadow", "ask", "automatic")


class Decision(SQLModel, table=True):
    """One judged item of one event: what was asked, what was answered by whom, and what code made of it."""

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("tier", TIERS, "decisions_tier"),
        one_of("status", DECISION_STATES, "decisions_status"),
        CheckConstraint("status <> 'committed' OR label IS NOT NULL", name="decisions_committed_has_a_label"),
        CheckConstraint("(status = 'settled') = (settled_by IS NOT NULL)", name="decisions_settled_by_somebody"),
        # Whoever judges the same item of the same event again, or of its twin, finds what was decided.
        Index("decisions_item", "scope", "question", "item", "question_version", "input_hash", unique=True),
        Index("decisions_event", "event_id"),
        Index("decisions_asked", "question", "id", postgresql_where=text("status = 'asked'")),
        Index("decisions_question", "question", "created_at"),
        Index("decisions_counterparty", "question", "counterparty", "created_at"),
    )

    id: UUID = Field(primary_key=True)
    #: The event that asked; a twin of it waits for the same decision.
    event_id: UUID | None = None
    #: What it holds for: the fact that all its events tell, or `event:<id>`.
    scope: str | None = None
    generation: int = number(0)
    handler: str | None = None
    question: str
    question_version: str
    #: Which part of the event: a line's id, or `event`.
    item: str
    input_hash: str
    #: The fields of the question as they were judged; cleared with the event's payload.
    fields: dict[str, Any] | None = document()
    counterparty: str | None = None
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    tier: str
    model: str
    #: Null: it abstained. `why` says in words what code made of it, the bound that decided included.
    label: str | None = None
    status: str
    why: str = Field(sa_type=Text)
    confidence: float | None = Field(default=None, sa_type=Float)
    threshold: float | None = Field(default=None, sa_type=Float)
    runner_up: str | None = None
    runner_up_confidence: float | None = Field(default=None, sa_type=Float)
    #: Spans of the input: `[{field, start, end, text}]`; precedents: `[{label_id, label, text, similarity}]`.
    evidence: list[Any] = document(default="'[]'")
    precedents: list[Any] = document(default="'[]'")
    tokens_in: int = number(0)
    tokens_out: int = number(0)
    #: Millionths of a US dollar.
    cost_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    latency_ms: float | None = Field(default=None, sa_type=Float)
    #: Code acted on it; a person who settles it later confirms or overrides.
    acted: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    #: Drawn by chance to be looked at by a person, acted on or not; only such decisions measure what happens.
    sampled: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    settled_by: str | None = None
    settled_label: str | None = None
    settled_at: Moment = moment()
    created_at: Moment = moment(default_now=True)


class Trial(SQLModel, table=True):
    """A challenger that answers beside what answers now, on a stable share of the inputs; nothing acts on it."""

    __tablename__ = "trials"
    __table_args__ = (
        CheckConstraint("share > 0 AND share <= 1", name="trials_share"),
        CheckConstraint("challenger ~ '^(training:[0-9]+|next|hosted)$'", name="trials_challenger"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="trials_ended_by_somebody"),
        Index("trials_one_runs", "question", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("trials_question", "question", "started_at"),
    )

    id: UUID = Field(primary_key=True)
    question: str
    #: Whose answers are compared: a trial is over when the words of either changed.
    question_version: str
    challenger: str
    challenger_version: str
    share: float = Field(sa_type=Float)
    started_by: str
    reason: str = Field(sa_type=Text)
    started_at: Moment = moment(default_now=True)
    ended_by: str | None = None
    ended_reason: str | None = Field(default=None, sa_type=Text)
    ended_at: Moment = moment()


class SecondAnswer(SQLModel, table=True):
    """What a challenger said of a decision, beside what the champion said at the same moment."""

    __tablename__ = "second_answers"
    __table_args__ = (Index("second_answers_trial", "trial_id"),)

    decision_id: UUID = Field(primary_key=True, foreign_key="decisions.id")
    trial_id: UUID = Field(primary_key=True, foreign_key="trials.id")
    #: What was judged; an input counts once, however often it came.
    input_hash: str
    #: Null: it abstained, or failed (`fault`).
    label: str | None = None
    confidence: float | None = Field(default=None, sa_type=Float)
    #: Whether code would act on it in mode `automatic`.
    would_act: bool
    model: str
    fault: str | None = None
    cost_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    latency_ms: float | None = Field(default=None, sa_type=Float)
    #: The same of what answered: a decision that is asked may be judged again later, with what people taught meanwhile.
    champion_label: str | None = None
    champion_would_act: bool
    champion_cost_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    champion_latency_ms: float | None = Field(default=None, sa_type=Float)
    created_at: Moment = moment(default_now=True)


class Label(SQLModel, table=True):
    """What a person says an input is. Never changed: a later one of the same author takes its place."""

    __tablename__ = "labels"
    __table_args__ = (
        one_of("origin", LABEL_ORIGINS, "labels_origin"),
        one_of("use", LABEL_USES, "labels_use"),
        Index("labels_question_seq", "question", "seq"),
        Index("labels_input", "question", "input_hash"),
    )

    id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger, sa_column_args=(Identity(always=True),))
    question: str
    input_hash: str
    fields: dict[str, Any] = document(default="'{}'")
    #: Null: none of these.
    label: str | None = None
    origin: str
    use: str
    #: Drawn uniformly from real traffic: only such labels measure what happens.
    uniform: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    author: str
    reason: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    decision_id: UUID | None = Field(default=None, foreign_key="decisions.id")
    counterparty: str | None = None
    created_at: Moment = moment(default_now=True)


class TrainedModel(SQLModel, table=True):
    """One training of the local tier for one question: its weights, its thresholds, and how it did."""

    __tablename__ = "trained_models"
    __table_args__ = (
        one_of("status", ("candidate", "active", "retired", "refused"), "trained_models_status"),
        Index(
            "trained_models_one_active",
            "question",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
    )

    question: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    question_version: str
    status: str
    #: The newest label it has seen.
    labels_seq: int = Field(sa_type=BigInteger)
    artifact: bytes = Field(sa_type=LargeBinary)
    #: Figures on the golden set, calibration, thresholds per risk group.
    report: dict[str, Any] = document(default="'{}'")
    reason: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    trained_at: Moment = moment(default_now=True)
    activated_at: Moment = moment()


class QuestionState(SQLModel, table=True):
    """How far one question is let out. No row means `ask` for a question nobody has measured."""

    __tablename__ = "question_states"
    __table_args__ = (one_of("mode", QUESTION_MODES, "question_states_mode"),)

    question: str = Field(primary_key=True)
    question_version: str
    mode: str
    reason: str = Field(sa_type=Text)
    changed_by: str
    changed_at: Moment = moment(default_now=True)


class PaidAnswer(SQLModel, table=True):
    """A hosted model's answer to one input: paid for once, and asked for by one worker at a time."""

    __tablename__ = "paid_answers"

    question_version: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    input_hash: str = Field(primary_key=True)
    #: Null while it is being asked, by whoever holds the lease.
    answer: dict[str, Any] | None = document()
    lease_until: Moment = moment()
    cost_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    answered_at: Moment = moment()


class Spend(SQLModel, table=True):
    """Money for models in one window of one budget: reserved before a call, settled after it."""

    __tablename__ = "model_spends"
    __table_args__ = (
        CheckConstraint("reserved_micro_usd >= 0 AND spent_micro_usd >= 0", name="model_spends_positive"),
    )

    #: `hour`, `day`, `question:<name>:day` …
    budget: str = Field(primary_key=True)
    window_start: Moment = Field(default=None, primary_key=True, sa_type=DateTime(timezone=True))
    reserved_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    spent_micro_usd: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
