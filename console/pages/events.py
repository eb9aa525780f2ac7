"""Events: the list, and one from delivery to stub, with its payload masked, a reveal that is kept, and a replay."""

from typing import Any

from sqlmodel import Session

from console import asks, explain, masking, problems
from console.access import reveals
from console.answers import EventDetail
from console.api import act, look
from console.pages import beside, forms, timeline
from console.pages.page import Go, Page, Shown, Visit
from console.queries import events, identities, mentions
from counterfoil import database
from counterfoil.lifecycle import EventState

_QUESTIONS = {
    "ran": "What ran",
    "succeeded": "What succeeded",
    "failed": "What failed",
    "records": "Which records exist",
    "notified": "Who was told",
}
#: Entries of the audit on one page; all of them are in the stub and in the API.
HISTORY_SHOWN = 60
RELATED_SHOWN = 25
#: What happened, from its beginning and from its end; an event with more was retried for days.
BEGINNING_SHOWN, END_SHOWN = 10, 40
#: Writes of a dry run, and characters of each side of one: the page stays light.
DIFFERENCES_SHOWN, SIDE_MAX = 8, 2_500


def list_events(visit: Visit) -> Shown:
    """Events by state, source and whatever the grammar says, newest first."""
    ask = forms.said(asks.EventsAsk, visit.query)
    found = events.find_page(ask)
    with Session(database.engine()) as session:
        sources = identities.sources(session)
    data = {
        "found": found,
        "amounts": mentions.amounts([event.id for event in found.items]),
        "ask": ask,
        "sources": sources,
        "states": list(EventState),
        "query": _filters(visit),
    }
    return Shown("events/list.html", "Events", data)


def show_event(visit: Visit) -> Shown:
    """One event; `try` runs it dry."""
    event = look.event(visit.one)
    difference = _dry_run(visit) if visit.query.get("try") and _may(visit, event, "act") else None
    return _shown(event, difference=difference)


def _shown(event: EventDetail, **more: Any) -> Shown:
    told = explain.explain(event)
    payload, left_out = masking.as_text(masking.masked(event.payload))
    moments = timeline.of_event(event)
    between = len(moments) - BEGINNING_SHOWN - END_SHOWN
    data: dict[str, Any] = {
        "event": event,
        "summary": masking.text(_sentence(event, told.summary)),
        "answers": [(title, masking.text(getattr(told, name).summary)) for name, title in _QUESTIONS.items()],
        "moments": moments[: BEGINNING_SHOWN + END_SHOWN] if between <= 0 else moments[:BEGINNING_SHOWN],
        "between": between,
        "latest": moments[-END_SHOWN:] if between > 0 else [],
        "payload": payload,
        "left_out": left_out,
        "gone": event.payload is None,
        "revealed": False,
        "difference": None,
        "history": event.audit[-HISTORY_SHOWN:],
        "same_fact": event.same_fact[:RELATED_SHOWN],
        "caused": event.caused[:RELATED_SHOWN],
    }
    return Shown("events/one.html", f"{event.type} {event.key}", data | more)


def _sentence(event: EventDetail, summary: str) -> str:
    """What became of it, without what stands above it on the page."""
    return "It " + summary.removeprefix(f"{event.source} {event.type} {event.key} ")


def _dry_run(visit: Visit) -> Any:
    """The real steps over the event, taken back; nobody is asked outside."""
    found = act.replay_event(visit.asking(body=asks.ReplayAsk.model_validate({"dry_run": True})))
    assert not isinstance(found, str), "Bug: a dry run is never remembered"
    sides = masking.masked(found.model_dump(mode="json"))
    sides["more"] = max(0, len(sides["difference"]) - DIFFERENCES_SHOWN)
    sides["difference"] = sorted(sides["difference"], key=lambda one: one["change"] == "same")[:DIFFERENCES_SHOWN]
    for one in sides["difference"]:
        one["sides"] = [masking.as_text(one[side], SIDE_MAX)[0] if side in one else "" for side in ("was", "would")]
        one["places"] = beside.differing(one.get("was"), one.get("would")) if one["change"] == "other_content" else []
    return sides


def _may(visit: Visit, event: EventDetail, right: Any) -> bool:
    return visit.person.may(right, event.source, event.handler)


def reveal(visit: Visit) -> Shown:
    """The payload as it was received, once; who looked and why is kept before it is shown."""
    why = forms.said(asks.Change, visit.form).reason
    event = look.event(visit.one)
    if event.payload is None:
        raise problems.NotFound("the payload of this event is no longer kept")
    reveals.record(visit.person.name, f"events:{event.id}", why)
    payload, left_out = masking.as_text(event.payload)
    return _shown(look.event(visit.one), payload=payload, left_out=left_out, revealed=True)


def replay(visit: Visit) -> Go:
    """Through again, by the entrance of the first time."""
    act.replay_event(visit.asking(body=forms.said(asks.ReplayAsk, visit.form)))
    return Go(forms.back(visit.form, f"/events/{visit.one}"), "It runs again; this page shows what becomes of it.")


def _filters(visit: Visit) -> dict[str, str]:
    """What narrows the list, for the replay of exactly this."""
    found = {name: value for name, value in visit.query.items() if value and name not in ("cursor", "limit", "key")}
    if key := visit.query.get("key"):
        found["q"] = f'{found.get("q", "")} key:"{key}"'.strip()
    return found


_ON = "/events/{id}"
PAGES = (
    Page("GET", "/events", list_events),
    Page("GET", _ON, show_event),
    Page("POST", f"{_ON}/reveal", reveal, right="reveal", on=_ON),
    Page("POST", f"{_ON}/replay", replay, right="act", on=_ON),
)
