"""Taking back many writes: a plan that moves nothing, then each newest first, and a report of what became of each."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import SIGNED, Office, an_office

import destinations
from counterfoil import database
from engine import reversals
from engine.sending import reversing
from exceptions_queue import refusals

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        yield made


def planned(office: Office, **wanted: Any) -> UUID:
    """A reversal by filter, at its plan."""
    with office.conn.transaction():
        return reversals.plan_reversal(office.conn, wanted, destinations.find(), **SIGNED)


def started(office: Office, **wanted: Any) -> UUID:
    """A reversal by filter, on its way."""
    id = planned(office, **wanted)
    with office.conn.transaction():
        reversals.start(office.conn, id, **SIGNED)
    return id


def plans(office: Office, an_event: AnEvent, numbers: range) -> None:
    """Companies whose plan was `basic` and that our writes made `pro`."""
    for number in numbers:
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        an_event("company.creation", number)
    office.work()


def test_of_fifty_writes_three_that_people_changed_are_kept(
    conn: database.Connection, monkeypatch: pytest.MonkeyPatch, an_event: AnEvent, look: Look
) -> None:
    """47 taken back, 3 kept, 0 that could not: over real connections, and a person's values stand."""
    with an_office(conn, monkeypatch, over_http=True) as office:
        _of_fifty(office, an_event, look)


def _of_fifty(office: Office, an_event: AnEvent, look: Look) -> None:
    """Each kept one says what was changed; each that was taken back was read again."""
    plans(office, an_event, range(50))
    companies = {row["properties"]["stripe_customer_id"]: row["id"] for row in office.hubspot.records("companies")}
    for number in (3, 17, 42):
        office.hubspot.by_hand("edit", "companies", companies[f"cus_{number}"], properties={"plan": "gold"})
    id = started(office, destination="hubspot", operation="upsert_company")
    assert office.carry_on(id) == {"reversed": 47, "kept": 3}
    found = {number: office.plan_of(number) for number in range(50)}
    assert {number for number, plan in found.items() if plan == "gold"} == {3, 17, 42}
    assert {plan for number, plan in found.items() if number not in {3, 17, 42}} == {"basic"}
    inverses = look("SELECT status, read_back FROM writes WHERE reverses IS NOT NULL")
    assert {str(row["read_back"]) for row in inverses if row["status"] == "confirmed"} == {"{'differences': []}"}
    kept = look("SELECT detail FROM reversal_items WHERE status = 'kept'")
    assert {row["detail"] for row in kept} == {"kept: plan is no longer as it was written"}


def test_entries_are_taken_back_and_the_books_are_as_before(office: Office, an_event: AnEvent, look: Look) -> None:
    """Every entry has its reversing entry; the trial balance is what it was before they came."""
    an_event("ticket.creation", 1)
    office.work()
    before = office.balances()
    first = look("SELECT id FROM writes")[0]["id"]
    for number in range(2, 30):
        an_event("ticket.creation", number)
    office.work()
    assert office.balances() != before
    since = look("SELECT confirmed_at FROM writes WHERE id <> %s ORDER BY confirmed_at LIMIT 1", first)
    id = started(office, destination="books", since=since[0]["confirmed_at"].isoformat())
    assert office.carry_on(id) == {"reversed": 28}
    assert office.balances() == before
    assert look("SELECT count(*) AS n FROM books_entries")[0]["n"] == 29 + 28


def test_a_plan_counts_and_moves_nothing(office: Office, an_event: AnEvent, look: Look) -> None:
    """How many, how much, by what; what cannot be taken back, and why; about how many people are asked."""
    for number in (1, 2, 900):
        an_event("ticket.creation", number)
    office.work()
    office.approve_all()
    an_event("ticket.creation", 901)
    office.work()
    id = planned(office, handler="posts_an_entry")
    (row,) = look("SELECT status, plan FROM reversals WHERE id = %s", id)
    assert row["status"] == "planned"
    assert row["plan"] == {
        "writes": 3,
        "reversible": 3,
        "money": [{"amount_minor": 2_008_400, "currency": "EUR"}],
        "operations": [{"destination": "books", "operation": "post_entry", "writes": 3}],
        "not_reversible": [],
        "approvals": 1,
    }
    awaiting = planned(office, handler="posts_an_entry", status="awaiting_approval")
    (row,) = look("SELECT plan FROM reversals WHERE id = %s", awaiting)
    assert (row["plan"]["writes"], row["plan"]["reversible"]) == (1, 0)
    assert "only what is confirmed" in row["plan"]["not_reversible"][0]["detail"]
    assert look("SELECT 1 FROM writes WHERE reverses IS NOT NULL") == []


def test_what_was_written_last_is_taken_back_first(office: Office, an_event: AnEvent, look: Look) -> None:
    """Of one plan, and of one record: each waits until the one before it has come to rest."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    an_event("deal.creation", 1)
    office.work()
    id = started(office, event=str(look("SELECT id FROM events")[0]["id"]))
    with office.conn.transaction():
        reversals.advance(office.conn, destinations.find())
    begun = look(
        "SELECT w.destination FROM reversal_items i JOIN writes w ON w.id = i.write_id WHERE i.status = 'begun'"
    )
    assert [row["destination"] for row in begun] == ["hubspot"]
    assert office.carry_on(id) == {"reversed": 2}
    assert (office.plan_of(1), office.balances()) == ("basic", {})


def test_a_cancelled_one_stops_and_watches_what_is_on_its_way(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is taken back, the rest stands and says why."""
    monkeypatch.setattr("engine.reversals.run.PORTION", 2)
    for number in range(5):
        an_event("ticket.creation", number)
    office.work()
    id = started(office, destination="books")
    with office.conn.transaction():
        reversals.advance(office.conn, destinations.find())
        reversals.cancel(office.conn, id, **SIGNED)
    office.carry_on(id, rounds=3)
    assert office.items(id) == {"reversed": 2, "skipped": 3}
    with pytest.raises(refusals.JobEnded), office.conn.transaction():
        reversals.cancel(office.conn, id, **SIGNED)
    with pytest.raises(refusals.JobNotPlanned), office.conn.transaction():
        reversals.start(office.conn, id, **SIGNED)
    with pytest.raises(refusals.JobNotFound), office.conn.transaction():
        reversals.start(office.conn, UUID(int=1), **SIGNED)


def test_a_paused_one_begins_nothing_and_goes_on_where_it_was(
    office: Office, an_event: AnEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is taken back meanwhile. Break it: let `advance` begin for one that is not running."""
    monkeypatch.setattr("engine.reversals.run.PORTION", 2)
    for number in range(5):
        an_event("ticket.creation", number)
    office.work()
    id = started(office, destination="books")
    with office.conn.transaction():
        reversals.advance(office.conn, destinations.find())
        reversals.pause(office.conn, id, **SIGNED)
    office.carry_on(id, rounds=3)
    assert office.items(id) == {"reversed": 2, "planned": 3}
    with pytest.raises(refusals.JobNotRunning), office.conn.transaction():
        reversals.pause(office.conn, id, **SIGNED)
    with office.conn.transaction():
        reversals.resume(office.conn, id, **SIGNED)
    with pytest.raises(refusals.JobNotPaused), office.conn.transaction():
        reversals.resume(office.conn, id, **SIGNED)
    assert office.carry_on(id) == {"reversed": 5}


def test_what_people_refuse_could_not_be_taken_back(office: Office, an_event: AnEvent, look: Look) -> None:
    """One waits for a person and holds up no other; a no is the reason in the report."""
    for number in (1, 900):
        an_event("ticket.creation", number)
    office.work()
    office.approve_all()
    id = started(office, destination="books")
    office.carry_on(id, rounds=3)
    assert office.items(id) == {"reversed": 1, "begun": 1}
    from exceptions_queue import approvals

    (asked,) = look("SELECT write_id FROM approvals WHERE status = 'open'")
    with office.conn.transaction():
        approvals.reject(office.conn, asked["write_id"], who="paul", reason="it was right")
    assert office.carry_on(id) == {"reversed": 1, "failed": 1}
    (row,) = look("SELECT detail FROM reversal_items WHERE status = 'failed'")
    assert row["detail"] == "rejected: it was right"


def test_one_that_somebody_takes_back_meanwhile_is_told(office: Office, an_event: AnEvent, look: Look) -> None:
    """The list is fixed by the plan; what changed since then fails alone and says why."""
    for number in range(3):
        an_event("ticket.creation", number)
    office.work()
    id = planned(office, destination="books")
    office.reverse(look("SELECT id FROM writes LIMIT 1")[0]["id"])
    with office.conn.transaction():
        reversals.start(office.conn, id, **SIGNED)
    assert office.carry_on(id) == {"reversed": 2, "failed": 1}
    assert office.balances() == {}


def test_a_fault_of_ours_in_one_does_not_hold_up_the_others(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named in the report; its write stands as it was."""
    for number in range(3):
        an_event("ticket.creation", number)
    office.work()
    real = reversing.plan

    def broken(conn: database.Connection, row: Any, *more: Any, **rest: Any) -> Any:
        planned = real(conn, row, *more, **rest)
        if row["key"] == "books:ticket:1":
            raise KeyError("memo")
        return planned

    monkeypatch.setattr(reversing, "plan", broken)
    assert office.carry_on(started(office, destination="books")) == {"reversed": 2, "failed": 1}
    (row,) = look("SELECT status FROM writes WHERE key = 'books:ticket:1'")
    assert row["status"] == "confirmed"
    assert look("SELECT detail FROM reversal_items WHERE status = 'failed'")[0]["detail"] == "a fault of ours: KeyError"


@pytest.mark.parametrize("wanted", [{}, {"status": "confirmed"}, {"colour": "red"}, {"since": "yesterday"}])
def test_a_filter_that_means_everything_or_nothing_is_refused(office: Office, wanted: dict[str, Any]) -> None:
    """Reversing everything is never meant."""
    with pytest.raises(refusals.FilterRefused):
        planned(office, **wanted)


def test_too_many_at_once_are_refused(office: Office, an_event: AnEvent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can look through them."""
    monkeypatch.setattr("engine.reversals.plan.WRITES_MAX", 2)
    for number in range(3):
        an_event("ticket.creation", number)
    office.work()
    with pytest.raises(refusals.FilterRefused, match="more than 2"):
        planned(office, destination="books")


def test_every_turn_has_its_entry(office: Office, an_event: AnEvent, look: Look) -> None:
    """Planned, started, each write there and back, finished with the counts."""
    an_event("ticket.creation", 1)
    office.work()
    office.carry_on(started(office, destination="books"))
    rows = look("SELECT actor, action, detail FROM audit_entries WHERE lane = 'desk' ORDER BY seq")
    actions = ["reversal.planned", "reversal.started", "write.reversing", "write.planned", "reversal.finished"]
    assert [(row["actor"], row["action"]) for row in rows] == [("ines", action) for action in actions]
    assert json.loads(rows[-1]["detail"]) == {"reversed": 1}
