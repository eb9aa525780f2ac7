"""Sources: what comes from where, what the door refused, how each is set up at its provider, and holding one."""

from console.pages import controls as holding
from console.pages.page import Page, Shown, Visit
from console.queries import controls, sources
from counterfoil import database

#: Where a provider's own pages have it; what stands here is all that they do not say.
WHERE = {
    "stripe": "In Stripe: Developers, Webhooks, Add destination. Choose the events below, and put the signing secret"
    " (whsec_…) into the variable.",
    "hubspot": "In HubSpot: the private app's or the developer app's Webhooks. Subscribe to the types below; the"
    " client secret of the app goes into the variable.",
}


def show(visit: Visit) -> Shown:
    """The page."""
    found = sources.read(visit.now)
    with database.transaction() as conn:
        pauses = {pause.name: pause for pause in controls.pauses(conn, "source")}
    return Shown("sources/all.html", "Sources", {"found": found, "pauses": pauses, "where": WHERE})


PAGES = (Page("GET", "/sources", show), *holding.pages("/sources/{name}", "source", "/sources"))
