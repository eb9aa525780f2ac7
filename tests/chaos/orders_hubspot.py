"""One write of each operation at HubSpot for every schedule, in one portal; how its effects are counted."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from orders import Order

from destinations import hubspot
from destinations.base import Effect
from sandbox.hubspot.account import Account
from sandbox.hubspot.core import HubSpot
from sandbox.hubspot.kinds import COMPANY, CONTACT, DEAL, TASK, TICKET
from sandbox.hubspot.properties import Property
from sandbox.standin.base import Standin

#: How the worker's credential begins; its process id follows.
CREDENTIAL = "pat-"
MARK = "counterfoil_key"
KINDS = (CONTACT, COMPANY, DEAL, TICKET, TASK)
PROPERTIES = (
    (COMPANY, Property("stripe_customer_id", unique=True)),
    (DEAL, Property("stripe_invoice_id", unique=True)),
    (TICKET, Property("external_key", unique=True)),
    (COMPANY, Property("plan")),
    *((kind, Property(MARK)) for kind in KINDS),
)


def make(now: Callable[[], float], rng: random.Random) -> Standin:
    """A portal without limits of its own, whose search lags by a second."""
    portal = HubSpot(now, rng, Account(properties=PROPERTIES, searches_per_second=None, posts_webhooks=False))
    for number, kind in enumerate(KINDS, 1):
        # Each kind counts by itself; far apart, an id says which record a request is about.
        portal.crm.records._next[kind.type_id] = number * 1_000_000
    return portal


def orders(standin: Standin, seed: int) -> list[Order]:
    """What the portal needs, made by hand, and the writes. With an even seed the upserts make their records."""

    def record(kind: str, **properties: str) -> str:
        return str(standin.do({"action": "create", "kind": kind, "properties": properties})["id"])

    def plain(operation: str, body: dict[str, Any]) -> Effect:
        return Effect("hubspot", operation, f"hubspot:{operation}:s{seed}", "schedules", None, body)

    def key(operation: str) -> Any:
        return {"key": f"hubspot:{operation}:s{seed}", "subject": "schedules"}

    ids: dict[str, str] = {}
    if seed % 2:
        ids = {
            "contacts": record("contacts", email=f"s{seed}@customer.example"),
            "companies": record("companies", stripe_customer_id=f"cus_s{seed}", plan="basic"),
            "deals": record("deals", stripe_invoice_id=f"in_s{seed}"),
            "tickets": record("tickets", external_key=f"t_s{seed}", hs_pipeline_stage="2"),
        }
    person, firm, parted, left = (record("contacts"), record("companies"), record("contacts"), record("companies"))
    busy, old = record("companies"), record("companies")
    standin.do({"action": "associate", "kind": "contacts", "id": parted, "to_kind": "companies", "to": left})

    def mine(kind: str) -> tuple[str, ...]:
        return (ids[kind],) if kind in ids else ()

    return [
        Order(
            hubspot.upsert_contact(
                by=("email", f"s{seed}@customer.example"), properties={"phone": "+1 555 0100"}, **key("upsert_contact")
            ),
            mine("contacts"),
        ),
        Order(
            hubspot.upsert_company(
                by=("stripe_customer_id", f"cus_s{seed}"), properties={"plan": "pro"}, **key("upsert_company")
            ),
            mine("companies"),
        ),
        Order(
            hubspot.upsert_deal(
                by=("stripe_invoice_id", f"in_s{seed}"), properties={"amount": "1250.50"}, **key("upsert_deal")
            ),
            mine("deals"),
        ),
        Order(
            hubspot.upsert_ticket(
                by=("external_key", f"t_s{seed}"),
                properties={"subject": "Payment failed", "hs_pipeline_stage": "1"},
                **key("upsert_ticket"),
            ),
            mine("tickets"),
        ),
        Order(
            hubspot.create_task(
                title=f"Payment s{seed} failed", text="Ask for another card.",
                due=datetime(2027, 12, 1, 9, tzinfo=UTC), associations=[("companies", busy)], **key("create_task"),
            ),
            (busy,),
        ),
        Order(
            hubspot.associate(one=("contacts", person), other=("companies", firm), **key("associate")), (person, firm)
        ),
        Order(
            plain("dissociate", {"from": {"type": "contacts", "id": parted}, "to": {"type": "companies", "id": left}}),
            (parted, left),
        ),
        Order(plain("archive", {"object": "companies", "id": old}), (old,)),
    ]  # fmt: skip


def count(state: Mapping[str, Any], effect: Effect) -> int:
    """How many whole effects of it stand."""
    body = effect.body
    match effect.operation:
        case "create_task":
            marked = [row for row in _living(state, "tasks") if row["properties"].get(MARK) == effect.key]
            ends = {tuple(link["from"]): tuple(link["to"]) for link in state["associations"]}
            whole = [row for row in marked if ends.get((TASK.type_id, row["id"]), ("", ""))[1] == _about(body)]
            return len(whole) if len(whole) == len(marked) else -1
        case "associate":
            return int(_are_linked(state, body))
        case "dissociate":
            return int(not _are_linked(state, body))
        case "archive":
            return int(all(row["id"] != body["id"] for row in _living(state, body["object"])))
    kind = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
    found = [
        row
        for row in _living(state, kind[effect.operation.removeprefix("upsert_")])
        if row["properties"].get(body["by"]["property"]) == body["by"]["value"]
    ]
    whole = [row for row in found if body["properties"].items() <= row["properties"].items()]
    return len(whole) if len(whole) == len(found) else -1


def _living(state: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in state[kind] if not row["archived"]]


def _about(body: Mapping[str, Any]) -> str:
    return str(body["associations"][0]["id"])


def _are_linked(state: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    ends = {body["from"]["id"], body["to"]["id"]}
    return any({link["from"][1], link["to"][1]} == ends for link in state["associations"])
