"""The functions behind the reports: a week in numbers, what is not covered, and the audit."""

from console import answers, asks
from console.api.route import Asking
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
