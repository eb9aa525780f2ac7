"""What HubSpot's stand-in shows, and when: searches see the account as it was a while ago, reads see it as it is."""

from typing import Any

import pytest
from hubspot_portal import UNIQUE, a_portal


def test_a_search_does_not_see_what_was_written_just_now() -> None:
    """A read by the unique property does."""
    portal = a_portal(search_lag_seconds=3.0)
    portal.create("deals", dealname="A", **{UNIQUE: "k1"})
    portal.clock.advance(2.9)
    assert portal.search("deals", UNIQUE, "EQ", value="k1") == []
    assert portal.get("/crm/v3/objects/deals/k1", idProperty=UNIQUE).status_code == 200
    portal.clock.advance(0.1)
    assert len(portal.search("deals", UNIQUE, "EQ", value="k1")) == 1


def test_a_search_still_shows_the_old_value_and_what_is_deleted() -> None:
    """The whole index lags, not only its additions."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="old")
    portal.clock.advance(5)
    portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {"dealname": "new"}})
    found = portal.search("deals", "dealname", "EQ", value="old")
    assert found[0]["properties"]["dealname"] == "old"
    assert portal.search("deals", "dealname", "EQ", value="new") == []
    portal.clock.advance(1)
    assert portal.search("deals", "dealname", "EQ", value="old") == []
    portal.http.delete(f"/crm/v3/objects/deals/{id_}")
    assert len(portal.search("deals", "dealname", "EQ", value="new")) == 1
    portal.clock.advance(1)
    assert portal.search("deals", "dealname", "EQ", value="new") == []


@pytest.mark.parametrize(
    ("name", "operator", "wish", "expected"),
    [
        ("dealname", "EQ", {"value": "ALPHA"}, ["Alpha"]),
        ("dealname", "NEQ", {"value": "alpha"}, ["Beta", "Gamma"]),
        ("dealname", "IN", {"values": ["alpha", "beta"]}, ["Alpha", "Beta"]),
        ("dealname", "IN", {"values": ["Alpha"]}, []),
        ("dealname", "NOT_IN", {"values": ["alpha"]}, ["Beta", "Gamma"]),
        ("amount", "GTE", {"value": "20"}, ["Beta", "Gamma"]),
        ("amount", "GT", {"value": "20"}, ["Gamma"]),
        ("amount", "LTE", {"value": "20.0"}, ["Alpha", "Beta"]),
        ("amount", "LT", {"value": "9"}, []),
        ("amount", "EQ", {"value": "100.00"}, ["Gamma"]),
        ("amount", "BETWEEN", {"value": "10", "highValue": "20"}, ["Alpha", "Beta"]),
        ("closedate", "HAS_PROPERTY", {}, ["Gamma"]),
        ("closedate", "NOT_HAS_PROPERTY", {}, ["Alpha", "Beta"]),
        ("closedate", "GTE", {"value": "1767225600000"}, ["Gamma"]),
        ("createdate", "LTE", {"value": "2026-01-01T00:00:00Z"}, ["Alpha", "Beta", "Gamma"]),
        ("hs_object_id", "EQ", {"value": "20000000002"}, ["Beta"]),
    ],
)
def test_a_filter_finds_what_it_says(name: str, operator: str, wish: dict[str, Any], expected: list[str]) -> None:
    """Numbers and times compare as such; IN takes its values as they are, and texts lie in lower case."""
    portal = a_portal()
    portal.create("deals", dealname="Alpha", amount=10)
    portal.create("deals", dealname="Beta", amount=20)
    portal.create("deals", dealname="Gamma", amount=100, closedate="2026-02-01")
    portal.clock.advance(1)
    found = portal.search("deals", name, operator, **wish)
    assert [each["properties"]["dealname"] for each in found] == expected


def test_groups_are_alternatives_and_filters_of_a_group_are_conditions() -> None:
    """(name and amount) or other name."""
    portal = a_portal()
    for name, amount in (("a", 1), ("a", 2), ("b", 3), ("c", 4)):
        portal.create("deals", dealname=name, amount=amount)
    portal.clock.advance(1)
    both = [
        {"propertyName": "dealname", "operator": "EQ", "value": "a"},
        {"propertyName": "amount", "operator": "GT", "value": "1"},
    ]
    groups = [{"filters": both}, {"filters": [{"propertyName": "dealname", "operator": "EQ", "value": "c"}]}]
    body = {"filterGroups": groups, "sorts": [{"propertyName": "amount", "direction": "DESCENDING"}]}
    found = portal.post("/crm/v3/objects/deals/search", body).json()["results"]
    assert [each["properties"]["amount"] for each in found] == ["4", "2"]


def test_a_search_and_a_list_give_pages() -> None:
    """`after` leads to the next one, and the last has none."""
    portal = a_portal()
    for at in range(5):
        portal.create("deals", dealname=str(at))
    portal.clock.advance(1)
    first = portal.post("/crm/v3/objects/deals/search", {"limit": 3, "filterGroups": []}).json()
    second = portal.post("/crm/v3/objects/deals/search", {"limit": 3, "after": first["paging"]["next"]["after"]}).json()
    assert (first["total"], len(first["results"]), len(second["results"])) == (5, 3, 2)
    assert "paging" not in second
    listed = portal.get("/crm/v3/objects/deals", limit="3").json()
    rest = portal.get("/crm/v3/objects/deals", limit="3", after=listed["paging"]["next"]["after"]).json()
    assert len(listed["results"]) + len(rest["results"]) == 5
    assert "paging" not in rest


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "LIKE", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "IN", "value": "1"}]}]},
        {"filterGroups": [{"filters": []}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "HAS_PROPERTY"}]}] * 6},
        {"limit": 201},
        {"limit": 100, "after": 9_901},
        {"query": "anything"},
    ],
)
def test_a_search_that_hubspot_would_not_understand_is_refused(body: dict[str, Any]) -> None:
    """400, never a wrong answer."""
    assert a_portal().post("/crm/v3/objects/deals/search", body).status_code == 400


def test_a_property_that_was_never_set_is_null_and_an_emptied_one_is_empty() -> None:
    """And one that does not exist is silently left out."""
    portal = a_portal()
    id_ = portal.create("contacts", email="a@example.com", firstname="A")
    portal.http.patch(f"/crm/v3/objects/contacts/{id_}", json={"properties": {"firstname": ""}})
    found = portal.get(f"/crm/v3/objects/contacts/{id_}", properties="firstname,lastname,nonsense").json()["properties"]
    assert (found["firstname"], found["lastname"]) == ("", None)
    assert "nonsense" not in found


def test_ids_of_two_kinds_can_be_the_same() -> None:
    """A contact and a company share one; only the kind tells them apart."""
    portal = a_portal()
    assert portal.create("contacts", email="a@example.com") == portal.create("companies", name="A")


def test_a_batch_read_lists_what_it_does_not_find() -> None:
    """207; by id or by a unique property."""
    portal = a_portal()
    portal.create("deals", dealname="A", **{UNIQUE: "k1"})
    body = {"idProperty": UNIQUE, "properties": ["dealname"], "inputs": [{"id": "k1"}, {"id": "k2"}]}
    answer = portal.post("/crm/v3/objects/deals/batch/read", body)
    assert answer.status_code == 207
    assert [row["properties"]["dealname"] for row in answer.json()["results"]] == ["A"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["k2"]
    whole = portal.post("/crm/v3/objects/deals/batch/read", {**body, "inputs": [{"id": "k1"}]})
    assert whole.status_code == 200


def test_merged_records_become_a_third_that_both_ids_lead_to() -> None:
    """The answer carries another id than was asked for; what was associated with either is with the third."""
    portal = a_portal()
    one, other = portal.create("contacts", email="a@example.com"), portal.create("contacts", email="b@example.com")
    deal = portal.create("deals", dealname="A")
    portal.http.put(f"/crm/v4/objects/contacts/{other}/associations/default/deals/{deal}")
    made = portal.hubspot.do({"action": "merge", "kind": "contact", "id": one, "other": other})
    assert made["id"] not in (one, other)
    for id_ in (one, other):
        assert portal.get(f"/crm/v3/objects/contacts/{id_}").json()["id"] == made["id"]
    linked = portal.get(f"/crm/v4/objects/deals/{deal}/associations/contacts").json()["results"]
    assert [str(each["toObjectId"]) for each in linked] == [made["id"]]
    assert made["properties"]["email"] == "a@example.com"
    swap = {"properties": {"email": "b@example.com"}}
    assert portal.http.patch(f"/crm/v3/objects/contacts/{one}", json=swap).status_code == 200


def test_a_record_that_was_merged_twice_is_still_found_by_every_id() -> None:
    """The first merger's result was merged itself."""
    portal = a_portal()
    ids = [portal.create("deals", dealname=str(at)) for at in range(3)]
    first = portal.hubspot.do({"action": "merge", "kind": "deal", "id": ids[0], "other": ids[1]})["id"]
    second = portal.hubspot.do({"action": "merge", "kind": "deal", "id": ids[2], "other": first})["id"]
    assert {portal.get(f"/crm/v3/objects/deals/{id_}").json()["id"] for id_ in (*ids, first)} == {second}


def test_a_history_shows_the_newest_twenty_values() -> None:
    """And no batch reads more than fifty histories."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="0")
    for at in range(1, 30):
        portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {"dealname": str(at)}})
    found = portal.get(f"/crm/v3/objects/deals/{id_}", propertiesWithHistory="dealname").json()
    values = [each["value"] for each in found["propertiesWithHistory"]["dealname"]]
    assert values == [str(at) for at in range(29, 9, -1)]
    body = {"inputs": [{"id": id_}] * 51, "propertiesWithHistory": ["dealname"]}
    assert portal.post("/crm/v3/objects/deals/batch/read", body).status_code == 400


def test_owners_and_the_account_are_there_to_be_asked() -> None:
    """By email, by id, by user id; and whose portal it is."""
    portal = a_portal()
    assert portal.get("/crm/v3/owners/", email="ben@example.com").json()["results"][0]["id"] == "9002"
    assert portal.get("/crm/v3/owners/502", idProperty="userId").json()["id"] == "9002"
    assert portal.get("/crm/v3/owners/502").status_code == 404
    first = portal.get("/crm/v3/owners", limit="1").json()
    assert portal.get("/crm/v3/owners", after=first["paging"]["next"]["after"]).json()["results"][0]["id"] == "9002"
    assert portal.get("/account-info/v3/details").json()["portalId"] == 62515


def test_a_property_can_be_added_with_unique_values() -> None:
    """Then it takes values, and upserts go by it."""
    portal = a_portal()
    body = {"name": "our_key", "label": "Our key", "type": "string", "fieldType": "text",
            "groupName": "ticketinformation", "hasUniqueValue": True}  # fmt: skip
    assert portal.get("/crm/v3/properties/tickets/our_key").status_code == 404
    assert portal.post("/crm/v3/properties/tickets", body).status_code == 201
    again = portal.post("/crm/v3/properties/tickets", body)
    assert (again.status_code, again.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert portal.get("/crm/v3/properties/tickets/our_key").json()["hasUniqueValue"] is True
    row = {"id": "t1", "idProperty": "our_key", "properties": {"subject": "Help", "hs_pipeline_stage": "1"}}
    assert [portal.upsert("tickets", row).json()["results"][0]["new"] for _ in range(2)] == [True, False]
