"""A doubt that no probe could settle is settled by the owner; until then the destination can be asked again."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import SIGNED, Office, an_office

import destinations
from counterfoil import database
from destinations.hubspot.records import LATE_SECONDS
from engine.sending import inverses, previewing, settling

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        yield made


@pytest.fixture
def doubt(office: Office, an_event: AnEvent, look: Look) -> dict[str, Any]:
    """A write that was sent, whose answer was lost, and about which HubSpot has been asked in vain."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    an_event("company.creation", 1)
    office.hubspot.fault("reset_before", method="POST", path="*/upsert")
    office.work()
    (write,) = look("SELECT * FROM writes")
    assert write["status"] == "in_doubt", write
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET probes = 20")
    # It cannot be told from what stands there.
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    office.later()
    (write,) = look("SELECT * FROM writes")
    assert (write["status"], write["due_at"]) == ("in_doubt", None), write
    return write


def test_nobody_is_asked_what_the_destination_will_know_in_a_moment(
    office: Office, an_event: AnEvent, look: Look
) -> None:
    """Workers that died while they asked used the probes up, and what was sent may still arrive: it is waited for."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    an_event("company.creation", 1)
    office.hubspot.fault("reset_before", method="POST", path="*/upsert")
    office.work()
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET probes = 20, due_at = now()")
    office.work()
    (write,) = look("SELECT *, due_at - last_sent_at AS waits FROM writes")
    assert (write["status"], write["probes"]) == ("in_doubt", 21)
    assert write["waits"].total_seconds() >= LATE_SECONDS
    assert look("SELECT 1 FROM cases") == []
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET last_sent_at = last_sent_at - interval '1 minute'")
    office.later()
    (write,) = look("SELECT status, attempts FROM writes")
    assert (write["status"], write["attempts"]) == ("confirmed", 2)


def settled(office: Office, write_id: UUID, happened: bool, reference: str | None = None) -> None:
    with office.conn.transaction():
        settling.settle(office.conn, write_id, happened=happened, reference=reference, **SIGNED)


def test_it_stands_in_a_case_until_it_is_settled(office: Office, doubt: dict[str, Any], look: Look) -> None:
    """The owner is told once; the event waits with it."""
    (case,) = look("SELECT failure_class, status FROM cases")
    assert (case["failure_class"], case["status"]) == ("write_in_doubt", "open")
    assert look("SELECT status FROM events")[0]["status"] == "waiting"


def test_the_owner_found_that_it_happened(office: Office, doubt: dict[str, Any], look: Look) -> None:
    """Confirmed with the name of the witness; the event is done, the case resolved, nothing was sent."""
    sent = len(office.hubspot.asked("POST"))
    settled(office, doubt["id"], True, "1001")
    (write,) = look("SELECT status, receipt FROM writes")
    assert write["status"] == "confirmed"
    assert write["receipt"]["by"] == "ines"
    assert (write["receipt"]["status"], write["receipt"]["reference"]) == ("settled_by_person", "1001")
    assert look("SELECT status FROM events")[0]["status"] == "done"
    assert look("SELECT status FROM cases")[0]["status"] == "resolved"
    assert len(office.hubspot.asked("POST")) == sent
    (entry,) = look("SELECT actor, subject FROM audit_entries WHERE action = 'write.confirmed'")
    assert (entry["actor"], entry["subject"]) == ("ines", f"write:{doubt['id']}")


def test_the_owner_found_that_it_did_not_happen(office: Office, doubt: dict[str, Any], look: Look) -> None:
    """Sent again under the same key, without a further probe; the case is over at once."""
    settled(office, doubt["id"], False)
    assert look("SELECT status FROM cases")[0]["status"] == "resolved"
    office.work()
    (write,) = look("SELECT status, attempts, probes, key FROM writes")
    assert (write["status"], write["attempts"], write["probes"]) == ("confirmed", 2, 21)
    assert office.plan_of(1) == "pro"
    assert look("SELECT status FROM events")[0]["status"] == "done"
    (entry,) = look("SELECT actor FROM audit_entries WHERE action = 'write.found_absent'")
    assert entry["actor"] == "ines"


def test_asked_again_the_destination_may_know_by_now(office: Office, doubt: dict[str, Any], look: Look) -> None:
    """One more probe: what stands there settles it; who asked is audited."""
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "pro"})
    with office.conn.transaction():
        settling.probe(office.conn, doubt["id"], **SIGNED)
    office.work()
    (write,) = look("SELECT status, probes FROM writes")
    assert (write["status"], write["probes"]) == ("confirmed", 22)
    assert look("SELECT status FROM events")[0]["status"] == "done"
    assert look("SELECT status FROM cases")[0]["status"] == "resolved"
    assert look("SELECT actor FROM audit_entries WHERE action = 'write.asked_about'")[0]["actor"] == "ines"


def test_asked_again_in_vain_it_stays_in_its_case(office: Office, doubt: dict[str, Any], look: Look) -> None:
    """No second case, and nobody is lost."""
    with office.conn.transaction():
        settling.probe(office.conn, doubt["id"], **SIGNED)
    office.work()
    (write,) = look("SELECT status, due_at FROM writes")
    assert (write["status"], write["due_at"]) == ("in_doubt", None)
    assert [row["status"] for row in look("SELECT status FROM cases")] == ["open"]


def test_what_is_still_being_asked_about_is_not_settled_by_hand(
    office: Office, doubt: dict[str, Any], conn: database.Connection
) -> None:
    """The destination's answer counts for more than a memory: also while a worker holds the write."""
    with conn.transaction():
        settling.probe(conn, doubt["id"], **SIGNED)
    with pytest.raises(settling.NotInDoubt, match="still being asked"):
        settled(office, doubt["id"], True, "1001")
    with conn.transaction():
        conn.execute("UPDATE writes SET due_at = NULL, lease_until = now() + interval '5 s'")
    with pytest.raises(settling.NotInDoubt, match="right now"):
        settled(office, doubt["id"], False)


@pytest.mark.parametrize(("happened", "reference"), [(True, None), (True, " "), (True, "a\nb"), (False, "1001")])
def test_a_finding_names_where_it_stands_or_nothing(
    office: Office, doubt: dict[str, Any], happened: bool, reference: str | None
) -> None:
    """What happened stands somewhere; what did not stands nowhere."""
    with pytest.raises(settling.ReferenceMissing):
        settled(office, doubt["id"], happened, reference)


def test_only_a_doubt_is_settled(office: Office, doubt: dict[str, Any]) -> None:
    """A confirmed write stays what it is; one that does not exist is told."""
    settled(office, doubt["id"], True, "1001")
    with pytest.raises(settling.NotInDoubt, match="confirmed"):
        settled(office, doubt["id"], False)
    with pytest.raises(inverses.WriteNotFound):
        settled(office, UUID(int=1), False)


def test_a_confirmed_write_is_compared_and_stays_as_it_is(
    office: Office, an_event: AnEvent, look: Look, conn: database.Connection
) -> None:
    """It stands, it differs, or nobody knows; the ledger keeps none of it."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    an_event("company.creation", 1)
    an_event("ticket.creation", 1)
    office.work()
    rows = look("SELECT * FROM writes ORDER BY destination")
    ours, theirs = rows
    assert previewing.standing(conn, ours["id"], destinations.find()).outcome == "stands"
    assert previewing.standing(conn, theirs["id"], destinations.find()).outcome == "stands"
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    found = previewing.standing(conn, theirs["id"], destinations.find())
    assert (found.outcome, len(found.differences)) == ("differs", 1)
    office.hubspot.exchange.faults.down(True)
    assert previewing.standing(conn, theirs["id"], destinations.find()).outcome == "unknown"
    assert look("SELECT * FROM writes ORDER BY destination") == rows
