"""Owns QuickBooks: an array of CloudEvents that may mix companies, or the older object of notifications per company.

Neither form holds values. The older one has no event ids: company, entity, id, operation and time stand in for one.

https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from ingest.providers.base import BodyRefused, Received, Request, Sample, Unreadable
from ingest.providers.declared import TYPE_CHARS_MAX, Declared, Places, as_text, as_time, make_key, make_subject
from ingest.providers.envelope import business_hash, cut_elements, each_element, make_unreadable
from ingest.providers.schemes import Hmac


class Notice(msgspec.Struct):
    """The company of an older notification; its entities are cut out separately."""

    realm_id: str = msgspec.field(name="realmId")


class QuickBooks(Declared):
    """QuickBooks Online; what is declared is the CloudEvents form."""

    def split(self, request: Request) -> list[Received | Unreadable]:
        """Take an object for the older form."""
        if request.body.lstrip(b" \t\r\n")[:1] != b"{":
            return super().split(request)
        found: list[Received | Unreadable] = []
        for notice in cut_elements(request.body, ("eventNotifications",)):
            found += _read_notice(notice)
        if found and all(isinstance(event, Unreadable) for event in found):
            raise BodyRefused("No element of the body can be read.")
        return found


def _read_notice(notice: bytes) -> list[Received | Unreadable]:
    """Read one company's entities; a company that cannot be told fails with all of them."""
    try:
        realm = msgspec.json.decode(notice, type=Notice).realm_id
        return each_element(notice, ("dataChangeEvent", "entities"), partial(_read_entity, realm))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return [make_unreadable(notice, "The notification names no company.")]
    except BodyRefused as refusal:
        return [make_unreadable(notice, refusal.detail)]


def _read_entity(realm: str, entity: dict[str, Any], payload: bytes) -> Received:
    names = [as_text(entity.get(name)) for name in ("name", "id", "operation", "lastUpdated")]
    kind, thing, operation, moment = names
    if not (realm and kind and thing and operation and moment):
        raise BodyRefused("The entity lacks its name, id, operation or time.")
    return Received(
        key=make_key(realm, kind, thing, operation, moment),
        type=f"qbo.{kind}.{operation}".lower()[:TYPE_CHARS_MAX],
        payload=payload,
        content_hash=business_hash(payload, (), realm),
        subject=make_subject("quickbooks", f"{realm}:{kind.lower()}:{thing}"),
        occurred_at=as_time(moment),
        account=realm,
        form="reference",
    )


def _entity(event: dict[str, Any]) -> str | None:
    """Name the entity; ids are counted per company and kind: 'qbo.invoice.created.v1' is about an invoice."""
    kind = (as_text(event.get("type")) or "").split(".")
    thing = as_text(event.get("intuitentityid"))
    return f"{event.get('intuitaccountid')}:{kind[1]}:{thing}" if len(kind) > 1 and thing else None


PROVIDER = QuickBooks(
    "quickbooks",
    scheme=Hmac(headers=("intuit-signature",), encoding="base64"),
    places=Places(
        key=(("intuitaccountid",), ("id",)),
        type=("type",),
        subject=(_entity,),
        occurred_at=("time",),
        account=("intuitaccountid",),
    ),
    events_at=(),
    form="reference",
    samples=(
        Sample(
            type="qbo.invoice.created.v1",
            body=b'[{"specversion":"1.0","id":"88cd52aa-33b6-4351-9aa4-47572edbd068","source":"intuit.sample",'
            b'"type":"qbo.invoice.created.v1","datacontenttype":"application/json","time":"2026-01-01T00:00:00.179851517Z",'
            b'"intuitentityid":"1234","intuitaccountid":"310687","data":{}}]',
        ),
        Sample(
            type="qbo.account.create",
            body=b'{"eventNotifications":[{"realmId":"310687","dataChangeEvent":{"entities":[{"id":"1234",'
            b'"operation":"Create","name":"Account","lastUpdated":"2026-01-01T00:00:01.657Z"}]}}]}',
        ),
    ),
)
