"""Owns GitHub as data. A delivery's id stays when it is delivered again by hand; GitHub never retries by itself.

The id and the event's name travel in headers, which the signature does not cover.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

from ingest.providers.base import Sample
from ingest.providers.declared import Declared, Places
from ingest.providers.schemes import Hmac

PROVIDER = Declared(
    "github",
    # The header is absent when no secret is set: that is refused like any missing signature.
    scheme=Hmac(headers=("x-hub-signature-256",), prefix="sha256="),
    places=Places(
        key=(("@x-github-delivery",),),
        type=("@x-github-event",),
        subject=("repository.full_name", "organization.login"),
        account=("organization.login", "repository.owner.login"),
    ),
    samples=(
        Sample(
            type="issues",
            body=b'{"action":"opened","issue":{"id":1,"number":7,"title":"It breaks"},'
            b'"repository":{"full_name":"example/books","owner":{"login":"example"}}}',
            headers={"x-github-event": "issues", "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
        ),
        Sample(
            type="ping",
            body=b'{"zen":"Keep it logically awesome.","hook_id":1}',
            headers={"x-github-event": "ping", "x-github-delivery": "83e4273f-dd89-22f4-92bc-5da478ed1a69"},
        ),
    ),
)
