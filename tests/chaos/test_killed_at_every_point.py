"""P1-P4: a process dies at a named point, under load. Nothing is lost and nothing happens twice."""

import random
import signal

import pytest
from company import Company, Founding
from stripe_side import Paid, Sender, an_invoice_paid, invoices_paid

from counterfoil import failpoints

INVOICES = 40
TWICE_TOLD = 8  #: invoices of which a second event tells the same
SENT_AGAIN = 12  #: events that are delivered twice

#: The later passage: a door passes once per group, a worker once per event.
LATER = {"door": 3, "worker": 17}

#: Those that a paid invoice meets; no model is asked about one (`test_paid_once`).
POINTS = [name for name in failpoints.NAMES if not name.startswith("model.")]


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One door, one worker, one sweeper, and their sender."""
    return found()


def a_busy_minute() -> list[Paid]:
    """Events as they really come: in no order, some twice, some facts told by two events."""
    events = invoices_paid(INVOICES)
    events += [an_invoice_paid(invoice=paid.invoice) for paid in events[:TWICE_TOLD]]
    events += events[:SENT_AGAIN]
    random.Random(7).shuffle(events)
    return events


@pytest.mark.parametrize("passage", ["first", "later"])
@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at_any_point_loses_nothing_and_doubles_nothing(
    staff: tuple[Company, Sender], point: str, passage: str
) -> None:
    """Every event ends as done, every invoice as one entry, whichever instruction was the last of a process.

    Fails without: ON CONFLICT (source, key) in `ledger.record` (door.*: the sender comes again, and again is accepted),
    the worker's own look in `Worker` and the sweeper's ring (door.recorded: nobody was rung), the lease in
    `ledger.claim` (run.*: nobody takes over), the one transaction of `steps.commit` (write.*: a write without its
    entry), UNIQUE on `writes.key` together with the one on `books_entries.write_key` (facts told twice).
    """
    company, sender = staff
    victim = "door" if point.startswith("door.") else "worker"
    count = 1 if passage == "first" else LATER[victim]

    # Given a process that will die at this point, when a busy minute comes
    company.rearm(victim, COUNTERFOIL_FAILPOINT=f"{point}@{count}")
    events = a_busy_minute()
    deliveries = company.finish(sender.start(events))

    # Then it did die there, everything was accepted in the end, and the books are right
    company.wait_until(lambda: company.units[victim].deaths, 10, f"{victim} dies at {point}")
    assert company.units[victim].deaths == [-signal.SIGKILL]
    assert all(delivery.is_accepted for delivery in deliveries)
    company.wait_until_done(events)
    company.check_books(events)


def test_everybody_killed_again_and_again_loses_nothing_and_doubles_nothing(staff: tuple[Company, Sender]) -> None:
    """Door, worker and sweeper are killed at moments that nobody chose, while events keep coming.

    Fails without any one of the mechanisms named above; this is the test for points that have no name.
    """
    company, sender = staff
    events = invoices_paid(200)
    chance = random.Random(11)
    deliveries = sender.start(events, every_seconds=0.02)
    # Four deaths of a worker at most: an event that sees five is a case, as it should be.
    for victim in ["worker", "door", "sweeper", "worker", "door", "worker", "door", "worker"]:
        wait_until = chance.uniform(0.3, 0.9)
        company.pause(wait_until)
        if company.units[victim].is_alive:
            company.units[victim].send(signal.SIGKILL)
    company.finish(deliveries)
    company.wait_until_done(events)
    company.check_books(events)


def test_after_all_of_it_the_doctor_finds_nothing(staff: tuple[Company, Sender]) -> None:
    """P4 as one query: every event that was ever accepted has come to rest or still moves, and the audit chain holds.

    Fails when any accepted event is left running without a lease that ends, or resting without a case or a reason.
    """
    company, _ = staff
    company.check_promises()
    company.command("audit", "verify")
