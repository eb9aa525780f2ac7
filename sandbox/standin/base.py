"""What a stand-in is: an API's rules over state in memory, with no socket, thread, clock or chance of its own.

Time and chance are handed in, so that a seeded schedule repeats exactly. Whoever calls a stand-in holds one lock around
each call; `exchange.py` does that for everybody.

To add a stand-in, make a folder beside this one with a class that fulfils `Standin`, and a `__main__` that serves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sandbox.standin.faults import Fault


class Ask(NamedTuple):
    """One request as it came off the wire."""

    method: str
    path: str  #: percent-decoded, without the query
    query: list[tuple[str, str]]
    headers: Mapping[str, str]  #: names in lower case
    body: bytes = b""
    #: For how long the provider is still busy with it after it took effect (a `slow` fault): another request with the
    #: same key meets the first one at work.
    takes_seconds: float = 0.0


class Answer(NamedTuple):
    """One whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class Hook:
    """One webhook that is due: unsigned, as it goes out this time."""

    body: bytes
    kind: str  #: for people: 'invoice.paid', '3 events'
    attempt: int = 0
    #: What the stand-in needs to send it again, in this grouping or another; nobody else looks inside.
    parts: tuple[Any, ...] = field(default=(), repr=False)


class CannotDo(Exception):
    """The stand-in knows no such action by hand, or not on this object."""


class Standin(Protocol):
    """One provider's API.

    Whoever implements this promises: nothing but `now` and `rng` that were handed in decides anything; no method
    blocks; `answer` raises nothing, whatever it is asked.
    """

    @property
    def name(self) -> str:
        """The provider's name in `ingest.providers`, for signing."""

    @property
    def key_header(self) -> str | None:
        """The header, in lower case, that names a repeated request; None if the API has none."""

    @property
    def own_faults(self) -> frozenset[str]:
        """Kinds of faults besides those of `faults.py`; `refuse` answers them."""

    def answer(self, ask: Ask) -> Answer:
        """Execute the request."""

    def refuse(self, ask: Ask, fault: Fault) -> Answer:
        """Answer without executing: the provider's own words for `fault.status`, a rate limit or an own fault."""

    def spoil(self, ask: Ask, fault: Fault, answer: Answer | None) -> Answer:
        """Turn what came of an executed request (None: it began and changed nothing) into the error `fault.status`,
        and remember that error as the provider would."""

    def hooks(self) -> list[Hook]:
        """Take the webhooks that became due since the last call."""

    def taken(self, hook: Hook) -> None:
        """The receiver answered 2xx."""

    def bounced(self, hook: Hook) -> None:
        """The receiver did not: send it again later, as the provider does."""

    def do(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do by hand at the provider. Raises: CannotDo."""

    def state(self) -> dict[str, Any]:
        """All objects, for counting effects; to be encoded as JSON before the lock is given up."""

    def reset(self) -> None:
        """Forget everything but the configuration."""
