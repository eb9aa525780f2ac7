"""A deploy asks processes to end: they finish what they have begun, leave nothing in hand, and go in time."""

import signal
import time

import pytest
from company import Company, Founding
from stripe_side import Sender, an_invoice_paid, invoices_paid

#: Supervisors kill after 10 to 90 seconds.
STOP_SECONDS = 20.0


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One of each, with a handler that is slow when asked."""
    # A lease so long that nobody takes over what a busy machine delays: here only the one asked to stop may finish it.
    return found(COUNTERFOIL_HANDLERS="troubled_handlers", COUNTERFOIL_LEASE_SECONDS="6")


def test_a_worker_that_is_asked_to_stop_finishes_what_it_has(staff: tuple[Company, Sender]) -> None:
    """What was in its hands is done by its own hands, nothing stays leased, it ends with 0 in time.

    Fails when SIGTERM ends the process at once (the event stays leased, and its run is begun again by another).
    """
    company, sender = staff
    worker = company.units["worker"]
    slow, quick = an_invoice_paid(number="SLOW"), invoices_paid(10)
    company.finish(sender.start([slow]))
    company.wait_until(lambda: _status(company, slow.event) == "running", 5, "it is in hand")
    company.finish(sender.start(quick))

    began = time.monotonic()
    assert worker.retire(signal.SIGTERM, STOP_SECONDS) == 0
    assert time.monotonic() - began < STOP_SECONDS
    assert _status(company, slow.event) == "done"
    assert company.one("SELECT count(*) FROM events WHERE lease_until IS NOT NULL OR status = 'running'") == 0
    assert company.one("SELECT fence FROM events WHERE key = %s", slow.event) == 1

    worker.start()
    company.wait_until_done([slow, *quick])
    company.check_books([slow, *quick])


def test_a_door_that_is_asked_to_stop_answers_whom_it_has_let_in(staff: tuple[Company, Sender]) -> None:
    """Under load it ends with 0 in time; every request that got an answer got 200, and every 200 is recorded.

    Fails when the listener goes down before the admission has committed what waits.
    """
    company, sender = staff
    door = company.units["door"]
    events = invoices_paid(100)
    deliveries = sender.start(events, every_seconds=0.01)
    company.wait_until(lambda: sum(one.done() for one in deliveries) >= 30, 10, "the stream flows")
    assert door.retire(signal.SIGTERM, STOP_SECONDS) == 0
    door.start()
    tries = [one for delivery in company.finish(deliveries) for one in delivery.tries]
    assert {one.status for one in tries} <= {200, 0, 503}
    company.wait_until_done(events)
    company.check_books(events)


def test_a_sweeper_that_is_asked_to_stop_ends_in_time(staff: tuple[Company, Sender]) -> None:
    """It ends with 0, and the events do not miss it."""
    company, sender = staff
    sweeper = company.units["sweeper"]
    assert sweeper.retire(signal.SIGTERM, STOP_SECONDS) == 0
    events = invoices_paid(10)
    company.finish(sender.start(events))
    company.wait_until_done(events)
    sweeper.start()
    company.check_promises()


def _status(company: Company, event: str) -> str:
    return str(company.one("SELECT status FROM events WHERE key = %s", event))
