"""Owners: who answers for what now, who is told next, who is away, and what each holds."""

from console.pages.page import Page, Shown, Visit
from console.queries import people
from exceptions_queue import failures


def show(visit: Visit) -> Shown:
    """The page."""
    data = {"now_held": people.read(visit.now), "classes": len(failures.CATALOGUE)}
    return Shown("owners/all.html", "Owners", data)


PAGES = (Page("GET", "/owners", show),)
