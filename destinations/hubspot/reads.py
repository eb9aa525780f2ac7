"""Read-only questions to HubSpot, for handlers that need context: a deal with what it sells, whose company it is.

What is missing or ambiguous is a `ContextMissing` that says what: no handler guesses which of two companies was meant.
Amounts come as whole minor units; a price that is none in the deal's currency is told, not rounded.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from contracts.money import AMOUNT_MINOR_MAX, DECIMALS
from destinations.http import Failed, Http, NotConfigured
from destinations.hubspot import account, api
from destinations.hubspot.answers import NotRead, not_understood, record_id
from exceptions_queue.failures import ContextMissing, DestinationUnavailable

T = TypeVar("T")

#: A deal that sells more things than this is not turned into an invoice by a machine.
LINE_ITEMS_MAX = 200

_OF_A_DEAL = ("dealname", "dealstage", "amount", "closedate", "deal_currency_code", "hubspot_owner_id")
_OF_A_COMPANY = ("name", "domain", "hubspot_owner_id", "stripe_customer_id")
_OF_A_CONTACT = ("email", "firstname", "lastname", "hubspot_owner_id", "stripe_customer_id")
_OF_A_LINE = (
    "name", "quantity", "price", "amount", "discount", "hs_discount_percentage", "hs_line_item_currency_code",
    "hs_sku", "hs_product_id", "recurringbillingfrequency", "hs_recurring_billing_period",
)  # fmt: skip

#: The numbers of the association to the primary one of several.
#: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
_PRIMARY = {("deals", "companies"): 5, ("contacts", "companies"): 1, ("tickets", "companies"): 26}


def asked(connect: Callable[[], Http], read: Callable[[Http], T]) -> T:
    """An answer by the credential that only reads; what goes wrong gets its class, and thereby its owner.

    Raises: ContextMissing, DestinationUnavailable.
    """
    try:
        http = connect()
    except NotConfigured as missing:
        told = f"HubSpot cannot be asked: {missing}"
        raise ContextMissing(told, rule="not_configured", destination="hubspot") from None
    try:
        return read(http)
    except NotRead as unread:
        kind = ContextMissing if unread.verdict.meaning == "refused" else DestinationUnavailable
        raise kind(str(unread), rule="unreadable", destination="hubspot") from unread
    except Failed as failed:
        raise DestinationUnavailable(str(failed), rule="unanswered", destination="hubspot") from failed
    finally:
        http.close()


def deal(http: Http, id: str) -> dict[str, Any]:
    """A deal with its line items, its company and its contact (None when it has none).

    Raises: Failed; ContextMissing for what is not there, ambiguous, or no exact amount.
    """
    return {**sold(http, id), "contact": contact_of_deal(http, id)}


def sold(http: Http, id: str) -> dict[str, Any]:
    """A deal with its line items and its company. Raises: Failed, ContextMissing."""
    found = get(http, "deals", id, _OF_A_DEAL)
    currency = found["properties"]["deal_currency_code"] or str(
        account.account_details(http).get("companyCurrency") or ""
    )
    if currency not in DECIMALS:
        raise _missing("deal_currency", f"the currency of deal {id} is not known")
    return {
        **found,
        "currency": currency,
        "line_items": line_items(http, id, currency),
        "company": _only(http, "deals", id, "companies", _OF_A_COMPANY),
    }


def contact_of_deal(http: Http, id: str) -> dict[str, Any] | None:
    """The one contact of a deal. Raises: Failed, ContextMissing when there are several."""
    return _only(http, "deals", id, "contacts", _OF_A_CONTACT)


def line_items(http: Http, deal_id: str, currency: str) -> list[dict[str, Any]]:
    """What a deal sells, in the order of their ids. Raises: Failed, ContextMissing."""
    ids = sorted({link.id for link in _linked(http, "deals", deal_id, "line_items")}, key=int)
    if len(ids) > LINE_ITEMS_MAX:
        raise _missing("line_items_many", f"deal {deal_id} has {len(ids)} line items, more than {LINE_ITEMS_MAX}")
    found: list[api.Record] = []
    for start in range(0, len(ids), api.ROWS_PER_BATCH):
        some = ids[start : start + api.ROWS_PER_BATCH]
        rows = api.read_batch(http, "line_items", some, _OF_A_LINE)
        if rows is None or len(rows) != len(some):
            raise _missing("line_items_gone", f"line items of deal {deal_id} went away while they were read")
        found += rows
    return [_line(record, deal_id, currency) for record in sorted(found, key=lambda record: int(record.id))]


def contact_by_email(http: Http, email: str, names: Iterable[str] = ()) -> dict[str, Any] | None:
    """The contact with this address; None when nobody has it. Raises: Failed."""
    wanted = {*_OF_A_CONTACT, *names}
    record = api.find_by_property(http, "contacts", "email", email.strip().lower(), wanted)
    return None if record is None else _shown(record, wanted)


def company_of_contact(http: Http, contact_id: str) -> dict[str, Any] | None:
    """The company of a contact, its primary one when there are several. Raises: Failed, ContextMissing."""
    return _only(http, "contacts", contact_id, "companies", _OF_A_COMPANY)


def get(http: Http, kind: str, id: str, names: Sequence[str]) -> dict[str, Any]:
    """A record by its id. Raises: Failed, ContextMissing."""
    record = api.find_by_id(http, kind, id, names) if record_id(id) else None
    if record is None:
        raise _missing(f"{kind}_missing", f"HubSpot has no record {kind}/{id}")
    return _shown(record, names)


def active_owner(http: Http, owner_id: str) -> str | None:
    """The owner's id while the person is active; None for nobody, or somebody who left. Raises: Failed."""
    if not record_id(owner_id):
        return None
    answer = http.call("GET", f"/crm/v3/owners/{owner_id}")
    if answer.status == 404 and answer.member("status") == "error":
        return None
    body = api.needed(answer, 200).body
    if not isinstance(body, dict) or str(body.get("id")) != owner_id:
        raise NotRead(not_understood(answer))
    return None if body.get("archived") is True else owner_id


def minor_of(text: str, currency: str) -> int | None:
    """A decimal amount as whole minor units; None when it is none, exactly, in this currency."""
    if not text.isascii() or len(text) > 40:
        return None
    try:
        amount = Decimal(text).scaleb(DECIMALS[currency])
    except (InvalidOperation, KeyError):
        return None
    if not amount.is_finite() or abs(amount) > AMOUNT_MINOR_MAX or amount != amount.to_integral_value():
        return None
    return int(amount)


def _only(http: Http, kind: str, id: str, to: str, names: Sequence[str]) -> dict[str, Any] | None:
    """The one record of a type that belongs to another. Raises: Failed, ContextMissing when it is not one."""
    links = _linked(http, kind, id, to)
    primary = [link for link in links if _PRIMARY.get((kind, to)) in link.types]
    chosen = primary if len(links) > 1 and primary else links
    if len(chosen) > 1:
        raise _missing(f"{to}_ambiguous", f"{kind}/{id} has {len(chosen)} {to}, and none of them is the primary one")
    return get(http, to, chosen[0].id, names) if chosen else None


def _linked(http: Http, kind: str, id: str, to: str) -> list[api.Link]:
    links = api.linked(http, kind, id, to)
    if links is None:
        # No list is not an empty one: a deal whose line items cannot be seen is not a deal without any.
        raise _missing(f"{kind}_missing", f"HubSpot has no record {kind}/{id}")
    return links


def _line(record: api.Record, deal_id: str, currency: str) -> dict[str, Any]:
    """One thing sold; the amount is HubSpot's: price times quantity, less discounts."""
    of = {name: record.values.get(name, "") for name in _OF_A_LINE}
    if of["hs_line_item_currency_code"] not in ("", currency):
        raise _missing("line_item_currency", f"line item {record.id} of deal {deal_id} is in another currency")
    amount_minor = minor_of(of["amount"], currency)
    if amount_minor is None:
        raise _missing("line_item_amount", f"line item {record.id} of deal {deal_id} has no exact amount in {currency}")
    return {
        "id": record.id,
        "name": of["name"],
        "quantity": of["quantity"],
        "price_minor": minor_of(of["price"], currency),
        "amount_minor": amount_minor,
        "sku": of["hs_sku"],
        "product_id": of["hs_product_id"],
        "recurring": of["recurringbillingfrequency"],
    }


def _shown(record: api.Record, names: Iterable[str]) -> dict[str, Any]:
    return {"id": record.id, "properties": {name: record.values.get(name, "") for name in sorted(set(names))}}


def _missing(rule: str, detail: str) -> ContextMissing:
    return ContextMissing(detail, rule=rule, destination="hubspot")
