"""HubSpot's CRM: contacts, companies, deals and tickets by a unique property, tasks, associations.

    upsert_contact, upsert_company, upsert_deal, upsert_ticket    natural_key    records.py
    associate, dissociate                                         natural_key    links.py
    create_task                                                   probe          tasks.py
    archive (only takes back)                                     natural_key    archive.py

Handlers build effects with the functions of this module: pure, and checked where they are built. An id or a value may
be `references.receipt_of(key)`: what the write under that key makes before this one is sent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.money import Money
from counterfoil.settings import secret
from destinations.base import Effect, EffectInvalid, Safety
from destinations.echoes import Echoes
from destinations.http import Failed, Http, NotConfigured
from destinations.hubspot import fields
from destinations.hubspot.account import account_details
from destinations.hubspot.action import Action, unread
from destinations.hubspot.api import is_read
from destinations.hubspot.archive import Archive
from destinations.hubspot.echoes import HubSpotEchoes
from destinations.hubspot.fields import Id, Value
from destinations.hubspot.links import Associate, Dissociate
from destinations.hubspot.records import NEWEST_BY, Upsert
from destinations.hubspot.tasks import CreateTask
from destinations.remote import Attempt, Finding, Image, Operation, Sent, not_to_be_sent

NAME = "hubspot"
API_BASE = "https://api.hubapi.com"

_ALL: tuple[Action, ...] = (
    Upsert("contacts", "contact"),
    Upsert("companies", "company"),
    Upsert("deals", "deal"),
    Upsert("tickets", "ticket"),
    CreateTask(),
    Associate(),
    Dissociate(),
    Archive(),
)
ACTIONS: Mapping[str, Action] = {action.operation.name: action for action in _ALL}


def upsert_contact(
    *, key: str, subject: str, by: tuple[str, str | Id], properties: Mapping[str, Value], amount: Money | None = None,
    newest_by: str | None = None, evidence: dict[str, Any] | None = None,
) -> Effect:  # fmt: skip
    """Set properties of the contact whose `by` (a unique property, `email` or `hs_object_id`) has this value.

    `newest_by`: one of the properties, a time; where a later one stands already, nothing is set.
    Raises: EffectInvalid; so do all functions here.
    """
    return _upsert("upsert_contact", key, subject, by, properties, amount, evidence, newest_by)


def upsert_company(
    *, key: str, subject: str, by: tuple[str, str | Id], properties: Mapping[str, Value], amount: Money | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:  # fmt: skip
    """Set properties of the company whose `by` (a unique property or `hs_object_id`) has this value."""
    return _upsert("upsert_company", key, subject, by, properties, amount, evidence)


def upsert_deal(
    *, key: str, subject: str, by: tuple[str, str | Id], properties: Mapping[str, Value], amount: Money | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:  # fmt: skip
    """Set properties of the deal whose `by` (a unique property or `hs_object_id`) has this value."""
    return _upsert("upsert_deal", key, subject, by, properties, amount, evidence)


def upsert_ticket(
    *, key: str, subject: str, by: tuple[str, str | Id], properties: Mapping[str, Value], amount: Money | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:  # fmt: skip
    """Set properties of the ticket whose `by` (a unique property or `hs_object_id`) has this value."""
    return _upsert("upsert_ticket", key, subject, by, properties, amount, evidence)


def create_task(
    *,
    key: str,
    subject: str,
    title: str,
    text: str,
    due: datetime,
    associations: Sequence[tuple[str, Id]],
    owner_id: Id | None = None,
    priority: str = "MEDIUM",
    amount: Money | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """Create a task; `associations` are the records that it is about, the first of them the one it is looked for at."""
    body: dict[str, Any] = {
        "title": title,
        "text": text,
        "due": fields.text_of(due),
        "priority": priority,
        "associations": [{"type": kind, "id": _id(id)} for kind, id in associations],
    }
    if owner_id is not None:
        body["owner_id"] = _id(owner_id)
    return _checked(Effect(NAME, "create_task", key, subject, amount, body, evidence or {}))


def associate(
    *, key: str, subject: str, one: tuple[str, Id], other: tuple[str, Id], evidence: dict[str, Any] | None = None
) -> Effect:
    """Associate two records, each as (type, id): `("contacts", "101")`."""
    body = {name: {"type": kind, "id": _id(id)} for name, (kind, id) in (("from", one), ("to", other))}
    return _checked(Effect(NAME, "associate", key, subject, None, body, evidence or {}))


class HubSpot:
    """The destination; what each operation is and does stands in its own file."""

    name = NAME
    safety: Safety = "natural_key"
    operations: Mapping[str, Operation] = {name: action.operation for name, action in ACTIONS.items()}
    echoes: Echoes = HubSpotEchoes()
    #: 100 requests in ten seconds in the smallest plan; what is claimed once is two requests: a write, its read-back.
    rate_per_second = 4.5

    def connect(self, *, write: bool) -> Http:
        """A client of the account. Raises: NotConfigured."""
        token = secret("HUBSPOT_ACCESS_TOKEN")
        if not write:
            token = secret("HUBSPOT_READ_ACCESS_TOKEN") or token
        if token is None:
            raise NotConfigured("HUBSPOT_ACCESS_TOKEN is not set")
        base = secret("HUBSPOT_API_BASE") or API_BASE
        return Http(base, {"Authorization": f"Bearer {token}"}, write=write, reads=is_read)

    def check(self, effect: Effect) -> None:
        """Raises: EffectInvalid, with every problem."""
        action = ACTIONS.get(effect.operation)
        if action is None:
            raise EffectInvalid(effect.key, [f"hubspot knows {', '.join(ACTIONS)}, not {effect.operation}"])
        problems = list(action.problems(effect.body))
        if fields.looks_like_email(effect.key):
            problems.append("the key holds an email address, and keys travel in logs")
        if problems:
            raise EffectInvalid("" if fields.looks_like_email(effect.key) else effect.key, problems)

    def target(self, effect: Effect) -> str | None:
        return ACTIONS[effect.operation].target(effect)

    def render(self, effect: Effect) -> list[str]:
        return ACTIONS[effect.operation].render(effect)

    def look(self, http: Http, effect: Effect) -> Image:
        return ACTIONS[effect.operation].look(http, effect)

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        refused = not_to_be_sent(self, effect)
        return refused or ACTIONS[effect.operation].send(http, effect, key, image)

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        try:
            return ACTIONS[effect.operation].probe(http, effect, attempt)
        except Failed as failed:
            return unread(failed)

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        return ACTIONS[effect.operation].read_back(http, effect, sent)

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        return ACTIONS[effect.operation].inverse(effect, receipt, image)

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        return ACTIONS[effect.operation].changed_since(effect, receipt, now)

    def ping(self, http: Http) -> bool:
        try:
            return bool(account_details(http))
        except Failed:
            return False


DESTINATION = HubSpot()


def _upsert(
    operation: str,
    key: str,
    subject: str,
    by: tuple[str, str | Id],
    properties: Mapping[str, Value],
    amount: Money | None,
    evidence: dict[str, Any] | None,
    newest_by: str | None = None,
) -> Effect:
    name, value = by
    value = value.lower() if name == "email" and isinstance(value, str) else value
    body = {
        "by": {"property": name, "value": _id(value)},
        "properties": {each: fields.text_of(given) for each, given in properties.items()},
        **({NEWEST_BY: newest_by} if newest_by else {}),
    }
    return _checked(Effect(NAME, operation, key, subject, amount, body, evidence or {}))


def _id(id: str | Id) -> Any:
    return id if isinstance(id, str) else dict(id)


def _checked(effect: Effect) -> Effect:
    DESTINATION.check(effect)
    return effect
