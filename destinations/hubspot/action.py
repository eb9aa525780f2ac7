"""The protocol of HubSpot's operations: each knows everything about itself, and `hubspot.DESTINATION` asks it.

To add one: a class here beside the others, and its row in `hubspot.ACTIONS`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from destinations.base import Effect
from destinations.http import Failed, Http
from destinations.hubspot.answers import is_down
from destinations.remote import Attempt, Finding, Image, Operation, Sent

#: Among the fields of such a look.
ADDED = "(added)"


class Action(Protocol):
    """One operation; see `destinations.remote.Remote` for what each method owes."""

    @property
    def operation(self) -> Operation: ...

    def problems(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Everything that can be known to be wrong without asking HubSpot."""

    def target(self, effect: Effect) -> str | None: ...

    def render(self, effect: Effect) -> list[str]: ...

    def look(self, http: Http, effect: Effect) -> Image: ...

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent: ...

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        """Raises: Failed."""

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]: ...

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect: ...

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]: ...


def member_problems(body: Mapping[str, Any], needed: set[str], optional: frozenset[str] = frozenset()) -> Iterator[str]:
    """Members that are missing, and members that nobody would read."""
    for name in sorted(needed - body.keys()):
        yield f"{name} is missing"
    for name in sorted(body.keys() - needed - optional):
        yield f"{name} is no member of it"


def not_there(attempt: Attempt, operation: Operation, detail: str) -> Finding:
    """Nothing was found: a proof only when what was under way has had the time to arrive."""
    waited = (attempt.now - attempt.last_sent_at).total_seconds()
    missing = operation.lag_seconds - waited
    if missing > 0:
        return Finding("unknown", f"{detail}; it may still be on its way", after_seconds=missing)
    return Finding("did_not_happen", detail)


def added(now: Image) -> list[str]:
    """What somebody added to a record that we made, as a look before archiving it tells."""
    return [str(each) for each in now.fields.get(ADDED, ())]


def unread(failed: Failed) -> Finding:
    """A probe without an answer."""
    return Finding("unknown", f"HubSpot could not be asked: {failed}", down=is_down(failed))
