"""Owns Xero as data: arrays of notices that something changed, without values.

An empty array is the question whether we mean to receive; like any other request it is answered 401 when its signature
is wrong, and 200 with an empty body when it is right.

https://developer.xero.com/documentation/guides/webhooks/overview
"""

from typing import Any

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places, as_text
from ingest.providers.schemes import Hmac


def _type(event: dict[str, Any]) -> str | None:
    """Join what the event keeps apart, in one spelling: 'invoice.update'."""
    thing, change = as_text(event.get("eventCategory")), as_text(event.get("eventType"))
    return f"{thing}.{change}".lower() if thing and change else None


PROVIDER = Declared(
    "xero",
    scheme=Hmac(headers=("x-xero-signature",), encoding="base64"),
    places=Places(
        key=(("tenantId",), ("resourceId",), (_type,), ("eventDateUtc",)),
        type=(_type,),
        subject=("resourceId",),
        occurred_at=("eventDateUtc",),
        account=("tenantId",),
    ),
    events_at=("events",),
    form="reference",
    empty_answer=True,
    samples=(
        Sample(
            type="invoice.update",
            body=b'{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/717f2bfc",'
            b'"resourceId":"717f2bfc-c6d4-41fd-b238-3f2f0c0cf777","eventDateUtc":"2026-01-01T01:15:39.902",'
            b'"eventType":"UPDATE","eventCategory":"INVOICE","tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",'
            b'"tenantType":"ORGANISATION"}],"firstEventSequence":1,"lastEventSequence":1,"entropy":"SAMPLE"}',
        ),
        Sample(
            type="contact.create",
            body=b'{"events":[{"resourceUrl":"https://api.xero.com/api.xro/2.0/Contacts/828f3cfd",'
            b'"resourceId":"828f3cfd-d7e5-42fe-8349-4f3f1d1df888","eventDateUtc":"2026-01-01T01:15:40.5",'
            b'"eventType":"CREATE","eventCategory":"CONTACT","tenantId":"c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",'
            b'"tenantType":"ORGANISATION"}],"firstEventSequence":2,"lastEventSequence":2,"entropy":"SAMPLE"}',
        ),
    ),
)
