"""My desk: what waits for me, the dearest and longest first, and what happened since I looked."""

from console.pages.page import Page, Shown, Visit
from console.problems import NotFound
from console.queries import desk
from counterfoil import keys
from exceptions_queue import owners


def my_desk(visit: Visit) -> Shown:
    """Everything that is mine; looking at it is remembered, so that news can be told from what was known."""
    person = visit.person
    may_approve = (
        (lambda source, handler: person.may("approve", source, handler)) if person.may_somewhere("approve") else None
    )
    found = desk.read(person.name, visit.now, desk.look(person.name, visit.now), may_approve)
    return _shown(visit, found, "My desk", own=True)


def other_desk(visit: Visit) -> Shown:
    """Another person's cases, to see who is under water; nothing here counts as looked at."""
    person = owners.roster().people.get(visit.named)
    if person is None:
        raise NotFound("nobody of this name is in the roster")
    found = desk.read(visit.named, visit.now, None, None)
    return _shown(visit, found, f"Desk of {person.name}", own=False)


def _shown(visit: Visit, found: desk.Desk, heading: str, *, own: bool) -> Shown:
    waiting = found.counts["listed"] + found.approvals
    whose = visit.person.title if own else heading
    return Shown(
        "desk/mine.html",
        f"{waiting} waiting · {whose}" if waiting else f"Nothing waits · {whose}",
        {"found": found, "heading": heading, "own": own, "waiting": waiting, "state": _state(found)},
    )


def _state(found: desk.Desk) -> str:
    """Another one means that the desk changed; times that only went on do not."""
    rows = [
        (str(row.case.id), row.case.status, row.case.count, row.urgent)
        if row.case
        else (str(row.asked.write_id) if row.asked else "", "", 0, row.urgent)
        for row in found.rows
    ]
    return keys.digest([rows, dict(found.counts), found.approvals, len(found.closed)])[:16]


PAGES = (
    Page("GET", "/", my_desk),
    Page("GET", "/desk/{name}", other_desk),
)
