"""Owns Zendesk: event subscriptions, whose body identifies itself, and trigger webhooks, whose body is free.

A free body may well hold an `id`, of a ticket say, that is shared by all that happens to the ticket. So a body's id
counts only in the form of an event subscription; else the invocation, which stays over retries, is the identity.

No age limit: Zendesk documents none. The identity keeps an old request from doing anything twice.

https://developer.zendesk.com/documentation/webhooks/verifying
"""

from typing import Any

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places, as_text
from ingest.providers.schemes import Hmac

EVENT_TYPE = "zen:event-type:"


def _type(event: dict[str, Any]) -> str | None:
    """Take the type of an event subscription; the prefix is the same for all."""
    kind = as_text(event.get("type")) or ""
    return kind.removeprefix(EVENT_TYPE) if kind.startswith(EVENT_TYPE) else "trigger"


def _event_id(event: dict[str, Any]) -> object:
    return None if _type(event) == "trigger" else event.get("id")


PROVIDER = Declared(
    "zendesk",
    scheme=Hmac(
        headers=("x-zendesk-webhook-signature",),
        encoding="base64",
        time_header="x-zendesk-webhook-signature-timestamp",
        time_unit="iso",
        before="{t}",
    ),
    places=Places(
        key=((_event_id, "@x-zendesk-webhook-invocation-id"),),
        type=(_type,),
        subject=("subject", "detail.id"),
        occurred_at=("time",),
        account=("account_id", "@x-zendesk-account-id"),
        api_version=("zendesk_event_version",),
    ),
    samples=(
        Sample(
            type="ticket.created",
            body=b'{"type":"zen:event-type:ticket.created","account_id":12514403,"time":"2026-01-01T00:00:00Z",'
            b'"id":"2b24ef10-19d4-4740-93cf-8f98ec4776c0","zendesk_event_version":"2022-06-20",'
            b'"subject":"zen:ticket:42","detail":{"id":"42","status":"NEW"},"event":{}}',
        ),
        Sample(
            type="trigger",
            body=b'{"ticket_id":"42","status":"solved"}',
            headers={"x-zendesk-webhook-invocation-id": "01GHZ5J0CBZ8Q3PY7W7J8A0VZK"},
        ),
    ),
)
