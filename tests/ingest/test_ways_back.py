"""From the door into a case and back: what was turned aside is put right, accepted or replayed, and written once."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

import destinations
from console import actions, asks, deliveries
from counterfoil import database
from counterfoil.settings import settings
from engine import registry
from engine.pipeline import Pipeline
from engine.worker import Worker
from exceptions_queue import cases
from ingest.providers import find

Give = Callable[[dict[str, Any]], UUID]
WHY = "Stripe's support says so"
SAMPLE: dict[str, Any] = json.loads(deliveries.get_sample(find()["stripe"], "invoice.paid").body)
KEY = f"books:invoice:{SAMPLE['data']['object']['id']}:paid"


def _of(total: int = 0, **members: Any) -> dict[str, Any]:
    """The sample under one identity, its total off by so much."""
    event = copy.deepcopy(SAMPLE) | members
    event["data"]["object"]["total"] += total
    return event


def _renamed(number: str) -> dict[str, Any]:
    """Another content that holds as well."""
    event = copy.deepcopy(SAMPLE)
    event["data"]["object"]["number"] = number
    return event


@pytest.fixture
def work(database_url: str) -> Iterator[Callable[[], None]]:
    """Lets a worker with the shipped handlers do everything that is due."""
    worker = Worker(Pipeline(registry.find("handlers"), destinations.find(), crashes_max=5), settings())

    def until_done() -> None:
        while worker.run_once():
            pass

    yield until_done
    worker.close()


@pytest.fixture
def give(open_door: Callable[..., Any], work: Callable[[], None]) -> Give:
    """Delivers an event to a door that expects acct_1, has it worked on, and returns the newest event's id."""
    door = open_door(None, STRIPE_ACCOUNT_IDS="acct_1")

    def deliver(event: dict[str, Any]) -> UUID:
        answer = door.stripe(json.dumps({"account": "acct_1", **event}).encode())
        assert answer.status == 200, answer.body
        work()
        (row,) = door.rows("SELECT id FROM events ORDER BY id DESC LIMIT 1")
        return UUID(str(row["id"]))

    return deliver


class Desk:
    """What a person does, and what stands afterwards."""

    def __init__(self, conn: database.Connection, work: Callable[[], None]) -> None:
        self.conn = conn
        self._work = work

    def accept(self, newer: UUID) -> None:
        """Take the content of the event that came second."""
        case_id = self.event(newer)["case_id"]
        with self.conn.transaction():
            cases.accept(self.conn, case_id, newer, who="rhea", reason=WHY)
        self._work()

    def replay(self, event: UUID) -> None:
        """Send it to the start again, as the API does."""
        ask = asks.ReplayAsk.model_validate({"reason": WHY})
        with self.conn.transaction():
            actions.replay_event(self.conn, "rhea", event, ask)
        self._work()

    def event(self, id: UUID) -> dict[str, Any]:
        """The event, with the class of its case."""
        sql = "SELECT e.*, c.failure_class AS desk FROM events e LEFT JOIN cases c ON c.id = e.case_id WHERE e.id = %s"
        found = self.conn.execute(sql, (id,)).fetchone()
        self.conn.rollback()
        assert found is not None
        return found

    def state(self, id: UUID) -> tuple[str, str | None]:
        """Where an event stands, and in which case."""
        found = self.event(id)
        return found["status"], found["desk"]

    def memos(self) -> dict[str, str]:
        """What is booked, by write key."""
        rows = self.conn.execute("SELECT write_key, memo FROM books_entries").fetchall()
        self.conn.rollback()
        return {row["write_key"]: row["memo"] for row in rows}


@pytest.fixture
def desk(conn: database.Connection, work: Callable[[], None]) -> Desk:
    """The desk of this database."""
    return Desk(conn, work)


def test_a_newer_content_is_accepted_and_replays_write_nothing_more(give: Give, desk: Desk) -> None:
    """The first was broken: the second is booked under the first's identity, once, however often both are replayed."""
    first = give(_of(total=1))
    assert desk.state(first) == ("exception", "contract_violation")
    newer = give(_of())
    assert (first != newer, desk.state(newer)) == (True, ("exception", "identity_conflict"))
    desk.accept(newer)
    booked = desk.memos()
    assert list(booked) == [KEY]
    assert (desk.state(first), desk.state(newer)) == (("done", None), ("ignored", None))
    desk.replay(first)
    assert desk.state(first) == ("done", None)
    desk.replay(newer)
    assert desk.state(newer) == ("exception", "identity_conflict")
    desk.accept(newer)
    assert (desk.state(first), desk.state(newer)) == (("done", None), ("ignored", None))
    assert desk.memos() == booked


def test_what_is_booked_is_not_changed_by_accepting_another_content(give: Give, desk: Desk) -> None:
    """The key stands with other content: a case says so, the entry stays, and a replay does not talk it over."""
    first = give(_of())
    booked = desk.memos()
    newer = give(_renamed("CHANGED-1"))
    assert desk.state(newer) == ("exception", "identity_conflict")
    desk.accept(newer)
    for _ in range(2):
        assert desk.state(first) == ("exception", "write_refused")
        assert desk.memos() == booked
        desk.replay(first)


def test_two_contents_of_another_account_wait_until_it_is_expected(
    give: Give, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is accepted into an event that does not belong here; once its account does, the newer content is."""
    first = give(_of(total=1, account="acct_2"))
    assert desk.state(first) == ("exception", "wrong_account")
    newer = give(_of(account="acct_2"))
    assert desk.state(newer) == ("exception", "identity_conflict")
    with pytest.raises(cases.AcceptRefused, match="wrong_account"):
        desk.accept(newer)
    desk.conn.rollback()
    desk.replay(first)
    assert desk.state(first) == ("exception", "wrong_account")
    assert desk.memos() == {}
    monkeypatch.setenv("STRIPE_ACCOUNT_IDS", "acct_1,acct_2")
    desk.replay(first)
    assert desk.state(first) == ("exception", "contract_violation")
    desk.accept(newer)
    assert (desk.state(first), desk.state(newer)) == (("done", None), ("ignored", None))
    assert list(desk.memos()) == [KEY]
