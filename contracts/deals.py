"""A deal that was won, as it was read: what it sells, to whom, and who that is at Stripe."""

from pydantic import ValidationError

from contracts.base import Part

#: The stage of HubSpot's own pipeline. Stages of other pipelines have numbers; add them here.
WON_STAGES = frozenset({"closedwon"})


class LineItem(Part):
    """One thing sold; `amount_minor` is for all of its quantity, less discounts."""

    id: str
    name: str
    quantity: str
    amount_minor: int
    recurring: str = ""


class WonDeal(Part):
    """The deal with its one company; `contact_email` only where no customer is named by the company."""

    id: str
    name: str
    stage: str
    currency: str
    amount_minor: int | None
    lines: list[LineItem]
    company_id: str
    company_name: str
    customer_id: str | None
    contact_email: str | None


class Billed(Part):
    """The customer at Stripe, if there is one already."""

    customer_id: str | None


def deal_of(answer: object) -> WonDeal | None:
    """What the question for the deal was answered with; None when this is no such answer."""
    try:
        return WonDeal.model_validate(answer)
    except ValidationError:
        return None


def billed_of(answer: object) -> Billed | None:
    """What the question for the customer was answered with; None when this is no such answer."""
    try:
        return Billed.model_validate(answer)
    except ValidationError:
        return None
