"""Acting on many cases: first what it would come to and what is left out, then one after the other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from console import asks, idempotency, problems
from console.answers import Case
from console.api import act
from console.api.route import Asking, Reply
from console.fields import Money
from console.pages import forms
from console.pages.page import Go, Shown, Visit
from console.queries import cases, members
from counterfoil import clock, database, tables
from counterfoil.lifecycle import CASE_LIVE, CaseState

#: As many as a person can look through; more is a replay by filter.
CASES_MAX = 200
#: They are named one by one in the replay that is made of them.
EVENTS_MAX = 1000
VERBS = {"acknowledge": "Acknowledge", "assign": "Assign", "replay": "Replay"}


class Plan(NamedTuple):
    """What acting on a selection would come to."""

    takes: list[Case]
    skips: list[tuple[Case, str]]
    money: list[Money]
    events: int


def act_on_many(visit: Visit) -> Shown | Go:
    """The plan; or, once it was seen, the act itself."""
    verb, chosen = visit.form.get("verb", ""), _ids(visit.many.get("case", []))
    if verb not in VERBS:
        raise problems.NotAsked("choose what to do with them", [problems.Fault(field="verb", detail="not known")])
    if not chosen:
        raise problems.NotAsked("choose at least one case", [problems.Fault(field="case", detail="none is chosen")])
    to = visit.form.get("to", "") if verb == "assign" else ""
    plan = planned(visit, verb, chosen, to)
    if visit.form.get("do") != "go":
        return Shown(
            "cases/many.html",
            f"{VERBS[verb]} {len(plan.takes)} cases",
            {"plan": plan, "verb": verb, "label": VERBS[verb], "to": to},
        )
    return _replay(visit, plan) if verb == "replay" else _each(visit, verb, plan)


def planned(visit: Visit, verb: str, chosen: list[UUID], to: str) -> Plan:
    """Which cases are taken, which are left out and why, and the money in those that are taken."""
    takes: list[Case] = []
    skips: list[tuple[Case, str]] = []
    for case in _read(chosen):
        why = _why_not(visit, verb, case, to)
        if why:
            skips.append((case, why))
        else:
            takes.append(case)
    money: dict[str, int] = {}
    for one in (amount for case in takes for amount in case.at_stake):
        money[one.currency] = money.get(one.currency, 0) + one.amount_minor
    events = len(members.blocked_events([case.id for case in takes], EVENTS_MAX + 1)) if verb == "replay" else 0
    return Plan(takes, skips, [Money(amount_minor=sum, currency=code) for code, sum in sorted(money.items())], events)


def _why_not(visit: Visit, verb: str, case: Case, to: str) -> str:
    if case.status not in CASE_LIVE:
        return f"it is {case.status} already"
    if not visit.person.may("act", case.source, case.handler):
        return "you may not act on this source and handler"
    if verb == "acknowledge" and case.status == CaseState.ACKNOWLEDGED:
        return f"{case.acknowledged_by} has it already"
    if verb == "assign" and case.owner == to:
        return f"{to} owns it already"
    return ""


def _read(ids: list[UUID]) -> list[Case]:
    with Session(database.engine()) as session:
        rows = session.exec(
            select(tables.Case).where(col(tables.Case.id).in_(ids)).order_by(col(tables.Case.id).desc())
        ).all()
        return cases.shown(session, rows)


def _ids(texts: list[str]) -> list[UUID]:
    try:
        found = list(dict.fromkeys(UUID(text) for text in texts))
    except ValueError:
        raise problems.NotAsked("one of the cases is none") from None
    if len(found) > CASES_MAX:
        raise problems.NotAcceptable(f"at most {CASES_MAX} at once: narrow the list, or replay by filter")
    return found


def _each(visit: Visit, verb: str, plan: Plan) -> Go:
    """Each in its own transaction under its own key: what was done stays done when a later one is refused."""
    call: Callable[[Asking], Reply] = act.assign if verb == "assign" else act.acknowledge
    body = forms.said(asks.AssignAsk if verb == "assign" else asks.Change, visit.form)
    done, refused = 0, list[str]()
    for case in plan.takes:
        key = f"{case.id}/{visit.form.get('key', '')}"[: idempotency.KEY_MAX]
        try:
            call(visit.asking(body=body)._replace(id=case.id, idempotency_key=key))
            done += 1
        except problems.Problem as problem:
            refused.append(problem.detail)
    said = f"{done} done." + (f" {len(plan.skips)} left out." if plan.skips else "")
    return Go("/cases", said + (f" {len(refused)} refused: {refused[0]}" if refused else ""))


def _replay(visit: Visit, plan: Plan) -> Go:
    """One planned job over the events that these cases block; it is started on its own page."""
    if plan.events > EVENTS_MAX:
        raise problems.NotAcceptable(f"they block more than {EVENTS_MAX:,} events: replay them by filter")
    ids = members.blocked_events([case.id for case in plan.takes], EVENTS_MAX)
    if not ids:
        raise problems.Conflict("these cases block no event any more")
    why = forms.said(asks.Change, visit.form).reason
    ask = asks.ReplaysPlanAsk.model_validate({"filter": {"ids": ids}, "reason": why, "dry_run": True})
    job = act.plan_replay(visit.asking(body=ask))
    return Go(f"/replays/{forms.member(job, 'id')}", "Planned. Look at it, then start it.")


def hours_from(now: datetime, hours: int) -> str:
    """A moment so many hours ahead, as people send it."""
    return str(clock.rfc3339(now + timedelta(hours=hours)))
