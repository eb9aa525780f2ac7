"""A closed question that a model may answer, and the answer: the only shape in which judgement enters the product.

A question is data: what may be answered, what is looked at, how wrong it may be. Its version is a hash of all of it, so
that an answer given to other words is never taken for an answer to these.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

#: What a wrong answer costs. `low`: a ticket in the wrong queue. `outside`: somebody outside sees it.
#: `money`: an amount stands in the wrong place.
Risk = Literal["low", "outside", "money"]

#: Share of wrong answers among those that nobody looks at, where a question does not say.
ERROR_RATES: Mapping[Risk, float] = {"low": 0.05, "outside": 0.02, "money": 0.01}

Tier = Literal["repeat", "local", "hosted", "none"]

FIELD_LENGTH_MAX = 8_000


class QuestionBroken(ValueError):
    """The question contradicts itself; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the labels: what it means, said so that a new colleague would choose it rightly."""

    name: str
    description: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of an input. `fields` are all that is looked at, in this order; nothing else of the event is."""

    name: str
    choices: tuple[Choice, ...]
    fields: tuple[str, ...]
    instructions: str
    risk: Risk
    #: Bound on the share of wrong answers among those that are acted on without a person; None: by risk.
    error_rate: float | None = None
    #: The answer must point at the words of the input that carry it.
    needs_evidence: bool = True
    #: Labels that a person confirms in any case.
    always_ask: frozenset[str] = frozenset()
    #: Amounts from which a person confirms in any case, in minor units of whatever currency.
    ask_from_minor: int | None = None
    #: Whether the text may leave the house for a hosted model.
    may_leave: bool = False

    def __post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise QuestionBroken(f"question {self.name!r}: " + "; ".join(faults))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the choices, in their order."""
        return tuple(choice.name for choice in self.choices)

    @property
    def alpha(self) -> float:
        """The allowed share of wrong answers, 0 to 1."""
        return ERROR_RATES[self.risk] if self.error_rate is None else self.error_rate

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over everything that could change an answer or what is made of it."""
        said = [
            self.name,
            [[choice.name, choice.description, choice.examples] for choice in self.choices],
            [self.fields, self.instructions, self.needs_evidence],
            [self.risk, self.alpha, sorted(self.always_ask), self.ask_from_minor],
        ]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:12]

    def text_of(self, fields: Mapping[str, str]) -> str:
        """The input as one text, each field named; a field that is not of this question is refused."""
        unknown = fields.keys() - set(self.fields)
        if unknown:
            raise ValueError(f"{self.name} does not look at {', '.join(sorted(unknown))}")
        return "\n".join(f"{name}: {fields[name][:FIELD_LENGTH_MAX]}" for name in self.fields if fields.get(name))


def _faults(question: Question) -> list[str]:
    faults = []
    labels = [choice.name for choice in question.choices]
    if len(labels) < 2:
        faults.append("give at least two choices")
    if len(set(labels)) < len(labels):
        faults.append("two choices have one name")
    faults += [f"say what {choice.name!r} means" for choice in question.choices if not choice.description.strip()]
    if not question.fields:
        faults.append("name the fields that are looked at")
    if not question.instructions.strip():
        faults.append("say what is asked")
    if not 0 < question.alpha < 0.5:
        faults.append(f"an error rate lies between 0 and 0.5, not at {question.alpha}")
    unknown = question.always_ask - set(labels)
    if unknown:
        faults.append(f"always_ask names {', '.join(sorted(unknown))}, which is no choice")
    return faults


@dataclass(frozen=True, slots=True)
class Span:
    """Words of the input that carry the answer: `text == fields[field][start:end]`."""

    field: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Precedent:
    """A labelled example that the answer relied on."""

    label: str | None
    text: str
    similarity: float
    label_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one tier says to one input. `label` None: it abstains, and `why` says why."""

    label: str | None
    tier: Tier
    model: str
    why: str
    #: Probability that the label is right, calibrated on people's labels; never what a model says of itself.
    confidence: float | None = None
    runner_up: str | None = None
    runner_up_confidence: float | None = None
    evidence: tuple[Span, ...] = ()
    precedents: tuple[Precedent, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micro_usd: int = 0
    latency_ms: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


def input_hash(question: Question, fields: Mapping[str, str]) -> str:
    """Sixty-four hex digits over what is looked at; equal for equal inputs of one question, whatever its version."""
    return hashlib.sha256(json.dumps([question.name, question.text_of(fields)]).encode()).hexdigest()
