"""Rules: what is in force and what waits for a second person; a new one, looked at before it is proposed."""

from collections.abc import Mapping
from typing import Any

from console import answers, asks, fixing
from console.access import reveals
from console.api import fix
from console.pages import forms, rules_form
from console.pages.page import Go, Page, Shown, Visit
from console.queries import fixes, members
from counterfoil import database
from counterfoil.lifecycle import FixState

#: Rows shown of what a rule would not clear, and would change; the numbers count all.
ROWS_SHOWN = 25


def list_rules(visit: Visit) -> Shown:
    """Every rule, newest first."""
    ask = forms.said(asks.FixesAsk, visit.query)
    data = {"found": fixes.find_page(ask), "ask": ask, "states": list(FixState), "titled": _titled}
    return Shown("rules/list.html", "Rules", data)


def show_rule(visit: Visit) -> Shown:
    """One rule; `now` looks again at what it would do."""
    rule = fix.fix(visit.one)
    author = rule.author.casefold() == visit.person.name.casefold()
    again = visit.query.get("now") and rule.status is not FixState.WITHDRAWN and visit.person.may("act")
    data: dict[str, Any] = {
        "rule": rule,
        "is_author": author,
        "words_of": fixes.said,
        "summary": fixing.summary(rule.preview) if rule.preview else None,
        "seen": _preview(_asked(rule)) if again else None,
        "rows": ROWS_SHOWN,
    }
    return Shown("rules/one.html", _titled(rule), data)


def _titled(rule: answers.Fix) -> str:
    title = rules_form.title(rule.when, rule.set)
    return title[0].upper() + title[1:]


def _asked(rule: answers.Fix) -> dict[str, Any]:
    return {"source": rule.source, "types": rule.types, "when": rule.when, "set": rule.set}


def _preview(content: Mapping[str, Any]) -> answers.FixPreview:
    return fixing.preview(forms.checked(asks.FixContent, content))


def new_rule(visit: Visit) -> Shown:
    """The form; from an event and a place of it, with what they suggest."""
    return _form(visit, visit.form or _suggested(visit))


def _form(visit: Visit, fields: Mapping[str, str], seen: answers.FixPreview | None = None) -> Shown:
    shape = visit.query.get("shape") or fields.get("shape", "category")
    with database.transaction() as conn:
        sources = sorted(fixing.sources(conn))
    data = {
        "fields": fields,
        "shape": shape if shape in rules_form.SHAPES else "other",
        "sources": sources,
        "choices": rules_form.CHOICES,
        "seen": seen,
        "rows": ROWS_SHOWN,
    }
    return Shown("rules/new.html", "New rule", data)


def _suggested(visit: Visit) -> dict[str, str]:
    """Only for who may see the payload that it comes from; kept, as any look at it."""
    event_id = rules_form.event_id(visit.query.get("event", ""))
    member = members.find(event_id) if event_id else None
    if event_id is None or member is None:
        return {}
    found = member.event
    if not visit.person.may("reveal", found.source, found.handler):
        return {"source": found.source, "types": found.type}
    reveals.record(visit.person.name, f"events:{event_id}", "to make a rule of it")
    place, value = visit.query.get("path", ""), visit.query.get("value", "")
    return rules_form.suggested(found.source, found.type, members.payload(event_id) or "", place, value)


def make_rule(visit: Visit) -> Shown | Go:
    """First what it would do, then the proposal."""
    content = rules_form.content(visit.form)
    if visit.form.get("do") != "propose":
        return _form(visit, visit.form, _preview(content))
    ask = forms.checked(asks.FixAsk, {**content, "reason": visit.form.get("reason", "")})
    made = fix.propose(visit.asking(body=ask))
    return Go(
        f"/rules/{forms.member(made, 'id')}", "Proposed. Somebody else has to approve it before it does anything."
    )


def approve(visit: Visit) -> Go:
    """Yes to somebody else's rule."""
    ask = forms.said(asks.FixApproveAsk, visit.form)
    done = fix.approve(visit.asking(body=ask))
    if forms.member(done, "replay_id"):
        return Go(f"/replays/{forms.member(done, 'replay_id')}", "The rule is active; what it clears runs again.")
    return Go(f"/rules/{visit.one}", "The rule is active from now on.")


_ON = "/rules/{id}"
_WITHDRAWN = "Withdrawn. What was written by it stands."
PAGES = (
    Page("GET", "/rules", list_rules),
    Page("GET", "/rules/new", new_rule, right="act"),
    Page("POST", "/rules/new", make_rule, right="act", on="/rules/new"),
    Page("GET", _ON, show_rule),
    Page("POST", f"{_ON}/approve", approve, right="approve", on=_ON),
    Page("POST", f"{_ON}/withdraw", forms.sends(fix.withdraw, _ON, _WITHDRAWN), right="act", on=_ON),
)
