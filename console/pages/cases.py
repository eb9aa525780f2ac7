"""Cases: the list, one case with everything about it and everything that can be done, and acting on many."""

import re
from typing import Any
from uuid import UUID

import msgspec

from console import asks, fields, masking, problems, trying
from console.access import reveals
from console.answers import CaseDetail, CaseMember, ClassificationDetail, Difference
from console.api import act, judge, look
from console.pages import cases_many, forms, render, since, wording
from console.pages.cases_doing import actions_of
from console.pages.page import Go, Page, Shown, Visit
from console.queries import cases, learning, members
from counterfoil import database
from exceptions_queue import failures, owners

#: Events shown with a case; the rest is a list of its own.
MEMBERS_SHOWN = 25
#: Earlier answers shown with each question.
PRECEDENTS_SHOWN = 3
#: The newest entries of its audit; the audit page has all.
HISTORY_SHOWN = 40
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def list_cases(visit: Visit) -> Shown:
    """Cases by state, class and owner; those that are open when nothing else is asked."""
    asked = {"status": "open", **visit.query}
    ask = forms.said(asks.CasesAsk, asked)
    return Shown(
        "cases/list.html",
        "Cases",
        {
            "found": cases.find_page(ask),
            "ask": ask,
            "status": asked["status"],
            "classes": sorted((code, one.title) for code, one in failures.CATALOGUE.items()),
            "people": _people(),
        },
    )


def show_case(visit: Visit) -> Shown:
    """One case. `event` chooses which of its events is shown, `edit` opens its payload, `try` runs it dry."""
    return _shown(visit, look.case(visit.one, brief=MEMBERS_SHOWN))


def _shown(visit: Visit, case: CaseDetail, **more: Any) -> Shown:
    chosen = _chosen(visit, case)
    may = visit.person.may
    reveal = may("reveal", case.source, case.handler)
    known = failures.find(case.failure_class)
    blocked = members.blocked(case.id)
    data: dict[str, Any] = {
        "case": case,
        "news": since.of_case(visit.person.name, case, blocked, visit.now),
        "sentence": wording.happened(case, case.detail),
        "by_itself": known.by_itself if known else "",
        "chosen": chosen,
        "member": members.find(chosen.event_id) if chosen else None,
        "members": case.members[:MEMBERS_SHOWN],
        "blocked": blocked,
        "history": [(fields.moment(one.at), one) for one in members.history(case.id, HISTORY_SHOWN)],
        "actions": actions_of(case, blocked, visit),
        "people": _people(),
        "items": _items(visit, case) if reveal else [],
        "may_see": reveal,
        "difference": None,
        "editing": None,
        "tried": None,
    }
    if may("act", case.source, case.handler) and chosen:
        if visit.query.get("try"):
            data["difference"] = _dry_run(visit, chosen)
        if reveal and (visit.query.get("edit") or "payload" in visit.form):
            data["editing"] = _editing(visit, chosen)
    return Shown("cases/one.html", render.words(case.title).replace("+", ", "), data | more)


def _chosen(visit: Visit, case: CaseDetail) -> CaseMember | None:
    """The event that is asked for, else the newest that it blocks, else the newest."""
    said = visit.form.get("event_id") or visit.query.get("event") or visit.query.get("edit") or ""
    found = next((one for one in case.members if str(one.event_id) == said), None)
    if found is None and _ID.fullmatch(said):
        found = cases.member(case.id, UUID(said))
    found = found or next((one for one in case.members if one.cleared_at is None), None)
    if found is None and case.count > len(case.members):
        found = cases.first_blocked(case.id)
    return found or next(iter(case.members), None)


def _dry_run(visit: Visit, chosen: CaseMember) -> Any:
    """The real steps over one event, taken back; nobody is asked outside. Personal data is hidden."""
    asking = visit.asking(body=asks.ReplayAsk.model_validate({"dry_run": True}))
    found = act.replay_event(asking._replace(id=chosen.event_id, idempotency_key=None))
    assert isinstance(found, Difference), "Bug: a dry run that is none"
    return masking.masked(found.model_dump(mode="json"))


def _editing(visit: Visit, chosen: CaseMember) -> str:
    """The payload to correct: as somebody typed it, else as it stands, which is remembered as a look at it."""
    if "payload" in visit.form:
        return render.legible(visit.form["payload"])
    reveals.record(visit.person.name, f"events:{chosen.event_id}", "to correct it")
    return render.legible(_indented(members.payload(chosen.event_id) or ""))


def _indented(text: str) -> str:
    """The same JSON, to the last digit, on lines that a person can find their way in."""
    try:
        return msgspec.json.format(text.encode(), indent=2).decode()
    except (msgspec.DecodeError, UnicodeError):
        return text


def _items(visit: Visit, case: CaseDetail) -> list[dict[str, Any]]:
    """What people are asked about its events, with the words that speak for the suggestion."""
    if case.open_items:
        reveals.record(visit.person.name, f"cases:{case.id}", "to classify what is in it")
    measured = {name: members.reliability(name) for name in {one.question for one in case.open_items}}
    shown = case.open_items[:MEMBERS_SHOWN]
    with database.transaction() as conn:
        alike = {one.id: learning.precedents(conn, one.precedents[:PRECEDENTS_SHOWN]) for one in shown}
    return [
        {
            "asked": one,
            "texts": _texts(one),
            "alike": alike[one.id],
            "meaning": wording.how_often_right(one.confidence, measured[one.question]),
        }
        for one in shown
    ]


def _texts(one: ClassificationDetail) -> list[tuple[str, list[tuple[str, bool]]]]:
    return [
        (name, wording.pieces(str(value), [span for span in one.evidence if span.get("field") == name]))
        for name, value in (one.fields or {}).items()
        if value not in (None, "")
    ]


def _people() -> list[tuple[str, str]]:
    return sorted((name, person.name) for name, person in owners.roster().people.items())


def edit(visit: Visit) -> Shown | Go:
    """A corrected copy: first what it would come to, then for good."""
    ask = forms.said(asks.EditAsk, visit.form)
    case = look.case(visit.one, brief=MEMBERS_SHOWN)
    if not visit.person.may("reveal", case.source, case.handler):
        raise problems.NotAllowed("a payload is corrected by people who may see it")
    trying.well_formed(ask.payload)
    if visit.form.get("do") == "try":
        if ask.event_id is None:
            raise problems.NotAsked("name the event whose payload it is")
        tried = trying.edit(visit.person.name, visit.one, ask)
        return _shown(visit, case, tried=tried)
    act.edit(visit.asking(body=ask))
    return Go(f"/cases/{visit.one}", "Corrected. The event runs again with your copy; the original stays.")


def answer(visit: Visit) -> Go:
    """What an item is, said by a person; only about what this case asks."""
    open_ones = {str(one.id) for one in look.case(visit.one).open_items}
    if visit.form.get("decision") not in open_ones:
        raise problems.Conflict("this was answered already, or is asked no longer: look at the case again")
    label = visit.form.get("label")
    if not label:
        raise problems.NotAsked("choose an answer", [problems.Fault(field="label", detail="nothing is chosen")])
    # An answer that none of the labels fits is one too; JSON has null for it.
    said = asks.CorrectAsk.model_validate(
        {"label": None if label == "(none)" else label, "reason": forms.said(asks.Change, visit.form).reason}
    )
    done = judge.correct(visit.asking(body=said)._replace(id=UUID(visit.form["decision"])))
    goes_on = forms.member(done, "event_due")
    return Go(f"/cases/{visit.one}", "Answered; the event goes on." if goes_on else "Answered and kept.")


def snooze(visit: Visit) -> Go:
    """Sleep for a number of hours."""
    hours = visit.form.get("hours", "")
    if not hours.isdecimal() or len(hours) > 4:
        raise problems.NotAsked("say for how many hours", [problems.Fault(field="hours", detail="not a number")])
    until = cases_many.hours_from(visit.now, int(hours))
    act.snooze(visit.asking(body=forms.said(asks.SnoozeAsk, visit.form, until=until)))
    return Go(forms.back(visit.form, f"/cases/{visit.one}"), f"Asleep for {hours} hours; then it is open again.")


def replay(visit: Visit) -> Go:
    """Every blocked event of it, as one job."""
    done = act.replay_case(visit.asking(body=forms.said(asks.CaseReplayAsk, visit.form)))
    return Go(f"/replays/{forms.member(done, 'id')}", "The events are on their way again.")


_ON = "/cases/{id}"
PAGES = (
    Page("GET", "/cases", list_cases),
    Page("GET", _ON, show_case),
    Page("POST", "/cases/many", cases_many.act_on_many, right="act", on="/cases"),
    *(
        Page("POST", f"{_ON}/{verb}", call, right="act", on=_ON)
        for verb, call in (
            ("acknowledge", forms.sends(act.acknowledge, _ON, "Acknowledged: it is yours now.")),
            ("assign", forms.sends(act.assign, _ON, "Assigned; the new owner is told.", asks.AssignAsk)),
            ("resolve", forms.sends(act.resolve, _ON, "Resolved.")),
            ("dismiss", forms.sends(act.dismiss, _ON, "Dismissed; what it blocked is ignored, with your reason.")),
            (
                "accept",
                forms.sends(act.accept, _ON, "The newer content counts; the first stays as received.", asks.AcceptAsk),
            ),
            ("snooze", snooze),
            ("edit", edit),
            ("replay", replay),
        )
    ),
    Page("POST", f"{_ON}/answer", answer, right="judge", on=_ON),
)
