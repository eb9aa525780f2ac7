"""The protocol of destinations behind a network: how each operation is safe, how it is asked, how its answers are read.

To add one: a module in this folder with a `DESTINATION` that is a `Remote`. Each method makes at most a few requests
through the given `Http` and keeps nothing; who calls them, when, and what is recorded in between is the engine's.

    look      what stands at the target now (a read)        before it is shown, sent or taken back
    send      exactly one attempt                           after its intent was committed, never inside a transaction
    probe     did it happen? (reads, or a repeat under a    after an unknown outcome
              key that the destination still remembers)
    read_back what stands there differs from what was sent  where the destination is known to lie
    inverse   the effect that takes it back, or why not
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from typing_extensions import TypeIs

from destinations import references
from destinations.base import Destination, Effect, EffectInvalid, Safety
from destinations.http import Http, NotConfigured

#: What an answer means. `done` and `already`: it stands there. `refused`: no, and asking again cannot cure it.
#: `retry`: certainly not done, ask again later. `unknown`: may be done; settled by `probe`, never by sending again.
Meaning = Literal["done", "already", "refused", "retry", "unknown"]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a destination promises about one of its operations."""

    name: str
    safety: Safety
    #: How a person says what it does, before the details: "Create a draft invoice".
    title: str
    #: How it is taken back, in words; None: it cannot be, which is said before it is approved.
    undone_by: str | None
    #: `native_key`: how long the destination remembers a key. Nothing is sent after it without a probe.
    key_lifetime_seconds: float | None = None
    #: How long its search may not show what was written; a probe that finds nothing earlier proves nothing.
    lag_seconds: float = 0.0
    #: Whether the target is read before: for the pre-image, and for what an approval is bound to.
    looks: bool = False
    spends: bool = False
    deletes: bool = False
    #: The kind of record that it makes or changes, where an id alone does not tell: as events about one call it.
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A target as it stood at one moment. `version` None and no fields: there is no such record."""

    version: str | None
    reference: str | None = None
    #: The fields that the effect would change, as the destination shows them.
    fields: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"version": self.version, "reference": self.reference, "fields": dict(self.fields)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Image":
        return cls(data["version"], data["reference"], data["fields"])


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt came to."""

    meaning: Meaning
    #: One sentence; names the status and the destination's own code, no personal data.
    detail: str
    #: Where it stands now: the id there. None while unknown.
    reference: str | None = None
    #: Kept as the receipt: status, request id, the members of the answer that prove it.
    receipt: Mapping[str, Any] = field(default_factory=dict)
    #: `retry`: not before (seconds), when the destination said so.
    after_seconds: float | None = None
    #: Whether the destination as a whole does not answer (the circuit breaker counts these).
    down: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found."""

    outcome: Literal["happened", "did_not_happen", "unknown"]
    detail: str
    reference: str | None = None
    receipt: Mapping[str, Any] = field(default_factory=dict)
    down: bool = False
    after_seconds: float = 0.0  #: until then no probe can know more


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of an effect's earlier attempts when it is probed."""

    key: str
    first_sent_at: datetime
    last_sent_at: datetime
    now: datetime
    image: Image | None  #: what stood there before it was sent


class NoInverse(Exception):
    """This effect cannot be taken back; the message says why."""


@runtime_checkable
class Remote(Destination, Protocol):
    """A destination behind a network."""

    @property
    def operations(self) -> Mapping[str, Operation]: ...

    @property
    def rate_per_second(self) -> float:
        """What one account may be sent, a little under the documented limit."""

    def connect(self, *, write: bool) -> Http:
        """A client with the writing or the read-only credential. Raises: NotConfigured."""

    def target(self, effect: Effect) -> str | None:
        """The record that it changes, e.g. `companies/stripe_customer_id=cus_1`; None when it makes a new one."""

    def render(self, effect: Effect) -> list[str]:
        """What it will do, as a person would say it: one line per change."""

    def look(self, http: Http, effect: Effect) -> Image:
        """Raises: http.Failed."""

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        """One attempt under this key; whatever happens on the wire is an answer too, nothing is raised."""

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        """Whether it happened; nothing is raised."""

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        """What does not stand there as sent, one line each; empty: it does. Raises: http.Failed."""

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        """The effect that takes it back; its key is given by the caller. Raises: NoInverse."""

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        """What somebody changed after we wrote it, one line each; empty: it stands as written."""

    def ping(self, http: Http) -> bool:
        """A cheap read: whether the destination answers. Nothing is raised."""


def not_to_be_sent(destination: Destination, effect: Effect) -> Sent | None:
    """Why the effect is refused here, before anything goes out; None: it may go.

    Checked once more: what the receipt of another write filled in was not known when the plan was made.
    """
    try:
        destination.check(effect)
    except EffectInvalid as invalid:
        return Sent("refused", f"not sent: {'; '.join(invalid.problems)}")
    if references.named(effect.body):
        return Sent("refused", "not sent: a write before it has no receipt yet")
    return None


def is_remote(destination: Destination) -> TypeIs[Remote]:
    """Whether it is behind a network. By its word: asking a protocol costs a hundred times as much."""
    return destination.safety != "same_transaction"


def is_configured(destination: Destination | None) -> bool:
    """Whether this installation has what it takes to reach it, be it for reading only. None: there is no such one."""
    if destination is None or not is_remote(destination):
        return destination is not None
    try:
        destination.connect(write=False).close()
    except NotConfigured:
        return False
    return True
