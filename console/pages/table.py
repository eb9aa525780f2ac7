"""The table of pages: the server, the navigation's tests and the matrix of rights are made from it."""

from console.pages import (
    approvals,
    audit,
    cases,
    desk,
    events,
    handlers,
    judgement,
    owners,
    replays,
    reversals,
    rules,
    runs,
    search,
    signing,
    sources,
    subjects,
    today,
    writes,
)
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
    *events.PAGES,
    *runs.PAGES,
    *writes.PAGES,
    *subjects.PAGES,
    *search.PAGES,
    *replays.PAGES,
    *reversals.PAGES,
    *rules.PAGES,
    *audit.PAGES,
    *judgement.PAGES,
)
