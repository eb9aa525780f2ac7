"""Accepting: of one identity with two contents the newer becomes a corrected copy of the first, and nothing is lost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

import contracts
from counterfoil import database
from exceptions_queue import cases

Connection = database.Connection

SAMPLES = Path(contracts.__file__).parent / "samples" / "stripe"
FIRST: dict[str, Any] = json.loads((SAMPLES / "invoice.paid.json").read_text())
NEWER: dict[str, Any] = {**FIRST, "pending_webhooks": 7}
WHY = {"who": "Pia", "reason": "Stripe confirmed the second"}


@pytest.fixture
def conflict(conn: Connection, an_event: Callable[..., UUID]) -> Callable[..., tuple[UUID, UUID, UUID]]:
    """A factory of a first event, a newer one of the same identity, and the case of the latter."""

    def make(newer: dict[str, Any] = NEWER, first: dict[str, Any] | None = None, **columns: Any) -> Any:
        api = {"api_version": FIRST["api_version"]}
        first_id = an_event("done", body=FIRST, **{**api, **(first or {})})
        fault = Jsonb({"class": "identity_conflict", "rule": "content", "original": str(first_id)})
        newer_id = an_event(body=newer, fault=fault, **{**api, **columns})
        opened = cases.open_many(conn, [cases.Incident(newer_id, "identity_conflict", source="stripe")])
        conn.execute("UPDATE events SET case_id = %s WHERE id = %s", (opened[newer_id], newer_id))
        conn.commit()
        return opened[newer_id], first_id, newer_id

    return make


def row(conn: Connection, table: str, its_id: UUID) -> dict[str, Any]:
    """A row by its id."""
    found = conn.execute(f"SELECT * FROM {table} WHERE id = %s", (its_id,)).fetchone()
    assert found is not None
    return found


def test_the_newer_content_becomes_a_version_of_the_first_event(conn: Connection, conflict: Any) -> None:
    """It runs from the start with it; what was received stays; the event that brought it is settled with the reason."""
    case_id, first_id, newer_id = conflict()
    assert cases.accept(conn, case_id, None, **WHY) == 1

    first, newer = row(conn, "events", first_id), row(conn, "events", newer_id)
    assert (first["status"], first["payload_version"], first["generation"]) == ("queued", 1, 1)
    assert first["due_at"] is not None
    bodies = conn.execute("SELECT * FROM payloads WHERE event_id = %s ORDER BY version", (first_id,)).fetchall()
    assert [(json.loads(one["body"]), one["author"]) for one in bodies] == [(FIRST, None), (NEWER, "Pia")]
    assert (newer["status"], newer["case_id"], newer["due_at"]) == ("ignored", None, None)
    assert newer["outcome"] == f"its content is version 1 of event {first_id}, by Pia: Stripe confirmed the second"


def test_the_case_that_blocks_nothing_more_is_resolved_and_all_of_it_is_audited(
    conn: Connection, conflict: Any
) -> None:
    """P11: who took what, on both events and on the case."""
    case_id, first_id, newer_id = conflict()
    cases.accept(conn, case_id, newer_id, **WHY)
    assert row(conn, "cases", case_id)["status"] == "resolved"
    entries = conn.execute("SELECT actor, action, subject FROM audit_entries ORDER BY seq").fetchall()
    assert [tuple(entry.values()) for entry in entries] == [
        ("Pia", "event.edited", f"event:{first_id}"),
        ("Pia", "event.ignored", f"event:{newer_id}"),
        ("Pia", "case.accepted", f"case:{case_id}"),
        ("Pia", "case.resolved", f"case:{case_id}"),
    ]


def test_a_newer_content_that_breaks_its_contract_is_not_taken(conn: Connection, conflict: Any) -> None:
    """It is held against it like any correction; nothing is stored and nothing moves."""
    broken = json.loads(json.dumps(FIRST))
    broken["data"]["object"]["total"] += 1
    case_id, first_id, newer_id = conflict(broken)
    with pytest.raises(cases.EditRefused) as refused:
        cases.accept(conn, case_id, None, **WHY)
    assert refused.value.violations
    conn.rollback()
    assert [row(conn, "events", one)["status"] for one in (first_id, newer_id)] == ["done", "exception"]


def test_a_newer_content_about_another_thing_is_not_taken(conn: Connection, conflict: Any) -> None:
    """It would be written under the other one's key."""
    other = json.loads(json.dumps(NEWER))
    other["data"]["object"]["id"] = "in_other"
    case_id, *_ = conflict(other)
    with pytest.raises(cases.EditRefused) as refused:
        cases.accept(conn, case_id, None, **WHY)
    assert "data.object.id" in [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize("status", ["queued", "running"])
def test_nothing_is_exchanged_under_the_workers_hands(conn: Connection, conflict: Any, status: str) -> None:
    """The first event must rest."""
    case_id, first_id, _ = conflict()
    conn.execute("UPDATE events SET status = %s, due_at = now() WHERE id = %s", (status, first_id))
    with pytest.raises(cases.EventMoving, match=status):
        cases.accept(conn, case_id, None, **WHY)


@pytest.mark.parametrize(
    ("columns", "first", "word"),
    [
        ({"livemode": False}, {"livemode": True}, "livemode"),
        ({"account": "acct_2"}, {"account": "acct_1"}, "account"),
        ({"type": "invoice.voided"}, {}, "type"),
        ({}, {"fault": Jsonb({"class": "wrong_account"})}, "wrong_account"),
    ],
)
def test_what_is_not_one_event_is_not_taken(
    conn: Connection, conflict: Any, columns: dict[str, Any], first: dict[str, Any], word: str
) -> None:
    """A test event cannot slip into a live one, and a first event that was turned aside is judged by itself."""
    case_id, first_id, _ = conflict(NEWER, first, **columns)
    with pytest.raises(cases.AcceptRefused, match=word):
        cases.accept(conn, case_id, None, **WHY)
    assert row(conn, "events", first_id)["payload_version"] == 0


@pytest.mark.parametrize("failure_class", ["wrong_account", "contract_violation", "handler_bug"])
def test_only_a_conflict_has_something_newer(conn: Connection, an_event: Any, failure_class: str) -> None:
    """Whatever else is wrong cannot be accepted away."""
    event_id = an_event(body=FIRST, fault=Jsonb({"class": failure_class}))
    opened = cases.open_many(conn, [cases.Incident(event_id, failure_class, source="stripe")])
    with pytest.raises(cases.AcceptRefused, match="replay"):
        cases.accept(conn, opened[event_id], None, **WHY)


def test_what_is_not_kept_any_more_cannot_be_taken(conn: Connection, conflict: Any) -> None:
    """After retention the case says so; it can be dismissed."""
    case_id, _, newer_id = conflict()
    conn.execute("DELETE FROM payloads WHERE event_id = %s", (newer_id,))
    with pytest.raises(cases.AcceptRefused, match="not kept"):
        cases.accept(conn, case_id, None, **WHY)


def test_of_two_people_who_accept_one_is_told_that_it_is_done(
    conn: Connection, conflict: Any, database_url: str
) -> None:
    """The case is closed by then; the content is a version once."""
    case_id, first_id, _ = conflict()
    cases.accept(conn, case_id, None, **WHY)
    conn.commit()
    with pytest.raises(cases.CaseClosed):
        cases.accept(conn, case_id, None, **WHY)
    conn.rollback()
    assert row(conn, "events", first_id)["payload_version"] == 1
