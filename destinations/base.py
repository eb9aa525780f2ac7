"""The protocol of every destination: what an effect is, and how a place that takes writes says it is safe.

To add a destination: one file in this folder with a `DESTINATION` that has a name, a safety and a check. What else it
must do follows from its safety; `same_transaction` is the one that needs no network and therefore no doubt:

    same_transaction   writes to our own database in the transaction that completes the run
    native_key         the destination remembers our key and refuses a second write under it
    natural_key        writing twice sets the same thing twice
    probe              we look for our marker before and after
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal, Protocol, Self, runtime_checkable
from uuid import UUID

import msgspec
from typing_extensions import TypeIs

from contracts.money import Money
from counterfoil.database import Connection

Safety = Literal["same_transaction", "native_key", "natural_key", "probe"]

#: A key travels in headers and metadata elsewhere; 255 is the shortest limit among the destinations known.
KEY_LENGTH_MAX = 255


class EffectInvalid(ValueError):
    """An effect that its destination would never accept; found before anything is written."""

    def __init__(self, key: str, problems: Sequence[str]) -> None:
        self.key = key
        self.problems = tuple(problems)
        super().__init__(f"{key}: {'; '.join(problems)}")


@dataclass(frozen=True)
class Effect:
    """One write that a handler wants, as data. `key` is its business identity; `body` what the destination gets."""

    destination: str
    operation: str
    key: str
    subject: str
    amount: Money | None
    body: dict[str, Any]
    #: Why, for people: shown and kept, never sent, and no part of the digest.
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.key) <= KEY_LENGTH_MAX or not self.key.isascii() or not self.key.isprintable():
            raise EffectInvalid(
                self.key[:KEY_LENGTH_MAX], [f"a key is 1 to {KEY_LENGTH_MAX} printable ASCII characters"]
            )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what would be written; two effects with one key and different digests contradict each other."""
        written = self.as_json()
        del written["evidence"]
        return hashlib.sha256(msgspec.json.encode(written, order="sorted")).hexdigest()

    def as_json(self) -> dict[str, Any]:
        return {
            "destination": self.destination,
            "operation": self.operation,
            "key": self.key,
            "subject": self.subject,
            "amount": self.amount.as_json() if self.amount else None,
            "body": self.body,
            "evidence": self.evidence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        amount = data["amount"]
        return cls(**{**data, "amount": Money(amount["amount_minor"], amount["currency"]) if amount else None})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a destination says about one effect: `different` means that its key holds other content."""

    status: Literal["written", "already", "different"]
    reference: str


class Destination(Protocol):
    """Whatever its safety, a destination can judge an effect without touching anything."""

    @property
    def name(self) -> str: ...

    @property
    def safety(self) -> Safety: ...

    def check(self, effect: Effect) -> None:
        """Raises: EffectInvalid, with every problem."""


@runtime_checkable
class SameTransaction(Destination, Protocol):
    """A destination in our own database."""

    def apply_many(self, conn: Connection, effects: Mapping[UUID, Effect]) -> dict[UUID, Receipt]:
        """Write all effects, by the id of their write, in the caller's transaction; each key at most once ever."""

    def inverse(self, effect: Effect, *, on: date) -> Effect:
        """The effect that takes another one back, as of a day; the caller gives it its key."""


def is_own(destination: Destination) -> TypeIs[SameTransaction]:
    """Whether it is in our own database. By its word: asking a protocol costs a hundred times as much."""
    return destination.safety == "same_transaction"
