"""Ways to reach a person: an Apprise address, one kept in an environment variable, or our own log.

Nothing here ever shows an address: it may hold a token. A channel is spoken of by its label.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from counterfoil.settings import secret
from counterfoil.telemetry import log

#: What one attempt may take; a person's pocket does not buzz later than that anyway.
SEND_SECONDS = 10.0
#: Threads that hang in a send cannot be ended, only counted; beyond this many nothing more is sent until some return.
HANGING_MAX = 32

# Apprise warns with addresses in the text; receipts say what happened instead.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

_hanging = threading.BoundedSemaphore(HANGING_MAX)


class ChannelUnusable(Exception):
    """This is no way to reach anybody; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person is told."""

    title: str
    body: str
    fields: dict[str, Any] = field(default_factory=dict)  #: the same as data, for the log


@dataclass(frozen=True, slots=True)
class Channel:
    """One resolved way to reach somebody."""

    label: str  #: `slack`, `env:OPS_SLACK`, `log`: what receipts and problems call it
    send: Callable[[Message], str | None]  #: None, or why it was not taken


def resolve(reference: str) -> Channel:
    """The channel behind a line of the owners file. Raises: ChannelUnusable."""
    label, address = _label(reference), reference
    if reference.startswith("env:"):
        address = secret(reference.removeprefix("env:")) or ""
        if not address:
            raise ChannelUnusable(f"{reference} is not set in the environment")
    if address == "log://":
        return Channel("log", _to_log)
    # Imported late: it brings some forty megabytes that a service with log channels never needs.
    import apprise

    target = apprise.Apprise.instantiate(address)
    if target is None:
        raise ChannelUnusable(
            f'{label} is no address that can be used: write it as Apprise documents it, "env:NAME", or "log://"'
        )
    return Channel(label, lambda message: _to_apprise(target, message))


def _label(reference: str) -> str:
    """What may be shown of a reference: the variable's name or the scheme; the rest may be a token."""
    if reference.startswith("env:"):
        return reference
    scheme, colon, _ = reference.partition("://")
    return scheme.lower() if colon else "this"


def labelled(references: tuple[str, ...]) -> list[str]:
    """A label for each reference, distinct within one person: `json`, `json#2`."""
    labels: list[str] = []
    for reference in references:
        plain = _label(reference)
        seen = sum(label.partition("#")[0] == plain for label in labels)
        labels.append(plain if seen == 0 else f"{plain}#{seen + 1}")
    return labels


def send_within(channel: Channel, message: Message, seconds: float = SEND_SECONDS) -> str | None:
    """Send in a thread; None, or why it counts as not sent. `seconds` bound the wait for a place, then the send."""
    if not _hanging.acquire(timeout=seconds):
        return "too many earlier messages still hang"
    answer: list[str | None] = []

    def attempt() -> None:
        try:
            answer.append(channel.send(message))
        except Exception as failure:
            answer.append(f"the channel failed: {type(failure).__name__}")
        finally:
            _hanging.release()

    thread = threading.Thread(target=attempt, name="notify", daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0] if answer else f"no answer within {seconds:g} s"


def _to_log(message: Message) -> str | None:
    log.info("notification.logged", title=message.title, **message.fields)
    return None


def _to_apprise(target: Any, message: Message) -> str | None:
    import apprise

    # Said to be plain: what wants HTML or its own markup gets it made from this, with everything escaped.
    taken = target.notify(
        title=message.title,
        body=message.body,
        notify_type=apprise.NotifyType.WARNING,
        body_format=apprise.NotifyFormat.TEXT,
    )
    return None if taken else "the channel did not take it"
