"""Pauses: what each of the four scopes holds, that nothing fails by them, and the order in which things go on."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import Office, an_office

from console import doctor
from counterfoil import database
from counterfoil.database import Connection
from engine import controls, pausing
from exceptions_queue.refusals import NameUnknown, ReasonMissing

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]

WHO = {"who": "ines", "reason": "the month is closed"}


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    controls.forget()
    with an_office(conn, monkeypatch) as made:
        yield made
    controls.forget()


def pause(office: Office, scope: Any, name: str) -> None:
    with office.conn.transaction():
        pausing.pause(office.conn, scope, name, known=[name], **WHO)


def resume(office: Office, scope: Any, name: str) -> int:
    with office.conn.transaction():
        return pausing.resume(office.conn, scope, name, who="ines", reason="it is open again")


def both(office: Office, an_event: AnEvent, number: int) -> None:
    """An event that posts to the books and then sets a company's plan at HubSpot."""
    office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
    an_event("deal.creation", number)


@pytest.mark.parametrize(
    ("scope", "name", "parks"),
    [
        ("source", "hubspot", True),
        ("handler", "does_both", True),
        ("destination", "books", True),
        ("action", "books.post_entry", True),
        ("destination", "hubspot", False),
        ("action", "hubspot.upsert_company", False),
    ],
)
def test_what_is_paused_waits_and_then_all_of_it_is_done(
    office: Office, an_event: AnEvent, look: Look, scope: str, name: str, parks: bool
) -> None:
    """Nothing of it is written, nothing is a failure, `doctor` finds nothing lost; the end of the pause ends it all."""
    pause(office, scope, name)
    both(office, an_event, 1)
    office.work()
    for _ in range(3):
        office.later()
    (event,) = look("SELECT status, parked, due_at, outcome FROM events")
    assert (event["status"], event["due_at"]) == ("waiting", None)
    assert event["parked"] == (f"{scope}:{name}" if parks else None)
    assert office.plan_of(1) == "basic"
    assert bool(office.balances()) is not parks, "books are written in the commit unless the event is parked"
    assert look("SELECT 1 AS one FROM cases") == []
    lost = next(found for found in doctor.examine() if found.name == "nothing lost")
    assert (lost.verdict, lost.items) == ("ok", [])
    assert resume(office, scope, name) == int(parks)
    office.later()
    assert [row["status"] for row in look("SELECT status FROM events")] == ["done"]
    assert (office.plan_of(1), bool(office.balances())) == ("pro", True)


@pytest.mark.parametrize(("scope", "name"), [("handler", "posts_an_entry"), ("action", "hubspot.create_task")])
def test_a_pause_holds_only_what_it_names(office: Office, an_event: AnEvent, scope: str, name: str) -> None:
    """Another handler's events, another action of the same destination, go on."""
    pause(office, scope, name)
    both(office, an_event, 1)
    office.work()
    assert office.plan_of(1) == "pro"


def test_what_was_parked_goes_on_in_the_order_in_which_it_happened(
    office: Office, an_event: AnEvent, look: Look
) -> None:
    """Not in the order in which it arrived. Fails when all of it is due at one instant, or by its id."""
    pause(office, "handler", "posts_an_entry")
    for number, at in ((1, 300), (2, 100), (3, 200)):
        an_event("ticket.creation", number, at=at)
    office.work()
    assert [row["parked"] for row in look("SELECT parked FROM events")] == ["handler:posts_an_entry"] * 3
    assert resume(office, "handler", "posts_an_entry") == 3
    due = look("SELECT key FROM events ORDER BY due_at")
    assert [row["key"].split("/")[1] for row in due] == ["2", "3", "1"]
    assert {row["parked"] for row in look("SELECT parked FROM events")} == {None}
    office.work()
    assert {row["status"] for row in look("SELECT status FROM events")} == {"done"}


def test_writes_that_a_paused_destination_held_go_out_in_their_order(
    office: Office, an_event: AnEvent, look: Look
) -> None:
    """As they were planned. What was planned before the pause waits with the rest."""
    for number in (1, 2):
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        an_event("company.creation", number, at=number)
    while office.worker.run_once():
        pass
    pause(office, "destination", "hubspot")
    office.work()
    assert look("SELECT 1 AS one FROM writes WHERE looks > 0 OR attempts > 0") == [], "a pause holds the looks too"
    resume(office, "destination", "hubspot")
    office.work()
    rows = look("SELECT key FROM writes ORDER BY confirmed_at")
    assert [row["key"] for row in rows] == ["hubspot:company:1:plan", "hubspot:company:2:plan"]


def test_an_event_that_was_parked_a_moment_too_late_is_let_go_by_the_sweep(
    office: Office, an_event: AnEvent, look: Look
) -> None:
    """A commit that knew of the pause a moment longer than it stood. Fails without `free_forgotten`."""
    pause(office, "handler", "posts_an_entry")
    controls.current(office.conn)
    office.conn.commit()
    with database.connect(autocommit=True) as elsewhere:
        elsewhere.execute("DELETE FROM pauses")
    an_event("ticket.creation", 1)
    while office.worker.run_once():
        pass
    (event,) = look("SELECT parked, due_at FROM events")
    assert event == {"parked": "handler:posts_an_entry", "due_at": None}
    lost = next(found for found in doctor.examine() if found.name == "nothing lost")
    assert lost.verdict == "wrong", "held by a pause that there is not"
    controls.forget()
    with office.conn.transaction():
        assert pausing.free_forgotten(office.conn) == {"freed": 1}
    office.work()
    assert [row["status"] for row in look("SELECT status FROM events")] == ["done"]


def test_a_person_takes_back_what_a_paused_handler_wrote(office: Office, an_event: AnEvent, look: Look) -> None:
    """A reversal is a person's act: a paused handler does not hold it, a paused destination does."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    an_event("company.creation", 1)
    office.work()
    pause(office, "handler", "sets_the_plan")
    pause(office, "destination", "hubspot")
    office.reverse(look("SELECT id FROM writes")[0]["id"])
    office.work()
    assert office.plan_of(1) == "pro"
    resume(office, "destination", "hubspot")
    office.work()
    assert office.plan_of(1) == "basic"


def test_a_pause_carries_a_name_and_a_reason(office: Office, look: Look) -> None:
    """Unknown names are refused with those that there are; twice is told with whose it is; both ends are audited."""
    with pytest.raises(NameUnknown, match="known: a, b"), office.conn.transaction():
        pausing.pause(office.conn, "handler", "c", known=["b", "a"], **WHO)
    with pytest.raises(ReasonMissing), office.conn.transaction():
        pausing.pause(office.conn, "handler", "a", known=["a"], who="ines", reason=" ")
    pause(office, "handler", "a")
    with pytest.raises(pausing.PausedAlready, match="by ines"):
        pause(office, "handler", "a")
    resume(office, "handler", "a")
    with pytest.raises(pausing.NotPaused):
        resume(office, "handler", "a")
    entries = look("SELECT actor, action, detail FROM audit_entries WHERE subject = 'pause:handler/a' ORDER BY seq")
    assert [(row["actor"], row["action"]) for row in entries] == [("ines", "pause.begun"), ("ines", "pause.lifted")]
    assert "the month is closed" in entries[1]["detail"]
    changes = look("SELECT mode FROM rollout_changes WHERE handler = 'a' ORDER BY id")
    assert [row["mode"] for row in changes] == ["paused", "full"]
