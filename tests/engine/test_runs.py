"""One event through the whole engine: what each outcome of a handler becomes in the ledger."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from engine.worker import Worker

An = Callable[..., UUID]
Look = Callable[..., list[dict[str, Any]]]


def test_a_plan_becomes_one_confirmed_write_and_a_done_event(worker: Worker, an_event: An, look: Look) -> None:
    """Event, write, entry, run and audit agree with each other after one pass."""
    event_id = an_event("contact.creation", 7)
    assert worker.run_once() == 1
    (event,) = look("SELECT * FROM events")
    assert (event["status"], event["handler"], event["due_at"]) == ("done", "writes_once", None)
    (write,) = look("SELECT * FROM writes")
    assert (write["key"], write["status"], write["event_id"]) == ("books:contact:7:created", "confirmed", event_id)
    (entry,) = look("SELECT * FROM books_entries")
    assert entry["id"] == write["id"]
    (run,) = look("SELECT * FROM runs")
    assert [step["step"] for step in run["steps"]] == ["check", "read", "classify", "plan", "gate", "commit"]
    assert all(step["input_hash"] for step in run["steps"])
    assert run["steps"][3]["output"] == ["books:contact:7:created"]
    (entry,) = look("SELECT * FROM audit_entries WHERE lane = 'engine'")
    assert (entry["action"], entry["subject"]) == ("event.done", f"event:{event_id}")


@pytest.mark.parametrize(
    ("type", "status", "failure_class"),
    [
        ("ticket.deletion", "ignored", None),
        ("contact.merge", "ignored", None),  # no handler answers for it
        ("deal.deletion", "waiting", None),
        ("contact.deletion", "waiting", "approval_needed"),
        ("deal.creation", "exception", "handler_bug"),
        ("ticket.creation", "exception", "handler_bug"),
        ("company.creation", "exception", "run_stuck"),
    ],
)
def test_every_outcome_has_its_state_and_class(
    worker: Worker, an_event: An, look: Look, type: str, status: str, failure_class: str | None
) -> None:
    """Whatever a handler does, the event rests in a state that somebody or some time will move."""
    an_event(type, 1)
    worker.run_once()
    (event,) = look("SELECT * FROM events")
    assert event["status"] == status
    (run,) = look("SELECT * FROM runs")
    assert run["failure_class"] == failure_class
    cases = look("SELECT * FROM cases")
    assert [case["failure_class"] for case in cases] == ([failure_class] if failure_class else [])
    assert event["case_id"] == (cases[0]["id"] if cases else None)
    assert look("SELECT * FROM writes") == []


def test_a_snoozed_event_moves_by_itself_later(worker: Worker, an_event: An, look: Look) -> None:
    """Waiting for a time is not waiting for a person: it has a due time and no case."""
    an_event("deal.deletion", 1)
    worker.run_once()
    (event,) = look("SELECT due_at > now() + interval '59 minutes' AS later, case_id FROM events")
    assert event == {"later": True, "case_id": None}
    assert worker.run_once() == 0


def test_what_a_bug_says_reaches_no_row(worker: Worker, an_event: An, look: Look) -> None:
    """The text of an exception may hold anything; the case names type and place only."""
    an_event("deal.creation", 1)
    worker.run_once()
    rows = str(look("SELECT * FROM cases") + look("SELECT * FROM runs") + look("SELECT * FROM case_events"))
    assert "whsec" not in rows
    assert "secret of" not in rows, "redaction knows the look of a key, not what a handler may say about a person"
    assert "ZeroDivisionError" in rows


def test_one_bad_event_does_not_spoil_its_group(worker: Worker, an_event: An, look: Look) -> None:
    """Twenty good events and bad ones of several kinds in one claim: the good ones are written."""
    for number in range(20):
        an_event("contact.creation", number)
    for number, type in enumerate(["deal.creation", "ticket.creation", "ticket.propertyChange"]):
        an_event(type, 100 + number)
    assert worker.run_once() == 23
    states = {row["status"]: row["n"] for row in look("SELECT status, count(*) AS n FROM events GROUP BY 1")}
    assert states == {"done": 20, "exception": 3}
    assert len(look("SELECT * FROM books_entries")) == 20
    assert len(look("SELECT * FROM runs")) == 23


def test_an_effect_that_the_database_refuses_fails_alone(
    worker: Worker, an_event: An, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the group's transaction breaks, each event is tried alone, and only the guilty one becomes a case."""
    from destinations.books import DESTINATION

    monkeypatch.setattr(type(DESTINATION), "check", lambda self, effect: None)
    for number in range(5):
        an_event("contact.creation", number)
    an_event("ticket.propertyChange", 66)
    worker.run_once()
    states = {row["type"]: row["status"] for row in look("SELECT type, status FROM events")}
    assert states == {"contact.creation": "done", "ticket.propertyChange": "exception"}
    assert len(look("SELECT * FROM books_entries")) == 5


def test_two_events_about_one_fact_write_once(worker: Worker, an_event: An, look: Look) -> None:
    """P3: the key is the fact's. Remove the unique key of writes and this fails."""
    an_event("contact.creation", 7, at=0)
    an_event("contact.creation", 7, at=5)
    while worker.run_once():
        pass
    assert len(look("SELECT * FROM writes")) == 1
    assert len(look("SELECT * FROM books_entries")) == 1
    outcomes = [row["outcome"] for row in look("SELECT outcome FROM events ORDER BY occurred_at")]
    assert "written already" in outcomes[1]


def test_one_key_with_other_content_is_for_a_person(worker: Worker, an_event: An, look: Look) -> None:
    """The same key must mean the same thing; if it does not, nothing is overwritten."""
    an_event("contact.propertyChange", 7, value="100")
    an_event("contact.propertyChange", 7, at=5, value="250")
    while worker.run_once():
        pass
    assert [row["amount_minor"] for row in look("SELECT amount_minor FROM writes")] == [100]
    (case,) = look("SELECT * FROM cases")
    assert case["failure_class"] == "write_refused"


def test_what_the_door_found_becomes_a_case_of_its_class(worker: Worker, an_event: An, look: Look) -> None:
    """A fault recorded at the door skips contract and handler."""
    an_event("contact.creation", 7, fault={"class": "wrong_account", "rule": "mode", "detail": "test at a live door"})
    worker.run_once()
    (case,) = look("SELECT * FROM cases")
    assert case["failure_class"] == "wrong_account"
    assert look("SELECT * FROM writes") == []


def test_a_broken_contract_names_every_rule(worker: Worker, an_event: An, look: Look) -> None:
    """The case carries field, bound and advice of each violation."""
    an_event("contact.creation", 7, at=-10_000_000_000)
    worker.run_once()
    (blocked,) = look("SELECT * FROM case_events")
    (violation,) = blocked["detail"]["violations"]
    assert violation["field"] == "occurredAt"
    assert violation["advice"]


def test_a_reader_is_not_asked_twice_after_a_crash(worker: Worker, an_event: An, look: Look) -> None:
    """The checkpoint outlives the run: the second attempt finds the answer of the first."""
    from workflows.every_outcome import ASKED

    ASKED.clear()
    event_id = an_event("company.propertyChange", 3)
    pass_before_the_crash = worker.pipeline.walk(_claim_one(worker))
    assert pass_before_the_crash.context["owner"] == {"seen": 1}
    _lose_the_lease(look, worker, event_id)
    worker.run_once()
    worker.close()
    assert ASKED == [3]
    assert [row["status"] for row in look("SELECT status FROM events")] == ["done"]
    (run,) = look("SELECT * FROM runs")
    assert run["attempt"] == 2


def test_an_event_of_tomorrow_is_for_a_person(worker: Worker, an_event: An, look: Look) -> None:
    """Consistent in itself, and years ahead: it must not be booked into a year that nobody has closed yet."""
    an_event("contact.creation", 7, at=3 * 365 * 86_400)
    worker.run_once()
    (case,) = look("SELECT * FROM cases")
    assert (case["failure_class"], look("SELECT * FROM writes")) == ("contract_violation", [])


def _claim_one(worker: Worker) -> Any:
    from counterfoil import database
    from counterfoil.ledger.claim import claim

    with database.connect() as conn:
        (event,) = claim(conn, limit=1, lease_seconds=60)
    return event


def _lose_the_lease(look: Look, worker: Worker, event_id: UUID) -> None:
    from counterfoil import database

    with database.connect() as conn:
        conn.execute("UPDATE events SET lease_until = now() - interval '1 second' WHERE id = %s", (event_id,))
