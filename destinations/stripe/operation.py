"""How any operation at Stripe goes, and how those go that change or remove an object which stands.

Kind             what every operation says of itself
├── Making       makes an object under an Idempotency-Key, with the key in its metadata (`making.py`)
└── Changing     changes or removes one; done twice it is done once, so looking at it tells
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from counterfoil import keys
from destinations import http
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Attempt, Finding, Image, Meaning, NoInverse, Operation, Sent
from destinations.stripe import reads
from destinations.stripe.answers import Reply

#: Stripe keeps a key "at least 24 hours"; an hour less, because its clock and ours need not agree.
KEY_SECONDS = 23 * 3600.0
#: After this a key is new again, whatever was answered under it: the day, and the hour for the clocks.
KEY_FORGOTTEN_SECONDS = 25 * 3600.0


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
    return failed.down if isinstance(failed, reads.Unreadable) else not isinstance(failed, http.ReadOnly)
