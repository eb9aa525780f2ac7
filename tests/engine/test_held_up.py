"""Whoever is held up, broken or late: nothing is sent twice, nothing stands still because of another's trouble."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any
from uuid import UUID

import pytest
from taking_back import SIGNED, Office, an_office

import destinations
from counterfoil import clock, database
from counterfoil.settings import settings
from destinations import books
from destinations.hubspot import HubSpot
from engine import rollout
from engine.rollout import Rollout
from engine.sending.sender import Sender

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]


class Frozen(Executor):
    """Looks, and then does nothing of what it is given, until it thaws."""

    def __init__(self) -> None:
        self._tasks: list[Callable[[], Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if args and args[0].kind == "look":
            fn(*args, **kwargs)
        else:
            self._tasks.append(lambda: fn(*args, **kwargs))
        return Future()

    def thaw(self) -> None:
        for task in self._tasks:
            task()


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        made.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
        yield made


def frozen_while_sending(office: Office, an_event: AnEvent) -> tuple[Sender, Frozen]:
    """A sender that has claimed a write, and has not begun to send it."""
    planned(office, an_event)
    frozen = Frozen()
    sender = Sender(destinations.find(), settings(), frozen)
    for _ in range(3):
        with office.conn.transaction():
            office.conn.execute("UPDATE destination_states SET tokens = 1000")
        sender.round(office.conn)
    return sender, frozen


def an_hour_passes(office: Office) -> None:
    """For whatever is in doubt too."""
    with office.conn.transaction():
        office.conn.execute(
            "UPDATE writes SET first_sent_at = first_sent_at - interval '1 h',"
            " last_sent_at = last_sent_at - interval '1 h'"
        )
    office.later()


def planned(office: Office, an_event: AnEvent) -> None:
    """A write that is on its way."""
    an_event("company.creation", 1)
    while office.worker.run_once():
        pass


def test_a_worker_that_was_frozen_before_it_sent_sends_nothing(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has settled its write, and somebody has changed the record since: it must stand as that left it."""
    sender, frozen = frozen_while_sending(office, an_event)
    assert look("SELECT status FROM writes")[0]["status"] == "sending"
    an_hour_passes(office)
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    now = clock.ticks_seconds()
    monkeypatch.setattr(clock, "ticks_seconds", lambda: now + settings().lease_seconds)
    monkeypatch.setattr("engine.sending.sender.READY_SECONDS_MAX", 3600.0)
    frozen.thaw()
    sender.round(office.conn)
    assert office.plan_of(1) == "gold"
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"


def test_a_worker_that_was_slow_and_still_holds_its_write_sends_it(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as its leases are renewed, what takes long may take long."""
    sender, frozen = frozen_while_sending(office, an_event)
    now = clock.ticks_seconds()
    monkeypatch.setattr(clock, "ticks_seconds", lambda: now + settings().lease_seconds * 0.9)
    sender.round(office.conn)  # renews
    monkeypatch.setattr(clock, "ticks_seconds", lambda: now + settings().lease_seconds * 1.5)
    monkeypatch.setattr("engine.sending.sender.READY_SECONDS_MAX", 3600.0)
    frozen.thaw()
    sender.round(office.conn)
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"
    assert office.plan_of(1) == "pro"


def test_a_client_that_cannot_be_made_gives_the_write_back(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is recorded, tried again later, and never holds the write for ever."""
    with monkeypatch.context() as patch:
        patch.setattr(HubSpot, "connect", lambda self, *, write: 1 / 0)
        an_event("company.creation", 1)
        office.work()
        (write,) = look("SELECT status, lease_until, detail FROM writes")
        assert (write["status"], write["lease_until"]) == ("planned", None)
        assert "ZeroDivisionError" in write["detail"]
    office.later()
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"


def test_an_entry_that_cannot_be_made_any_more_holds_up_nobody(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for a yes, and cannot be booked: a case for its owner; the other entry and the other write are made."""
    for number in (901, 902):
        an_event("ticket.creation", number)
    office.work()
    apply = books.Books.apply_many

    def failing(self: books.Books, conn: database.Connection, effects: Any) -> Any:
        if any(effect.key == "books:ticket:901" for effect in effects.values()):
            conn.execute("SELECT 1 / 0")
        return apply(self, conn, effects)

    monkeypatch.setattr(books.Books, "apply_many", failing)
    an_event("company.creation", 1)
    assert office.approve_all() == 2
    states = {row["key"]: row["status"] for row in look("SELECT key, status FROM writes")}
    assert states == {
        "books:ticket:901": "refused",
        "books:ticket:902": "confirmed",
        "hubspot:company:1:plan": "confirmed",
    }
    cases = {row["failure_class"] for row in look("SELECT failure_class FROM cases WHERE status = 'open'")}
    assert cases == {"write_refused"}


def test_a_doubt_of_a_handler_in_shadow_is_asked_about_once_and_rests(
    office: Office, an_event: AnEvent, look: Look
) -> None:
    """It was not there and must not be sent: nobody asks for it again and again. Out of shadow it is sent."""
    planned(office, an_event)
    office.hubspot.fault("reset_before", method="POST", path="*/upsert")
    for _ in range(4):
        office._round()
    assert look("SELECT status FROM writes")[0]["status"] == "in_doubt"
    with office.conn.transaction():
        rollout.change(office.conn, "sets_the_plan", Rollout("shadow"), **SIGNED)
        office.conn.execute("UPDATE writes SET due_at = now(), last_sent_at = last_sent_at - interval '1 h'")
    for _ in range(20):
        office._round()
    (write,) = look("SELECT status, probes, attempts FROM writes")
    assert (write["status"], write["probes"], write["attempts"]) == ("in_doubt", 1, 1)
    assert office.plan_of(1) == "basic"
    with office.conn.transaction():
        office.conn.execute("DELETE FROM rollouts")
    an_hour_passes(office)
    assert look("SELECT status FROM writes")[0]["status"] == "confirmed"


def test_an_outcome_that_cannot_be_recorded_holds_up_no_other(
    office: Office, an_event: AnEvent, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even as a fault of ours: it is let go, its lease runs out, and the others are recorded."""
    office.hubspot.make("companies", name="Acorn 2", stripe_customer_id="cus_2", plan="basic")
    for number in (1, 2):
        an_event("company.creation", number)
    while office.worker.run_once():
        pass
    with office.conn.transaction():
        office.conn.execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
            "CREATE TRIGGER no BEFORE UPDATE ON writes FOR EACH ROW"
            " WHEN (OLD.key = 'hubspot:company:1:plan' AND NEW.detail IS DISTINCT FROM OLD.detail)"
            " EXECUTE FUNCTION no()"
        )
    for _ in range(20):
        try:
            office._round()
        except database.psycopg.Error:
            office.conn.rollback()
    states = {row["key"]: row["status"] for row in look("SELECT key, status FROM writes")}
    assert states["hubspot:company:2:plan"] == "confirmed"
    with office.conn.transaction():
        office.conn.execute("DROP TRIGGER no ON writes")
    office.later()
    assert {row["status"] for row in look("SELECT status FROM writes")} == {"confirmed"}
