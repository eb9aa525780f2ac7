"""How a destination recognises the events that its own writes cause: what an event says, and whether a write did that.

A destination that also posts events has an `echoes` of this protocol; the provider is called as the destination is.
Pure: which writes may have caused an event is looked up by the engine, in the ledger.

An event that is taken for ours without being so hides what somebody did; one of ours that is taken for somebody
else's is handled once more, and its writes meet their own keys. So where anything speaks for somebody else, it is
somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Clue:
    """What an event says of its origin: the keys of the writes that may have caused it, or the record it is about."""

    #: What of a write came back. Each part of a write explains one event; a second one is somebody else's.
    part: str
    keys: tuple[str, ...] = ()
    record: str | None = None
    at: datetime | None = None
    #: What the destination reads itself: kind of record, property, value.
    says: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentWrite:
    """A write that was sent, as the ledger keeps it."""

    id: UUID
    key: str
    operation: str
    status: str
    action: Mapping[str, Any]
    receipt: Mapping[str, Any] | None
    pre_image: Mapping[str, Any] | None
    revision: int
    attempts: int
    first_sent_at: datetime
    last_sent_at: datetime

    @property
    def is_unsettled(self) -> bool:
        """Whether nobody knows yet what came of it."""
        return self.status in ("sending", "in_doubt")

    @property
    def is_written(self) -> bool:
        """Whether it stands at the destination, or stood there."""
        return self.status in ("confirmed", "reversing", "reversed")


class Echoes(Protocol):
    """What one destination knows of the events of its provider."""

    def clue(self, type: str, body: str) -> Clue | None:
        """What an event says of its origin; None: somebody else did it, or nothing tells. Cheap, and never raises."""

    def caused(self, clue: Clue, write: SentWrite) -> float | None:
        """How far (seconds) the event is from what the write did; None: the write did not cause it."""

    def may_have_caused(self, clue: Clue, write: SentWrite) -> bool:
        """Whether an unsettled write will turn out to have caused it, or not."""
