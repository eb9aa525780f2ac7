"""One run: what an event met on one pass through its handler, step by step."""

from typing import Any

from console import masking, problems
from console.pages.page import Page, Shown, Visit
from console.queries import runs

#: Characters of what came of one step; the API has all of it.
OUTPUT_MAX = 5_000


def show_run(visit: Visit) -> Shown:
    """One run with its steps; what they looked at is masked."""
    run = runs.find(visit.one)
    if run is None:
        raise problems.NotFound(f"there is no run {visit.one}")
    took = (run.finished_at - run.started_at).total_seconds() * 1000
    data: dict[str, Any] = {
        "run": run,
        "took_ms": took,
        "detail": masking.text(run.detail or ""),
        "steps": [(step, *_output(step.output)) for step in run.steps],
    }
    return Shown("runs/one.html", f"Run by {run.handler or 'no handler'}", data)


def _output(output: Any) -> tuple[str, int]:
    return ("", 0) if output in (None, {}, []) else masking.as_text(masking.masked(output), OUTPUT_MAX)


PAGES = (Page("GET", "/runs/{id}", show_run),)
