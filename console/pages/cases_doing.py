"""What can be done with a case, by whom, and what each button would do, in words before it is pressed."""

from typing import NamedTuple

from console.answers import CaseDetail
from console.pages.page import Visit
from counterfoil.lifecycle import CASE_LIVE, CaseState


class Action(NamedTuple):
    """One form of the page."""

    verb: str
    label: str
    effect: str
    key: str = ""
    kind: str = ""


def actions_of(case: CaseDetail, blocked: int, visit: Visit) -> list[Action]:
    """The forms that this person may send now, the likeliest first."""
    if case.status not in CASE_LIVE or not visit.person.may("act", case.source, case.handler):
        return []
    events = f"{blocked:,} event{'' if blocked == 1 else 's'}"
    found = []
    if case.status != CaseState.ACKNOWLEDGED:
        found.append(
            Action("acknowledge", "Acknowledge", "It is yours: nobody else is told unless it lies too long.", "a")
        )
    if blocked:
        found.append(
            Action(
                "replay",
                f"Replay {events}",
                f"{events} run again as one job. What is confirmed is found by its key and is not written twice;"
                " a write that needs approval is asked about as before.",
                "r",
            )
        )
    if case.failure_class == "identity_conflict" and blocked:
        found.append(
            Action("accept", "Take the newer content", "A corrected copy with the newer content runs; the first stays.")
        )
    found += [
        Action("assign", "Assign", "Another person of the roster owns it and is told.", "s"),
        Action("snooze", "Snooze", "It leaves the desk and opens again by itself.", "z"),
    ]
    if not blocked:
        found.append(Action("resolve", "Resolve", "It is closed; nothing is blocked by it any more.", "e"))
    found.append(
        Action(
            "dismiss",
            "Dismiss",
            f"It is closed, and {events} that it blocks are ignored: nothing is written for them, what waits for"
            " approval is rejected. A replay can bring them back."
            if blocked
            else "It is closed; there was nothing to put right.",
            kind="danger",
        )
    )
    return found
