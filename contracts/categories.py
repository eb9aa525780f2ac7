"""Which kind of revenue an invoice line is: a fixed rule, so that two people booking the same line agree.

The first that speaks wins: `revenue_category` in the metadata of the line, then of its price, then of its product;
then metered use; then recurring. A word nobody knows is refused, and a line that says nothing is asked about: what is
billed once may be a thing, work or a cost passed on.
"""

from typing import Any, NamedTuple

#: The metadata member in which a team names the category at Stripe.
METADATA_KEY = "revenue_category"

#: Accepted spellings and what they mean.
CATEGORIES: dict[str, str] = {
    "subscription": "subscription",
    "subscriptions": "subscription",
    "recurring": "subscription",
    "usage": "usage",
    "metered": "usage",
    "one_off": "one_off",
    "one_time": "one_off",
    "setup": "services",
    "service": "services",
    "services": "services",
    "other": "other",
}


class Hints(NamedTuple):
    """What a line says about itself, whichever shape it came in."""

    metadata: tuple[dict[str, Any] | None, ...]
    metered: bool
    recurring: bool
    price_id: str | None
    product_id: str | None


def named_category(hints: Hints) -> str | None:
    """The category that the metadata names, as written; None when it names none."""
    for metadata in hints.metadata:
        named = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
        if named not in (None, ""):
            return str(named)
    return None


def category_of(hints: Hints) -> str | None:
    """The category that a line tells; None when it tells none, or its metadata names one that does not exist."""
    named = named_category(hints)
    if named is not None:
        return CATEGORIES.get(named.strip().lower().replace("-", "_").replace(" ", "_"))
    if hints.metered:
        return "usage"
    return "subscription" if hints.recurring else None
