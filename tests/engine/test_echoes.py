"""What our own writes cause at HubSpot comes back as events: known for ours, and nothing genuine is taken for it."""

from collections.abc import Iterator

import pytest
from listening import Listener, a_listener

from console import explain
from console.queries import events
from counterfoil import database


@pytest.fixture
def company(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A company that hears what it writes."""
    with a_listener(conn, monkeypatch) as made:
        yield made


def _written(company: Listener, number: int, value: str) -> str:
    """Write a plan by an event of its own; the key of the write."""
    company.wish(number, value)
    company.work()
    (write,) = company.rows("SELECT key, status FROM writes WHERE destination = 'hubspot' ORDER BY id DESC LIMIT 1")
    assert write["status"] == "confirmed"
    found: str = write["key"]
    return found


def test_what_we_wrote_is_known_when_it_comes_back(company: Listener) -> None:
    """Ignored with the write's key, linked to the write, nothing planned, and no state of the subject taken for it."""
    company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    (heard,) = company.hear()
    event = company.event(heard)
    assert (event["status"], event["caused_by"], event["part"]) == ("ignored", key, "company.propertyChange plan")
    assert event["outcome"] == f"caused by our own write {key}"
    assert company.rows("SELECT 1 FROM writes WHERE handler = 'plan_heard'") == []
    assert company.rows("SELECT 1 FROM subject_states WHERE handler = 'plan_heard'") == []
    (entry,) = company.rows(
        "SELECT detail::jsonb AS detail FROM audit_entries WHERE action = 'event.ignored' AND subject = %s",
        f"event:{heard}",
    )
    assert entry["detail"]["caused_by"] == key


def test_cause_and_echo_name_each_other(company: Listener) -> None:
    """Whoever looks at either event is led to the other one."""
    company.company(1, plan="basic")
    wish = company.wish(1, "pro")
    company.work()
    (heard,) = company.hear()
    cause, echo = events.find(wish), events.find(heard)
    assert cause is not None
    assert echo is not None
    (write,) = cause.writes
    assert echo.caused_by is not None
    assert (echo.caused_by.event_id, echo.caused_by.write, cause.caused_by) == (wish, write.key, None)
    assert [(one.event_id, one.write_id) for one in cause.caused] == [(heard, write.id)]
    assert explain.explain(echo).caused_by.summary == (
        f"Our own write {write.key} at hubspot, made for event {wish}, came back as it."
    )
    assert explain.explain(cause).caused.summary == (
        f"1 event came of its writes: company.propertyChange {echo.key} (ignored)."
    )


def test_it_stays_ours_when_it_is_replayed(company: Listener) -> None:
    """The link is recorded; a second pass finds it and no second part of the write."""
    company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    (heard,) = company.hear()
    company.conn.execute("UPDATE events SET status = 'queued', due_at = now(), generation = 1 WHERE id = %s", (heard,))
    company.conn.commit()
    company.run()
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("ignored", key)
    assert len(company.rows("SELECT 1 FROM echoes")) == 1


def test_a_change_by_a_person_is_genuine(company: Listener) -> None:
    """Also to the value that we wrote: the person meant it."""
    id = company.company(1, plan="basic")
    _written(company, 1, "pro")
    company.heard()  # lost on the way
    company.by_hand(id, plan="basic")
    company.by_hand(id, plan="pro")
    for heard in company.hear():
        assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)


def test_each_part_of_a_write_explains_one_event(company: Listener) -> None:
    """Our own token sets the value away and back: the echo is ours, the two others are handled."""
    id = company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    company.by_script(id, plan="basic")
    company.by_script(id, plan="pro")
    heard = company.heard()
    assert [event["propertyValue"] for event in heard] == ["pro", "basic", "pro"]
    found = []
    for event in heard:  # all within the second that the answer tells
        found += company.record([event])
        company.run()
    assert [company.event(id)["caused_by"] for id in found] == [key, None, None]
    assert [company.event(id)["status"] for id in found] == ["ignored", "done", "done"]


@pytest.mark.parametrize("at", [-30.0, 30.0])
def test_the_same_value_at_another_time_is_genuine(company: Listener, at: float) -> None:
    """HubSpot's answer tells when we changed it; what was set before or after that was set by somebody else."""
    company.company(1, plan="basic")
    _written(company, 1, "pro")
    (event,) = (event for event in company.heard() if event["propertyName"] == "plan")
    event["occurredAt"] += int(at * 1000)
    (heard,) = company.record([event])
    company.run()
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)


@pytest.mark.parametrize(
    "members",
    [
        {"changeSource": "CRM_UI", "sourceId": "userId:501"},
        {"changeSource": "AUTOMATION_PLATFORM", "sourceId": "enrollmentId:7"},
        {"changeSource": "IMPORT", "sourceId": None},
        {"sourceId": "appId:999"},
        {"sourceId": "userId:501"},
        {"propertyValue": "basic"},
        {"propertyName": "mrr"},
        {"objectId": 20000009999},
        {"subscriptionType": "contact.propertyChange"},
    ],
    ids=lambda members: "-".join(f"{name}-{value}" for name, value in members.items()),
)
def test_whatever_speaks_for_somebody_else_makes_it_genuine(company: Listener, members: dict[str, object]) -> None:
    """Another author, record, kind of record, property or value: not ours."""
    company.company(1, plan="basic")
    _written(company, 1, "pro")
    (event,) = (event for event in company.heard() if event["propertyName"] == "plan")
    (heard,) = company.record([{name: value for name, value in {**event, **members}.items() if value is not None}])
    company.run()
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)


@pytest.mark.parametrize(
    "members", [{"sourceId": None}, {"changeSource": None, "sourceId": None}, {"sourceId": "54321"}]
)
def test_an_event_that_says_less_of_its_author_is_still_ours(company: Listener, members: dict[str, object]) -> None:
    """HubSpot promises none of these members."""
    company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    (event,) = (event for event in company.heard() if event["propertyName"] == "plan")
    (heard,) = company.record([{name: value for name, value in {**event, **members}.items() if value is not None}])
    company.run()
    assert company.event(heard)["caused_by"] == key


def test_another_app_is_ours_when_it_is_named_so(company: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app that writes need not be the one that listens; HUBSPOT_APP_ID says which it is."""
    monkeypatch.setenv("HUBSPOT_APP_ID", "999")
    company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    (event,) = (event for event in company.heard() if event["propertyName"] == "plan")
    (heard,) = company.record([event | {"sourceId": "appId:999"}])
    company.run()
    assert company.event(heard)["caused_by"] == key


def test_overlapping_subscriptions_tell_one_event(company: Listener) -> None:
    """One change under two subscriptions is one identity; under the generic type it is ours a second time."""
    company.company(1, plan="basic")
    key = _written(company, 1, "pro")
    (event,) = (event for event in company.heard() if event["propertyName"] == "plan")
    generic = event | {"subscriptionType": "object.propertyChange", "objectTypeId": "0-2"}
    found = company.record([event, event | {"subscriptionId": 4711, "eventId": 1}, generic])
    company.run()
    assert len(set(found)) == 2
    assert {company.event(id)["caused_by"] for id in found} == {key}


def test_what_changed_nothing_explains_nothing(company: Listener) -> None:
    """The value stood there before we wrote it: an event of that value is somebody else's."""
    id = company.company(1, plan="pro")
    key = _written(company, 1, "pro")
    assert key
    company.by_script(id, plan="basic")
    company.by_script(id, plan="pro")
    for heard in company.hear():
        assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)


def test_a_handler_of_facts_handles_its_own_doing_too(company: Listener) -> None:
    """Linked, and handled like any other: the contact's creation and its values, the unique one included."""
    company.wish(7, "", kind="deal.creation")
    company.work()
    heard = company.record(event for event in company.heard() if event["subscriptionType"].startswith("contact."))
    company.run()
    told = [company.event(id) for id in heard]
    linked = {event["part"]: event["status"] for event in told if event["caused_by"]}
    assert linked == {
        "contact.creation": "ignored",  # nobody handles it
        "contact.propertyChange phone": "done",
        "contact.propertyChange stripe_customer_id": "done",
        "contact.propertyChange counterfoil_key": "done",
    }


def test_an_echo_before_the_answer_waits_and_speaks_for_the_write(company: Listener) -> None:
    """The answer is lost: the event waits while nobody knows, is noted at the write, and is ours when it is settled."""
    company.company(1, plan="basic")
    company.hubspot.fault("drop_after", method="POST", path="/crm/v3/objects/companies/batch/upsert")
    company.wish(1, "pro")
    company.work()
    (write,) = company.rows("SELECT * FROM writes WHERE destination = 'hubspot'")
    assert write["status"] == "in_doubt"
    (heard,) = company.hear()
    waiting = company.event(heard)
    assert (waiting["status"], waiting["caused_by"]) == ("waiting", None)
    assert waiting["due_at"] is not None
    (write,) = company.rows("SELECT * FROM writes WHERE destination = 'hubspot'")
    assert f"the event {heard} speaks for its having happened" in write["detail"]
    company.hubspot.clock.advance(60)
    company.later()
    company.later()
    (write,) = company.rows("SELECT key, status FROM writes WHERE destination = 'hubspot'")
    assert write["status"] == "confirmed"
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("ignored", write["key"])


def test_a_change_that_was_taken_for_an_echo_is_handled_when_the_write_did_not_happen(company: Listener) -> None:
    """Our request was lost, and a script set the same value in that moment: the event waits, then it is genuine."""
    id = company.company(1, plan="basic")
    company.hubspot.fault("drop_before", method="POST", path="/crm/v3/objects/companies/batch/upsert")
    company.wish(1, "pro")
    company.work()
    assert company.rows("SELECT status FROM writes WHERE destination = 'hubspot'") == [{"status": "in_doubt"}]
    company.by_script(id, plan="pro")
    (heard,) = company.hear()
    assert company.event(heard)["status"] == "waiting"
    with company.conn.transaction():
        company.conn.execute("UPDATE writes SET status = 'refused', due_at = NULL WHERE destination = 'hubspot'")
    company.later()
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)


def test_nothing_waits_for_an_unsettled_write_for_ever(company: Listener) -> None:
    """After a quarter of an hour it is handled: done twice an event meets its own keys, hidden it is lost."""
    company.company(1, plan="basic")
    company.hubspot.fault("drop_after", method="POST", path="/crm/v3/objects/companies/batch/upsert")
    company.wish(1, "pro")
    company.work()
    (heard,) = company.hear()
    with company.conn.transaction():
        company.conn.execute("UPDATE writes SET due_at = NULL WHERE status = 'in_doubt'")
        company.conn.execute(
            "UPDATE events SET due_at = now(), received_at = now() - interval '16 minutes' WHERE id = %s", (heard,)
        )
    company.run()
    assert (company.event(heard)["status"], company.event(heard)["caused_by"]) == ("done", None)
