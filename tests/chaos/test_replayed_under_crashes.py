"""P10: replay is always safe, also when the process that replays dies."""

import signal
from typing import Any

import pytest
from company import Company, Founding
from stripe_side import Paid, Sender, an_invoice_paid, invoices_paid

REPLAYS = 5


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One door, one worker, one sweeper, and their sender."""
    return found()


def _event(company: Company, paid: Paid) -> dict[str, Any]:
    (row,) = company.rows("SELECT id::text, status, generation, case_id FROM events WHERE key = %s", paid.event)
    return row


def _replay(company: Company, paid: Paid) -> None:
    company.command("replay", _event(company, paid)["id"], "--reason", "a test of replays")


def _accounts(company: Company) -> list[dict[str, Any]]:
    return company.rows("SELECT account, currency, sum(amount_minor) FROM books_lines GROUP BY 1, 2 ORDER BY 1, 2")


def test_a_done_event_replayed_five_times_writes_nothing_twice(staff: tuple[Company, Sender]) -> None:
    """Every replay runs to its end, and the books stay as they were.

    Fails without UNIQUE on `writes.key` together with the look at standing keys in `steps.commit`.
    """
    company, sender = staff
    paid = an_invoice_paid()
    company.finish(sender.start([paid]))
    company.wait_until_done([paid])
    before = _accounts(company)
    for generation in range(1, REPLAYS + 1):
        _replay(company, paid)
        company.wait_until_done([paid])
        assert _event(company, paid)["generation"] == generation
    runs = company.rows("SELECT r.status FROM runs r JOIN events e ON e.id = r.event_id WHERE e.key = %s", paid.event)
    assert [run["status"] for run in runs] == ["done"] * (1 + REPLAYS)
    assert _accounts(company) == before
    company.check_books([paid])


@pytest.mark.parametrize("point", ["run.claimed", "run.planned", "run.recorded"])
def test_a_replay_whose_worker_dies_writes_nothing_twice(staff: tuple[Company, Sender], point: str) -> None:
    """The worker dies in the middle of replays of done events; another one ends them; the books stay as they were.

    Fails without UNIQUE on `writes.key` together with the look at standing keys in `steps.commit`.
    """
    company, sender = staff
    events = invoices_paid(10)
    company.finish(sender.start(events))
    company.wait_until_done(events)
    before = _accounts(company)
    company.rearm("worker", COUNTERFOIL_FAILPOINT=f"{point}@1")
    _replay(company, events[0])
    company.wait_until(lambda: company.units["worker"].deaths == [-signal.SIGKILL], 15, f"the worker dies at {point}")
    company.wait_until_done(events)
    assert _event(company, events[0])["generation"] == 1
    assert _accounts(company) == before
    company.check_books(events)


@pytest.mark.parametrize("point", ["write.intended", "write.sent", "write.recorded"])
def test_a_replay_after_a_fix_that_dies_while_writing_writes_once(staff: tuple[Company, Sender], point: str) -> None:
    """An event fails for a bug, the bug is fixed, the replay dies between send and record: one entry, and no open case.

    Fails without the one transaction of `steps.commit`: the entry would stand without its write, or twice.
    """
    company, sender = staff
    # Given an event that failed for a bug of its handler
    company.rearm("worker", COUNTERFOIL_HANDLERS="troubled_handlers")
    paid = an_invoice_paid(number="BUG")
    company.finish(sender.start([paid]))
    company.wait_until(lambda: _event(company, paid)["status"] == "exception", 10, "it fails")
    case_id = _event(company, paid)["case_id"]
    assert case_id is not None

    # When the fixed handler is there, and the worker of the replay dies at this point
    company.rearm("worker", COUNTERFOIL_FAILPOINT=f"{point}@1")
    _replay(company, paid)
    company.wait_until(lambda: company.units["worker"].deaths == [-signal.SIGKILL], 15, f"the worker dies at {point}")

    # Then it is written once, and the case has closed with it
    company.wait_until_done([paid])
    company.check_books([paid])
    assert _event(company, paid)["case_id"] is None
    assert company.one("SELECT status FROM cases WHERE id = %s", case_id) == "resolved"


def test_a_replay_of_many_survives_the_death_of_everybody(staff: tuple[Company, Sender]) -> None:
    """A replay by filter is a job of the server: it goes on after its sweeper and its worker were killed.

    Fails when the progress of a replay lives anywhere but in the ledger.
    """
    company, sender = staff
    events = [an_invoice_paid(number="CHAOS") for _ in range(60)]
    company.finish(sender.start(events))
    company.wait_until_done(events)
    before = _accounts(company)
    company.command("replay", "--type", "invoice.paid", "--status", "done", "--reason", "a test of many")
    for name in ("sweeper", "worker", "sweeper", "worker"):
        company.pause(0.4)
        if company.units[name].is_alive:
            company.units[name].send(signal.SIGKILL)
    company.wait_until(
        lambda: company.one("SELECT status FROM replays ORDER BY id DESC LIMIT 1") == "finished", 30, "it finishes"
    )
    items = company.rows("SELECT status, count(*) FROM replay_items GROUP BY status")
    assert [row["status"] for row in items] == ["done"]
    assert _accounts(company) == before
    company.check_books(events)


def test_after_all_of_it_the_doctor_finds_nothing(staff: tuple[Company, Sender]) -> None:
    """P4: no event, no case and no replay is left half-done."""
    staff[0].check_promises()
