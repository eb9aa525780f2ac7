"""Owns Shopify as data. One change reaches several subscriptions under one event id, and several topics may share it.

So the identity is shop, topic and event id; the webhook id, which is new for each delivery, stands in only where there
is no event id. The newer Events product sends the same headers without `X-`. The signature covers none of these.

https://shopify.dev/docs/apps/build/webhooks
"""

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places
from ingest.providers.schemes import Hmac


def _either(name: str) -> tuple[str, str]:
    return f"@x-shopify-{name}", f"@shopify-{name}"


PROVIDER = Declared(
    "shopify",
    # The key is the app's client secret.
    scheme=Hmac(headers=("x-shopify-hmac-sha256", "shopify-hmac-sha256"), encoding="base64"),
    places=Places(
        key=(_either("shop-domain"), _either("topic"), (*_either("event-id"), *_either("webhook-id"))),
        type=_either("topic"),
        subject=("admin_graphql_api_id", "id"),
        occurred_at=_either("triggered-at"),
        account=_either("shop-domain"),
        api_version=_either("api-version"),
        livemode=(lambda event: False if event.get("test") is True else None,),
    ),
    samples=(
        Sample(
            type="orders/paid",
            body=b'{"id":5001,"admin_graphql_api_id":"gid://shopify/Order/5001","total_price":"42.00","currency":"USD"}',
            headers={
                "x-shopify-topic": "orders/paid",
                "x-shopify-shop-domain": "example.myshopify.com",
                "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
                "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
                "x-shopify-triggered-at": "2026-01-01T00:00:00.123456789Z",
                "x-shopify-api-version": "2026-01",
            },
        ),
        Sample(
            type="refunds/create",
            body=b'{"id":890,"order_id":5001,"note":"broken"}',
            headers={
                "shopify-topic": "refunds/create",
                "shopify-shop-domain": "example.myshopify.com",
                "shopify-webhook-id": "c65668f5-cee0-4c48-9b60-c08e81cde154",
                "shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
            },
        ),
    ),
)
