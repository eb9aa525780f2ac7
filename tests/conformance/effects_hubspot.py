"""Every operation at HubSpot, tried against the stand-in."""

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from effects import Example
from sides import Place, Side

from counterfoil.keys import short_hash
from destinations import hubspot
from destinations.base import Effect
from destinations.hubspot.api import is_read
from sandbox.hubspot.account import Account
from sandbox.hubspot.core import HubSpot
from sandbox.hubspot.kinds import COMPANY, CONTACT, DEAL, TASK, TICKET
from sandbox.hubspot.properties import Property

PERSON, ADDRESS, PHONE = "Ada Example", "ada@customer.example", "+1 555 0100"
BASE = "http://hubspot.test"
MARK = "counterfoil_key"
KINDS = (CONTACT, COMPANY, DEAL, TICKET, TASK)

#: What an admin adds: unique properties to find records by, and one for our keys.
_PROPERTIES = (
    (COMPANY, Property("stripe_customer_id", unique=True)),
    (DEAL, Property("stripe_invoice_id", unique=True)),
    (TICKET, Property("external_key", unique=True)),
    (COMPANY, Property("plan")),
    (COMPANY, Property("mrr", "number")),
    *((kind, Property(MARK)) for kind in KINDS),
)


class _Honest(HubSpot):
    """Whatever else breaks, what it calls done is done: lies have a test of their own."""

    own_faults = HubSpot.own_faults - {"not_applied"}


def _make(now: Callable[[], float], rng: random.Random) -> HubSpot:
    return _Honest(now, rng, Account(properties=_PROPERTIES, searches_per_second=None))


def _plain(state: dict[str, Any]) -> Any:
    """No tombstones, no empty values, no marks of ours."""
    living: dict[str, Any] = {
        kind.plural: {
            row["id"]: {name: value for name, value in row["properties"].items() if value and name != MARK}
            for row in state[kind.plural]
            if not row["archived"]
        }
        for kind in KINDS
    }
    ends = {(kind.type_id, id) for kind in KINDS for id in living[kind.plural]}
    linked = [(tuple(row["from"]), tuple(row["to"])) for row in state["associations"]]
    return {**living, "associations": sorted(link for link in linked if set(link) <= ends)}


PLACE = Place(
    make=_make,
    base=BASE,
    settings={"HUBSPOT_ACCESS_TOKEN": "pat-secretsecret", "HUBSPOT_API_BASE": BASE},
    read_only={"HUBSPOT_ACCESS_TOKEN": "pat-secretsecret-ro", "HUBSPOT_API_BASE": BASE},
    plain=_plain,
    secrets=("pat-secretsecret", "pat-secretsecret-ro"),
    is_read=is_read,
)


def rows(side: Side, kind: str) -> list[dict[str, Any]]:
    """All records of a type that are not archived."""
    return [row for row in side.state()[kind] if not row["archived"]]


def a_record(side: Side, kind: str, **properties: str) -> str:
    """Made by hand, once; a minute ago, when whoever looks at it looks."""
    found = rows(side, kind)
    if found:
        return str(found[0]["id"])
    made = side.do(action="create", kind=kind, properties=properties)
    side.clock.advance(60)
    return str(made["id"])


def edit(side: Side, kind: str, id: str, **properties: str) -> None:
    """Somebody changes a record."""
    side.clock.advance(60)
    side.do(action="edit", kind=kind, id=id, properties=properties)


def upsert_company(side: Side) -> Effect:
    """Plan and revenue of one that stands there."""
    a_record(side, "companies", stripe_customer_id="cus_1", name=PERSON, plan="basic", mrr="9")
    return hubspot.upsert_company(
        key="hubspot:sub_1:plan:3",
        subject="stripe:sub_1",
        by=("stripe_customer_id", "cus_1"),
        properties={"plan": "pro", "mrr": "49.00"},
    )


def upsert_contact(side: Side) -> Effect:
    """One who stands there, by email, with more than we set."""
    a_record(side, "contacts", email=ADDRESS, phone="+1 555 0000", firstname=PERSON)
    return hubspot.upsert_contact(
        key="hubspot:in_1:last_payment",
        subject="stripe:in_1",
        by=("email", ADDRESS),
        properties={"phone": PHONE, "lastname": "Example"},
    )


def upsert_deal(side: Side) -> Effect:
    """Name, amount and day of one that has none of them."""
    a_record(side, "deals", stripe_invoice_id="in_1")
    return hubspot.upsert_deal(
        key="hubspot:in_1:deal",
        subject="stripe:in_1",
        by=("stripe_invoice_id", "in_1"),
        properties={"dealname": PERSON, "amount": "1250.50", "closedate": datetime(2026, 12, 1, tzinfo=UTC)},
    )


def upsert_ticket(side: Side) -> Effect:
    """One in another stage."""
    a_record(side, "tickets", external_key="in_1", subject="Other", hs_pipeline_stage="2")
    return hubspot.upsert_ticket(
        key="hubspot:in_1:ticket",
        subject="stripe:in_1",
        by=("external_key", "in_1"),
        properties={"subject": "Payment failed", "hs_pipeline_stage": "1"},
    )


def create_task(side: Side) -> Effect:
    """For somebody, about a company."""
    return hubspot.create_task(
        key="hubspot:in_1:failed:1",
        subject="stripe:in_1",
        title="Payment of in_1 failed",
        text=f"Call {PERSON}, {PHONE}.\nThen ask for another card.",
        due=datetime(2026, 12, 1, 9, tzinfo=UTC),
        associations=[("companies", a_record(side, "companies", name=PERSON))],
        owner_id="9001",
        priority="HIGH",
    )


def associate(side: Side) -> Effect:
    """A contact and a company."""
    one, other = a_record(side, "contacts", email=ADDRESS), a_record(side, "companies", name=PERSON)
    return hubspot.associate(
        key="hubspot:cus_1:company", subject="stripe:cus_1", one=("contacts", one), other=("companies", other)
    )


def dissociate(side: Side) -> Effect:
    """The same two, whom somebody associated."""
    body = associate(side).body
    if not side.state()["associations"]:
        _by_hand(side, "associate", body)
    return Effect("hubspot", "dissociate", "hubspot:cus_1:company:gone", "stripe:cus_1", None, body)


def archive(side: Side) -> Effect:
    """A company that nobody touched since it was made."""
    body = {"object": "companies", "id": a_record(side, "companies", name=PERSON)}
    return Effect("hubspot", "archive", "hubspot:sub_1:gone", "stripe:sub_1", None, body)


def _by_hand(side: Side, action: str, body: dict[str, Any]) -> None:
    one, other = body["from"], body["to"]
    side.do(action=action, kind=one["type"], id=one["id"], to_kind=other["type"], to=other["id"])


def _with(kind: str, **values: str) -> Callable[[Side, Effect], int]:
    """How many records hold these values."""
    return lambda side, effect: sum(values.items() <= row["properties"].items() for row in rows(side, kind))


def _tasks(side: Side, effect: Effect) -> int:
    """Those with our key, in its property or at the end of the text, all about their company."""
    marked = rf"Call .*<br>Then ask for another card\.(<br>\[counterfoil {short_hash(effect.key)}\])?"
    found = [row for row in rows(side, "tasks") if re.fullmatch(marked, row["properties"]["hs_task_body"])]
    assert all(MARK in row["properties"] or "[counterfoil" in row["properties"]["hs_task_body"] for row in found)
    linked = {link["from"][1] for link in side.state()["associations"] if link["from"][0] == TASK.type_id}
    assert linked >= {row["id"] for row in found}
    return len(found)


_BY = {"property": "stripe_customer_id", "value": "cus_1"}
_UPSERT_SPOILT: tuple[dict[str, Any], ...] = (
    {"properties": {}},
    {"properties": {"plan": 49}},
    {"properties": {"plan": " pro"}},
    {"properties": {"Plan!": "pro"}},
    {"properties": {"hs_object_id": "1"}},
    {"properties": {MARK: "mine"}},
    {"properties": {"stripe_customer_id": "cus_2"}, "by": _BY},
    {"properties": {"plan": "x" * 70_000}},
    {"by": {"property": "hs_object_id", "value": "1/../2"}},
    {"by": {"property": "hs_object_id", "value": "0"}},
    {"by": {"property": "plan", "value": ""}},
    {"by": {"property": "email", "value": "nobody"}},
    {"by": None},
    {"by": "cus_1"},
    {"also": "this"},
)
_LINK_SPOILT: tuple[dict[str, Any], ...] = (
    {"from": {"type": "invoices", "id": "1"}},
    {"to": {"type": "contacts", "id": "x"}},
    {"to": {"type": "contacts"}},
    {"from": {"type": "contacts", "id": "1"}, "to": {"type": "contacts", "id": "1"}},
)

EXAMPLES = [
    Example(
        "upsert_company",
        upsert_company,
        _with("companies", stripe_customer_id="cus_1", plan="pro", mrr="49.00", name=PERSON),
        spoilt=_UPSERT_SPOILT,
        private=(PERSON,),
        edit_before=lambda side, effect: edit(side, "companies", a_record(side, "companies"), plan="by hand"),
        edit_after=lambda side, effect, id: edit(side, "companies", id, plan="by hand"),
        late_seconds=60.0,
    ),
    Example(
        "upsert_contact",
        upsert_contact,
        _with("contacts", email=ADDRESS, phone=PHONE, lastname="Example", firstname=PERSON),
        spoilt=(*_UPSERT_SPOILT, {"by": {"property": "email", "value": "Ada@Customer.example"}}),
        private=(PERSON, ADDRESS, PHONE),
        edit_before=lambda side, effect: edit(side, "contacts", a_record(side, "contacts"), phone="+1 555 0001"),
        edit_after=lambda side, effect, id: edit(side, "contacts", id, phone="+1 555 0001"),
        late_seconds=60.0,
    ),
    Example(
        "upsert_deal",
        upsert_deal,
        _with("deals", stripe_invoice_id="in_1", dealname=PERSON, amount="1250.50", closedate="2026-12-01T00:00:00Z"),
        spoilt=_UPSERT_SPOILT,
        private=(PERSON,),
        edit_before=lambda side, effect: edit(side, "deals", a_record(side, "deals"), dealname="Other"),
        edit_after=lambda side, effect, id: edit(side, "deals", id, amount="1"),
        late_seconds=60.0,
    ),
    Example(
        "upsert_ticket",
        upsert_ticket,
        _with("tickets", external_key="in_1", subject="Payment failed", hs_pipeline_stage="1"),
        spoilt=_UPSERT_SPOILT,
        edit_before=lambda side, effect: edit(side, "tickets", a_record(side, "tickets"), hs_pipeline_stage="3"),
        edit_after=lambda side, effect, id: edit(side, "tickets", id, hs_pipeline_stage="4"),
        late_seconds=60.0,
    ),
    Example(
        "create_task",
        create_task,
        _tasks,
        spoilt=(
            {"title": ""},
            {"title": "x" * 300},
            {"text": 7},
            {"text": "[counterfoil 0123456789abcdef]"},
            {"due": "soon"},
            {"due": 1},
            {"owner_id": "ada"},
            {"priority": "URGENT"},
            {"associations": "companies"},
            {"associations": [{"type": "invoices", "id": "1"}]},
            {"associations": [{"type": "companies", "id": "1/2"}]},
            {"color": "red"},
        ),
        private=(PERSON, PHONE),
        edit_after=lambda side, effect, id: edit(side, "tasks", id, hs_task_status="COMPLETED"),
        takes_receipt="owner_id",
    ),
    Example(
        "associate",
        associate,
        lambda side, effect: int(bool(side.state()["associations"])),
        spoilt=_LINK_SPOILT,
        private=(PERSON, ADDRESS),
        edit_before=lambda side, effect: _by_hand(side, "associate", effect.body),
        edit_after=lambda side, effect, id: _by_hand(side, "dissociate", effect.body),
        late_seconds=60.0,
    ),
    Example(
        "dissociate",
        dissociate,
        lambda side, effect: int(not side.state()["associations"]),
        spoilt=_LINK_SPOILT,
        private=(PERSON, ADDRESS),
        edit_before=lambda side, effect: _by_hand(side, "dissociate", effect.body),
        edit_after=lambda side, effect, id: _by_hand(side, "associate", effect.body),
        late_seconds=60.0,
    ),
    Example(
        "archive",
        archive,
        lambda side, effect: int(not rows(side, "companies")),
        spoilt=({"object": "invoices"}, {"object": None}, {"id": "x"}, {"id": None}),
        private=(PERSON,),
        edit_before=lambda side, effect: edit(side, "companies", effect.body["id"], phone="+1 555 0000"),
        takes_receipt="id",
        late_seconds=60.0,
    ),
]
