"""What each of HubSpot's answers means: one table, read from the top, and closed by default.

What no row names is `unknown`, for it was sent, and `refused` when the status says that the request is at fault. Every
member of an error may be absent, so a row asks for what it needs and the ones below it for less.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from destinations.http import Answer, Failed, NoAnswer, NotConfigured, ReadOnly
from destinations.remote import Meaning, Sent

#: What of an answer may be quoted: HubSpot's own codes and the names of properties; messages hold what people wrote.
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_ID = re.compile(r"[0-9]{1,20}")
_CORRELATION = re.compile(r"[0-9A-Za-z-]{1,64}")
#: The only place where HubSpot tells which record is in the way.
_EXISTING = re.compile(r"Existing ID: ([0-9]{1,20})\b")

#: A ten-second window is over after ten seconds.
WINDOW_SECONDS = 10.0
#: HubSpot asks for at least two while a record is locked.
LOCKED_SECONDS = 5.0
#: An account that moves to another data centre says itself how long; this when it does not, and the most we believe.
MOVING_SECONDS = 60.0
MOVING_SECONDS_MAX = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of answer. Empty `statuses`: a row of a 207, which has a category and no status."""

    statuses: tuple[int, ...]
    category: str | None
    policy: str | None
    meaning: Meaning
    sentence: str
    after: float | Literal["midnight", "header"] | None = None
    down: bool = False


_CREDENTIAL = "the token (HUBSPOT_ACCESS_TOKEN, for reading HUBSPOT_READ_ACCESS_TOKEN)"
_BUSY = "HubSpot or the network before it failed in the middle"
_WINDOW = "the account's limit for ten seconds is used up"

ROWS: tuple[Row, ...] = (
    Row((401,), None, None, "retry", f"HubSpot does not accept {_CREDENTIAL}", down=True),
    Row((403,), "MISSING_SCOPES", None, "retry", f"{_CREDENTIAL} lacks a scope", down=True),
    Row((403,), None, None, "retry", f"HubSpot does not let {_CREDENTIAL} in", down=True),
    Row((404,), None, None, "refused", "HubSpot has no such record"),
    Row((409,), None, None, "refused", "it contradicts another record"),
    Row((423,), None, None, "retry", "the record is locked by other writes", after=LOCKED_SECONDS),
    Row((429,), None, "DAILY", "retry", "the account's limit for the day is used up", after="midnight", down=True),
    Row((429,), None, None, "retry", _WINDOW, after=WINDOW_SECONDS),
    Row((477,), None, None, "retry", "the account is being moved to another data centre", after="header", down=True),
    # The request may have been on its way when its time was up.
    Row((408, 499), None, None, "unknown", "HubSpot did not wait for the end of the request"),
    Row((500, 502, 503, 504, 520, 521, 522, 523, 524), None, None, "unknown", _BUSY, down=True),
    Row((), "VALIDATION_ERROR", None, "refused", "HubSpot does not take these values"),
    Row((), "CONFLICT", None, "refused", "it contradicts another record"),
    Row((), "OBJECT_NOT_FOUND", None, "refused", "HubSpot has no such record"),
    Row((), "RATE_LIMITS", None, "retry", _WINDOW, after=WINDOW_SECONDS),
)
_OTHER_REFUSAL = Row((), None, None, "refused", "HubSpot does not take the request")
_OTHER_FAILURE = Row((), None, None, "unknown", _BUSY, down=True)
_NOT_UNDERSTOOD = Row((), None, None, "unknown", "the answer is not what HubSpot answers to this request")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means, before anybody asked further."""

    row: Row
    #: The answer in a sentence, without anything a person wrote.
    detail: str
    after: float | Literal["midnight"] | None = None
    #: The record in the way, if a conflict names one.
    existing_id: str | None = None

    @property
    def meaning(self) -> Meaning:
        return self.row.meaning


#: A read that was answered, without a word about what was asked for.
NOTHING_TOLD = Verdict(_NOT_UNDERSTOOD, "the answer says nothing of what was asked for")


class NotRead(NoAnswer):
    """A read was answered, but not with what was asked for."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.down = verdict.row.down
        super().__init__(verdict.detail)


def classify(answer: Answer) -> Verdict:
    """What an answer means that does not hold what was asked for."""
    category, policy = answer.member("category"), answer.member("policyName")
    row = _row_of(answer.status, category, policy)
    codes = [code for code in (category, policy) if isinstance(code, str) and _CODE.fullmatch(code)]
    told = f"{row.sentence} ({' '.join([str(answer.status), *codes])}){_properties_in(answer.body)}"
    after = _seconds(answer.headers.get("retry-after")) if row.after == "header" else row.after
    return Verdict(row, told, after, existing_in(answer.body))


def classify_row(error: Any) -> Verdict:
    """What one error inside a 207 means."""
    category = error.get("category") if isinstance(error, dict) else None
    row = next((row for row in ROWS if not row.statuses and row.category == category), _NOT_UNDERSTOOD)
    code = category if isinstance(category, str) and _CODE.fullmatch(category) else "no category"
    after = row.after if isinstance(row.after, float) else None
    return Verdict(row, f"{row.sentence} (207 {code}){_properties_in(error)}", after, existing_in(error))


def not_understood(answer: Answer) -> Verdict:
    """A success without the members that prove it."""
    return Verdict(_NOT_UNDERSTOOD, f"{_NOT_UNDERSTOOD.sentence} ({answer.status})")


def of_failure(failed: Failed) -> Sent:
    """A write that has no answer."""
    if isinstance(failed, ReadOnly):
        return Sent("refused", str(failed))
    if isinstance(failed, NoAnswer):
        return Sent("unknown", f"HubSpot did not answer: {failed}", down=True)
    prefix = "" if isinstance(failed, NotConfigured) else "HubSpot could not be reached: "
    return Sent("retry", f"{prefix}{failed}", down=True)


def before_writing(failed: Failed) -> Sent:
    """A read that a write needs first failed: nothing was written."""
    if isinstance(failed, NotRead):
        after = failed.verdict.after
        return Sent("retry", f"not sent: {failed}", after_seconds=after if isinstance(after, float) else None,
                    down=is_down(failed))  # fmt: skip
    return Sent("retry", f"not sent: {failed}", down=True)


def is_down(failed: Failed) -> bool:
    """Whether a failed read says that HubSpot as a whole does not answer."""
    return failed.verdict.row.down if isinstance(failed, NotRead) else True


def receipt(answer: Answer, **members: Any) -> dict[str, Any]:
    """What is kept of an answer: nothing that a person wrote."""
    kept: dict[str, Any] = {"http_status": answer.status, **members}
    correlation = answer.headers.get("x-hubspot-correlation-id") or answer.member("correlationId")
    if isinstance(correlation, str) and _CORRELATION.fullmatch(correlation):
        kept["correlation_id"] = correlation
    return kept


def record_id(value: Any) -> str | None:
    """An id as HubSpot writes ids; None if it is none."""
    return value if isinstance(value, str) and value.isascii() and _ID.fullmatch(value) else None


def existing_in(error: Any) -> str | None:
    """The id that a conflict names; a claim, to be verified by a read."""
    message = error.get("message") if isinstance(error, Mapping) else None
    found = _EXISTING.findall(message) if isinstance(message, str) else []
    return found[0] if len(set(found)) == 1 else None


def _row_of(status: int, category: Any, policy: Any) -> Row:
    for row in ROWS:
        if status in row.statuses and row.category in (None, category) and row.policy in (None, policy):
            return row
    if 400 <= status < 500:
        return _OTHER_REFUSAL
    return _OTHER_FAILURE if status >= 500 else _NOT_UNDERSTOOD


def _properties_in(error: Any) -> str:
    """Which properties an error names; their values are nobody's business here."""
    details = error.get("errors") if isinstance(error, Mapping) else None
    names: set[str] = set()
    for each in details if isinstance(details, list) else []:
        context = each.get("context") if isinstance(each, dict) else None
        if isinstance(context, dict):
            listed = [*_texts(context.get("propertyName")), *_texts(context.get("properties"))]
            names |= {name for name in listed if _NAME.fullmatch(name)}
    return f", because of {', '.join(sorted(names))}" if names else ""


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _seconds(text: str | None) -> float:
    if text is None or not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        return MOVING_SECONDS
    return min(float(text), MOVING_SECONDS_MAX)
