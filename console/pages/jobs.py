"""What the pages of replays and of reversals share: narrowing a list, naming what fits, the steps of a job."""

from collections.abc import Callable, Mapping
from uuid import UUID

from console import problems
from console.access.rights import Right
from console.api.route import Asking, Reply
from console.pages import forms
from console.pages.page import Page
from counterfoil.lifecycle import ReplayState

#: What is named one by one is exactly what was shown; more than these are narrowed down first.
NAMED_MAX = 1000
#: How often the page of a job that moves is fetched again.
LIVE_SECONDS = 3


def narrowing(given: Mapping[str, str], members: tuple[str, ...]) -> dict[str, str]:
    """What of an address or a form narrows a list; a form's `key` is its own, that of an event is said in the text."""
    return {name: given[name] for name in members if given.get(name)}


def named(page_after: Callable[[str | None], tuple[list[UUID], str | None]], too_many: str) -> list[UUID]:
    """All that a list shows, one by one: `page_after` a cursor gives ids and the next cursor. Raises: NotAcceptable."""
    found: list[UUID] = []
    cursor: str | None = None
    while len(found) <= NAMED_MAX:
        ids, cursor = page_after(cursor)
        found += ids
        if cursor is None:
            break
    if len(found) > NAMED_MAX:
        raise problems.NotAcceptable(f"more than {NAMED_MAX:,} {too_many}")
    return found


def live(status: str) -> int | None:
    """How often to look again; what is planned or over stays as it is."""
    return LIVE_SECONDS if status in (ReplayState.RUNNING, ReplayState.PAUSED) else None


def steps(on: str, right: Right, *calls: tuple[str, Callable[[Asking], Reply], str]) -> tuple[Page, ...]:
    """The forms of one job: each a verb, the API's function, and what is said then."""
    return tuple(Page("POST", f"{on}/{verb}", forms.sends(call, on, said), right, on=on) for verb, call, said in calls)
