"""What a model may be asked and what it may answer: closed questions as data, answers that can be checked.

A `Question` is versioned by its content: whoever changes a word of it has another question, whose answers have to
earn their trust anew. An `Answer` names one of the labels or abstains with a reason; it never holds free text.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.money import Money

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,79}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Risk(StrEnum):
    """What a wrong answer costs; labels of one risk share one threshold."""

    #: A ticket in the wrong queue: somebody reads it and moves it on.
    LOW = "low"
    #: Somebody outside sees it.
    OUTSIDE = "outside"
    #: An amount stands in the wrong place.
    MONEY = "money"


#: Permitted share of wrong answers among those that nobody looks at, where a question does not say.
ERROR_RATES: Mapping[Risk, float] = {Risk.LOW: 0.05, Risk.OUTSIDE: 0.02, Risk.MONEY: 0.01}


class Group(NamedTuple):
    """Answers that share one threshold: of one risk, or of one label that stands alone; and of one band of amounts."""

    risk: Risk
    label: str = ""
    from_minor: int = 0

    def __str__(self) -> str:
        """As it stands in reports."""
        band = f"from {self.from_minor}" if self.from_minor else ""
        return " ".join(part for part in (self.risk.value, self.label, band) if part)


class Label(_Data):
    """One permitted answer: its name, what it means, and texts that people would answer so."""

    name: Name
    description: str = Field(min_length=1, max_length=500)
    examples: tuple[str, ...] = ()
    risk: Risk | None = Field(None, description="where it differs from the question's")
    alone: bool = Field(False, description="its threshold rests on its own answers, not on those of its risk")


class ThresholdPolicy(_Data):
    """When an answer may be used without a person; the threshold itself is derived from labels, never typed."""

    error_max: float | None = Field(
        None, gt=0, lt=0.5, description="permitted share of wrong answers among automatic ones; None: by risk"
    )
    doubt: float = Field(0.1, gt=0, lt=0.5, description="permitted chance that the promise is missed")
    audit_share: float = Field(0.03, ge=0.01, le=1, description="share of automatic answers that a person checks")
    bands_minor: tuple[int, ...] = Field(
        (), description="amounts in minor units, rising: from each on a threshold of its own, by answers of that size"
    )

    @model_validator(mode="after")
    def _bands_rise(self) -> Self:
        if any(low >= high for low, high in pairwise((0, *self.bands_minor))):
            raise ValueError("bands_minor rise, and begin above zero")
        return self


class Question(_Data):
    """A closed question over named input fields.

    Whoever adds one gives every label a description and, better, a few examples: it has to work on the first event.
    """

    name: Name
    labels: tuple[Label, ...] = Field(min_length=2, max_length=500)
    fields: tuple[Name, ...] = Field(min_length=1, description="the input fields that are looked at, and only those")
    instructions: str = Field("", max_length=4000)
    evidence_required: bool = Field(False, description="an answer must quote the input to be used")
    risk: Risk = Risk.OUTSIDE
    threshold: ThresholdPolicy = ThresholdPolicy()
    always_ask: tuple[Name, ...] = Field((), description="labels that a person confirms in any case")
    ask_from_minor: int | None = Field(None, ge=0, description="amount in minor units from which a person confirms")
    may_leave: bool = Field(False, description="whether the text may go to a hosted model")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (("labels", self.label_names), ("fields", self.fields)):
            if len(set(names)) != len(names):
                raise ValueError(f"two {kind} of {self.name} have the same name")
        if unknown := set(self.always_ask) - set(self.label_names):
            raise ValueError(f"always_ask of {self.name} names what is no label: {', '.join(sorted(unknown))}")
        return self

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """The permitted answers, in the order they were written."""
        return tuple(label.name for label in self.labels)

    @cached_property
    def version(self) -> str:
        """A digest of everything that could change an answer or the trust in it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def risk_of(self, label: str) -> Risk:
        """What it costs when this label is wrong."""
        found = next(each for each in self.labels if each.name == label)
        return found.risk or self.risk

    def group_of(self, label: str, amount_minor: int | None) -> Group:
        """With which answers this one shares its threshold. Without an amount it stands with the smallest."""
        found = next(each for each in self.labels if each.name == label)
        bands = (0, *self.threshold.bands_minor)
        from_minor = max(band for band in bands if band <= abs(amount_minor or 0))
        return Group(self.risk_of(label), label if found.alone else "", from_minor)

    @property
    def groups(self) -> list[Group]:
        """All that there can be, with those of smaller amounts first."""
        bands = (0, *self.threshold.bands_minor)
        return sorted({self.group_of(label, band) for label in self.label_names for band in bands})

    def error_max_of(self, risk: Risk) -> float:
        """The permitted share of wrong answers among automatic ones, for labels of this risk."""
        return ERROR_RATES[risk] if self.threshold.error_max is None else self.threshold.error_max

    def input_of(self, given: Mapping[str, str]) -> dict[str, str]:
        """The fields that are looked at; whatever else was given stays out."""
        return {name: given[name] for name in self.fields if given.get(name)}

    def input_hash(self, given: Mapping[str, str]) -> str:
        """What two inputs share exactly if this question cannot tell them apart."""
        digest = hashlib.sha256()
        for name, value in self.input_of(given).items():
            digest.update(f"{name}\0{len(value)}\0{value}\0".encode())
        return digest.hexdigest()


class Abstention(StrEnum):
    """Why there is no answer."""

    #: The named fields are missing or empty.
    NO_INPUT = "no_input"
    #: Written in a script or language that the judge was not made for.
    UNREADABLE = "unreadable"
    #: Unlike everything known: none of the labels may be right.
    OUTSIDE = "outside"
    #: People gave different answers to this very input.
    CONTESTED = "contested"
    #: A hosted model refused to answer.
    DECLINED = "declined"
    #: A hosted model was asked, and whoever asked died before the answer was kept: it is not paid for twice.
    LOST = "lost"


class Span(_Data):
    """A piece of the input, by place: evidence that can be found again word for word."""

    field: Name
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    text: str = Field(min_length=1)

    def is_in(self, given: Mapping[str, str]) -> bool:
        """Whether the input really says so at that place."""
        return given.get(self.field, "")[self.start : self.end] == self.text


class Precedent(_Data):
    """A remembered decision that the answer leans on."""

    example_id: str
    label: Name
    likeness: Share
    author: str = ""


class Answer(_Data):
    """One answer to one question: a label, or a reason for none. Exactly what is recorded of it."""

    question: Name
    question_version: str
    input_hash: str
    tier: Name
    model: str
    label: Name | None = None
    abstained: Abstention | None = None
    confidence: Share = Field(0.0, description="calibrated: of answers with 0.9, nine in ten are right")
    inside: Share = Field(1.0, description="how likely any of the labels fits at all")
    runner_up: Name | None = None
    runner_up_confidence: Share = 0.0
    evidence: tuple[Span, ...] = ()
    precedents: tuple[Precedent, ...] = ()
    repeat: bool = Field(False, description="a person already answered this very input")
    tokens: int = Field(0, ge=0)
    cost: Decimal = Field(Decimal(0), ge=0, description="in US dollars, exact")
    latency_seconds: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.label is None) == (self.abstained is None):
            raise ValueError("an answer is a label or an abstention, not both and not neither")
        return self

    @property
    def score(self) -> float:
        """What a threshold is compared with: sure of the label, and sure that a label fits at all."""
        return self.confidence * self.inside if self.label else 0.0


def faults(answer: Answer, question: Question, given: Mapping[str, str]) -> tuple[str, ...]:
    """Why this answer must not be used, in words; empty when nothing speaks against it."""
    found = []
    if (answer.question, answer.question_version) != (question.name, question.version):
        found.append("it answers another question or another version of it")
    if answer.input_hash != question.input_hash(given):
        found.append("it is about another input")
    for name in (answer.label, answer.runner_up, *(each.label for each in answer.precedents)):
        if name is not None and name not in question.label_names:
            found.append(f"{name} is none of the labels")
    if not all(span.is_in(question.input_of(given)) for span in answer.evidence):
        found.append("its evidence is not in the input")
    if question.evidence_required and answer.label and not answer.evidence:
        found.append("it gives no evidence")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing about which a question is asked: a whole event, or a part of it such as an invoice's line."""

    ref: str
    fields: Mapping[str, str]
    #: Whoever it is about, by an id that lasts; what was never seen of them before is not decided without a person.
    counterparty: str | None = None
    amount: Money | None = None

    def group_of(self, question: Question, label: str) -> Group:
        """With which answers this one would share its threshold."""
        return question.group_of(label, self.amount.amount_minor if self.amount else None)
