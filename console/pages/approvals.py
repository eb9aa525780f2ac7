"""Approvals: what waits for a yes, and one request with everything that a person needs to say yes or no."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from console import asks, controlling, problems
from console.access import reveals
from console.answers import Approval
from console.api import act, look
from console.pages import beside, forms, render, since, wording
from console.pages.page import Go, Page, Shown, Visit
from console.queries import approvals, members
from console.searching import amounts
from console.trying import well_formed
from counterfoil.tables import Decision
from exceptions_queue.policy import policy


def list_approvals(visit: Visit) -> Shown:
    """Open requests, newest first."""
    ask = forms.said(asks.ApprovalsAsk, visit.query)
    data = {
        "found": approvals.find_page(ask),
        "ask": ask,
        "destinations": sorted(controlling.known("destination")),
        "handlers": sorted(controlling.known("handler")),
        "rules": [rule.name for rule in policy().rule],
    }
    return Shown("approvals/list.html", "Approvals", data)


def show_approval(visit: Visit) -> Shown:
    """One request: exactly what is shown here is what an approval is bound to."""
    asked = look.approval(visit.one)
    source = members.source_of(asked.event_id)
    may_see = visit.person.may("reveal", source, asked.handler)
    if may_see:
        reveals.record(visit.person.name, f"writes:{visit.one}", "to decide about it")
    judged = members.decisions(asked.event_id) if may_see else []
    is_open = asked.status == "open" and asked.expires_at > visit.now
    return Shown(
        "approvals/one.html",
        render.words(asked.title),
        {
            "asked": asked,
            "may_see": may_see,
            "news": since.of_approval(visit.person.name, asked, judged, visit.now, may_see=may_see),
            "fields": _fields(asked) if may_see else [],
            "judged": _judged(judged),
            "evidence": _evidence(asked.shown) if may_see else [],
            "is_open": is_open,
            "action": render.legible(visit.form.get("action", "")) or render.document(asked.shown.get("body")),
            "may_decide": is_open and visit.person.may("approve", source, asked.handler),
            "is_mine": is_open and approvals.is_of(visit.one, visit.person.name),
            "answered_by_me": any(one.person.lower() == visit.person.name.lower() for one in asked.votes),
        },
    )


def _fields(asked: Approval) -> list[beside.Field]:
    before = asked.shown.get("before") or {}
    return beside.beyond_lines(asked.shown.get("body"), before.get("fields"))


def _judged(found: Sequence[Decision]) -> list[dict[str, Any]]:
    """What a judge or a person said about its event, with the words that spoke for it, and how often that was right."""
    measured = {name: members.reliability(name) for name in {one.question for one in found}}
    return [
        {
            "decision": one,
            "texts": [
                (name, wording.pieces(str(value), [span for span in one.evidence if span.get("field") == name]))
                for name, value in (one.fields or {}).items()
                if value not in (None, "")
            ],
            "meaning": wording.how_often_right(one.confidence, measured[one.question]),
        }
        for one in found
    ]


def _evidence(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the handler says speaks for it; edits are told apart."""
    return [
        (name, value if isinstance(value, str) else _text(value))
        for name, value in (shown.get("evidence") or {}).items()
        if name not in ("edits", "confidence")
    ]


def _text(value: Any) -> str:
    """A list as words, anything deeper as JSON."""
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        return ", ".join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def approve(visit: Visit) -> Go:
    """Yes to the digest of what was shown."""
    done = act.approve(visit.asking(body=forms.said(asks.ApproveAsk, visit.form)))
    enough = forms.member(done, "status") != "open"
    said = "Approved; it is sent now." if enough else "Your yes is counted; another person has to approve it too."
    return Go(f"/approvals/{visit.one}", said)


def reject(visit: Visit) -> Go:
    """No: neither this nor the rest of its plan is made."""
    act.reject(visit.asking(body=forms.said(asks.Change, visit.form)))
    return Go(f"/approvals/{visit.one}", "Rejected; nothing of its plan is made.")


def edit(visit: Visit) -> Go:
    """Another action in its place, which somebody else approves."""
    text = visit.form.get("action", "")
    well_formed(text)
    fields: dict[str, Any] = {"body": json.loads(text), "reason": visit.form.get("reason", "")}
    amount, currency = visit.form.get("amount", "").strip(), visit.form.get("currency", "").strip()
    if amount:
        try:
            fields["amount"] = {"amount_minor": amounts.minor(amount, currency), "currency": currency.upper()}
        except ValueError as wrong:
            raise problems.NotAsked(str(wrong), [problems.Fault(field="amount", detail=str(wrong))]) from None
    act.edit_write(visit.asking(body=forms.checked(asks.ActionAsk, fields)))
    return Go(f"/approvals/{visit.one}", "Changed. Another person has to approve it now.")


_ON = "/approvals/{id}"
PAGES = (
    Page("GET", "/approvals", list_approvals),
    Page("GET", _ON, show_approval),
    Page("POST", f"{_ON}/approve", approve, right="approve", on=_ON),
    Page("POST", f"{_ON}/reject", reject, right="approve", on=_ON),
    Page("POST", f"{_ON}/edit", edit, right="approve", on=_ON),
)
