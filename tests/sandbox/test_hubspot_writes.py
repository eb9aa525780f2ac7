"""What HubSpot's stand-in does with a write: nothing makes a repetition safe but an identity of the record's own."""

import pytest
from hubspot_portal import UNIQUE, a_portal


def test_a_create_that_is_repeated_creates_twice() -> None:
    """There is no idempotency key, whatever header is sent."""
    portal = a_portal()
    for _ in range(2):
        portal.http.post(
            "/crm/v3/objects/deals", json={"properties": {"dealname": "A"}}, headers={"Idempotency-Key": "one"}
        )
    assert portal.count("deals") == 2


def test_a_contact_of_a_known_email_is_refused_with_the_id_of_the_first() -> None:
    """409, category CONFLICT, the id in the text; upper case makes no other email."""
    portal = a_portal()
    id_ = portal.create("contacts", email="Jane@Example.com")
    answer = portal.post("/crm/v3/objects/contacts", {"properties": {"email": "jane@example.COM"}})
    assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {id_}"
    assert portal.count("contacts") == 1


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals"])
def test_an_added_unique_property_holds_one_record(kind: str) -> None:
    """A second record with its value is refused, and the refusal names the first."""
    portal = a_portal()
    id_ = portal.create(kind, **{UNIQUE: "k1"})
    answer = portal.post(f"/crm/v3/objects/{kind}", {"properties": {UNIQUE: "k1"}})
    assert answer.status_code == 400
    assert "CONFLICTING_UNIQUE_VALUE" in answer.text
    assert id_ in answer.json()["message"]


def test_a_unique_value_is_free_again_once_it_is_changed_or_its_record_is_gone() -> None:
    """Uniqueness is about what is, not about what was."""
    portal = a_portal()
    id_ = portal.create("deals", **{UNIQUE: "k1"})
    portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {UNIQUE: "k2"}})
    other = portal.create("deals", **{UNIQUE: "k1"})
    portal.http.delete(f"/crm/v3/objects/deals/{other}")
    assert portal.create("deals", **{UNIQUE: "k1"}) not in (id_, other)


def test_an_upsert_by_a_unique_property_writes_once_and_says_which_row_is_new() -> None:
    """Repeated, it changes the record that it made."""
    portal = a_portal()
    first = portal.upsert("deals", {"id": "k1", "properties": {"dealname": "A", "amount": 12}})
    again = portal.upsert("deals", {"id": "k1", "properties": {"dealname": "B"}})
    assert (first.json()["results"][0]["new"], again.json()["results"][0]["new"]) == (True, False)
    row = again.json()["results"][0]["properties"]
    assert (row[UNIQUE], row["dealname"], row["amount"]) == ("k1", "B", "12")
    assert portal.count("deals") == 1


def test_an_upsert_by_a_property_that_is_not_unique_is_refused() -> None:
    """Nothing is written."""
    portal = a_portal()
    answer = portal.upsert("companies", {"id": "example.com", "idProperty": "domain", "properties": {}})
    assert answer.status_code == 400
    assert "non-unique 0-2 property domain" in answer.json()["message"]
    assert portal.count("companies") == 0


def test_an_upsert_by_email_clears_what_it_does_not_send() -> None:
    """A partial upsert by email is not supported; what stands in other unique properties stays."""
    portal = a_portal()
    row = {"id": "jane@example.com", "idProperty": "email"}
    portal.upsert("contacts", {**row, "properties": {"firstname": "Jane", "phone": "1", UNIQUE: "k1"}})
    portal.upsert("contacts", {**row, "properties": {"firstname": "Jane"}})
    found = portal.get(
        "/crm/v3/objects/contacts/jane@example.com", idProperty="email", properties=f"firstname,phone,{UNIQUE}"
    ).json()["properties"]
    assert (found["firstname"], found["phone"], found[UNIQUE]) == ("Jane", "", "k1")


def test_a_batch_with_a_bad_row_writes_nothing() -> None:
    """Without trace ids a batch is one thing."""
    portal = a_portal()
    rows = [{"id": f"k{at}", "properties": {"dealname": "A"}} for at in range(3)]
    rows[1]["properties"] = {"nonsense": "1"}
    answer = portal.upsert("deals", *rows)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert "PROPERTY_DOESNT_EXIST" in answer.text
    assert portal.count("deals") == 0


def test_a_bad_row_with_a_trace_id_fails_alone_in_a_207() -> None:
    """The error names the row's trace id; the others are written, and the answer still says COMPLETE."""
    portal = a_portal()
    rows = [{"id": f"k{at}", "properties": {"amount": at}, "objectWriteTraceId": f"t{at}"} for at in range(3)]
    rows[1]["properties"] = {"amount": "a lot"}
    answer = portal.upsert("deals", *rows)
    body = answer.json()
    assert (answer.status_code, body["status"], body["numErrors"]) == (207, "COMPLETE", 1)
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["t1"]
    assert {row["objectWriteTraceId"] for row in body["results"]} == {"t0", "t2"}
    assert portal.count("deals") == 2


def test_a_trace_id_does_not_make_a_repetition_safe() -> None:
    """It is no idempotency key."""
    portal = a_portal()
    body = {"inputs": [{"properties": {"dealname": "A"}, "objectWriteTraceId": "t"}]}
    for _ in range(2):
        assert portal.post("/crm/v3/objects/deals/batch/create", body).status_code == 201
    assert portal.count("deals") == 2


def test_two_rows_of_one_batch_cannot_share_a_unique_value() -> None:
    """Neither as the id of an upsert nor as a value that is to be made."""
    portal = a_portal()
    same_id = portal.upsert("deals", {"id": "k1", "properties": {}}, {"id": "k1", "properties": {}})
    assert "Duplicate IDs found in batch input: [k1]" in same_id.json()["message"]
    same_email = [{"properties": {"email": "jane@example.com"}} for _ in range(2)]
    answer = portal.post("/crm/v3/objects/contacts/batch/create", {"inputs": same_email})
    assert answer.status_code == 409
    assert portal.count("deals") + portal.count("contacts") == 0


def test_the_results_of_a_batch_come_in_any_order() -> None:
    """Every row has to be recognised by what is in it."""
    portal = a_portal()
    sent = [f"k{at}" for at in range(20)]
    answer = portal.upsert("deals", *({"id": key, "properties": {}} for key in sent))
    came = [row["properties"][UNIQUE] for row in answer.json()["results"]]
    assert sorted(came) == sorted(sent)
    assert came != sent


def test_a_batch_takes_a_hundred_rows_and_not_one_more() -> None:
    """Refused as a whole."""
    portal = a_portal()
    rows = [{"id": f"k{at}", "properties": {}} for at in range(101)]
    assert portal.upsert("deals", *rows).status_code == 400
    assert portal.upsert("deals", *rows[:100]).status_code == 200
    assert portal.count("deals") == 100


def test_a_batch_update_lists_the_ids_that_lead_nowhere() -> None:
    """The others are changed."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A")
    rows = [{"id": each, "properties": {"dealname": "B"}} for each in (id_, "999")]
    answer = portal.post("/crm/v3/objects/deals/batch/update", {"inputs": rows})
    assert (answer.status_code, answer.json()["errors"][0]["context"]) == (207, {"ids": ["999"]})
    assert answer.json()["results"][0]["properties"]["dealname"] == "B"


def test_a_task_needs_its_time_and_has_no_identity() -> None:
    """hs_timestamp is required; two equal tasks are two."""
    portal = a_portal()
    refused = portal.post("/crm/v3/objects/tasks", {"properties": {"hs_task_subject": "Call"}})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["context"] == {"properties": ["hs_timestamp"]}
    ids = {portal.create("tasks", hs_timestamp=1767225600000, hs_task_subject="Call") for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("kind", "name", "sent", "kept"),
    [
        ("contacts", "email", " Jane@Example.com ", "jane@example.com"),
        ("deals", "amount", 4200, "4200"),
        ("deals", "amount", "42.50", "42.50"),
        ("deals", "closedate", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("deals", "closedate", 1767225600123, "2026-01-01T00:00:00.123Z"),
        ("deals", "dealname", " spaced ", " spaced "),
        ("deals", "hubspot_owner_id", 9001, "9001"),
    ],
)
def test_a_value_is_kept_as_text_in_hubspots_own_form(kind: str, name: str, sent: object, kept: str) -> None:
    """What is read back is not always what was sent."""
    portal = a_portal()
    id_ = portal.create(kind, **{name: sent})
    assert portal.get(f"/crm/v3/objects/{kind}/{id_}", properties=name).json()["properties"][name] == kept


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("contacts", "email", "jane", "INVALID_EMAIL"),
        ("deals", "amount", " 12", "INVALID_NUMBER"),
        ("deals", "amount", "NaN", "INVALID_NUMBER"),
        ("deals", "dealstage", "won", "INVALID_OPTION"),
        ("deals", "closedate", "soon", "INVALID_DATE"),
        ("deals", "hubspot_owner_id", "1", "INVALID_OWNER_ID"),
        ("deals", "hs_object_id", "1", "READ_ONLY_VALUE"),
        ("deals", "dealname", ["A"], "INVALID_VALUE"),
        ("line_items", "amount", "1", "READ_ONLY_VALUE"),
    ],
)
def test_a_value_that_a_property_does_not_take_is_refused(kind: str, name: str, value: object, code: str) -> None:
    """The refusal names the property twice: in the text, and in the list of errors."""
    portal = a_portal()
    answer = portal.post(f"/crm/v3/objects/{kind}", {"properties": {name: value}})
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"], error["context"]) == (400, code, {"propertyName": [name]})
    assert portal.count(kind) == 0


def test_the_last_write_wins_and_the_history_keeps_the_others() -> None:
    """Newest first, with who wrote it: the app or a person."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A")
    portal.clock.advance(1)
    portal.hubspot.do({"action": "edit", "kind": "deal", "id": id_, "properties": {"dealname": "B"}, "user": 7})
    portal.clock.advance(1)
    portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {"dealname": "C"}})
    found = portal.get(f"/crm/v3/objects/deals/{id_}", propertiesWithHistory="dealname").json()
    history = found["propertiesWithHistory"]["dealname"]
    assert [(each["value"], each["sourceType"]) for each in history] == [
        ("C", "INTEGRATION"), ("B", "CRM_UI"), ("A", "INTEGRATION"),
    ]  # fmt: skip
    assert history[1]["updatedByUserId"] == 7
    assert found["updatedAt"] == found["properties"]["hs_lastmodifieddate"] == "2026-01-01T00:00:02Z"


def test_a_write_of_the_same_values_changes_nothing() -> None:
    """No new time of change, no webhook."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A")
    portal.events()
    portal.clock.advance(1)
    answer = portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {"dealname": "A"}})
    assert answer.json()["updatedAt"] == "2026-01-01T00:00:00Z"
    assert portal.events() == []


def test_what_is_deleted_is_gone_and_deleting_it_again_is_fine() -> None:
    """404 for who reads or writes it; a 204 is no proof that something was there."""
    portal = a_portal()
    id_ = portal.create("deals", dealname="A")
    assert portal.http.delete(f"/crm/v3/objects/deals/{id_}").status_code == 204
    assert portal.http.delete(f"/crm/v3/objects/deals/{id_}").status_code == 204
    assert portal.get(f"/crm/v3/objects/deals/{id_}").status_code == 404
    assert portal.http.patch(f"/crm/v3/objects/deals/{id_}", json={"properties": {}}).status_code == 404
    assert portal.get(f"/crm/v3/objects/deals/{id_}", archived="true").json()["archived"] is True


def test_a_line_items_amount_is_worked_out() -> None:
    """Price times quantity, exactly."""
    portal = a_portal()
    id_ = portal.create("line_items", name="Seat", price="19.99", quantity="3")
    assert portal.get(f"/crm/v3/objects/line_items/{id_}").json()["properties"]["amount"] == "59.97"
