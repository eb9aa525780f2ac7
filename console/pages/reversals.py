"""Taking many writes back: from the filter of a list to a plan, its report while it runs, pause, go on, cancel."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from console import asks, problems
from console.api import act, look
from console.pages import forms, jobs
from console.pages.page import Go, Page, Shown, Visit
from console.queries import reversals, writes
from counterfoil.lifecycle import ReplayState, WriteState

#: What narrows a list of writes.
LIST = ("destination", "subject", "event", "since", "until", "q")


def list_reversals(visit: Visit) -> Shown:
    """Every reversal, newest first."""
    ask = forms.said(asks.ReversalsAsk, visit.query)
    data = {"found": reversals.find_page(ask), "ask": ask, "states": list(ReplayState)}
    return Shown("reversals/list.html", "Reversals", data)


def show_reversal(visit: Visit) -> Shown:
    """One reversal: its plan before it starts, its report while it runs."""
    job = look.reversal(visit.one)
    data: dict[str, Any] = {"job": job, "live": jobs.live(job.status)}
    return Shown("reversals/one.html", f"Reversal of {job.plan.get('writes', 0):,} writes", data)


def new(visit: Visit) -> Shown:
    """Which writes fit, before anything is planned."""
    asked = jobs.narrowing(visit.form or visit.query, LIST)
    page = writes.find_page(_confirmed(asked, 50)) if asked else None
    data = {"asked": asked, "writes": page.items if page else [], "more": bool(page and page.next_cursor)}
    return Shown("reversals/new.html", "Take writes back", data)


def plan(visit: Visit) -> Go:
    """Fix and count what the filter finds; nothing moves."""
    ids = named(jobs.narrowing(visit.form, LIST))
    body = {"filter": {"ids": ids}, "reason": visit.form.get("reason", ""), "dry_run": True}
    done = act.plan_reversal(visit.asking(body=forms.checked(asks.ReversalsPlanAsk, body)))
    return Go(f"/reversals/{forms.member(done, 'id')}", "Planned. Nothing has moved; look at what it would do.")


def named(asked: Mapping[str, str]) -> list[UUID]:
    """The confirmed writes that a filter finds. Raises: NotAcceptable."""
    if not asked:
        raise problems.NotAcceptable("name at least one filter: taking everything back is never meant")

    def after(cursor: str | None) -> tuple[list[UUID], str | None]:
        page = writes.find_page(_confirmed(asked, asks.LIMIT_MAX, cursor))
        return [write.id for write in page.items if write.reverses is None], page.next_cursor

    found = jobs.named(after, "writes fit: narrow them down, e.g. by since and until")
    if not found:
        raise problems.NotAcceptable("no confirmed write fits, so there is nothing to take back")
    return found


def _confirmed(asked: Mapping[str, str], limit: int, cursor: str | None = None) -> asks.WritesAsk:
    ask = forms.said(asks.WritesAsk, asked)
    return ask.model_copy(update={"status": WriteState.CONFIRMED, "limit": limit, "cursor": cursor})


_ON = "/reversals/{id}"
PAGES = (
    Page("GET", "/reversals", list_reversals),
    Page("GET", "/reversals/new", new, right="control"),
    Page("POST", "/reversals", plan, right="control", on="/reversals/new"),
    Page("GET", _ON, show_reversal),
    *jobs.steps(
        _ON,
        "control",
        ("start", act.start_reversal, "Started: the newest writes first, each by its own inverse."),
        ("pause", act.pause_reversal, "Paused: what is on its way goes on, nothing more is begun."),
        ("resume", act.resume_reversal, "It goes on where it was."),
        ("cancel", act.cancel_reversal, "Cancelled: what is on its way goes on, the rest stands."),
    ),
)
