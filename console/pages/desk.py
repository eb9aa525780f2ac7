"""My desk: what waits for me, the dearest and longest first."""

from console.pages.page import Page, Shown, Visit


def my_desk(visit: Visit) -> Shown:
    """Everything that is mine."""
    return Shown("desk/mine.html", f"Desk of {visit.person.title}", {})


PAGES = (Page("GET", "/", my_desk),)
