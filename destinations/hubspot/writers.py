"""Who writes to us: a contact and its form message, unless the person or the company is there twice.

The index that is searched lags seconds behind the records, so of two records made at once each may miss the other.
"""

from collections.abc import Iterator
from typing import Any

from destinations.http import Http
from destinations.hubspot import api, reads
from exceptions_queue.failures import ContextMissing

#: Addresses there tell nothing about a company.
FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "aol.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "mail.com", "qq.com", "163.com",
    "yandex.com", "mail.ru",
})  # fmt: skip
#: Records of one name, or companies of one domain, that are looked through.
FOUND_MAX = 100

_OF_A_CONTACT = ("contact_intent", "email", "firstname", "lastname", "message")


def contact(http: Http, id: str) -> dict[str, Any]:
    """A contact's message, if the contact is the only record of a person and nothing in doubt of the company.

    Raises: Failed, ContextMissing; asked anew each time, so that it goes on by itself once somebody merged them.
    """
    found = reads.get(http, "contacts", id, _OF_A_CONTACT)
    # Of a record that was merged meanwhile, the one that stands for it.
    id, properties = found["id"], found["properties"]
    address = properties["email"].strip().lower()
    domain = address.rpartition("@")[2]
    if twins := sorted(set(_twins(http, id, address, properties)), key=int):
        told = f"contact {id} is the same person as {', '.join(twins)}: merge them"
        raise ContextMissing(told, rule="contact_twice", destination="hubspot")
    companies = _companies(http, domain) if domain and domain not in FREE_MAIL else []
    if len(companies) > 1:
        told = f"the domain of contact {id} has several companies, {', '.join(companies)}: merge them"
        raise ContextMissing(told, rule="company_twice", destination="hubspot")
    return {"id": id, "message": properties["message"], "intent": properties["contact_intent"]}


def bare(address: str) -> str:
    """An address without the part behind a plus, by which one person has many."""
    name, at, domain = address.strip().lower().rpartition("@")
    return f"{name.partition('+')[0] or name}{at}{domain}"


def _twins(http: Http, id: str, address: str, properties: dict[str, str]) -> Iterator[str]:
    """Whoever has the address without its plus, or the same name at the same company."""
    first, last = properties["firstname"].strip(), properties["lastname"].strip()
    groups: list[Any] = []
    if address:
        values = sorted({address, bare(address)})
        groups.append([{"propertyName": "email", "operator": "IN", "values": values}])
    if first and last:
        groups.append([_is("firstname", first), _is("lastname", last)])
    if not groups:
        return
    domain = address.rpartition("@")[2]
    names = ("email", "firstname", "lastname")
    for record in api.search(http, "contacts", groups, names, FOUND_MAX, complete=False):
        theirs = record.values.get("email", "").strip().lower()
        same_name = _name(record.values) == _name(properties) and all(_name(properties))
        at_work = bool(domain) and domain not in FREE_MAIL and theirs.rpartition("@")[2] == domain
        if record.id != id and ((address and bare(theirs) == bare(address)) or (same_name and at_work)):
            yield record.id


def _companies(http: Http, domain: str) -> list[str]:
    found = api.search(http, "companies", [[_is("domain", domain)]], ("domain",), FOUND_MAX, complete=False)
    return sorted({record.id for record in found}, key=int)


def _is(name: str, value: str) -> dict[str, str]:
    return {"propertyName": name, "operator": "EQ", "value": value}


def _name(values: Any) -> tuple[str, str]:
    return values.get("firstname", "").strip().casefold(), values.get("lastname", "").strip().casefold()
