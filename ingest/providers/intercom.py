"""Owns Intercom as data; each attempt carries its count and times, which are no part of the event.

https://developers.intercom.com/docs/webhooks/setting-up-webhooks
"""

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places
from ingest.providers.schemes import Hmac

PROVIDER = Declared(
    "intercom",
    scheme=Hmac(headers=("x-hub-signature",), prefix="sha1=", digest="sha1"),
    places=Places(
        key=(("id",),),
        type=("topic",),
        subject=("data.item.id",),
        occurred_at=("created_at",),
        account=("app_id",),
    ),
    volatile=("delivery_attempts", "delivery_status", "delivered_at", "first_sent_at"),
    samples=(
        Sample(
            type="conversation.user.created",
            body=b'{"type":"notification_event","id":"notif_01","topic":"conversation.user.created","app_id":"abc123",'
            b'"created_at":1767225599,"delivery_attempts":1,"first_sent_at":1767225600,'
            b'"data":{"type":"notification_event_data","item":{"type":"conversation","id":"1001"}}}',
        ),
        Sample(
            type="contact.created",
            body=b'{"type":"notification_event","id":"notif_02","topic":"contact.created","app_id":"abc123",'
            b'"created_at":1767225601,"delivery_attempts":1,"first_sent_at":1767225602,'
            b'"data":{"type":"notification_event_data","item":{"type":"contact","id":"2002"}}}',
        ),
    ),
)
