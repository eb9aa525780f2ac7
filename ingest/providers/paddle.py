"""Owns Paddle Billing as data. `event_id` is the event; `notification_id` differs between destinations.

The vendor's library allows five seconds of age, less than a queue at the sender may take; we allow the usual 300.

https://developer.paddle.com/webhooks/signature-verification
"""

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places
from ingest.providers.schemes import Hmac

PROVIDER = Declared(
    "paddle",
    scheme=Hmac(
        headers=("paddle-signature",),
        layout="pairs",
        separator=";",
        signature_field="h1",
        time_field="ts",
        before="{t}:",
        age_seconds_max=300,
    ),
    places=Places(
        key=(("event_id",),),
        type=("event_type",),
        subject=("data.id",),
        occurred_at=("occurred_at",),
    ),
    volatile=("notification_id",),
    samples=(
        Sample(
            type="transaction.paid",
            body=b'{"event_id":"evt_01hpaddle1","event_type":"transaction.paid","notification_id":"ntf_01h1",'
            b'"occurred_at":"2026-01-01T00:00:00.123456Z","data":{"id":"txn_01h1","status":"paid"}}',
        ),
        Sample(
            type="subscription.updated",
            body=b'{"event_id":"evt_01hpaddle2","event_type":"subscription.updated","notification_id":"ntf_01h2",'
            b'"occurred_at":"2026-01-01T00:00:01.5Z","data":{"id":"sub_01h1","status":"active"}}',
        ),
    ),
)
