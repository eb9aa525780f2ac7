"""An incident: one event (or none) that needs a person, as it goes into a case.

Its texts come from payloads, providers and exceptions. They are made storable and stripped of secrets here, because
one half surrogate pair would otherwise fail the commit of a whole group.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from counterfoil import keys
from counterfoil.telemetry import redact
from exceptions_queue import failures

#: A sentence for people; whatever is longer stands in the payload.
TEXT_CHARACTERS_MAX = 2000
#: Deeper than any detail of ours; what a payload nests below it is not for a case.
DEPTH_MAX = 8
#: Names of rules, handlers and so on; they also make the fingerprint.
NAME_CHARACTERS_MAX = 200
#: What a 64-bit column holds. A greater amount is nonsense, and adding it up would refuse the whole group.
AMOUNT_MINOR_MAX = 10**17


@dataclass(slots=True)
class Incident:
    """One failure of one event. What shares class, source, handler, rule and destination shares a case."""

    event_id: UUID | None  #: None: the failure is no event's (a burst of refused signatures, an outage)
    failure_class: str
    run_id: UUID | None = None
    source: str | None = None
    handler: str | None = None
    rule: str | None = None
    destination: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    amount_minor: int | None = None
    currency: str | None = None
    #: It stands beside whatever the event itself waits for, and says nothing about it: a reversal of one of its writes.
    beside: bool = False

    def __post_init__(self) -> None:
        self.source, self.handler = _name(self.source), _name(self.handler)
        self.rule, self.destination = _name(self.rule), _name(self.destination)
        self.currency = _name(self.currency)
        self.detail = plain(redact(self.detail)) | ({"beside": True} if self.beside else {})
        if self.amount_minor is not None and abs(self.amount_minor) > AMOUNT_MINOR_MAX:
            self.detail["amount"] = "beyond anything that is money; not counted"
            self.amount_minor = None
        if self.amount_minor is not None:
            # How much is held up, whichever way it would flow: a blocked refund must not outweigh a blocked payment.
            self.amount_minor = abs(self.amount_minor)

    @property
    def fingerprint(self) -> str:
        """What alike failures have in common. Not the text of the failure: it may hold ids."""
        return keys.fingerprint(self.failure_class, self.source, self.handler, self.rule, self.destination)

    @property
    def title(self) -> str:
        """The class in words, with the rule and where it happened."""
        known = failures.find(self.failure_class)
        words = known.title if known is not None else self.failure_class
        rule = f" ({self.rule})" if self.rule else ""
        where = self.handler or self.source
        to = f", writing to {self.destination}" if self.destination else ""
        return f"{words}{rule}{f' in {where}' if where else ''}{to}"


def plain(value: Any, depth: int = DEPTH_MAX) -> Any:
    """The value as JSON that Postgres can store: bounded, no NUL, no half surrogate pairs, no foreign types."""
    if value is None or isinstance(value, bool | int | float):
        return value if not isinstance(value, int) or abs(value) < 10**40 else f"a number of {len(str(value))} digits"
    if depth > 0 and isinstance(value, dict):
        return {plain(str(key)): plain(item, depth - 1) for key, item in value.items()}
    if depth > 0 and isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth - 1) for item in value]
    text = str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= TEXT_CHARACTERS_MAX else f"{text[:TEXT_CHARACTERS_MAX]}…"


def _name(text: str | None) -> str | None:
    return None if text is None else str(plain(text))[:NAME_CHARACTERS_MAX]
