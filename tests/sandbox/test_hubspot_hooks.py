"""The webhooks of HubSpot's stand-in: every change, as the door and the contracts know them."""

import json
from typing import Any

from hubspot_portal import Portal, a_portal

from contracts.hubspot import ObjectCreated, ObjectDeleted, ObjectsMerged, PropertyChanged
from ingest.providers.base import Received, Request
from ingest.providers.hubspot import PROVIDER

_CONTRACTS = {"creation": ObjectCreated, "deletion": ObjectDeleted, "merge": ObjectsMerged,
              "propertyChange": PropertyChanged}  # fmt: skip


def _a_busy_day() -> Portal:
    """Everything that causes a webhook, by the API and by hand."""
    portal = a_portal()
    contact = portal.create("contacts", email="a@example.com")
    other = portal.create("contacts", email="b@example.com")
    company = portal.create("companies", name="A")
    task = portal.create("tasks", hs_timestamp="2026-01-01T00:00:00Z")
    portal.http.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    portal.http.put(f"/crm/v4/objects/tasks/{task}/associations/default/contacts/{contact}")
    portal.clock.advance(1)
    portal.hubspot.do({"action": "edit", "kind": "task", "id": task, "properties": {"hs_task_status": "COMPLETED"}})
    portal.hubspot.do({"action": "merge", "kind": "contact", "id": contact, "other": other})
    portal.hubspot.do({"action": "delete", "kind": "company", "id": company})
    return portal


def _receive(hook_body: bytes) -> list[Any]:
    return PROVIDER.split(Request("POST", "http://door.test/webhooks/hubspot", {}, hook_body))


def test_every_event_is_one_that_the_door_takes_and_its_contract_accepts() -> None:
    """Identified, none like another, and valid where a contract covers its type."""
    bodies = [hook.body for hook in _a_busy_day().exchange.hooks()]
    received = [each for body in bodies for each in _receive(body)]
    assert all(isinstance(each, Received) for each in received)
    assert len({each.key for each in received}) == len(received)
    kinds = {each.type for each in received}
    assert {"contact.merge", "company.deletion", "object.creation", "object.propertyChange",
            "contact.associationChange", "company.associationChange", "object.associationChange"} <= kinds  # fmt: skip
    for body in bodies:
        for event in json.loads(body):
            contract = _CONTRACTS.get(event["subscriptionType"].partition(".")[2])
            if contract is not None:
                found = contract.model_validate(event)
                assert [violation for rule in contract.rules for violation in rule(found)] == []


def test_our_own_write_comes_back_as_a_webhook() -> None:
    """With the app as its source, one event for each property; a person's change names the person."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A", amount=5)
    portal.hubspot.do({"action": "edit", "kind": "deal", "id": id_, "properties": {"amount": 6}, "user": 7})
    told = portal.events()
    assert told[0]["subscriptionType"] == "deal.creation"
    changes = {(each["propertyName"], each["propertyValue"], each["changeSource"], each["sourceId"])
               for each in told if each["subscriptionType"] == "deal.propertyChange"}  # fmt: skip
    app = ("INTEGRATION", "appId:54321")
    assert changes == {("dealname", "A", *app), ("amount", "5", *app), ("pipeline", "default", *app),
                       ("amount", "6", "CRM_UI", "userId:7")}  # fmt: skip


def test_a_request_carries_at_most_a_hundred_events() -> None:
    """More go in several."""
    portal = a_portal()
    for start in range(0, 200, 100):
        rows = [{"id": f"k{start + at}", "properties": {"dealname": "A"}} for at in range(100)]
        portal.upsert("deals", *rows)
    sizes = [len(json.loads(hook.body)) for hook in portal.exchange.hooks()]
    assert sum(sizes) == 800
    assert max(sizes) == 100
    assert portal.exchange.hooks() == []


def test_what_bounced_comes_again_later_in_other_groupings() -> None:
    """Each event at a time of its own, with its attempt counted, under the same identity."""
    portal = a_portal()
    portal.upsert("deals", *({"id": f"k{at}", "properties": {"dealname": "A"}} for at in range(5)))
    (hook,) = portal.exchange.hooks()
    before = {each.key for each in _receive(hook.body)}
    portal.exchange.settle(hook, taken=False)
    assert portal.exchange.hooks() == []
    again = []
    for _ in range(40):
        portal.clock.advance(0.1)
        again += portal.exchange.hooks()
    assert len(again) > 1
    assert {each.key for hook in again for each in _receive(hook.body)} == before
    assert {event["attemptNumber"] for hook in again for event in json.loads(hook.body)} == {1}


def test_an_event_that_nobody_takes_is_given_up_after_ten_retries() -> None:
    """And then it is not sent any more, but listed."""
    portal = a_portal(hook_retry_seconds=1.0)
    portal.create("companies", name="A")
    attempts = 0
    for _ in range(12):
        for hook in portal.exchange.hooks():
            attempts = max(attempts, hook.attempt)
            portal.exchange.settle(hook, taken=False)
        portal.clock.advance(2_000)
    assert attempts == 10
    assert len(portal.hubspot.state()["given_up"]) == 2
    assert portal.exchange.hooks() == []


def test_webhooks_can_be_late() -> None:
    """Each draws its own delay, so what happened later may be told first."""
    portal = a_portal(hook_delay_seconds=60.0)
    portal.upsert("deals", *({"id": f"k{at}", "properties": {}} for at in range(30)))
    assert portal.events() == []
    portal.clock.advance(60)
    told = [each["objectId"] for each in portal.events() if each["subscriptionType"] == "deal.creation"]
    assert len(told) == 30
    assert told != sorted(told)


def test_the_same_seed_makes_the_same_day() -> None:
    """Ids, events and their order: a schedule that failed can be run again."""
    bodies = [[hook.body for hook in _a_busy_day().exchange.hooks()] for _ in range(2)]
    assert bodies[0] == bodies[1]
