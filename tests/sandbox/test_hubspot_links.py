"""Associations of HubSpot's stand-in: in both directions, once, and at creation all or nothing."""

import pytest
from hubspot_portal import Portal, a_portal


@pytest.fixture
def portal() -> Portal:
    """A contact, a company and a deal, each the first of its kind, so all of one id."""
    portal = a_portal()
    portal.create("contacts", email="a@example.com")
    portal.create("companies", name="A")
    portal.create("deals", dealname="A")
    portal.events()
    return portal


ID = "20000000001"


def test_an_association_runs_in_both_directions_and_is_made_once(portal: Portal) -> None:
    """A repetition answers the same, and tells nobody."""
    path = f"/crm/v4/objects/deals/{ID}/associations/default/contacts/{ID}"
    answers = [portal.http.put(path) for _ in range(2)]
    assert [each.json()["results"] for each in answers[:1]] == [each.json()["results"] for each in answers[1:]]
    for kind, to in (("deals", "contacts"), ("contacts", "deals")):
        found = portal.get(f"/crm/v4/objects/{kind}/{ID}/associations/{to}").json()["results"]
        assert [(each["toObjectId"], len(each["associationTypes"])) for each in found] == [(int(ID), 1)]
    assert len(portal.events()) == 2


def test_the_first_company_is_the_primary_one(portal: Portal) -> None:
    """By an association of its own beside the unlabelled, each told by itself; a second company has no such twin."""
    portal.create("companies", name="B")
    portal.events()
    for company in (ID, "20000000002"):
        portal.http.put(f"/crm/v4/objects/contacts/{ID}/associations/default/companies/{company}")
    found = portal.get(f"/crm/v4/objects/contacts/{ID}/associations/companies").json()["results"]
    assert [[kind["label"] for kind in each["associationTypes"]] for each in found] == [["Primary", None], [None]]
    told = [each for each in portal.events() if each["subscriptionType"] == "contact.associationChange"]
    assert [each["isPrimaryAssociation"] for each in told] == [True, False, False]


def test_removing_an_association_removes_it_on_both_sides(portal: Portal) -> None:
    """And twice is fine."""
    portal.http.put(f"/crm/v4/objects/deals/{ID}/associations/default/contacts/{ID}")
    portal.events()
    for _ in range(2):
        answer = portal.http.delete(f"/crm/v4/objects/contacts/{ID}/associations/deals/{ID}")
        assert answer.status_code == 204
    assert portal.get(f"/crm/v4/objects/deals/{ID}/associations/contacts").json()["results"] == []
    assert [each["associationRemoved"] for each in portal.events()] == [True, True]


def test_many_associations_come_in_pages(portal: Portal) -> None:
    """`after` leads on until there is none."""
    ids = [portal.create("contacts", email=f"{at}@example.com") for at in range(5)]
    for id_ in ids:
        portal.http.put(f"/crm/v4/objects/deals/{ID}/associations/default/contacts/{id_}")
    path, found, after = f"/crm/v4/objects/deals/{ID}/associations/contacts", [], "0"
    while after:
        page = portal.get(path, limit="2", after=after).json()
        found += [str(each["toObjectId"]) for each in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert found == ids


def test_a_record_can_be_made_with_associations(portal: Portal) -> None:
    """A read shows them when asked to."""
    wish = {"to": {"id": ID}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
    body = {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z"}, "associations": [wish]}
    made = portal.post("/crm/v3/objects/tasks", body).json()
    found = portal.get(f"/crm/v3/objects/tasks/{made['id']}", associations="contacts").json()
    assert found["associations"] == {"contacts": {"results": [{"id": ID, "type": "task_to_contact"}]}}


@pytest.mark.parametrize(("to", "number"), [("999", 204), (ID, 3), (ID, 1_000_000)])
def test_a_record_with_an_association_that_cannot_be_is_not_made(portal: Portal, to: str, number: int) -> None:
    """No such record, or a type that starts elsewhere: nothing is written."""
    wish = {"to": {"id": to}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]}
    body = {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z"}, "associations": [wish]}
    assert portal.post("/crm/v3/objects/tasks", body).status_code == 400
    assert portal.count("tasks") == 0


def test_associations_are_taken_at_creation_only(portal: Portal) -> None:
    """An update that carries some is refused, not half done."""
    wish = {"to": {"id": ID}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}
    body = {"properties": {"dealname": "B"}, "associations": [wish]}
    assert portal.http.patch(f"/crm/v3/objects/deals/{ID}", json=body).status_code == 400
    assert portal.get(f"/crm/v3/objects/deals/{ID}").json()["properties"]["dealname"] == "A"


def test_an_association_with_a_record_that_is_gone_is_refused_and_not_shown(portal: Portal) -> None:
    """404, and in lists it is as if it had never been."""
    portal.http.put(f"/crm/v4/objects/deals/{ID}/associations/default/contacts/{ID}")
    portal.http.delete(f"/crm/v3/objects/contacts/{ID}")
    assert portal.http.put(f"/crm/v4/objects/deals/{ID}/associations/default/contacts/{ID}").status_code == 404
    assert portal.get(f"/crm/v4/objects/deals/{ID}/associations/contacts").json()["results"] == []


def test_a_batch_associates_what_is_there_and_lists_the_rest(portal: Portal) -> None:
    """207, and a batch reads them back."""
    rows = [{"from": {"id": ID}, "to": {"id": to}} for to in (ID, "999")]
    answer = portal.post("/crm/v4/associations/deals/companies/batch/associate/default", {"inputs": rows})
    assert answer.status_code == 207
    assert answer.json()["errors"][0]["context"]["toObjectId"] == ["999"]
    read = portal.post("/crm/v4/associations/deals/companies/batch/read", {"inputs": [{"id": ID}]}).json()
    assert [each["toObjectId"] for each in read["results"][0]["to"]] == [int(ID)]
