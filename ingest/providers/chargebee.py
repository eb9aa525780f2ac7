"""Owns Chargebee, which signs nothing: the request only knows a user name and a password.

So the body is as trustworthy as the connection. The secret is configured as `user:password`.

https://www.chargebee.com/docs/billing/2.0/integrations/webhook_settings
"""

from __future__ import annotations

from typing import Any

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places, as_text, dig
from ingest.providers.schemes import Basic


def _resource(event: dict[str, Any]) -> str | None:
    """Find what the event is about: 'invoice_generated' is about content.invoice, whatever else is enclosed."""
    content = event.get("content")
    kind = as_text(event.get("event_type")) or ""
    if not isinstance(content, dict):
        return None
    # The longest, so that 'credit_note_created' is not about a 'credit'.
    name = max((name for name in content if kind.startswith(name)), key=len, default=None)
    found = as_text(dig(content, name, "id")) if name else None
    return f"{name}:{found}" if found else None


class Chargebee(Declared):
    """Chargebee Billing."""

    signed = "nothing"

    def check_secret(self, secret: str) -> str | None:
        """Check that both halves are there."""
        user, colon, password = secret.partition(":")
        if not (user and colon and password):
            return "is not of the form user:password"
        return super().check_secret(secret)


PROVIDER = Chargebee(
    "chargebee",
    scheme=Basic(),
    places=Places(
        key=(("id",),),
        type=("event_type",),
        subject=(_resource,),
        occurred_at=("occurred_at",),
        api_version=("api_version",),
    ),
    volatile=("webhook_status", "webhooks", "webhook_failure_reason"),
    samples=(
        Sample(
            type="invoice_generated",
            body=b'{"id":"ev_16BPgETyVrQbiGhA","occurred_at":1767225599,"source":"admin_console","object":"event",'
            b'"api_version":"v2","event_type":"invoice_generated","webhook_status":"scheduled",'
            b'"content":{"invoice":{"id":"42","total":4200,"currency_code":"USD"},"customer":{"id":"cb_1"}}}',
        ),
        Sample(
            type="subscription_created",
            body=b'{"id":"ev_16BPgETyVrQbiGhB","occurred_at":1767225600,"source":"api","object":"event",'
            b'"api_version":"v2","event_type":"subscription_created","webhook_status":"scheduled",'
            b'"content":{"subscription":{"id":"sub_7","status":"active"},"customer":{"id":"cb_1"}}}',
        ),
    ),
)
