"""What changed since somebody looked at an approval or a case: in sentences, and what is written field by field.

Of a look is kept what is needed to tell that something differs (`brief_of_…`); what it said is read where it stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from console.answers import Approval, CaseDetail
from console.fields import Money
from console.pages import beside, render
from console.queries import approvals, looks
from counterfoil import tables
from exceptions_queue import owners


class News(NamedTuple):
    """What is different now, and since when."""

    at: datetime
    sentences: list[str]
    #: Places of what is written, and of the record that stands there.
    fields: Sequence[beside.Field] = ()


def of_approval(
    person: str, asked: Approval, judged: Sequence[tables.Decision], now: datetime, *, may_see: bool
) -> News | None:
    """What changed since this person opened the request last; None: nothing, or they never did."""
    found = looks.look(person, asked.write_id, brief_of_approval(asked, judged), now)
    if found is None:
        return None
    sentences = list(_about_approval(person, asked, judged, found.seen))
    was = approvals.shown_under(asked.write_id, found.seen["digest"]) if may_see else None
    fields = [] if was is None else differing(was, asked.shown)
    return News(found.at, sentences, fields) if sentences or fields else None


def brief_of_approval(asked: Approval, judged: Sequence[tables.Decision]) -> dict[str, Any]:
    """An approval as it is remembered."""
    return {
        "digest": asked.digest,
        "write": asked.write_status,
        "edits": len(asked.edits),
        "votes": {one.person.lower(): one.decision for one in asked.votes},
        "judged": {str(one.id): _answer(one) for one in judged},
    }


def _about_approval(
    person: str, asked: Approval, judged: Sequence[tables.Decision], was: Mapping[str, Any]
) -> Iterator[str]:
    is_new = asked.digest != was["digest"]
    edits = [one for one in asked.edits[was["edits"] :] if str(one.get("by", "")).lower() != person.lower()]
    for one in edits:
        yield f"{owners.called(str(one.get('by', 'Somebody')))} changed what would be done: {one.get('reason', '')}"
    if is_new and asked.rule == "target_changed":
        yield "The record that it would change is not as it was any more, so people are asked again."
    elif is_new and not edits:
        yield "It was planned anew, and people are asked about what it is now."
    if is_new and "approve" in was["votes"].values():
        yield "Every yes that was given before is void: it was to what was shown then."
    for vote in asked.votes:
        known = None if is_new else was["votes"].get(vote.person.lower())
        if vote.person.lower() != person.lower() and vote.decision != known:
            said = "yes" if vote.decision == "approve" else "no"
            yield f"{owners.called(vote.person)} said {said}: {vote.reason}"
    # Somebody without the right to see what was judged is not told of it either, nor remembered as one who saw it.
    for found in judged:
        before, answer = was["judged"].get(str(found.id)), _answer(found)
        if before != answer and was["judged"]:
            then = f"; it was {before}" if before else ""
            yield f"The {render.words(found.question)} of {found.item} is {answer} now{then}."
    yield from _moved("The write", was["write"], asked.write_status)


def _answer(one: tables.Decision) -> str:
    """What was said about an item, and how sure that was."""
    if one.settled_by:
        return f"{render.words(one.settled_label or 'none of these')}, said by {owners.called(one.settled_by)}"
    sure = "" if one.confidence is None else f", {one.confidence * 100:.0f} % sure"
    return render.words(one.label or "undecided") + sure


def differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[beside.Field]:
    """Every place in which what was shown and what is shown are not the same, as a person reads them."""
    return beside.differing_places(*(dict(_told(shown)) for shown in (was, now)))


def _told(shown: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    body, stands = shown.get("body"), shown.get("before") or {}
    if beside.entry(body):
        yield from beside.places("line", shown.get("lines") or [])
    yield from ((one.name, one.will) for one in beside.beyond_lines(body))
    yield from beside.places("at present", stands.get("fields") or {})
    if shown.get("confidence") is not None:
        yield "confidence", f"{float(shown['confidence']) * 100:.0f} %"
    yield "people who must agree", shown.get("people_needed")


def of_case(person: str, case: CaseDetail, blocked: int, now: datetime) -> News | None:
    """What changed since this person opened the case last; None: nothing, or they never did."""
    found = looks.look(person, case.id, brief_of_case(case, blocked), now)
    if found is None:
        return None
    sentences = list(_about_case(person, case, blocked, found.seen))
    return News(found.at, sentences) if sentences else None


def brief_of_case(case: CaseDetail, blocked: int) -> dict[str, Any]:
    """A case as it is remembered."""
    return {
        "status": case.status,
        "count": case.count,
        "blocked": blocked,
        "stake": {one.currency: one.amount_minor for one in case.at_stake},
        "owner": case.owner,
        "has_it": case.acknowledged_by,
        "escalated_to": case.escalated_to,
        "approvals": [str(one.write_id) for one in case.approvals],
        "questions": [str(one.id) for one in case.open_items],
    }


def _about_case(person: str, case: CaseDetail, blocked: int, was: Mapping[str, Any]) -> Iterator[str]:
    if case.count > was["count"]:
        yield f"It grew by {_many(case.count - was['count'], 'event')}, to {case.count:,}."
    if blocked != was["blocked"]:
        yield f"It blocks {_many(blocked, 'event')} now; it was {was['blocked']:,}."
    stake = {one.currency: one.amount_minor for one in case.at_stake}
    if stake != was["stake"]:
        yield f"At stake is {_sums(stake)} now; it was {_sums(was['stake'])}."
    yield from _moved("The case", was["status"], case.status)
    if case.acknowledged_by not in (None, was["has_it"], person):
        yield f"{owners.called(case.acknowledged_by or '')} has it."
    if case.owner != was["owner"]:
        yield f"It belongs to {owners.called(case.owner)} now; it was {owners.called(was['owner'])}."
    if case.escalated_to not in (None, was["escalated_to"]):
        yield f"Nobody answered in time: it went on to {owners.called(case.escalated_to or '')}."
    for name, found, thing in (
        ("approvals", [str(one.write_id) for one in case.approvals], "write"),
        ("questions", [str(one.id) for one in case.open_items], "question"),
    ):
        more = set(found) - set(was[name])
        if more:
            yield f"{_many(len(more), f'more {thing}')} {'waits' if len(more) == 1 else 'wait'} for a person's answer."


def _moved(what: str, was: str, now: str) -> Iterator[str]:
    if was != now:
        yield f"{what} is {render.words(now)} now; it was {render.words(was)}."


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sums(stake: Mapping[str, int]) -> str:
    return (
        ", ".join(render.amount(Money(amount_minor=minor, currency=code)) for code, minor in stake.items())
        or "no amount"
    )
