"""How Stripe's answers to writes are read: one table, first match wins, closed by default.

What no row expects is `unknown` when it may have been executed and `refused` when Stripe says it was our request's
fault. The next case is a row and a line in its test. Nothing that Stripe wrote in prose is read or kept: only the
error's own codes are, because messages quote what people typed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from destinations.http import Answer, Failed, NotSent, ReadOnly
from destinations.remote import Meaning, Sent

WRITE_SETTING = "STRIPE_API_KEY"
READ_SETTING = "STRIPE_READ_API_KEY"

#: Told not to repeat at once, we repeat after a minute: the limits that answer so are counted by the minute.
NOT_AT_ONCE_SECONDS = 60.0
#: No wait that a header asks for is obeyed beyond this: a day is when the ledger gives up anyway.
WAIT_SECONDS_MAX = 86_400.0


class Row(NamedTuple):
    """Which answers it is about, and what they mean."""

    statuses: range
    #: The error's type or code; None: whatever it says.
    says: str | None
    meaning: Meaning
    sentence: str
    down: bool = False
    #: The key is used up: repeating under it answers the same until Stripe forgets it, so only looking settles it.
    used_up: bool = False


def _only(status: int) -> range:
    return range(status, status + 1)


#: https://docs.stripe.com/error-low-level and https://docs.stripe.com/api/idempotent_requests
ROWS = (
    Row(range(200, 300), None, "done", "Stripe did it"),
    Row(_only(400), "idempotency_error", "unknown", "this key was used for another request", used_up=True),
    Row(_only(401), None, "retry", "Stripe does not accept the key in {setting}", down=True),
    Row(_only(403), None, "retry", "the key in {setting} lacks the permission", down=True),
    # 409 says that a request under this key is at work, or met another change; either way one may have been done.
    Row(_only(409), None, "unknown", "a request under this key is still at work"),
    # Something behind Stripe failed; what Stripe had done by then it does not say.
    Row(_only(424), None, "unknown", "a system behind Stripe failed"),
    Row(_only(429), "lock_timeout", "retry", "Stripe is busy with this object"),
    Row(_only(429), None, "retry", "Stripe's rate limit is reached"),
    Row(range(400, 500), None, "refused", "Stripe refuses it"),
    Row(range(500, 600), None, "unknown", "Stripe failed while it was at work", down=True),
)
#: No number that HTTP knows: nobody can say what happened.
UNEXPECTED = Row(range(0), None, "unknown", "Stripe gave no answer that can be read")

_CODE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """One request's outcome, whatever happened on the wire."""

    meaning: Meaning
    detail: str
    body: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
    after_seconds: float | None = None
    down: bool = False
    #: Stripe repeats what it answered the first time.
    replayed: bool = False
    used_up: bool = False

    def sent(self, meaning: Meaning | None = None, detail: str | None = None) -> Sent:
        """As an attempt's result without a reference."""
        return Sent(
            meaning or self.meaning,
            detail or self.detail,
            receipt=self.receipt,
            after_seconds=self.after_seconds,
            down=self.down,
        )


def read(answer: Answer, setting: str = WRITE_SETTING) -> Reply:
    """What an answer means."""
    said = {name: _code(answer.member("error", name)) for name in ("type", "code", "decline_code", "param")}
    row = _row(answer.status, said)
    replayed = answer.headers.get("Idempotent-Replayed", "").lower() == "true"
    meaning, after_seconds = _obeyed(answer, row)
    words = ", ".join(value for value in said.values() if value)
    detail = f"{row.sentence.format(setting=setting)} (HTTP {answer.status}{', ' + words if words else ''})"
    if replayed:
        detail += ", as it answered the first time"
    return Reply(
        meaning,
        detail,
        body=answer.body if isinstance(answer.body, dict) else {},
        receipt=_receipt(answer, said, replayed),
        after_seconds=after_seconds,
        down=row.down and not replayed,  # what it remembers of then says nothing of now
        replayed=replayed,
        used_up=row.used_up or (replayed and meaning == "unknown"),
    )


def unanswered(failed: Failed) -> Reply:
    """What a call without an answer means: the messages of `Failed` hold a method, a path and a kind."""
    if isinstance(failed, ReadOnly):
        return Reply("refused", f"not sent: {failed}")
    if isinstance(failed, NotSent):
        return Reply("retry", f"not sent: {failed}", down=True)
    return Reply("unknown", f"sent, and no answer came: {failed}", down=True)


def _row(status: int, said: Mapping[str, str | None]) -> Row:
    for row in ROWS:
        if status in row.statuses and row.says in (None, said["type"], said["code"]):
            return row
    return UNEXPECTED


def _obeyed(answer: Answer, row: Row) -> tuple[Meaning, float | None]:
    """Stripe may know better than the table whether asking again helps; never whether it was done."""
    advice = answer.headers.get("Stripe-Should-Retry", "").lower()
    after_seconds = _seconds(answer.headers.get("Retry-After", ""))
    if row.meaning == "refused" and advice == "true":
        return "retry", after_seconds
    if row.meaning == "retry" and advice == "false" and not row.down:
        return "retry", max(after_seconds or 0.0, NOT_AT_ONCE_SECONDS)
    return row.meaning, after_seconds if row.meaning in ("retry", "unknown") else None


def _seconds(text: str) -> float | None:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return min(float(text), WAIT_SECONDS_MAX)


def _code(value: object) -> str | None:
    """A code as it is; whatever is not shaped like one is prose and stays out."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _receipt(answer: Answer, said: Mapping[str, str | None], replayed: bool) -> dict[str, Any]:
    receipt: dict[str, Any] = {"status": answer.status, "request_id": _code(answer.headers.get("Request-Id"))}
    receipt |= {name: value for name, value in said.items() if value}
    if replayed:
        receipt["replayed"] = True
    reason = _code(answer.headers.get("Stripe-Rate-Limited-Reason"))
    return receipt | ({"rate_limited": reason} if reason else {})
