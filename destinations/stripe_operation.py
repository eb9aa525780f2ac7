"""How any operation at Stripe goes: its request, what proves that it stands, and how it is found again.

    Kind             what every operation says of itself
    ├── Making       makes an object under an Idempotency-Key, with the key in the object's metadata too
    └── Changing     changes or removes one; done twice it is done once, so looking at it tells

A probe only reads. Where the object stands it happened; where it does not, sending again under the same key is safe
while Stripe remembers the key, and afterwards the object would be in the lists. What somebody deleted in between is
no longer in any list, but Stripe's events tell who made it, by our key.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from counterfoil import keys
from destinations import http, stripe_check, stripe_reads, stripe_wire
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Finding, Image, Meaning, NoInverse, Operation, Sent
from destinations.stripe_answers import Reply

#: Stripe keeps a key "at least 24 hours"; an hour less, because its clock and ours need not agree.
KEY_SECONDS = 23 * 3600.0
#: After this a key is new again, whatever was answered under it: the day, and the hour for the clocks.
KEY_FORGOTTEN_SECONDS = 25 * 3600.0
#: How far our clock may be ahead of Stripe's: what it says was made earlier than this before we sent is not ours.
CLOCKS_APART = timedelta(minutes=10)


class Kind(ABC):
    """One operation. Whoever extends it promises that `problems` knows everything `send` relies on."""

    operation: ClassVar[Operation]

    @abstractmethod
    def problems(self, effect: Effect) -> Iterator[str]:
        """What is wrong with its body and amount."""

    @abstractmethod
    def lines(self, effect: Effect) -> list[str]:
        """What it will do, for people."""

    @abstractmethod
    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        """One attempt."""

    @abstractmethod
    def probe(self, client: Http, effect: Effect, attempt: Attempt) -> Finding:
        """Whether it happened. Raises: http.Failed."""

    @abstractmethod
    def read_back(self, client: Http, effect: Effect, sent: Sent) -> list[str]:
        """What does not stand as sent. Raises: http.Failed."""

    def target(self, effect: Effect) -> str | None:
        """The record that it changes."""
        return None

    def look(self, client: Http, effect: Effect) -> Image:
        """What stands there. Raises: http.Failed."""
        return Image(None)

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        """What takes it back. Raises: NoInverse."""
        raise NoInverse(f"{self.operation.title}: this cannot be taken back")

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        """What somebody changed since."""
        return []


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
        return stripe_reads.find(client, f"{self.path}/{id}")

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
        metadata = {**(effect.body.get("metadata") or {}), stripe_check.MADE_BY: key}
        reply = stripe_wire.post(client, self.path, {**self.params(effect, key), "metadata": metadata}, key)
        if reply.used_up:
            return self._found_or_stuck(client, effect, key, reply)
        if reply.meaning != "done":
            return reply.sent()
        if not self._is_ours(reply.body, key):
            return reply.sent("unknown", f"the answer is not the {self.noun} that was sent for")
        return self.complete(client, effect, key, dict(reply.body), reply)

    def done(self, made: Mapping[str, Any], reply: Reply) -> Sent:
        """It stands; the receipt keeps what `changed_since` compares."""
        key = stripe_check.marker(made, stripe_check.MADE_BY)
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
            and stripe_check.is_id(made.get("id"), self.prefixes)
            and stripe_check.marker(made, stripe_check.MADE_BY) == key
        )

    def _listed(self, client: Http, effect: Effect, key: str, since: datetime | None) -> dict[str, Any] | None:
        asked = self.siblings(effect)
        if since is not None:
            asked["created"] = {"gte": int(since.timestamp())}
        entries = stripe_reads.every(client, self.path, asked)
        return next((entry for entry in entries if self._is_ours(entry, key)), None)

    def _told(self, client: Http, key: str, since: datetime) -> dict[str, Any] | None:
        for event in stripe_reads.events(client, types=[self.event_type], created_gte=since):
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


class Changing(Kind):
    """Changes or removes one object; whether it is done is seen by looking at it."""

    @abstractmethod
    def is_done(self, effect: Effect, key: str, now: Image) -> bool:
        """Whether what stands is what it was to bring about, or was."""

    def is_undone(self, effect: Effect, attempt: Attempt, now: Image) -> bool:
        """Whether what stands proves that it did not happen."""
        return True

    def probe(self, client: Http, effect: Effect, attempt: Attempt) -> Finding:
        now = self.look(client, effect)
        if self.is_done(effect, attempt.key, now):
            receipt = {"object": self.id(effect), "key": attempt.key}
            return Finding("happened", "it stands at Stripe", self.id(effect), receipt)
        if self.is_undone(effect, attempt, now):
            return Finding("did_not_happen", "it stands at Stripe as before")
        return Finding("unknown", "what stands at Stripe is neither what was before nor what was sent")

    def read_back(self, client: Http, effect: Effect, sent: Sent) -> list[str]:
        is_done = self.is_done(effect, key_of(sent.receipt), self.look(client, effect))
        return [] if is_done else ["it does not stand there as sent"]

    def ended(self, client: Http, effect: Effect, key: str, reply: Reply) -> Sent:
        """The answer to a request whose effect can be seen in the object that it answers with."""
        if reply.used_up:
            return self._done_or_stuck(client, effect, key, reply)
        if reply.meaning != "done":
            return reply.sent()
        if not self.shows(effect, reply.body):
            return reply.sent("unknown", "the answer does not show the object as it was to be")
        return self.done(effect, key, reply.detail, reply, "already" if reply.replayed else "done")

    @abstractmethod
    def shows(self, effect: Effect, body: Mapping[str, Any]) -> bool:
        """Whether an answer is the object, changed."""

    @abstractmethod
    def id(self, effect: Effect) -> str:
        """The object."""

    def done(self, effect: Effect, key: str, detail: str, reply: Reply | None, meaning: Meaning) -> Sent:
        """It stands."""
        told = reply.receipt if reply else {}
        return Sent(meaning, detail, self.id(effect), {**told, "object": self.id(effect), "key": key})

    def _done_or_stuck(self, client: Http, effect: Effect, key: str, reply: Reply) -> Sent:
        """The key answers nothing but an old error: either it is done, or nothing can be done under it yet."""
        try:
            is_done = self.is_done(effect, key, self.look(client, effect))
        except http.Failed as failed:
            return reply.sent("unknown", f"{reply.detail}; looking at it failed: {failed}")
        if is_done:
            return self.done(effect, key, reply.detail, reply, "already")
        return when_forgotten(reply) if reply.replayed else reply.sent("refused")


def when_forgotten(reply: Reply) -> Sent:
    """Stripe repeats an error although nothing of it stands: again when the key is new."""
    return Sent(
        "retry",
        f"{reply.detail}; nothing of it stands, and the key is new again after a day",
        receipt=reply.receipt,
        after_seconds=KEY_FORGOTTEN_SECONDS,
    )


def image_of(reference: str, fields: Mapping[str, Any]) -> Image:
    """An image whose version changes with any of its fields."""
    return Image(keys.digest([reference, fields]), reference, fields)


def taking_back(effect: Effect, operation: str, body: dict[str, Any]) -> Effect:
    """An effect that reverses another; its own key is the caller's to give."""
    key = f"{effect.key[:200]}:reversed"
    return Effect("stripe", operation, key, effect.subject, None, body, {"reverses": effect.key})


def key_of(receipt: Mapping[str, Any]) -> str:
    """The key under which a write went out: a plan that was made again has another one than its effect."""
    return str(receipt.get("key"))


def object_of(receipt: Mapping[str, Any]) -> str:
    """The object that a write made or changed. Raises: NoInverse."""
    found = receipt.get("object")
    if not isinstance(found, str):
        raise NoInverse("the receipt does not say which object was written")
    return found


def is_down(failed: http.Failed) -> bool:
    """Whether a failed read says something of Stripe as a whole."""
    return failed.down if isinstance(failed, stripe_reads.Unreadable) else not isinstance(failed, http.ReadOnly)
