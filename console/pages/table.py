"""The table of pages: the server, the navigation's tests and the matrix of rights are made from it."""

from console.pages import approvals, cases, desk, handlers, owners, signing, sources, today
from console.pages.page import Page

PAGES: tuple[Page, ...] = (
    *signing.PAGES,
    *desk.PAGES,
    *cases.PAGES,
    *approvals.PAGES,
    *today.PAGES,
    *handlers.PAGES,
    *sources.PAGES,
    *owners.PAGES,
)
