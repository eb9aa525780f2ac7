"""What several pages do with pauses: hold a source, a handler, a destination or an action class, and let it go."""

from typing import Any

from console import answers, asks
from console.api import control
from console.pages import forms
from console.pages.page import Go, Page, Visit


def hold(visit: Visit) -> Go:
    """Hold everything of what the path, or the form, names."""
    ask = _ask(visit)
    control.pause(visit.asking(body=ask))
    return Go(_back(visit), f"{_named(ask)} is paused. What comes meanwhile waits, in its order.")


def let_go(visit: Visit) -> Go:
    """Let it go."""
    ask = _ask(visit)
    found = control.lift(visit.asking(body=ask))
    due = found.events_due if isinstance(found, answers.Lifted) else 0
    return Go(_back(visit), f"{_named(ask)} goes on" + (f"; {due} events that waited are due." if due else "."))


def _ask(visit: Visit) -> asks.PauseAsk:
    more: dict[str, Any] = {"scope": visit.path["scope"]}
    if "name" in visit.path:
        more["name"] = visit.path["name"]
    return forms.said(asks.PauseAsk, visit.form, **more)


def _named(ask: asks.PauseAsk) -> str:
    return f"{ask.scope.capitalize()} {ask.name}"


def _back(visit: Visit) -> str:
    return forms.back(visit.form, "/handlers")


def pages(path: str, scope: str, on: str) -> tuple[Page, Page]:
    """The two forms about one kind of thing, and the page on which they stand."""
    fixed = {"scope": scope}
    return (
        Page("POST", f"{path}/pause", hold, "control", on=on, fixed=fixed),
        Page("POST", f"{path}/resume", let_go, "control", on=on, fixed=fixed),
    )
