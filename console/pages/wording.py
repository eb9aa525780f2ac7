"""Sentences: what happened in a case, how sure a judge was and how often that was right, where evidence stands."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from console.answers import Case, Reliability

_HAPPENED: Final[Mapping[str, str]] = {
    "contract_violation": "{things} did not keep {their} contract, so nothing was written for {them}.",
    "contract_unknown": "{things} came in a shape or API version that no contract covers.",
    "identity_conflict": "{things} arrived again under the same identity, but with other content.",
    "wrong_account": "{things} came from a mode or account that this source does not expect.",
    "context_missing": "{things} needed a record that does not exist, or of which there are several.",
    "low_confidence": "{things} held something that could not be classified with enough confidence.",
    "model_output_invalid": "{things} got an answer from the model that cannot be used.",
    "model_unavailable": "{things} could not be judged, because no model could be asked.",
    "out_of_bounds": "{things} led to a plan outside its limits, so it was held.",
    "approval_needed": "{things} led to a write that waits for somebody's yes.",
    "write_refused": "{things} led to a write that {destination} refused.",
    "write_in_doubt": "{things} led to a write of which nobody knows whether it arrived at {destination}.",
    "write_not_applied": "{things} led to a write that {destination} accepted and did not keep.",
    "destination_unavailable": "{destination} could not be reached, and {things} had to wait.",
    "handler_bug": "{things} made the handler {handler} fail unexpectedly.",
    "run_stuck": "{things} did not come to {their} end within {their} limits.",
}


#: A record of HubSpot: portal, type of object, id.
_RECORD = re.compile(r"(?:[\w.-]+:)?\d+:(0-\d+|[a-z]+):(\d+)")
_RECORDS: Final = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket", "0-7": "product"}
#: What the ids of Stripe begin with.
_OBJECTS: Final[Mapping[str, str]] = {
    "in": "invoice",
    "cus": "customer",
    "sub": "subscription",
    "ch": "charge",
    "py": "payment",
    "pi": "payment",
    "po": "payout",
    "re": "refund",
    "pyr": "refund",
    "du": "dispute",
    "dp": "dispute",
    "cn": "credit note",
    "cs": "checkout",
    "prod": "product",
    "pm": "payment method",
}


def happened(case: Case, detail: Mapping[str, Any]) -> str:
    """One sentence about a case."""
    if case.count == 0 or case.failure_class not in _HAPPENED:
        return f"{case.title}."
    one = case.count == 1
    kind = detail.get("type")
    things = f"{case.count:,} {f'{kind} ' if isinstance(kind, str) else ''}event{'' if one else 's'}"
    sentence = _HAPPENED[case.failure_class].format(
        things=f"{things} from {case.source}" if case.source else things,
        their="its" if one else "their",
        them="it" if one else "them",
        destination=case.destination or "the destination",
        handler=case.handler or "of it",
    )
    return sentence[0].upper() + sentence[1:]


#: What a message to an owner says, by its kind.
_TELLING: Final[Mapping[str, str]] = {
    "opened": "a new case",
    "grew": "it has grown",
    "assigned": "it is theirs now",
    "woken": "it is awake again",
    "lapsed": "it is still open",
    "escalated": "nobody has answered",
}


#: What browsers and systems say of themselves, the one that others claim to be as well last.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """`Firefox on Windows`, as far as a browser says it; what is none of these says itself."""
    name = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    if name is None:
        return agent[:80] or "not said"
    return f"{name} on {system}" if system else name


def telling(kind: str) -> str:
    """What somebody was told."""
    return _TELLING.get(kind, kind.replace("_", " "))


def thing(subject: str) -> str:
    """What a subject is, and its id: `stripe:in_123` is `invoice in_123`; what is not known stays as it is."""
    record = _RECORD.fullmatch(subject)
    if record and (record[1].isalpha() or record[1] in _RECORDS):
        return f"{_RECORDS.get(record[1], record[1])} {record[2]}"
    id = subject.rpartition(":")[2]
    kind = _OBJECTS.get(id.partition("_")[0]) if "_" in id else None
    return f"{kind} {id}" if kind else subject


def how_often_right(confidence: float | None, measured: Sequence[Reliability]) -> str:
    """What a confidence is worth, by what people said about answers that were about as sure."""
    if confidence is None:
        return ""
    alike = [one for one in measured if one.count]
    if not alike:
        return "Nobody has measured yet how often answers that sure are right."
    nearest = min(alike, key=lambda one: abs(one.confidence - confidence))
    right = round(nearest.accuracy * nearest.count)
    return f"Of {nearest.count} measured answers about as sure, {right} were right."


def pieces(text: str, spans: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """The text in pieces, those that are evidence marked; spans that do not fit the text are left out."""
    marked = sorted(
        (span["start"], span["end"])
        for span in spans
        if isinstance(span.get("start"), int)
        and isinstance(span.get("end"), int)
        and 0 <= span["start"] < span["end"] <= len(text)
    )
    found: list[tuple[str, bool]] = []
    at = 0
    for start, end in marked:
        if start < at:
            continue
        if start > at:
            found.append((text[at:start], False))
        found.append((text[start:end], True))
        at = end
    return [*found, (text[at:], False)] if at < len(text) else found
