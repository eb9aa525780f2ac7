"""Which writes need a person, and how many: rules in a file, the first that matches decides. And what may pass unasked.

What spends or deletes always asks, whatever the file says; so does what was rejected or expired before, and what the
caps of the gate stop. The file: `policy.toml` in this folder, or COUNTERFOIL_POLICY.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from counterfoil.settings import settings

PACKAGED = Path(__file__).with_name("policy.toml")
#: Silence never approves: after this a request expires and the write is not made (hours).
EXPIRES_HOURS = 72
#: The rule of what is dated into a closed period.
PERIOD_LOCKED = "period_locked"
#: Uses of caps are kept for so long (seconds).
CAP_SECONDS_MAX = 31 * 24 * 3600


class PolicyRefused(Exception):
    """The policy file cannot be followed; the message lists every problem."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the policy looks at: one write, before it is made."""

    destination: str
    operation: str
    handler: str | None
    amount_minor: int | None
    currency: str | None
    fields: frozenset[str] = frozenset()
    #: Of the model's answers that the plan rests on; None: it rests on none.
    confidence: float | None = None
    #: Nothing was ever written to this record.
    is_new_target: bool = False
    spends: bool = False
    deletes: bool = False
    #: It was rejected or expired before, or a cap was reached: the rule's name.
    must_ask: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How many people must agree (0: nobody), by which rule, until when."""

    needed: int
    rule: str
    expires_hours: int = EXPIRES_HOURS


class Rule(BaseModel):
    """One rule: every condition that is given must hold; names may be lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9_.-]+$")
    people: int = Field(ge=0, le=2)
    expires_hours: int = Field(EXPIRES_HOURS, ge=1, le=24 * 30)
    destination: list[str] | None = None
    operation: list[str] | None = None
    handler: list[str] | None = None
    field: list[str] | None = None
    #: Any of these currencies; unset: all. Amounts are in minor units of the write's own currency.
    currency: list[str] | None = None
    #: A number, or `approval_minor` for COUNTERFOIL_APPROVAL_MINOR.
    amount_from_minor: int | str | None = None
    amount_below_minor: int | None = None
    confidence_below: float | None = Field(None, ge=0, le=1)
    new_target: bool | None = None

    @model_validator(mode="after")
    def _amount_is_known(self) -> "Rule":
        if isinstance(self.amount_from_minor, str) and self.amount_from_minor != "approval_minor":
            raise ValueError("amount_from_minor is a whole number, or `approval_minor`")
        return self

    def matches(self, one: Proposed) -> bool:
        """Whether every condition holds. An amount condition never matches a write without an amount."""
        return (
            _among(self.destination, one.destination)
            and _among(self.operation, one.operation)
            and _among(self.handler, one.handler)
            and (self.field is None or bool(one.fields & set(self.field)))
            and _among(self.currency, one.currency)
            and self._amount_matches(one.amount_minor)
            and self._is_unsure(one.confidence)
            and (self.new_target is None or self.new_target == one.is_new_target)
        )

    def _is_unsure(self, confidence: float | None) -> bool:
        least = self.confidence_below
        return least is None or (confidence is not None and confidence < least)

    def _amount_matches(self, amount_minor: int | None) -> bool:
        if self.amount_from_minor is None and self.amount_below_minor is None:
            return True
        if amount_minor is None:
            return False
        least = settings().approval_minor if isinstance(self.amount_from_minor, str) else self.amount_from_minor
        size = abs(amount_minor)
        return (least is None or size >= least) and (self.amount_below_minor is None or size < self.amount_below_minor)


class Cap(BaseModel):
    """How much may be written in a window of time before people are asked; each write counts at most once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9_.-]+$")
    window_seconds: int = Field(ge=1, le=CAP_SECONDS_MAX)
    destination: list[str] | None = None
    operation: list[str] | None = None
    handler: list[str] | None = None
    count_max: int | None = Field(None, ge=0)
    #: By currency, in its minor units; a currency that is not named has no sum of its own.
    sum_max_minor: dict[str, int] | None = None
    #: Different records, or subjects where a write makes a new record.
    accounts_max: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _limits_something(self) -> "Cap":
        if self.count_max is None and not self.sum_max_minor and self.accounts_max is None:
            raise ValueError("a cap needs count_max, sum_max_minor or accounts_max")
        return self

    def covers(self, destination: str, operation: str, handler: str | None) -> bool:
        """Whether writes of this kind count."""
        return (
            _among(self.destination, destination)
            and _among(self.operation, operation)
            and _among(self.handler, handler)
        )


class Books(BaseModel):
    """The calendar of the books."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: The last day of what is closed: nothing is booked on it or before.
    locked_until: date | None = None


class Policy(BaseModel):
    """The rules in their order, the caps, and the closed part of the books."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: list[Rule] = Field(default_factory=list)
    cap: list[Cap] = Field(default_factory=list)
    books: Books = Books()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Policy":
        for noun, names in (("rules", [one.name for one in self.rule]), ("caps", [one.name for one in self.cap])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {noun} are called {', '.join(twice)}")
        return self

    def caps_over(self, destination: str, operation: str, handler: str | None) -> list[Cap]:
        """The caps that writes of this kind count against."""
        return [cap for cap in self.cap if cap.covers(destination, operation, handler)]

    def locked_period(self, destination: str, body: Mapping[str, Any]) -> str | None:
        """Why an entry cannot be booked on its day, in words; None: it can, or it is no entry."""
        last = self.books.locked_until
        day = body.get("date")
        if destination != "books" or last is None or not isinstance(day, str) or day > last.isoformat():
            return None
        return f"the books are closed until {last.isoformat()}, and it is dated {day}"

    def decide(self, one: Proposed) -> Decision:
        """The first rule that matches; then what no file can switch off."""
        matched = next((rule for rule in self.rule if rule.matches(one)), None)
        decision = Decision(matched.people, matched.name, matched.expires_hours) if matched else Decision(0, "none")
        always = one.must_ask or ("always.deletes" if one.deletes else "always.spends" if one.spends else None)
        if always is not None and decision.needed == 0:
            return Decision(1, always, decision.expires_hours)
        return decision


def load(file: Path | None = None) -> Policy:
    """Read and check a policy file. Raises: PolicyRefused."""
    file = file or settings().policy_file or PACKAGED
    try:
        return Policy.model_validate(tomllib.loads(file.read_text("utf-8")))
    except OSError as failure:
        raise PolicyRefused(f"{file.name}: cannot be read: {failure.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise PolicyRefused(f"{file.name}: is not TOML: {failure}") from None
    except ValidationError as failure:
        told = [f"{_place(error['loc'])}: {error['msg']}" for error in failure.errors(include_url=False)]
        raise PolicyRefused(f"{file.name}: {'; '.join(told)}") from None


@lru_cache(maxsize=1)
def policy() -> Policy:
    """The policy of this process, read at the first call."""
    return load()


def _among(wanted: Sequence[str] | None, value: str | None) -> bool:
    return wanted is None or value in wanted


def _place(loc: Sequence[Any]) -> str:
    return ".".join(str(part) for part in loc) or "the file"
