"""One invoice, customer or deal: everything that ever touched it, across providers and destinations, in order."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from console import answers, masking
from console.fields import Money
from console.pages import render, wording
from console.pages.page import Page, Shown, Visit
from console.queries import mentions, subjects
from counterfoil.lifecycle import CASE_LIVE
from exceptions_queue import owners

#: The newest of what happened; the lists have the rest.
MOMENTS_SHOWN = 120


class Moment(NamedTuple):
    """One thing that happened to it."""

    at: datetime
    what: str
    title: str
    href: str
    state: str
    where: str
    amount: Money | None = None
    detail: str = ""


def show_subject(visit: Visit) -> Shown:
    """Everything about one thing."""
    name = visit.named
    found = subjects.find(name)
    moments = sorted(_moments(found), key=lambda one: one.at, reverse=True)
    live = [case for case in found.cases if case.status in CASE_LIVE]
    heading = wording.thing(name)
    data: dict[str, Any] = {
        "left_out": max(0, len(moments) - MOMENTS_SHOWN),
        "name": name,
        "found": found,
        "moments": moments[:MOMENTS_SHOWN],
        "live": live,
        "heading": heading[0].upper() + heading[1:] if heading != name else name,
        "senders": sorted({event.source for event in found.events}),
    }
    return Shown("subjects/one.html", name, data)


def _moments(found: subjects.Subject) -> Iterator[Moment]:
    amounts = mentions.amounts([event.id for event in found.events])
    for event in found.events:
        at = event.occurred_at or event.received_at
        detail = masking.text(event.outcome or "")
        yield Moment(
            at, "Event", event.type, f"/events/{event.id}", event.status, event.source, amounts.get(event.id), detail
        )
    for write in found.writes:
        yield _write(write)
    for case in found.cases:
        stake = case.at_stake[0] if case.at_stake else None
        title, where = render.words(case.title), f"desk of {owners.called(case.owner)}"
        yield Moment(case.opened_at, "Case", title, f"/cases/{case.id}", case.status, where, stake)


def _write(write: answers.Write) -> Moment:
    title = write.operation.replace("_", " ").capitalize()
    at, detail = write.confirmed_at or write.created_at, masking.text(write.detail or "")
    return Moment(at, "Write", title, f"/writes/{write.id}", write.status, write.destination, write.amount, detail)


PAGES = (Page("GET", "/subjects/{name:path}", show_subject),)
