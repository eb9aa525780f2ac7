"""How HubSpot's stand-in says no: who may, how often, and what faults look like from outside."""

import httpx
import pytest
from hubspot_portal import UNIQUE, Portal, a_portal

from sandbox.standin.base import CannotDo
from sandbox.standin.faults import Fault

DEALS = "/crm/v3/objects/deals"
BATCH_WRITES = ("create", "update", "upsert", "archive")
BODY = {"properties": {"dealname": "A"}}


@pytest.mark.parametrize("header", ["", "Bearer nonsense", "Basic cGF0LWFsbDo=", "pat-all"])
def test_who_has_no_token_is_refused(header: str) -> None:
    """401, and nothing is written."""
    portal = a_portal()
    answer = portal.http.post(DEALS, json=BODY, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert portal.count("deals") == 0


def test_a_read_only_token_reads_and_writes_nothing() -> None:
    """Every way to write is a 403 that names the missing scope; searches and batch reads are reads."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A", **{UNIQUE: "k1"})
    portal.http.headers["Authorization"] = "Bearer pat-ro"
    row = {"id": "k1", "idProperty": UNIQUE, "properties": {"dealname": "B"}}
    http = portal.http
    writes = [
        http.post(DEALS, json=BODY),
        http.patch(f"{DEALS}/{id_}", json=BODY),
        http.delete(f"{DEALS}/{id_}"),
        http.post(f"{DEALS}/merge", json={}),
        http.put(f"/crm/v4/objects/deals/{id_}/associations/default/contacts/1"),
        http.delete(f"/crm/v4/objects/deals/{id_}/associations/contacts/1"),
        http.post("/crm/v4/associations/deals/contacts/batch/associate/default", json={"inputs": []}),
        http.post("/crm/v3/properties/deals", json={}),
        *(http.post(f"{DEALS}/batch/{verb}", json={"inputs": [row]}) for verb in BATCH_WRITES),
    ]  # fmt: skip
    for answer in writes:
        assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
        assert answer.json()["errors"][0]["context"]["requiredGranularScopes"][0].endswith(".deals.write")
    reads = [
        http.get(f"{DEALS}/{id_}"),
        http.post(f"{DEALS}/search", json={}),
        http.post(f"{DEALS}/batch/read", json={"inputs": [{"id": id_}]}),
        http.get("/crm/v3/owners"),
    ]
    assert {answer.status_code for answer in reads} == {200}
    assert portal.hubspot.state()["deals"][0]["writes"] == 1


def test_a_token_can_have_scopes_of_its_own() -> None:
    """Contacts only; tasks go by the contacts' scopes."""
    portal = a_portal(scopes={"pat-some": frozenset({"crm.objects.contacts.write"})})
    task = {"properties": {"hs_timestamp": "2026-01-01"}}
    assert portal.post("/crm/v3/objects/tasks", task, token="pat-some").status_code == 201
    assert portal.post(DEALS, BODY, token="pat-some").status_code == 403


def test_the_ten_second_limit_holds_for_each_token_and_passes() -> None:
    """429 with the policy's name and no Retry-After; what was refused is not done."""
    portal = a_portal(per_ten_seconds=2)
    first, second, third = (portal.post(DEALS, BODY) for _ in range(3))
    assert [each.headers["X-HubSpot-RateLimit-Remaining"] for each in (first, second)] == ["1", "0"]
    assert (third.status_code, third.json()["errorType"]) == (429, "RATE_LIMIT")
    assert third.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in third.headers
    assert portal.count("deals") == 2
    assert portal.post(DEALS, BODY, token="pat-other").status_code == 201
    portal.clock.advance(10)
    assert portal.post(DEALS, BODY).status_code == 201


def test_the_daily_limit_lasts_until_midnight_in_the_accounts_zone() -> None:
    """The start of 2026 is nine in the morning in Tokyo: fifteen hours to go."""
    portal = a_portal(per_day=1, time_zone="Asia/Tokyo")
    assert portal.post(DEALS, BODY).status_code == 201
    assert portal.post(DEALS, BODY, token="pat-other").json()["policyName"] == "DAILY"
    portal.clock.advance(15 * 3600 - 1)
    assert portal.post(DEALS, BODY).status_code == 429
    portal.clock.advance(1)
    assert portal.post(DEALS, BODY).status_code == 201


def test_searches_have_a_limit_of_their_own() -> None:
    """Five in a second; nothing but searches counts, and their answers name no limit."""
    portal = a_portal(per_ten_seconds=100)
    answers = [portal.post(f"{DEALS}/search", {}) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert not any(name.lower().startswith("x-hubspot-ratelimit") for name in answers[0].headers)
    assert portal.post(DEALS, BODY).status_code == 201
    portal.clock.advance(1)
    assert portal.post(f"{DEALS}/search", {}).status_code == 200


def test_an_admins_rule_refuses_our_writes_of_a_property() -> None:
    """As a value that is not valid, with the admin's words; a person in the CRM is not asked here."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A")
    portal.hubspot.do({"action": "rule", "kind": "deal", "property": "amount", "message": "Finance only"})
    answer = portal.http.patch(f"{DEALS}/{id_}", json={"properties": {"amount": 5}})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "Finance only")
    portal.hubspot.do({"action": "edit", "kind": "deal", "id": id_, "properties": {"amount": 6}})
    portal.hubspot.do({"action": "rule", "kind": "deal", "property": "amount", "message": None})
    assert portal.http.patch(f"{DEALS}/{id_}", json={"properties": {"amount": 7}}).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        (Fault("rate_limited"), 429, {"policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT"}),
        (Fault("daily_limit"), 429, {"policyName": "DAILY"}),
        (Fault("status", status=423), 423, {"category": "LOCKED"}),
        (Fault("status", status=477), 477, {"category": "MIGRATION_IN_PROGRESS"}),
        (Fault("status", status=500), 500, {"status": "error"}),
        (Fault("status", status=401), 401, {"category": "INVALID_AUTHENTICATION"}),
    ],
)
def test_a_fault_speaks_hubspots_words_and_does_nothing(fault: Fault, status: int, expected: dict[str, str]) -> None:
    """The next request is fine again."""
    portal = a_portal()
    portal.exchange.faults.add(fault)
    answer = portal.post(DEALS, BODY)
    assert answer.status_code == status
    assert expected.items() <= answer.json().items()
    assert portal.count("deals") == 0
    assert ("Retry-After" in answer.headers) == (status == 477)
    assert portal.post(DEALS, BODY).status_code == 201


@pytest.mark.parametrize("status", [502, 504, 521, 522, 523, 524])
def test_the_network_before_hubspot_answers_in_html(status: int) -> None:
    """No JSON is there to be read, and whether it was done is open."""
    portal = a_portal()
    portal.exchange.faults.add(Fault("status_after", status=status))
    answer = portal.post(DEALS, BODY)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=UTF-8")
    assert portal.count("deals") == 1


def test_an_error_may_lack_every_field() -> None:
    """An empty object, with any status."""
    portal = a_portal()
    portal.exchange.faults.add(Fault("bare_error", status=400))
    answer = portal.post(DEALS, BODY)
    assert (answer.status_code, answer.json()) == (400, {})


def _writes(portal: Portal) -> list[httpx.Response]:
    """One of every kind of write."""
    row = {"id": "k1", "idProperty": UNIQUE, "properties": {"dealname": "B"}}
    added = {"name": "extra", "label": "Extra", "type": "string", "fieldType": "text", "groupName": "dealinformation"}
    merged = {"primaryObjectId": "20000000001", "objectIdToMerge": "20000000002"}
    return [
        portal.post("/crm/v3/properties/deals", added),
        portal.post(f"{DEALS}/merge", merged),
        portal.post(DEALS, BODY),
        portal.upsert("deals", {"id": "k9", "properties": {}}),
        portal.post(f"{DEALS}/batch/update", {"inputs": [row]}),
        portal.http.put("/crm/v4/objects/deals/20000000001/associations/default/contacts/20000000001"),
        portal.http.delete(f"{DEALS}/20000000001"),
    ]


def test_a_write_can_be_answered_as_done_and_not_be_done() -> None:
    """Same words as ever, with an id that leads nowhere; state and webhooks show nothing."""
    portal = a_portal()
    portal.create("deals", dealname="A", **{UNIQUE: "k1"})
    portal.create("deals", dealname="C")
    portal.create("contacts", email="a@example.com")
    portal.events()
    before = portal.hubspot.state()
    portal.exchange.faults.add(Fault("not_applied", times=None))
    answers = _writes(portal)
    assert [each.status_code for each in answers] == [201, 200, 201, 200, 200, 200, 204]
    assert answers[4].json()["results"][0]["properties"]["dealname"] == "B"
    assert portal.hubspot.state() == before
    assert portal.events() == []
    portal.exchange.faults.clear()
    assert portal.get(f"{DEALS}/{answers[2].json()['id']}").status_code == 404
    assert portal.get("/crm/v3/properties/deals/extra").status_code == 404
    assert portal.get(f"{DEALS}/20000000001").json()["properties"]["dealname"] == "A"


def test_a_batch_can_be_complete_without_a_row() -> None:
    """COMPLETE, nothing in it, nothing done."""
    portal = a_portal()
    portal.exchange.faults.add(Fault("empty_batch", path="*/batch/*"))
    answer = portal.upsert("deals", {"id": "k1", "properties": {}})
    assert (answer.status_code, answer.json()["status"], answer.json()["results"]) == (200, "COMPLETE", [])
    assert portal.count("deals") == 0


def test_settings_can_be_changed_while_it_runs() -> None:
    """And what is no setting, or no value of one, is refused."""
    portal = a_portal()
    portal.hubspot.do({"action": "set", "search_lag_seconds": 0, "per_ten_seconds": 1})
    portal.create("deals", dealname="A")
    assert portal.post(DEALS, BODY).status_code == 429
    for wrong in ({"nonsense": 1}, {"per_ten_seconds": "many"}, {"owners": []}):
        with pytest.raises(CannotDo):
            portal.hubspot.do({"action": "set", **wrong})


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"action": "dance", "kind": "deal", "id": "20000000001"},
        {"action": "edit", "kind": "deal", "id": "999", "properties": {}},
        {"action": "edit", "kind": "ghost", "id": "1"},
        {"action": "create", "kind": "deal", "properties": {"nonsense": 1}},
        {"action": "create", "kind": "deal", "properties": {}, "user": "me"},
        {"action": "merge", "kind": "deal", "id": "20000000001", "other": "20000000001"},
    ],
)
def test_what_no_person_could_do_is_refused(action: dict[str, object]) -> None:
    """With a reason, and without effect."""
    portal = a_portal()
    portal.create("deals", dealname="A")
    with pytest.raises(CannotDo):
        portal.hubspot.do(action)
    assert portal.count("deals") == 1


def test_a_reset_forgets_the_records_and_keeps_the_account() -> None:
    """Added properties of the account stay, those added by a request do not."""
    portal = a_portal()
    portal.create("deals", dealname="A", **{UNIQUE: "k1"})
    added = {"name": "extra", "label": "Extra", "type": "string", "fieldType": "text", "groupName": "dealinformation"}
    assert portal.post("/crm/v3/properties/deals", added).status_code == 201
    portal.exchange.reset()
    assert portal.get("/crm/v3/properties/deals/extra").status_code == 404
    assert portal.count("deals") == 0
    assert portal.events() == []
    assert portal.create("deals", dealname="A", **{UNIQUE: "k1"}) == "20000000001"
