"""Owns Recurly's JSON webhooks as data (the XML ones are not signed). They name what changed and hold no values.

The notification's id is a header and stays over retries; the `id` in the body may be the object's, shared by all that
ever happens to it. Without the header, what happened to which object and when is the identity.

The documentation calls the time milliseconds and shows seconds; both are read.

https://docs.recurly.com/recurly-subscriptions/docs/signature-verification
"""

from typing import Any

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places, as_text
from ingest.providers.schemes import Hmac


def _type(event: dict[str, Any]) -> str | None:
    """Join what the body keeps apart: 'charge_invoice.paid'."""
    thing, change = as_text(event.get("object_type")), as_text(event.get("event_type"))
    return f"{thing}.{change}" if thing and change else None


def _object(event: dict[str, Any]) -> str | None:
    names = ("uuid", "invoice_number", "id", "account_code")
    found = next((text for text in map(as_text, map(event.get, names)) if text), None)
    return f"{event.get('object_type')}:{found}" if found else None


def _happening(event: dict[str, Any]) -> str | None:
    kind, thing, moment = _type(event), _object(event), as_text(event.get("event_time"))
    return f"{kind}:{thing}@{moment}" if kind and thing and moment else None


PROVIDER = Declared(
    "recurly",
    scheme=Hmac(
        headers=("recurly-signature",),
        layout="list",
        before="{t}.",
        time_unit="s or ms",
        age_seconds_max=300,
        ahead_seconds_max=300,
    ),
    places=Places(
        key=(("@recurly-notification-id", _happening),),
        type=(_type,),
        subject=(_object,),
        occurred_at=("event_time",),
        account=("site_id",),
    ),
    form="reference",
    samples=(
        Sample(
            type="account.created",
            body=b'{"id":"r3oplsj3zo7a","object_type":"account","site_id":"r23khg9b5kyb","event_type":"created",'
            b'"event_time":"2026-01-01T00:00:00Z","account_code":"verena"}',
            headers={"recurly-notification-id": "sbt0fcxjs4h1"},
        ),
        Sample(
            type="charge_invoice.paid",
            body=b'{"id":"r3oplsj3zo7a","object_type":"charge_invoice","site_id":"r23khg9b5kyb","event_type":"paid",'
            b'"event_time":"2026-01-01T00:00:01Z","invoice_number":"1042","account_code":"verena"}',
        ),
    ),
)
