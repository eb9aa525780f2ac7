"""Questions and how they are judged: how far each is let out and why, what it did lately, and single answers."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.answers.audit import Audit
from console.fields import Moment, Money, Shown, cents

Mode = Literal["shadow", "ask", "automatic"]


class Figures(Shown):
    """What happened in the last 28 days."""

    decided: int
    acted: int = Field(description="code acted on it without a person")
    escalated: int = Field(description="a person was asked")
    waiting: int = Field(description="of those, events that still wait for the answer")
    cost_micro_usd: int = Field(description="what hosted answers cost, in millionths of a US dollar")
    cost_micro_usd_each: float | None = Field(description="the same per decision")
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    audited: int = Field(description="of what code acted on, drawn by chance and looked at by a person")
    audited_wrong: int
    accuracy: float | None = Field(description="of what code acted on, the share that was right, by what was audited")
    accuracy_at_least: float | None = Field(description="lower end of its 95 % interval")
    accuracy_at_most: float | None = Field(description="upper end")


class Question(Shown):
    """One closed question."""

    name: str
    version: str = Field(description="digest of its words; other words make another question")
    mode: Mode = Field(description="`automatic` acts where a threshold allows it; the others ask people")
    mode_reason: str
    changed_by: str
    changed_at: Moment | None
    risk: str
    labels: list[str]
    model: int | None = Field(description="number of the training that answers; null: none was needed yet")
    figures: Figures


class LabelMeaning(Shown):
    """One permitted answer."""

    name: str
    description: str
    risk: str
    always_asks: bool = Field(description="a person confirms it in any case")


class ThresholdShown(Shown):
    """From which score on answers of one group are acted on; `cut` null: never, and `reason` says why."""

    risk: str
    label: str | None = Field(description="the one label that stands alone; null: all others of this risk")
    from_minor: int | None = Field(description="from this amount on, to where the next band begins; null: the smallest")
    error_max: float = Field(description="permitted share of wrong answers among those that nobody looks at")
    cut: float | None
    reason: str
    labels: int = Field(description="labels that it was derived from")
    used: int = Field(description="of those, answered above the cut")
    wrong: int
    error_upper: float = Field(description="upper bound of the error above the cut")
    coverage: float

    @property
    def answers(self) -> str:
        """Which answers it is for, in words."""
        label = f"{self.label} alone" if self.label else ""
        band = f"from {cents(self.from_minor)} on" if self.from_minor else ""
        return ", ".join(part for part in (self.risk, label, band) if part)


class Reliability(Shown):
    """Answers of similar confidence: how sure they were, and how often they were right."""

    confidence: float
    accuracy: float
    count: int


class Golden(Shown):
    """How a training did on the set that is never taught and never fitted."""

    labels: int
    accuracy: float | None
    at_least: float | None


class Training(Shown):
    """One training of a question."""

    number: int
    status: Literal["candidate", "active", "retired", "refused"]
    question_version: str
    reason: str = Field(description="why it was refused, or brought back")
    labels: dict[str, int] = Field(description="labels by use: learn, calibrate, golden")
    golden: Golden
    ece: float | None = Field(description="expected calibration error")
    trained_at: Moment
    activated_at: Moment | None


class Contested(Shown):
    """One input to which people gave different answers."""

    fields: dict[str, str]
    said: dict[str, str | None] = Field(description="by author; null: none of the labels")
    decision_id: UUID | None = Field(description="the newest decision about it; null: labelled without one")


class TrialSide(Shown):
    """One of the two in a trial: against what people said of the same inputs."""

    right: int = Field(description="said the same label, or none where none of the labels fits")
    accuracy: float | None
    accuracy_at_least: float | None = Field(description="lower end of its 95 % interval")
    accuracy_at_most: float | None = Field(description="upper end")
    only: int = Field(description="right where the other one was wrong")
    acts: int = Field(description="of these, code would act on")
    acts_wrong: int = Field(description="and would be wrong")


class TrialLabels(Shown):
    """Both against what people said."""

    labels: int = Field(description="inputs; one counts once")
    champion: TrialSide
    challenger: TrialSide
    chance: float = Field(description="how often equals differ so unevenly (McNemar, exact); holds for one look only")
    odds: float = Field(description="of a bet that they are no equals; from 20 on they are none, however often seen")


class TrialDone(Shown):
    """What one of the two did on all inputs of a trial."""

    acts: int = Field(description="answers that code would act on, in mode `automatic`")
    coverage: float | None = Field(description="the share of the inputs that is")
    cost_micro_usd: int
    latency_ms_p50: float | None


class Trial(Shown):
    """A challenger beside what answers; nothing acts on what it says."""

    id: UUID
    question: str
    challenger: str
    share: float
    running: bool = Field(description="asked now; false too where the question's words or the model changed")
    started_by: str
    started_at: Moment
    reason: str
    ended_by: str | None
    ended_at: Moment | None
    ended_reason: str | None
    inputs: int
    faults: int = Field(description="where the challenger failed; not counted against it, nor for it")
    champion: TrialDone
    challenged: TrialDone = Field(description="the same of the challenger")
    by_chance: TrialLabels = Field(description="inputs that chance drew: these measure the traffic")
    all_labels: TrialLabels = Field(description="with those that people were asked about for being hard")
    advice: str


class QuestionDetail(Question):
    """A question with everything that is known about it."""

    instructions: str
    fields: list[str] = Field(description="the input fields that are looked at")
    meanings: list[LabelMeaning]
    evidence_required: bool
    may_leave: bool = Field(description="whether its text may go to a hosted model")
    ask_from_minor: int | None = Field(description="amount in minor units from which a person confirms")
    audit_share: float = Field(description="share of automatic answers that chance lets a person look at")
    thresholds: list[ThresholdShown]
    reliability: list[Reliability]
    ece: float | None
    golden: Golden | None
    history: list[Training] = Field(description="newest first")
    contested: list[Contested] = Field(description="at most 20")
    trial: Trial | None = Field(description="the one that runs, else the last one")
    audit: list[Audit]


class Classification(Shown):
    """One decision about one item of one event."""

    id: UUID
    event_id: UUID | None
    question: str
    question_version: str
    item: str = Field(description="which part of the event")
    status: Literal["committed", "asked", "settled"]
    tier: str
    model: str
    label: str | None = Field(description="null: it abstained")
    why: str = Field(description="what code made of it, in words")
    confidence: float | None
    threshold: float | None
    runner_up: str | None
    runner_up_confidence: float | None
    counterparty: str | None
    amount: Money | None
    acted: bool
    sampled: bool = Field(description="drawn by chance to be looked at by a person")
    settled_by: str | None
    settled_label: str | None
    settled_at: Moment | None
    cost_micro_usd: int
    latency_ms: float | None
    created_at: Moment


class ClassificationDetail(Classification):
    """A decision with what it rests on, and what a person may answer."""

    handler: str | None
    fields: dict[str, Any] | None = Field(description="what was judged; null when it was deleted with the payload")
    evidence: list[dict[str, Any]] = Field(description="words of the input, by place")
    precedents: list[dict[str, Any]] = Field(description="remembered answers that it leans on")
    labels: list[str] = Field(description="what a person may answer, or null for none of these")
    audit: list[Audit]


class Corrected(Shown):
    """A person's answer, and whether its event is on its way again."""

    classification: ClassificationDetail
    event_due: bool
