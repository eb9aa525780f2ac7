"""Stripe: a subscription began, changed or ended. Plan, status and MRR of its customer on the HubSpot company.

Of the event only its time and whose it is are believed: all subscriptions of the customer are read anew. So it does
not matter in which order events come, nor which of two in one second was first: who comes later has read later.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from contracts.recurring import NotComputable, Subscription, monthly, plan_of, status_of, subscriptions_of
from contracts.subscriptions import TYPES, SubscriptionChanged, SubscriptionChangedSnapshot
from destinations.hubspot import upsert_company
from destinations.stripe.questions import customer_subscriptions
from engine import NeedsPerson, Outcome, Plan, handles

#: A company with more plans than fit has a reader who stopped long before.
PLAN_LENGTH_MAX = 500


@handles(
    source="stripe",
    types=TYPES,
    contract=SubscriptionChanged,
    ordering="reread",
    reads={"subscriptions": customer_subscriptions},
)
def subscription_changed(event: SubscriptionChanged, context: Mapping[str, Any]) -> Outcome:
    """Keep plan, status and MRR of a customer on the HubSpot company."""
    if event.missing_context:
        return NeedsPerson("context_missing", event.missing_context)
    assert isinstance(event, SubscriptionChangedSnapshot), "Bug: a notification got past the question for context"
    customer = event.about.customer_id
    assert customer is not None, "Bug: the contract lets no subscription through without a customer"
    subscriptions = subscriptions_of(context.get("subscriptions"))
    if subscriptions is None:
        return NeedsPerson("context_missing", "the customer's subscriptions could not be read in whole")
    try:
        properties = _properties(subscriptions)
    except NotComputable as unknown:
        return NeedsPerson("context_missing", f"the MRR cannot be told: {unknown}")
    company = upsert_company(
        # A state may come back, so the event is part of the name; read again for the same event, it may have changed.
        key=f"hubspot:customer:{customer}:subscriptions:{event.id}:{_short(properties)}",
        subject=f"stripe:{customer}",
        by=("stripe_customer_id", customer),
        properties=properties,
        evidence={"subscriptions": {each.id: each.status for each in subscriptions}},
    )
    return Plan((company,))


def _properties(subscriptions: list[Subscription]) -> dict[str, str]:
    """What the company shows. Raises: NotComputable."""
    amount = monthly(subscriptions)
    return {
        "plan": _line(plan_of(subscriptions)),
        "subscription_status": status_of(subscriptions),
        "mrr": str(amount).partition(" ")[0] if amount else "0",
        "mrr_currency": amount.currency if amount else "",
    }


def _line(text: str) -> str:
    """What people wrote as a name, on one line."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:PLAN_LENGTH_MAX].strip()


def _short(properties: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:12]
