"""Owns GoCardless as data: up to 250 events in a request, each naming an action on a resource.

https://developer.gocardless.com/getting-started/api/staying-up-to-date-with-webhooks
"""

from typing import Any

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places, as_text, dig
from ingest.providers.schemes import Hmac


def _type(event: dict[str, Any]) -> str | None:
    """Join what the event keeps apart: 'payments.confirmed'."""
    thing, change = as_text(event.get("resource_type")), as_text(event.get("action"))
    return f"{thing}.{change}" if thing and change else None


def _resource(event: dict[str, Any]) -> object:
    """Find the id of the resource: 'payments' are linked under 'payment'."""
    return dig(event, "links", (as_text(event.get("resource_type")) or "").removesuffix("s"))


PROVIDER = Declared(
    "gocardless",
    scheme=Hmac(headers=("webhook-signature",)),
    places=Places(
        key=(("id",),),
        type=(_type,),
        subject=(_resource,),
        occurred_at=("created_at",),
        account=("links.organisation",),
    ),
    events_at=("events",),
    form="reference",
    samples=(
        Sample(
            type="payments.confirmed",
            body=b'{"events":[{"id":"EV123","created_at":"2026-01-01T00:00:00.000Z","resource_type":"payments",'
            b'"action":"confirmed","links":{"payment":"PM123"},"details":{"origin":"gocardless","cause":'
            b'"payment_confirmed"}}],"meta":{"webhook_id":"WB123"}}',
        ),
        Sample(
            type="mandates.cancelled",
            body=b'{"events":[{"id":"EV124","created_at":"2026-01-01T00:00:01.000Z","resource_type":"mandates",'
            b'"action":"cancelled","links":{"mandate":"MD123"},"details":{"origin":"bank","cause":'
            b'"mandate_cancelled"}}],"meta":{"webhook_id":"WB124"}}',
        ),
    ),
)
