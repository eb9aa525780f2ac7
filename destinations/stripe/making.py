"""Making an object at Stripe: a POST under our key, an object that carries the key, and how it is found again by it.

A probe only reads. Where the object stands it happened; where it does not, sending again under the same key is safe
while Stripe remembers the key, and afterwards the object would be in the lists. What somebody deleted in between is
no longer in any list, but Stripe's events tell who made it, by our key.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from destinations import http
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Finding, Image, Sent
from destinations.stripe import check, reads, wire
from destinations.stripe.answers import Reply
from destinations.stripe.operation import Kind, is_down, key_of, when_forgotten

#: How far our clock may be ahead of Stripe's: what it says was made earlier than this before we sent is not ours.
CLOCKS_APART = timedelta(minutes=10)


class Making(Kind):
    """Makes one object; `send` is a POST under the key, and the object carries the key."""

    #: `customer`, as the object calls itself; how its ids begin; the event that tells of its making.
    noun: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]
    event_type: ClassVar[str]

    @property
    def path(self) -> str:
        """Where such objects are made and listed."""
        return f"/v1/{self.noun}s"

    @abstractmethod
    def params(self, effect: Effect, key: str) -> dict[str, Any]:
        """The form, without its metadata."""

    @abstractmethod
    def siblings(self, effect: Effect) -> dict[str, Any]:
        """The filter of the list that must show it."""

    @abstractmethod
    def stands(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that we wrote, as they stand; what people are told when one of them changes."""

    @abstractmethod
    def expected(self, effect: Effect) -> dict[str, Any]:
        """What `stands` has to say after the write; a field that is not here may be anything."""

    def forbids(self, client: Http, effect: Effect, image: Image | None) -> str | None:
        """Why it must not be sent as things stand. Raises: http.Failed."""
        return None

    def fetch(self, client: Http, id: str) -> dict[str, Any] | None:
        """The object, complete; None: there is none. Raises: http.Failed."""
        return reads.find(client, f"{self.path}/{id}")

    def complete(self, client: Http, effect: Effect, key: str, made: dict[str, Any], reply: Reply) -> Sent:
        """What follows the first request; most operations are one."""
        return self.done(made, reply)

    def is_whole(self, client: Http, effect: Effect, made: Mapping[str, Any]) -> bool:
        """Whether an object that was found is all of the write. Raises: http.Failed."""
        return True

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        try:
            forbidden = self.forbids(client, effect, image)
        except http.Failed as failed:
            return Sent("retry", f"not sent: {failed}", down=is_down(failed))
        if forbidden:
            return Sent("refused", f"not sent: {forbidden}")
        metadata = {**(effect.body.get("metadata") or {}), check.MADE_BY: key}
        reply = wire.post(client, self.path, {**self.params(effect, key), "metadata": metadata}, key)
        if reply.used_up:
            return self._found_or_stuck(client, effect, key, reply)
        if reply.meaning != "done":
            return reply.sent()
        if not self._is_ours(reply.body, key):
            return reply.sent("unknown", f"the answer is not the {self.noun} that was sent for")
        return self.complete(client, effect, key, dict(reply.body), reply)

    def done(self, made: Mapping[str, Any], reply: Reply) -> Sent:
        """It stands; the receipt keeps what `changed_since` compares."""
        key = check.marker(made, check.MADE_BY)
        receipt = {**reply.receipt, "object": made["id"], "key": key, "stands": self.stands(made)}
        return Sent("already" if reply.replayed else "done", reply.detail, made["id"], receipt)

    def probe(self, client: Http, effect: Effect, attempt: Attempt) -> Finding:
        since = attempt.first_sent_at - CLOCKS_APART
        found = self._listed(client, effect, attempt.key, since)
        if found is not None and not self.is_whole(client, effect, found):
            return self.resume(client, effect, attempt, found)
        if found is not None:
            return self._happened(found, "it stands at Stripe under its key")
        told = self._told(client, attempt.key, since)
        if told is not None:
            return self._happened(told, "Stripe's events tell that it was made; it is gone from the list since")
        return Finding("did_not_happen", f"no {self.noun} at Stripe carries its key")

    def resume(self, client: Http, effect: Effect, attempt: Attempt, found: dict[str, Any]) -> Finding:
        """What to say of an object that is only half of the write."""
        raise AssertionError("Bug: an operation of one request is never half done")

    def read_back(self, client: Http, effect: Effect, sent: Sent) -> list[str]:
        found = self.fetch(client, str(sent.reference))
        if found is None:
            return [f"{self.noun} {sent.reference} is not there"]
        if not self._is_ours(found, key_of(sent.receipt)):
            return [f"{self.noun} {sent.reference} does not carry our key"]
        stands = self.stands(found)
        return [f"{name} is not as sent" for name, value in self.expected(effect).items() if stands.get(name) != value]

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        if now.version is None:
            return [f"the {self.noun} is gone"]
        stood = receipt.get("stands") or {}
        return [f"{name} was changed" for name, value in stood.items() if now.fields.get(name) != value]

    def _is_ours(self, made: Mapping[str, Any], key: str) -> bool:
        return (
            made.get("object") == self.noun
            and check.is_id(made.get("id"), self.prefixes)
            and check.marker(made, check.MADE_BY) == key
        )

    def _listed(self, client: Http, effect: Effect, key: str, since: datetime | None) -> dict[str, Any] | None:
        asked = self.siblings(effect)
        if since is not None:
            asked["created"] = {"gte": int(since.timestamp())}
        entries = reads.every(client, self.path, asked)
        return next((entry for entry in entries if self._is_ours(entry, key)), None)

    def _told(self, client: Http, key: str, since: datetime) -> dict[str, Any] | None:
        for event in reads.events(client, types=[self.event_type], created_gte=since):
            request, made = event.get("request"), (event.get("data") or {}).get("object")
            if isinstance(request, dict) and request.get("idempotency_key") == key and isinstance(made, dict):
                return made
        return None

    def _happened(self, found: Mapping[str, Any], detail: str) -> Finding:
        return Finding("happened", detail, found["id"], self.done(found, Reply("done", detail)).receipt)

    def _found_or_stuck(self, client: Http, effect: Effect, key: str, reply: Reply) -> Sent:
        """The key answers nothing but an old error: either its object stands, or nothing can be done under it yet."""
        try:
            found = self._listed(client, effect, key, None)
        except http.Failed as failed:
            return reply.sent("unknown", f"{reply.detail}; looking for it failed: {failed}")
        if found is not None:
            return self.complete(client, effect, key, found, replace(reply, replayed=True))
        if not reply.replayed:
            return reply.sent("refused", f"{reply.detail}, and no {self.noun} carries it")
        return when_forgotten(reply)
