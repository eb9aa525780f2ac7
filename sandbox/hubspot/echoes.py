"""Owns the webhooks: one event for every change, whoever made it, our own writes included.

Events leave in arrays of up to 100. What the receiver refuses comes back with each event at a time of its own, so in
other groupings, partly next to events that are new. https://developers.hubspot.com/docs/api/webhooks
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from sandbox.hubspot.account import Account
from sandbox.hubspot.kinds import Kind
from sandbox.standin.base import Hook

#: HubSpot's limits: events in one request, and attempts at one event.
EVENTS_MAX = 100
RETRIES_MAX = 10


class Author(NamedTuple):
    """Who changed something, as webhooks and histories tell it."""

    source: str  #: INTEGRATION or CRM_UI
    source_id: str  #: as a history has it; webhooks of apps put a word before the number
    user_id: int | None = None

    @property
    def told(self) -> str:
        """The source as webhooks name it."""
        return f"appId:{self.source_id}" if self.source == "INTEGRATION" else self.source_id


class _Pending(NamedTuple):
    due: float
    event: dict[str, Any]


class Echoes:
    """What happened and was not told yet."""

    def __init__(self, account: Account, now: Callable[[], float], rng: random.Random) -> None:
        """Take the account whose app is subscribed to everything."""
        self._account = account
        self._now = now
        self._rng = rng
        self._pending: list[_Pending] = []
        self._subscriptions: dict[str, int] = {}
        self.given_up: list[dict[str, Any]] = []

    def note(self, kind: Kind, what: str, at_ms: int, author: Author, fields: dict[str, Any]) -> None:
        """Something happened to an object of this kind."""
        if not self._account.posts_webhooks:
            return
        is_own = kind.has_own_events
        name = f"{kind.singular if is_own else 'object'}.{what}"
        event = {
            "eventId": self._rng.getrandbits(31),
            "subscriptionId": self._subscriptions.setdefault(name, 1000 + len(self._subscriptions)),
            "portalId": self._account.portal_id,
            "appId": self._account.app_id,
            "occurredAt": at_ms,
            "subscriptionType": name,
            "attemptNumber": 0,
            **fields,
            "changeSource": author.source,
            "sourceId": author.told,
        }
        if not is_own:
            event["objectTypeId"] = kind.type_id
        delay = self._account.hook_delay_seconds
        self._pending.append(_Pending(self._now() + (self._rng.uniform(0, delay) if delay else 0.0), event))

    def take(self) -> list[Hook]:
        """Take what is due, in requests."""
        if not self._pending:
            return []
        now = self._now()
        due = [pending for pending in self._pending if pending.due <= now]
        self._pending = [pending for pending in self._pending if pending.due > now]
        events = [pending.event for pending in sorted(due, key=lambda pending: pending.due)]
        return [_request(events[at : at + EVENTS_MAX]) for at in range(0, len(events), EVENTS_MAX)]

    def bounced(self, hook: Hook) -> None:
        """Send every event of it again, each at its own time."""
        for event in hook.parts:
            attempt = event["attemptNumber"] + 1
            if attempt > RETRIES_MAX:
                self.given_up.append(event)
                continue
            # Whether a retry keeps its id is not documented, so some do.
            event_id = event["eventId"] if self._rng.random() < 0.5 else self._rng.getrandbits(31)
            wait = self._account.hook_retry_seconds * 2 ** (attempt - 1) * self._rng.uniform(0.5, 1.5)
            again = {**event, "attemptNumber": attempt, "eventId": event_id}
            self._pending.append(_Pending(self._now() + wait, again))


def _request(events: list[dict[str, Any]]) -> Hook:
    kind = events[0]["subscriptionType"] if len(events) == 1 else f"{len(events)} events"
    return Hook(msgspec.json.encode(events), kind, max(event["attemptNumber"] for event in events), tuple(events))
