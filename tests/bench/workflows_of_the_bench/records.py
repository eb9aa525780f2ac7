"""What the bench has written behind a network: a customer at Stripe, and a company at HubSpot that is set in place."""

from contracts.hubspot import ObjectCreated
from destinations import hubspot, stripe
from engine import Outcome, Plan, handles


@handles(source="hubspot", types=["contact.creation"], contract=ObjectCreated)
def makes_a_customer(event: ObjectCreated) -> Outcome:
    """One POST under an Idempotency-Key."""
    number = event.objectId
    return Plan(
        (
            stripe.create_customer(
                key=f"stripe:contact:{number}:customer", subject=f"hubspot:contact:{number}", name=f"Acorn {number}"
            ),
        )
    )


@handles(source="hubspot", types=["company.creation"], contract=ObjectCreated)
def sets_a_company(event: ObjectCreated) -> Outcome:
    """Looked at, set by a unique property, read back."""
    number = event.objectId
    return Plan(
        (
            hubspot.upsert_company(
                key=f"hubspot:company:{number}:plan",
                subject=f"hubspot:company:{number}",
                by=("stripe_customer_id", f"cus_{number}"),
                properties={"name": f"Acorn {number}", "phone": f"+49 30 {number}"},
            ),
        )
    )
