"""What a sender is told, and what stands in the ledger afterwards."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from console.chain import verified

OpenDoor = Callable[..., Any]


@pytest.fixture
def events(running: Any) -> Callable[[], list[dict[str, Any]]]:
    """Reads every event that stands."""
    return lambda: running.rows("SELECT * FROM events ORDER BY id")


def test_a_signed_event_is_recorded_before_its_answer(running: Any, a_stripe_event: Any, events: Any) -> None:
    """200 names the row; the row, its payload byte for byte and one audit entry are committed."""
    body = a_stripe_event("evt_9")
    reply = running.stripe(body)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json
    [row] = events()
    assert answer == {
        "accepted": 1,
        "duplicates": 0,
        "events": [{"id": str(row["id"]), "key": "evt_9", "duplicate": False}],
    }
    assert (row["source"], row["type"], row["status"], row["deliveries"]) == ("stripe", "invoice.paid", "queued", 1)
    assert row["due_at"] is not None
    assert row["subject"] == "stripe:in_1"
    [payload] = running.rows("SELECT * FROM payloads")
    assert (payload["event_id"], payload["version"], payload["body"].encode()) == (row["id"], 0, body)
    chain = running.rows("SELECT * FROM audit_entries ORDER BY lane, seq")
    assert [entry["action"] for entry in chain] == ["events.received"]
    assert json.loads(chain[0]["detail"]) == {
        "events": 1,
        "new": 1,
        "first": str(row["id"]),
        "last": str(row["id"]),
    }
    assert verified(chain).altered is None


def test_a_second_delivery_costs_a_counter_and_names_the_first_row(running: Any, a_stripe_event: Any) -> None:
    """The duplicate is answered 200 with the first id; no second row, payload or audit entry appears."""
    first = running.stripe(a_stripe_event()).json
    second = running.stripe(a_stripe_event(pending_webhooks=0)).json
    assert second == {"accepted": 0, "duplicates": 1, "events": [{**first["events"][0], "duplicate": True}]}
    [row] = running.rows("SELECT deliveries, delivered_at > received_at AS later FROM events")
    assert row == {"deliveries": 2, "later": True}
    assert len(running.rows("SELECT 1 FROM payloads")) == 1
    assert len(running.rows("SELECT 1 FROM audit_entries")) == 1


def test_fifty_copies_at_one_instant_become_one_row(running: Any, a_stripe_event: Any) -> None:
    """All are answered 2xx, exactly one of them as new; the row counts fifty deliveries."""
    body = a_stripe_event("evt_storm")
    with ThreadPoolExecutor(50) as senders:
        replies = list(senders.map(lambda _: running.stripe(body), range(50)))
    assert {reply.status for reply in replies} == {200}
    assert sum(reply.json["accepted"] for reply in replies) == 1
    assert len({reply.json["events"][0]["id"] for reply in replies}) == 1
    assert running.rows("SELECT deliveries FROM events") == [{"deliveries": 50}]
    assert len(running.rows("SELECT 1 FROM payloads")) == 1


def test_a_batch_is_answered_element_by_element(running: Any, a_hubspot_event: Any) -> None:
    """New, known and repeated elements of one HubSpot array each get their own verdict, in order."""
    running.hubspot(json.dumps([a_hubspot_event(1)]).encode())
    batch = [a_hubspot_event(2), a_hubspot_event(1, attemptNumber=1), a_hubspot_event(2, eventId=999)]
    answer = running.hubspot(json.dumps(batch).encode()).json
    assert [event["duplicate"] for event in answer["events"]] == [False, True, True]
    assert answer["events"][0]["id"] == answer["events"][2]["id"]
    assert (answer["accepted"], answer["duplicates"]) == (1, 2)
    counted = running.rows("SELECT subject, deliveries FROM events ORDER BY subject")
    assert [row["deliveries"] for row in counted] == [2, 2]


def test_a_bad_element_is_kept_and_fails_nobody_else(running: Any, a_hubspot_event: Any) -> None:
    """The good one is an event; the bad one is an event with a fault, which the engine makes a case of."""
    answer = running.hubspot(json.dumps([a_hubspot_event(), {"portalId": 62515}]).encode()).json
    assert answer["accepted"] == 2
    good, bad = running.rows("SELECT type, fault, due_at, content_hash FROM events ORDER BY type")
    assert good["fault"] is None
    assert bad["type"] == "unreadable"
    assert bad["fault"]["class"] == "contract_violation"
    assert bad["due_at"] is not None
    running.hubspot(json.dumps([{"portalId": 62515}, a_hubspot_event()]).encode())
    assert running.rows("SELECT deliveries FROM events") == [{"deliveries": 2}, {"deliveries": 2}]


@pytest.mark.parametrize(
    ("settings", "changes", "fault"),
    [
        ({"STRIPE_MODE": "live"}, {"livemode": False}, "mode"),
        ({"STRIPE_MODE": "test"}, {"livemode": True}, "mode"),
        ({"STRIPE_API_KEY": "sk_live_x"}, {"livemode": False}, "mode"),
        ({"STRIPE_API_KEY": "rk_test_x"}, {"livemode": True}, "mode"),
        ({"STRIPE_API_KEY": "rk_test_x", "STRIPE_MODE": "any"}, {"livemode": True}, None),
        ({"STRIPE_ACCOUNT_IDS": "acct_1, acct_2"}, {"account": "acct_3"}, "account"),
        ({"STRIPE_ACCOUNT_IDS": "acct_1, acct_2"}, {"account": "acct_2"}, None),
        ({"STRIPE_ACCOUNT_IDS": "acct_1"}, {}, None),
        ({}, {"livemode": False, "account": "acct_9"}, None),
    ],
)
def test_an_event_at_the_wrong_door_is_kept_with_its_fault(
    open_door: OpenDoor, a_stripe_event: Any, settings: dict[str, str], changes: dict[str, Any], fault: str | None
) -> None:
    """It is accepted (the provider did nothing wrong) and recorded as wrong_account, so that a person sees it."""
    running = open_door(**settings)
    assert running.stripe(a_stripe_event(**changes)).status == 200
    [row] = running.rows("SELECT fault FROM events")
    if fault is None:
        assert row["fault"] is None
    else:
        assert (row["fault"]["class"], row["fault"]["rule"]) == ("wrong_account", fault)


def test_an_unknown_portal_is_the_wrong_account(open_door: OpenDoor, a_hubspot_event: Any) -> None:
    """HUBSPOT_PORTAL_IDS holds HubSpot to the portals that are ours."""
    running = open_door(HUBSPOT_PORTAL_IDS="1,2")
    running.hubspot(json.dumps([a_hubspot_event()]).encode())
    [row] = running.rows("SELECT fault FROM events")
    assert row["fault"]["class"] == "wrong_account"


def test_one_identity_with_two_contents_is_kept_apart(running: Any, a_stripe_event: Any) -> None:
    """The first content stays; the other is an event with an identity_conflict, answered as a duplicate."""
    first = running.stripe(a_stripe_event()).json["events"][0]
    other = a_stripe_event(data={"object": {"id": "in_1", "object": "invoice", "amount_paid": 9}})
    for deliveries in (1, 2):
        assert running.stripe(other).json == {
            "accepted": 0,
            "duplicates": 1,
            "events": [{**first, "duplicate": True}],
        }
        original, conflict = running.rows(
            "SELECT e.*, body FROM events e JOIN payloads p ON p.event_id = e.id ORDER BY e.id"
        )
        assert json.loads(original["body"])["data"]["object"]["amount_paid"] == 4200
        assert original["fault"] is None
        assert conflict["key"].startswith("evt_1#conflict:")
        assert conflict["fault"]["class"] == "identity_conflict"
        assert conflict["fault"]["original"] == first["id"]
        assert conflict["body"].encode() == other
        assert conflict["deliveries"] == deliveries
        assert conflict["due_at"] is not None


def test_the_same_content_in_other_clothes_is_no_conflict(running: Any, a_stripe_event: Any) -> None:
    """Key order and white space of the business content make no difference."""
    running.stripe(a_stripe_event())
    other = json.loads(a_stripe_event())
    other["data"]["object"] = dict(reversed(other["data"]["object"].items()))
    assert running.stripe(json.dumps(other, indent=2).encode()).json["duplicates"] == 1
    assert len(running.rows("SELECT 1 FROM events")) == 1


def test_a_conflict_is_seen_inside_one_group_too(running: Any, a_stripe_event: Any) -> None:
    """Two contents of one identity at the same instant: one stands, the other is a conflict of it."""
    bodies = [a_stripe_event("evt_2", data={"object": {"id": "in_1", "amount_paid": n}}) for n in (1, 2)] * 4
    with ThreadPoolExecutor(8) as senders:
        assert {reply.status for reply in senders.map(running.stripe, bodies)} == {200}
    plain, conflict = running.rows("SELECT key, deliveries FROM events ORDER BY key")
    assert plain == {"key": "evt_2", "deliveries": 8}
    assert conflict["key"].startswith("evt_2#conflict:")
    assert conflict["deliveries"] == 4


def a_thin(snapshot: str = "evt_1") -> bytes:
    """The thin twin of a snapshot event."""
    return json.dumps(
        {
            "id": "evt_thin_1",
            "object": "v2.core.event",
            "type": "v1.invoice.paid",
            "created": "2026-01-01T00:00:00.000Z",
            "livemode": True,
            "snapshot_event": snapshot,
            "related_object": {"id": "in_1", "type": "invoice", "url": "/v1/invoices/in_1"},
        }
    ).encode()


@pytest.mark.parametrize("resting", ["queued", "waiting", "exception", "ignored", "done", "running"])
def test_values_complete_what_was_known_by_reference(running: Any, a_stripe_event: Any, resting: str) -> None:
    """Thin first, then full: one row, now with the values; it runs again unless it had come to a good end.

    A run that is under way read the reference: its fence moves on, so that its conclusion is refused.
    """
    first = running.stripe(a_thin()).json["events"][0]
    [before] = running.rows("UPDATE events SET status = %s, due_at = NULL RETURNING form, fence", resting)
    assert before["form"] == "reference"
    assert running.stripe(a_stripe_event()).json["events"] == [{**first, "duplicate": True}]
    [row] = running.rows("SELECT e.*, body FROM events e JOIN payloads p ON p.event_id = e.id")
    assert (row["form"], row["deliveries"], row["body"].encode()) == ("full", 2, a_stripe_event())
    assert row["api_version"] == "2025-03-31.basil"
    assert row["status"] == ("done" if resting == "done" else "queued")
    assert (row["due_at"] is None) == (resting in ("done", "queued"))
    assert row["fence"] == before["fence"] + (resting == "running")
    actions = [entry["action"] for entry in running.rows("SELECT action FROM audit_entries ORDER BY seq")]
    assert actions == ["events.received", "event.completed"]


def test_a_reference_adds_nothing_to_values(running: Any, a_stripe_event: Any) -> None:
    """Full first, then thin: a plain duplicate; what stands stays."""
    running.stripe(a_stripe_event())
    assert running.stripe(a_thin()).json["duplicates"] == 1
    [row] = running.rows("SELECT e.*, body FROM events e JOIN payloads p ON p.event_id = e.id")
    assert (row["form"], row["deliveries"], row["body"].encode()) == ("full", 2, a_stripe_event())


def test_twins_at_one_instant_become_one_full_event(running: Any, a_stripe_event: Any) -> None:
    """Whatever shares a group with whatever, the values stand in the end."""
    bodies = [a_thin(), a_stripe_event()] * 10
    with ThreadPoolExecutor(20) as senders:
        assert {reply.status for reply in senders.map(running.stripe, bodies)} == {200}
    [row] = running.rows("SELECT form, deliveries, body FROM events e JOIN payloads p ON p.event_id = e.id")
    assert (row["form"], row["deliveries"], row["body"].encode()) == ("full", 20, a_stripe_event())


def test_a_proof_of_address_gets_its_challenge_back(running: Any) -> None:
    """Slack's url_verification is answered, once verified, and recorded nowhere."""
    body = b'{"token":"x","challenge":"abc123","type":"url_verification"}'
    headers = signed("slack", body, "slack-door-test-1")
    reply = running.post("/webhooks/slack", body, headers)
    assert reply.status == 200
    assert b"abc123" in reply.body
    assert running.rows("SELECT 1 FROM events") == []
    assert running.post("/webhooks/slack", body, {**headers, "X-Slack-Signature": "v0=" + "0" * 64}).status == 401


def test_xero_gets_its_empty_answer(running: Any) -> None:
    """The intent to receive is an empty list: 200 without a body; a wrong signature is 401."""
    body = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S"}'
    headers = signed("xero", body, "xero-door-test-1")
    reply = running.post("/webhooks/xero", body, headers)
    assert (reply.status, reply.body) == (200, b"")
    assert running.post("/webhooks/xero", body + b" ", headers).status == 401


def signed(name: str, body: bytes, secret: str) -> dict[str, str]:
    """The provider's own headers for a body."""

    from ingest.providers import find

    return find()[name].sign(body, secret, time.time(), "http://unused")


def test_a_source_without_a_secret_is_not_there(running: Any) -> None:
    """GitHub is known to the code and has no secret here: it does not exist."""
    assert running.post("/webhooks/github", b"{}", {}).status == 404


def test_the_public_url_is_what_hubspot_signed(open_door: OpenDoor, a_hubspot_event: Any) -> None:
    """Behind a proxy the configured URL counts, with the query exactly as received, not the Host header."""

    from ingest.providers import find

    running = open_door(COUNTERFOIL_PUBLIC_URL="https://hooks.example.test")
    body = json.dumps([a_hubspot_event()]).encode()
    path = "/webhooks/hubspot?src=crm%3Aeu%2F1&label=a%20b"
    for url, status in ((f"https://hooks.example.test{path}", 200), (f"http://127.0.0.1{path}", 401)):
        headers = find()["hubspot"].sign(body, "hubspot-door-test-1", time.time(), url)
        assert running.post(path, body, headers).status == status


def test_health_asks_nobody_and_readiness_asks_postgres(running: Any) -> None:
    """Both are 200 on a good day; readiness says what it has looked at."""
    assert running.get("/healthz").status == 200
    ready = running.get("/readyz")
    assert ready.status == 200
    assert ready.json == {"ready": True, "postgres": "ok", "redis": "not used"}


def test_readiness_names_a_missing_redis_and_stays_ready(open_door: OpenDoor) -> None:
    """Acceptance does not need the broker."""
    ready = open_door(REDIS_URL="redis://127.0.0.1:1/0").get("/readyz")
    assert ready.status == 200
    assert ready.json["redis"].startswith("away")


def test_metrics_can_be_locked(open_door: OpenDoor, a_stripe_event: Any) -> None:
    """With a token set, the page needs it; the numbers are those of the door."""
    running = open_door(COUNTERFOIL_METRICS_TOKEN="m-token")
    running.stripe(a_stripe_event())
    assert running.get("/metrics").status == 401
    assert running.get("/metrics", {"Authorization": "Bearer é".encode().decode("latin-1")}).status == 401
    time.sleep(0.3)
    page = running.get("/metrics", {"Authorization": "Bearer m-token"})
    assert page.status == 200
    assert b'counterfoil_deliveries_total{source="stripe",status="200"}' in page.body
