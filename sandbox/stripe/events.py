"""Events: made at the moment of a change, kept, listed, and handed out as webhooks until somebody takes them.

Page: https://docs.stripe.com/api/events
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any, NamedTuple

import msgspec

from sandbox.standin.base import Hook

#: How far back events can be listed.
KEPT_SECONDS = 30 * 86_400
#: Stripe gives up after three days live; with doubling gaps that is about this many attempts.
ATTEMPTS_MAX = 16


class Cause(NamedTuple):
    """The API call that caused an event; both null for what happens by itself or by hand."""

    request_id: str | None = None
    key: str | None = None


@dataclass(slots=True)
class Event:
    """One event and what became of its webhook."""

    id: str
    thin_id: str
    type: str
    at: float
    body: dict[str, Any]  #: without `pending_webhooks`, which differs from one delivery to the next
    about: dict[str, str]
    is_pending: bool
    attempts: int = 0

    def snapshot(self) -> dict[str, Any]:
        """As the API shows it and as the webhook carries it."""
        return {**self.body, "pending_webhooks": int(self.is_pending)}

    def thin(self) -> dict[str, Any]:
        """As an event destination posts it: no values."""
        cause = self.body["request"]
        reason = {"type": "request", "request": cause} if cause["id"] else None
        moment = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")
        noun = self.about["object"]
        return {
            "id": self.thin_id,
            "object": "v2.core.event",
            "type": f"v1.{self.type}",
            "created": moment.replace("+00:00", "Z"),
            "livemode": self.body["livemode"],
            "context": self.body.get("account"),
            "reason": reason,
            "related_object": {"id": self.about["id"], "type": noun, "url": f"/v1/{noun}s/{self.about['id']}"},
            "snapshot_event": self.id,
        }


@dataclass
class Outbox:
    """The events of one account and mode, and when each is posted next."""

    account: str | None
    livemode: bool
    api_version: str
    posts: bool
    events: dict[str, Event] = field(default_factory=dict)
    thin_ids: dict[str, str] = field(default_factory=dict)
    _due: list[tuple[float, int, Event]] = field(default_factory=list)
    _turn: int = 0

    def tell(self, found: str, kind: str, about: dict[str, Any], previous: dict[str, Any] | None, at: float,
             cause: Cause, *, is_posted: bool) -> None:  # fmt: skip
        """Make an event of what an object looks like now."""
        data: dict[str, Any] = {"object": msgspec.Raw(msgspec.json.encode(about))}
        if previous is not None:
            data["previous_attributes"] = previous
        body: dict[str, Any] = {"id": found, "object": "event", "api_version": self.api_version, "created": int(at)}
        if self.account is not None:
            body["account"] = self.account
        body |= {"data": data, "livemode": self.livemode, "type": kind,
                 "request": {"id": cause.request_id, "idempotency_key": cause.key}}  # fmt: skip
        named = {"id": str(about.get("id")), "object": str(about.get("object"))}
        event = Event(found, f"evt_65{found[6:]}", kind, at, body, named, is_pending=self.posts and is_posted)
        self.events[found] = event
        self.thin_ids[event.thin_id] = found
        if event.is_pending:
            self._post(event, at)

    def due(self, now: float, form: str) -> list[Hook]:
        """Take the webhooks whose time has come, in order."""
        hooks: list[Hook] = []
        while self._due and self._due[0][0] <= now:
            event = heappop(self._due)[2]
            wanted = ("snapshot", "thin") if form == "both" else (form,)
            hooks += [self._hook(event, each) for each in wanted]
        return hooks

    def taken(self, hook: Hook) -> None:
        """Somebody has it."""
        hook.parts[1].is_pending = False

    def bounced(self, hook: Hook, now: float, retry_seconds: float) -> None:
        """Try again, after a gap that grows."""
        event: Event = hook.parts[1]
        if event.attempts < ATTEMPTS_MAX:
            self._post(event, now + retry_seconds * 2**event.attempts)
            event.attempts += 1

    def _post(self, event: Event, at: float) -> None:
        self._turn += 1
        heappush(self._due, (at, self._turn, event))

    def _hook(self, event: Event, form: str) -> Hook:
        content = event.thin() if form == "thin" else event.snapshot()
        return Hook(msgspec.json.encode(content), event.type, event.attempts, parts=(self, event))
