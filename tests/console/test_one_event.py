"""One event, whole: its payloads as they were sent, and the five answers about it."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx

from console.queries import events
from counterfoil import database

An = Callable[..., UUID]


def test_an_event_carries_everything_that_is_known_about_it(api: httpx.Client, story: Any) -> None:
    """Payload, runs, writes, cases, notifications, audit; and no second payload without a correction."""
    done, failed = api.get(f"/events/{story.done}").json(), api.get(f"/events/{story.failed}").json()
    assert done["payload"]["type"] == "invoice.paid"
    assert done["original_payload"] is None
    assert done["runs"][0]["steps"][0]["step"] == "check"
    assert done["writes"][0]["status"] == "confirmed"
    assert failed["cases"][0]["id"] == str(story.case)
    assert failed["incidents"][0]["detail"]["violations"][0]["rule"] == "lines_add_up"
    assert failed["notifications"][0]["recipient"] == "rhea"
    assert {entry["action"] for entry in failed["audit"]} & {"case.opened", "event.failed", "event.finished"}


def test_a_corrected_event_shows_both_payloads(api: httpx.Client, story: Any, work: Callable[[], None]) -> None:
    """The original stays; author and reason of the copy are told; the copy goes through to the books."""
    payload = api.get(f"/events/{story.failed}").json()["payload"]
    broken = payload["data"]["object"]["subtotal"]
    payload["data"]["object"]["subtotal"] -= 100
    headers = {"X-Counterfoil-Actor": "rhea"}
    answer = api.post(
        f"/cases/{story.case}/edit", json={"reason": "typing mistake", "payload": payload}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    work()
    event = api.get(f"/events/{story.failed}").json()
    assert event["status"] == "done"
    assert event["original_payload"]["data"]["object"]["subtotal"] == broken
    assert (event["corrections"][0]["author"], event["corrections"][0]["reason"]) == ("rhea", "typing mistake")
    assert api.get(f"/cases/{story.case}").json()["status"] == "resolved"


def test_a_payload_is_shown_as_it_was_sent(api: httpx.Client, an_event: An) -> None:
    """Numbers that a binary float would change arrive unchanged; what is no JSON arrives as text."""

    def precise(payload: dict[str, Any]) -> None:
        payload.update(whole=2**70, plain=1.5)

    assert api.get(f"/events/{an_event(precise)}").json()["payload"]["whole"] == 2**70
    assert events.readable('{"a":0.1000000000000000055511151231257827}') == {
        "a": "0.1000000000000000055511151231257827"
    }
    assert events.readable('{"a":1e999,"b":1.50}') == {"a": "1e999", "b": 1.5}
    assert events.readable("{no json") == "{no json"
    assert events.readable(r'{"a":"\ud83d\ude00 \\ud800"}') == {"a": "😀 \\ud800"}


def test_a_payload_that_cannot_be_encoded_is_shown_as_its_text(
    api: httpx.Client, an_event: An, conn: database.Connection
) -> None:
    """A HubSpot element with half of a surrogate pair is kept and becomes a case; its owner must be able to look."""
    event = an_event(lambda payload: payload.update(note="\ud800"))
    found = api.get(f"/events/{event}")
    assert found.status_code == 200
    assert "\\ud800" in found.json()["payload"]
    conn.execute("INSERT INTO payloads (event_id, version, body) SELECT event_id, 1, '{}' FROM payloads")
    conn.execute("UPDATE events SET payload_version = 1")
    conn.commit()
    assert "\\ud800" in api.get(f"/events/{event}").json()["original_payload"]


def test_the_five_answers_of_a_booked_invoice(api: httpx.Client, story: Any) -> None:
    """Ran, succeeded, failed, records, notified: each a sentence with its facts."""
    found = api.get(f"/events/{story.done}/explain").json()
    assert found["ran"]["facts"][0]["handler"] == "invoice_paid"
    assert "1 of 1 write" in found["succeeded"]["summary"]
    assert found["failed"] == {"summary": "Nothing failed.", "facts": []}
    assert found["records"]["facts"][0]["key"].startswith("books:invoice:in_")
    assert found["records"]["facts"][0]["amount"] == {"amount_minor": 18957, "currency": "EUR"}
    assert found["notified"]["facts"] == []


def test_the_five_answers_of_a_failure_name_rule_owner_and_advice(api: httpx.Client, story: Any) -> None:
    """Whoever reads it knows what is wrong, whose it is, what to do and who was told."""
    found = api.get(f"/events/{story.failed}/explain").json()
    text = json.dumps(found["failed"])
    assert "lines_add_up" in text
    assert "owned by Rhea Ops" in found["failed"]["summary"]
    assert "advice" in text
    assert found["records"]["facts"] == []
    assert [fact["recipient"] for fact in found["notified"]["facts"]] == ["rhea"]


def test_a_queued_event_says_when_it_moves(api: httpx.Client, story: Any) -> None:
    """Nothing is silent: what has not run says what will happen."""
    found = api.get(f"/events/{story.queued}/explain").json()
    assert "moves by itself at 2099-01-01 00:00:00 UTC" in found["summary"]
    assert found["ran"]["summary"] == "Nothing has run yet."


def test_events_of_one_fact_name_each_other(
    api: httpx.Client, story: Any, an_event: An, work: Callable[[], None]
) -> None:
    """The same invoice told by another type: either explains the other, and the third has nothing to do with them."""
    payload = api.get(f"/events/{story.done}").json()["payload"]

    def again(fresh: dict[str, Any]) -> None:
        fresh.update(payload | {"id": "evt_again", "type": "invoice.payment_succeeded"})

    other = an_event(again, type="invoice.payment_succeeded", key="evt_again")
    work()
    for one, its_other in ((story.done, other), (other, story.done)):
        found = api.get(f"/events/{one}/explain").json()
        assert [fact["event_id"] for fact in found["same_fact"]["facts"]] == [str(its_other)]
        assert found["same_fact"]["summary"].startswith("1 other event told the same: invoice.pa")
        assert [fact["event_id"] for fact in api.get(f"/events/{one}").json()["same_fact"]] == [str(its_other)]
    unrelated = api.get(f"/events/{story.failed}/explain").json()
    assert [unrelated[name]["facts"] for name in ("same_fact", "caused_by", "caused")] == [[], [], []]
