"""The reports - a week in numbers, what is not covered, the audit: the functions behind them, and their routes."""

from console import answers, asks
from console.api.route import Asking, Route
from console.queries import coverage, trail, weekly
from counterfoil import clock


def show_week(_: Asking) -> answers.Weekly:
    return weekly.read(clock.now())


def list_audit(asking: Asking) -> answers.Page[answers.Audit]:
    ask: asks.AuditAsk = asking.query
    found = trail.read(trail.Asked(ask.thing, ask.actor, ask.action, ask.since, ask.until), ask.cursor, ask.limit)
    return answers.Page(items=found.items, next_cursor=found.next_cursor)


def show_coverage(_: Asking) -> answers.Coverage:
    return coverage.read(clock.now())


ROUTES: tuple[Route, ...] = (
    Route("GET", "/reports/weekly", show_week, "The review pack of seven days", answers.Weekly, right="look"),
    Route(
        "GET",
        "/audit",
        list_audit,
        "Who changed what, the newest first; a page looks through a bounded part",
        answers.Page[answers.Audit],
        query=asks.AuditAsk,
        right="look",
    ),
    Route("GET", "/coverage", show_coverage, "What is not covered", answers.Coverage, right="look"),
)
