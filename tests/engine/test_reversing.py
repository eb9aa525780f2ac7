"""Taking back one write: the inverse asks, is looked at, sent and read back as any write is."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation
from taking_back import SIGNED, Office, an_office

import destinations
from counterfoil import clock, database
from counterfoil.settings import settings
from engine.sending import inverses, previewing, reversing
from exceptions_queue import approvals, policy
from exceptions_queue.refusals import EditorMayNot, ReasonMissing

AnEvent = Callable[..., UUID]
Look = Callable[..., Any]


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        yield made


@pytest.fixture
def a_plan(office: Office, an_event: AnEvent, look: Look) -> Callable[[int], dict[str, Any]]:
    """A company whose plan was `basic` until a write made it `pro`; the write."""

    def write(number: int) -> dict[str, Any]:
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        an_event("company.creation", number)
        office.work()
        (row,) = look("SELECT * FROM writes WHERE key = %s", f"hubspot:company:{number}:plan")
        assert row["status"] == "confirmed"
        return row

    return write


def states(look: Look) -> dict[str, str]:
    """Every write's state, by key."""
    return {row["key"]: row["status"] for row in look("SELECT key, status FROM writes")}


def test_a_write_is_taken_back_and_read_again(office: Office, a_plan: Any, look: Look) -> None:
    """The value before stands again; the inverse was read back, and both say who belongs to whom."""
    write = a_plan(1)
    office.reverse(write["id"])
    assert states(look)[write["key"]] == "reversing"
    office.work()
    assert office.plan_of(1) == "basic"
    assert states(look) == {write["key"]: "reversed", f"reverse:{write['key']}": "confirmed"}
    (inverse,) = look("SELECT reverses, read_back, event_id FROM writes WHERE reverses IS NOT NULL")
    assert (inverse["reverses"], inverse["read_back"]) == (write["id"], {"differences": []})
    assert look("SELECT status FROM events")[0]["status"] == "done"


def test_what_somebody_changed_since_is_kept(office: Office, a_plan: Any, look: Look) -> None:
    """A person's value is never overwritten; the write stands as confirmed, with the reason."""
    write = a_plan(1)
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    office.reverse(write["id"])
    office.work()
    assert office.plan_of(1) == "gold"
    assert states(look) == {write["key"]: "confirmed", f"reverse:{write['key']}": "superseded"}
    (kept,) = look("SELECT detail FROM writes WHERE id = %s", write["id"])
    assert kept["detail"].startswith("kept: ")


def test_after_a_kept_one_it_may_be_tried_again(office: Office, a_plan: Any, look: Look) -> None:
    """The person puts the value back and tries again: another key, and now it is taken back."""
    write = a_plan(1)
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    office.reverse(write["id"])
    office.work()
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "pro"})
    office.reverse(write["id"])
    office.work()
    assert states(look)[f"reverse:{write['key']}#2"] == "confirmed"
    assert (states(look)[write["key"]], office.plan_of(1)) == ("reversed", "basic")


def test_it_is_taken_back_once(office: Office, a_plan: Any, look: Look) -> None:
    """A second request finds it on its way, a third finds it done; the inverse itself has none."""
    write = a_plan(1)
    inverse = office.reverse(write["id"])
    with pytest.raises(inverses.NotReversible, match="reversing"):
        office.reverse(write["id"])
    office.work()
    with pytest.raises(inverses.NotReversible, match="reversed"):
        office.reverse(write["id"])
    with pytest.raises(inverses.NotReversible, match="takes another write back"):
        office.reverse(inverse)


def test_the_database_lets_no_second_inverse_stand(office: Office, a_plan: Any, conn: database.Connection) -> None:
    """Whoever goes around the engine is refused as well."""
    write = a_plan(1)
    office.reverse(write["id"])
    copied = (
        "INSERT INTO writes (id, key, destination, operation, digest, event_id, reverses) SELECT gen_random_uuid(),"
    )
    with pytest.raises(UniqueViolation, match="writes_reverses"):
        conn.execute(f"{copied} key || '#9', destination, operation, digest, event_id, reverses FROM writes"
                     " WHERE reverses IS NOT NULL")  # fmt: skip
    conn.rollback()


def test_a_replay_does_not_write_again_what_is_taken_back(
    office: Office, a_plan: Any, look: Look, conn: database.Connection
) -> None:
    """Before, while and after: the key stands, and what a person decided stays."""
    write = a_plan(1)
    office.reverse(write["id"])
    for _ in range(2):
        with conn.transaction():
            conn.execute("UPDATE events SET status = 'queued', due_at = now(), finished_at = NULL")
        while office.worker.run_once():
            pass
        assert look("SELECT status FROM events")[0]["status"] == "done"
        office.work()
    assert (states(look)[write["key"]], office.plan_of(1)) == ("reversed", "basic")
    assert len(states(look)) == 2


def test_an_entry_is_taken_back_by_a_reversing_entry(office: Office, an_event: AnEvent, look: Look) -> None:
    """Both entries stay; the trial balance is what it was before."""
    an_event("ticket.creation", 1)
    office.work()
    assert office.balances() == {"Assets:Stripe:Clearing": 4200, "Income:Services": -4200}
    (write,) = look("SELECT id, key FROM writes")
    office.reverse(write["id"])
    office.work()
    assert office.balances() == {}
    assert states(look) == {write["key"]: "reversed", f"reverse:{write['key']}": "confirmed"}
    (inverse,) = look("SELECT read_back, receipt FROM writes WHERE reverses IS NOT NULL")
    assert (inverse["read_back"], inverse["receipt"]["status"]) == ({"differences": []}, "written")
    assert look("SELECT count(*) AS n FROM books_entries")[0]["n"] == 2


@pytest.fixture
def close_books(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[date], None]]:
    """Closes the books until a day."""

    def until(day: date) -> None:
        text = f"{policy.PACKAGED.read_text()}\n[books]\nlocked_until = {day}\n"
        (tmp_path / "policy.toml").write_text(text)
        monkeypatch.setenv("COUNTERFOIL_POLICY", str(tmp_path / "policy.toml"))
        settings.cache_clear()
        policy.policy.cache_clear()

    yield until
    policy.policy.cache_clear()


def test_what_stands_in_a_closed_period_is_taken_back_today(
    office: Office, an_event: AnEvent, look: Look, close_books: Callable[[date], None]
) -> None:
    """The closed period stays as it was reported; the reversing entry is dated today."""
    an_event("ticket.creation", 1)
    office.work()
    (entry,) = look("SELECT entry_date FROM books_entries")
    close_books(entry["entry_date"])
    (write,) = look("SELECT id, key FROM writes")
    office.reverse(write["id"])
    office.work()
    assert states(look)[write["key"]] == "reversed"
    days = [row["entry_date"] for row in look("SELECT entry_date FROM books_entries ORDER BY entry_date")]
    assert days == [entry["entry_date"], clock.now().date()]


def test_nothing_is_taken_back_in_a_period_that_is_closed_today(
    office: Office, an_event: AnEvent, look: Look, close_books: Callable[[date], None]
) -> None:
    """The write stands, a case says why, and after the opening it may be tried again."""
    an_event("ticket.creation", 1)
    office.work()
    close_books(clock.now().date())
    (write,) = look("SELECT id, key FROM writes")
    office.reverse(write["id"])
    office.work()
    assert states(look) == {write["key"]: "confirmed", f"reverse:{write['key']}": "refused"}
    (case,) = look("SELECT failure_class, title FROM cases WHERE status = 'open'")
    assert (case["failure_class"], "reversal:" in case["title"]) == ("out_of_bounds", True)
    assert office.balances() != {}
    close_books(clock.now().date() - timedelta(days=1))
    office.reverse(write["id"])
    office.work()
    assert (office.balances(), states(look)[write["key"]]) == ({}, "reversed")
    assert look("SELECT 1 FROM cases WHERE status = 'open'") == []


def test_the_policy_asks_about_an_inverse_too(office: Office, an_event: AnEvent, look: Look) -> None:
    """20,000.00 need a person, going back as well as forth; nothing moves before the yes, which is somebody else's."""
    an_event("ticket.creation", 900)
    office.work()
    assert office.approve_all() == 1
    (write,) = look("SELECT id, key FROM writes")
    inverse = office.reverse(write["id"])
    office.work()
    assert states(look) == {write["key"]: "reversing", f"reverse:{write['key']}": "awaiting_approval"}
    (asked,) = look("SELECT shown FROM approvals WHERE status = 'open' AND write_id = %s", inverse)
    assert asked["shown"]["can_be_undone"] is None
    assert asked["shown"]["evidence"]["reason"] == SIGNED["reason"]
    (case,) = look("SELECT title, status FROM cases WHERE status = 'open'")
    assert "reversal:large" in case["title"]
    assert look("SELECT status FROM events")[0]["status"] == "done"
    with pytest.raises(EditorMayNot):
        office.approve_all(who=SIGNED["who"].title())
    assert office.approve_all() == 1
    assert (office.balances(), states(look)[write["key"]]) == ({}, "reversed")
    assert look("SELECT 1 FROM cases WHERE status = 'open'") == []


def test_a_no_to_an_inverse_keeps_the_write(
    office: Office, an_event: AnEvent, look: Look, conn: database.Connection
) -> None:
    """The original stands, the event stays done, and nobody's desk keeps a case of it."""
    an_event("ticket.creation", 900)
    office.work()
    office.approve_all()
    (write,) = look("SELECT id, key FROM writes")
    inverse = office.reverse(write["id"])
    with conn.transaction():
        approvals.reject(conn, inverse, who="paul", reason="it was right")
    office.work()
    assert states(look) == {write["key"]: "confirmed", f"reverse:{write['key']}": "rejected"}
    assert look("SELECT 1 FROM cases WHERE status = 'open'") == []
    assert look("SELECT status FROM events")[0]["status"] == "done"
    office.reverse(write["id"])
    assert states(look)[f"reverse:{write['key']}#2"] == "awaiting_approval"


def test_archiving_what_we_made_always_asks(office: Office, an_event: AnEvent, look: Look) -> None:
    """The look comes first, then the person; then it is gone."""
    an_event("contact.creation", 5)
    office.work()
    assert len(office.hubspot.records("contacts")) == 1
    (write,) = look("SELECT id, key FROM writes")
    office.reverse(write["id"])
    office.work()
    assert states(look)[f"reverse:{write['key']}"] == "awaiting_approval"
    assert office.approve_all() == 1
    assert (office.hubspot.records("contacts"), states(look)[write["key"]]) == ([], "reversed")


def test_a_paused_handler_does_not_hold_up_what_a_person_takes_back(
    office: Office, a_plan: Any, an_event: AnEvent, look: Look, conn: database.Connection
) -> None:
    """That is why one pauses it; a paused destination does hold it up."""
    write = a_plan(1)
    pause = "INSERT INTO pauses (scope, name, reason, paused_by) VALUES (%s, %s, 'test', 'ines')"
    with conn.transaction():
        conn.execute(pause, ("handler", "sets_the_plan"))
        conn.execute(pause, ("destination", "hubspot"))
    office.reverse(write["id"])
    office.work()
    assert office.plan_of(1) == "pro"
    with conn.transaction():
        conn.execute("DELETE FROM pauses WHERE scope = 'destination'")
    office.work()
    assert office.plan_of(1) == "basic"


def test_an_inverse_whose_answer_is_lost_is_settled(office: Office, a_plan: Any, look: Look) -> None:
    """In doubt, asked about, confirmed: then the original is reversed; the value was set once."""
    write = a_plan(1)
    before = len(office.hubspot.asked("PATCH"))
    office.hubspot.fault("drop_after", method="PATCH")
    office.reverse(write["id"])
    office.work()
    assert states(look) == {write["key"]: "reversing", f"reverse:{write['key']}": "in_doubt"}
    office.later()
    assert states(look) == {write["key"]: "reversed", f"reverse:{write['key']}": "confirmed"}
    assert (office.plan_of(1), len(office.hubspot.asked("PATCH")) - before) == ("basic", 1)


def test_an_inverse_that_cannot_be_sent_is_given_up(
    office: Office, a_plan: Any, look: Look, conn: database.Connection
) -> None:
    """The destination stays away beyond every patience: the write stands, a case says so, and it may be tried again."""
    write = a_plan(1)
    office.reverse(write["id"])
    with conn.transaction():
        conn.execute("UPDATE writes SET looks = 50 WHERE reverses IS NOT NULL")
    office.hubspot.exchange.faults.down(True)
    office.work()
    assert states(look) == {write["key"]: "confirmed", f"reverse:{write['key']}": "refused"}
    (case,) = look("SELECT failure_class FROM cases WHERE title LIKE '%%reversal%%'")
    assert case["failure_class"] == "destination_unavailable"
    office.hubspot.exchange.faults.down(False)
    office.reverse(write["id"])
    for _ in range(3):
        office.later()
    assert (office.plan_of(1), states(look)[write["key"]]) == ("basic", "reversed")
    assert look("SELECT 1 FROM cases WHERE status = 'open'") == []


def test_a_preview_shows_the_inverse_and_sends_nothing(
    office: Office, a_plan: Any, look: Look, conn: database.Connection
) -> None:
    """Rendered for people, with what somebody changed since; below HTTP nothing but reads went out."""
    write = a_plan(1)
    before = len(office.hubspot.exchange.journal)
    seen = previewing.preview(conn, write["id"], destinations.find())
    assert (seen.changed, seen.unknown) == ([], None)
    assert any("basic" in line for line in seen.shown["lines"])
    (company,) = office.hubspot.records("companies")
    office.hubspot.by_hand("edit", "companies", company["id"], properties={"plan": "gold"})
    seen = previewing.preview(conn, write["id"], destinations.find())
    assert seen.changed == ["plan is no longer as it was written"]
    sent = list(office.hubspot.exchange.journal)[before:]
    assert {entry.method for entry in sent if not entry.path.endswith(("/search", "/batch/read"))} <= {"GET"}
    assert states(look) == {write["key"]: "confirmed"}


def test_the_key_of_a_try_fits_whatever_the_key_of_the_write() -> None:
    """Up to the limit as it is; beyond it by its hash, and each try another one."""
    assert inverses.key_of("a", 0) == "reverse:a"
    assert inverses.key_of("a", 1) == "reverse:a#2"
    long = [inverses.key_of("k" * 255, tries) for tries in range(3)]
    assert len(set(long)) == 3
    assert max(map(len, long)) <= 255


def test_there_must_be_a_write_and_a_reason(office: Office, a_plan: Any, conn: database.Connection) -> None:
    """Nothing is taken back by nobody or for nothing."""
    with pytest.raises(inverses.WriteNotFound):
        office.reverse(UUID(int=1))
    write = a_plan(1)
    with pytest.raises(ReasonMissing):
        reversing.begin(conn, write["id"], destinations.find(), who="ines", reason=" ")
