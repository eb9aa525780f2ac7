"""Editing: a corrected copy goes through the contract again; the original stays; nothing half-stored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import contracts
from counterfoil import database
from exceptions_queue import cases

Connection = database.Connection

SAMPLES = Path(contracts.__file__).parent / "samples" / "stripe"
GOOD: dict[str, Any] = json.loads((SAMPLES / "invoice.paid.json").read_text())


def broken() -> dict[str, Any]:
    """An invoice whose amounts no longer add up."""
    copy = json.loads(json.dumps(GOOD))
    copy["data"]["object"]["total"] += 1
    return dict(copy)


@pytest.fixture
def blocked(conn: Connection, an_event: Callable[..., UUID]) -> Callable[..., tuple[UUID, UUID]]:
    """A factory of one event in one case."""

    def make(failure_class: str = "contract_violation", **columns: Any) -> tuple[UUID, UUID]:
        event_id = an_event(body=broken(), api_version=GOOD["api_version"], attempts=3, crashes=1, **columns)
        opened = cases.open_many(conn, [cases.Incident(event_id, failure_class, source="stripe")])
        conn.execute("UPDATE events SET case_id = %s WHERE id = %s", (opened[event_id], event_id))
        conn.commit()
        return opened[event_id], event_id

    return make


def the_event(conn: Connection, event_id: UUID) -> dict[str, Any]:
    """The event's row."""
    row = conn.execute("SELECT * FROM events WHERE id = %s", (event_id,)).fetchone()
    assert row is not None
    return row


def versions(conn: Connection, event_id: UUID) -> list[tuple[int, Any, str | None]]:
    """Version, payload and author of each copy."""
    rows = conn.execute("SELECT * FROM payloads WHERE event_id = %s ORDER BY version", (event_id,)).fetchall()
    return [(row["version"], json.loads(row["body"]), row["author"]) for row in rows]


def test_a_corrected_copy_is_kept_beside_the_original_and_runs(conn: Connection, blocked: Any) -> None:
    """Version 1 with its author; the event is queued from the start, fresh; the case stays until it went through."""
    case_id, event_id = blocked()
    assert cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="total was typed wrong") == 1

    assert versions(conn, event_id) == [(0, broken(), None), (1, GOOD, "Rhea")]
    row = the_event(conn, event_id)
    assert (row["status"], row["payload_version"], row["generation"]) == ("queued", 1, 1)
    assert (row["attempts"], row["crashes"], row["case_id"]) == (0, 0, case_id)
    assert row["due_at"] is not None
    entries = conn.execute("SELECT action, subject FROM audit_entries ORDER BY seq").fetchall()
    assert [tuple(entry.values()) for entry in entries] == [
        ("case.edited", f"case:{case_id}"),
        ("event.edited", f"event:{event_id}"),
    ]


def test_a_copy_that_breaks_the_contract_too_stores_nothing(conn: Connection, blocked: Any) -> None:
    """The refusal carries every violation; event, payloads and audit are as before."""
    case_id, event_id = blocked()
    with pytest.raises(cases.EditRefused) as refused:
        cases.edit(conn, case_id, event_id, json.dumps(broken()), who="Rhea", reason="try")

    assert refused.value.violations
    assert all(violation.advice for violation in refused.value.violations)
    assert [version for version, _, _ in versions(conn, event_id)] == [0]
    assert the_event(conn, event_id)["status"] == "exception"
    assert conn.execute("SELECT * FROM audit_entries").fetchall() == []


@pytest.mark.parametrize("path", ["id", "type", "livemode", "data.object.id"])
def test_a_copy_that_has_become_another_event_is_refused(conn: Connection, blocked: Any, path: str) -> None:
    """A slip in an id would book an invoice that was never paid, under its key."""
    case_id, event_id = blocked()
    other = json.loads(json.dumps(GOOD))
    *above, name = path.split(".")
    place = other
    for step in above:
        place = place[step]
    place[name] = not place[name] if name == "livemode" else "in_other"
    with pytest.raises(cases.EditRefused) as refused:
        cases.edit(conn, case_id, None, json.dumps(other), who="Rhea", reason="slipped")
    assert [violation.field for violation in refused.value.violations] == [path]
    assert len(versions(conn, event_id)) == 1


def test_an_id_that_was_wrong_as_received_may_be_corrected(conn: Connection, blocked: Any) -> None:
    """What the contract complains of in the original is what the edit is for."""
    case_id, event_id = blocked()
    spoilt = broken()
    spoilt["data"]["object"]["id"] = "in 1"
    conn.execute("UPDATE payloads SET body = %s WHERE event_id = %s", (json.dumps(spoilt), event_id))
    assert cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="the id as Stripe shows it") == 1


def test_an_event_that_no_contract_covers_cannot_be_edited(conn: Connection, blocked: Any) -> None:
    """Without a contract nobody can say that the copy is right."""
    case_id, _ = blocked("contract_unknown", type="invoice.invented")
    with pytest.raises(cases.EditRefused) as refused:
        cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="try")
    assert [violation.rule for violation in refused.value.violations] == ["contract_unknown"]


@pytest.mark.parametrize("fault", ["wrong_account", "identity_conflict"])
def test_what_the_payload_did_not_cause_cannot_be_edited_away(conn: Connection, blocked: Any, fault: str) -> None:
    """A test event at a live door stays one, however its text is corrected."""
    case_id, _ = blocked(fault, fault=json.dumps({"class": fault}))
    with pytest.raises(cases.EditRefused, match=fault):
        cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="try")


def test_a_fault_of_the_payload_goes_with_the_correction(conn: Connection, blocked: Any) -> None:
    """What the door could not read is read again."""
    case_id, event_id = blocked(fault=json.dumps({"class": "contract_violation"}))
    cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="repaired")
    assert the_event(conn, event_id)["fault"] is None


def test_an_event_on_its_way_is_not_edited_under_the_workers_hands(conn: Connection, blocked: Any) -> None:
    """Queued and running events are refused with their state."""
    case_id, event_id = blocked()
    for status in ("queued", "running"):
        conn.execute("UPDATE events SET status = %s, due_at = now() WHERE id = %s", (status, event_id))
        with pytest.raises(cases.EventMoving, match=status):
            cases.edit(conn, case_id, event_id, json.dumps(GOOD), who="Rhea", reason="try")


def test_of_several_events_one_must_be_named(conn: Connection, blocked: Any) -> None:
    """And it must be one that this case blocks."""
    case_id, first = blocked()
    same_case, second = blocked()
    assert case_id == same_case
    with pytest.raises(cases.EventUnnamed, match="2 events"):
        cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="try")
    _, stranger = blocked("handler_bug")
    with pytest.raises(cases.EventNotInCase):
        cases.edit(conn, case_id, stranger, json.dumps(GOOD), who="Rhea", reason="try")

    assert cases.edit(conn, case_id, second, json.dumps(GOOD), who="Rhea", reason="this one") == 1
    assert the_event(conn, first)["status"] == "exception"


def test_a_second_correction_is_the_next_version(conn: Connection, blocked: Any) -> None:
    """Versions count up; every one of them stays readable."""
    case_id, event_id = blocked()
    cases.edit(conn, case_id, None, json.dumps(GOOD), who="Rhea", reason="first")
    conn.execute("UPDATE events SET status = 'exception', due_at = NULL WHERE id = %s", (event_id,))
    other = {**GOOD, "pending_webhooks": 7}
    assert cases.edit(conn, case_id, None, json.dumps(other), who="Tomas", reason="second") == 2
    assert [(version, author) for version, _, author in versions(conn, event_id)] == [
        (0, None),
        (1, "Rhea"),
        (2, "Tomas"),
    ]


@pytest.mark.parametrize("extra", ["\x00", "é😀"])
def test_whatever_a_json_string_may_hold_can_be_stored(conn: Connection, blocked: Any, extra: str) -> None:
    """NULs stay escaped in the text, as JSON allows."""
    case_id, event_id = blocked()
    cases.edit(conn, case_id, None, json.dumps({**GOOD, "note": extra}), who="Rhea", reason="odd but allowed")
    assert versions(conn, event_id)[1][1]["note"] == extra


@pytest.mark.parametrize("wrong", ["NaN", '"\\ud83d"', '"\ud83d"', '"\x00"', "{1}", "", "01"])
def test_what_is_no_json_is_refused(conn: Connection, blocked: Any, wrong: str) -> None:
    """NaN, half a surrogate pair, a bare control character, a broken text: a refusal, not a fault of ours."""
    case_id, event_id = blocked()
    text = json.dumps(GOOD)[:-1] + f', "note": {wrong}}}'
    with pytest.raises(cases.EditRefused):
        cases.edit(conn, case_id, None, text, who="Rhea", reason="try")
    assert [version for version, _, _ in versions(conn, event_id)] == [0]


def test_a_copy_is_stored_as_it_was_written(conn: Connection, blocked: Any) -> None:
    """No number is rounded, no digit is lost: the next step sees what the person wrote."""
    case_id, event_id = blocked()
    text = json.dumps(GOOD)[:-1] + ', "rate": 0.10000000000000000001, "zeros": 12.10, "big": 123456789012345678901}'
    cases.edit(conn, case_id, None, text, who="Rhea", reason="exactly this")
    row = conn.execute("SELECT body FROM payloads WHERE event_id = %s AND version = 1", (event_id,)).fetchone()
    assert row == {"body": text}
