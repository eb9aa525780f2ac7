"""The functions behind the reports: a week in numbers, and what is not covered."""

from console import answers
from console.api.route import Asking
from console.queries import coverage, weekly
from counterfoil import clock


def show_week(_: Asking) -> answers.Weekly:
    return weekly.read(clock.now())


def show_coverage(_: Asking) -> answers.Coverage:
    return coverage.read(clock.now())
