"""What people write to us, as it was read: a ticket, a contact with its form message; and who answers."""

from collections.abc import Mapping

from pydantic import ValidationError

from contracts.base import Part

#: HubSpot's own categories of tickets; an account that has others changes the right side.
HUBSPOT_CATEGORY: Mapping[str, str] = {
    "billing": "BILLING_ISSUE",
    "bug": "PRODUCT_ISSUE",
    "outage": "PRODUCT_ISSUE",
    "access": "PRODUCT_ISSUE",
    "how_to": "GENERAL_INQUIRY",
    "feature_request": "FEATURE_REQUEST",
}

#: The other way, where one of them means one of ours and no other.
CATEGORY_OF_HUBSPOT: Mapping[str, str] = {
    theirs: ours for ours, theirs in HUBSPOT_CATEGORY.items() if list(HUBSPOT_CATEGORY.values()).count(theirs) == 1
}

#: Who answers whom. A rule and no question: the intent decides it alone.
ROUTE_OF_INTENT: Mapping[str, str] = {
    "sales_inquiry": "sales",
    "support": "support",
    "partnership": "partners",
    "job_application": "people",
    "press": "press",
    "unsubscribe": "privacy",
    "spam": "nobody",
}


class Ticket(Part):
    """A ticket as it stands now; what somebody has set already is not asked about."""

    id: str
    subject: str
    text: str
    category: str
    priority: str
    route: str

    @property
    def words(self) -> dict[str, str]:
        """What is judged."""
        return {name: value for name, value in (("subject", self.subject), ("text", self.text)) if value.strip()}


class FormContact(Part):
    """A contact as it stands now; one that may be a second record of somebody does not come as far as this."""

    id: str
    message: str
    intent: str


def ticket_of(answer: object) -> Ticket | None:
    """What the question for the ticket was answered with; None when this is no such answer."""
    try:
        return Ticket.model_validate(answer)
    except ValidationError:
        return None


def form_contact_of(answer: object) -> FormContact | None:
    """What the question for the contact was answered with; None when this is no such answer."""
    try:
        return FormContact.model_validate(answer)
    except ValidationError:
        return None
