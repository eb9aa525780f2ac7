"""Replays of many: what is under way, a new one from a filter with its plan first, start, pause, go on, cancel."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from console import asks, problems
from console.api import act, look
from console.pages import forms, jobs
from console.pages.page import Go, Page, Shown, Visit
from console.queries import events, filters, replays
from console.searching import Span, Wanted
from counterfoil.clock import rfc3339
from counterfoil.lifecycle import ReplayState

#: Fields that a replay's filter has too, as its members are called.
_SAME = ("class", "source", "type", "handler", "status", "case", "subject")
#: Of a list of events.
_LIST = ("source", "type", "subject", "status", "since", "until", "q")


def list_replays(visit: Visit) -> Shown:
    """Every replay, newest first."""
    ask = forms.said(asks.ReplaysAsk, visit.query)
    data = {"found": replays.find_page(ask), "ask": ask, "states": list(ReplayState)}
    return Shown("replays/list.html", "Replays", data)


def show_replay(visit: Visit) -> Shown:
    """One replay: its plan before it starts, its progress while it runs, what failed."""
    job = look.a_replay(visit.one)
    ended = sum(job.progress.get(state, 0) for state in ("done", "failed", "skipped"))
    whole = sum(job.progress.values())
    data: dict[str, Any] = {
        "job": job,
        "ended": ended,
        "whole": whole,
        "share": ended / whole if whole else 1.0,
        "live": jobs.live(job.status),
    }
    return Shown("replays/one.html", f"Replay of {whole:,} events", data)


def new(visit: Visit) -> Shown:
    """From the filter of a list of events to a plan."""
    asked = jobs.narrowing(visit.form or visit.query, _LIST)
    page = events.find_page(forms.said(asks.EventsAsk, asked, limit="50")) if asked else None
    data = {"asked": asked, "events": page.items if page else [], "more": bool(page and page.next_cursor)}
    return Shown("replays/new.html", "New replay", data)


def plan(visit: Visit) -> Go:
    """Fix and count what the filter finds; nothing moves."""
    ask = forms.said(asks.EventsAsk, jobs.narrowing(visit.form, _LIST))
    body = {
        "filter": chosen(ask),
        "from": visit.form.get("from") or "start",
        "reason": visit.form.get("reason", ""),
        "dry_run": True,
    }
    done = act.plan_replay(visit.asking(body=forms.checked(asks.ReplaysPlanAsk, body)))
    return Go(f"/replays/{forms.member(done, 'id')}", "Planned. Nothing has moved; look at what it would touch.")


def chosen(ask: asks.EventsAsk) -> dict[str, Any]:
    """The filter of a replay that means what a list of events shows: as fields where it can be said, else by name.

    Raises: NotAcceptable.
    """
    said: dict[str, Any] = {
        name: getattr(ask, name) for name in ("source", "type", "subject", "status") if getattr(ask, name) is not None
    }
    said |= {name: rfc3339(at) for name in ("since", "until") if (at := getattr(ask, name)) is not None}
    wanted = filters.understood(ask.q) if ask.q is not None else None
    fields = _as_fields(wanted, said) if wanted else said
    if fields is not None:
        if not fields:
            raise problems.NotAcceptable("name at least one filter: replaying everything is never meant")
        return fields
    found = _by_name(ask)
    if not found:
        raise problems.NotAcceptable("no event fits, so there is nothing to replay")
    return {"ids": found}


def _as_fields(wanted: Wanted, said: Mapping[str, Any]) -> dict[str, Any] | None:
    found = dict(said)
    for term in wanted.terms:
        value: Any = term.value
        if isinstance(value, Span) and term.field in ("since", "until"):
            value = rfc3339(value.begins)
        elif term.field not in _SAME:
            return None
        if found.setdefault(term.field, value) != value:
            return None
    # With a state, a replay's class means whatever ever stood in it, the list's what it blocks now; of a case it is the
    # other way round.
    differs = ("class" in found and "status" in found) or ("case" in found and "status" not in found)
    return None if wanted.words or differs else found


def _by_name(ask: asks.EventsAsk) -> list[UUID]:
    """The events themselves, when they are few enough to be named."""

    def after(cursor: str | None) -> tuple[list[UUID], str | None]:
        page = events.find_page(ask.model_copy(update={"limit": asks.LIMIT_MAX, "cursor": cursor}))
        return [event.id for event in page.items], page.next_cursor

    only = f"use only {', '.join(_SAME)}, since and until"
    return jobs.named(after, f"events fit this text: narrow it down, or {only}")


_ON = "/replays/{id}"
PAGES = (
    Page("GET", "/replays", list_replays),
    Page("GET", "/replays/new", new, right="act"),
    Page("POST", "/replays", plan, right="act", on="/replays/new"),
    Page("GET", _ON, show_replay),
    *jobs.steps(
        _ON,
        "act",
        ("start", act.start_replay, "Started. Live events go first."),
        ("pause", act.pause_replay, "Paused: what was queued goes on, nothing more is sent."),
        ("resume", act.resume_replay, "It goes on where it was."),
        ("cancel", act.cancel_replay, "Cancelled: what was queued goes on, the rest stays where it rests."),
    ),
)
