"""P2 and P3 under contention: copies of one delivery, workers that want the same event, a worker that wakes up late."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from company import Company, Founding
from stripe_side import Sender, an_invoice_paid, invoices_paid

COPIES = 50
#: Longer than elsewhere: a heartbeat that a busy machine delays must not look like a worker that vanished.
LEASE_SECONDS = 2.0


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """Two doors, two workers (whose handler is slow when asked), one sweeper, and a sender to both doors."""
    company, first = found(COUNTERFOIL_HANDLERS="troubled_handlers", COUNTERFOIL_LEASE_SECONDS=str(LEASE_SECONDS))
    company.hire("worker2", "worker")
    second = company.open_door("door2")
    sender = Sender(first.port, second)
    first.close()
    events = invoices_paid(5)
    company.finish(sender.start(events))
    company.wait_until_done(events)
    return company, sender


@contextmanager
def frozen(company: Company, *names: str) -> Iterator[None]:
    """These processes stand still, and not in the middle of a transaction, whose locks would stand still with them."""
    _signal(company, names, signal.SIGSTOP)
    while _stands_in_transaction(company):
        _signal(company, names, signal.SIGCONT)
        company.pause(0.1)
        _signal(company, names, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(company, names, signal.SIGCONT)


def _signal(company: Company, names: Sequence[str], number: int) -> None:
    for name in names:
        company.units[name].send(number)


def _stands_in_transaction(company: Company) -> bool:
    """Whether a session goes on waiting for its client; one that merely passes by is gone at the second look."""
    for _ in range(3):
        if not company.rows(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND application_name = 'counterfoil'"
        ):
            return False
        company.pause(0.05)
    return True


def test_fifty_copies_at_one_instant_are_one_event(staff: tuple[Company, Sender]) -> None:
    """All fifty hear 2xx and the same id, one of them is told that it was first; one row that counts fifty; one entry.

    Fails without UNIQUE (source, key) on `events`, without `fold` in `ingest.groups` (copies inside one group), or
    when duplicates are told apart by looking before inserting.
    """
    company, sender = staff
    paid = an_invoice_paid()
    answers = sender.at_one_instant([paid] * COPIES)
    assert [one.status for one in answers] == [200] * COPIES
    told = [one.answer["events"][0] for one in answers]
    assert len({event["id"] for event in told}) == 1
    assert sorted(event["duplicate"] for event in told) == [False] + [True] * (COPIES - 1)
    company.wait_until_done([paid])
    assert company.one("SELECT deliveries FROM events WHERE key = %s", paid.event) == COPIES
    company.check_books([paid])


def test_two_workers_that_race_for_one_event_run_it_once(staff: tuple[Company, Sender]) -> None:
    """Both look while one of them runs it, for longer than a lease; whoever comes second finds nothing to claim.

    Fails without the compare-and-set of `ledger.claim` (the lease in its conditions), or without the heartbeat.
    """
    company, sender = staff
    with frozen(company, "worker", "worker2"):
        paid = an_invoice_paid(number="PONDEROUS")
        company.finish(sender.start([paid]))
    company.wait_until_done([paid])
    assert _fence(company, paid.event) == 1
    assert company.rows(_RUNS, [paid.event]) == [{"key": paid.event, "runs": 1}]
    company.check_books([paid])


def test_two_workers_share_hundreds_of_events_and_run_each_once(staff: tuple[Company, Sender]) -> None:
    """Both get some, no event is run by both.

    Fails without the compare-and-set of `ledger.claim`, or without the fence in `finish.hold`.
    """
    company, sender = staff
    # A slow event keeps the first one's loop busy, another one its stand-in's, while the other worker looks.
    batches = [invoices_paid(1, number="SLOW"), invoices_paid(198), invoices_paid(1, number="SLOW"), invoices_paid(100)]
    with frozen(company, "worker", "worker2"):
        for batch in batches:
            company.finish(sender.start(batch))
    events = [paid for batch in batches for paid in batch]
    company.wait_until_done(events)
    runs = company.rows(_RUNS, [paid.event for paid in events])
    assert sorted(row["key"] for row in runs) == sorted(paid.event for paid in events)
    assert {row["runs"] for row in runs} == {1}
    workers = company.rows(
        "SELECT DISTINCT r.worker FROM runs r JOIN events e ON e.id = r.event_id WHERE e.key = ANY(%s)",
        [paid.event for paid in events],
    )
    assert len(workers) == 2
    company.check_books(events)


@pytest.mark.parametrize("wakes", ["while the other one runs it", "after the other one has finished"])
def test_a_late_result_of_a_worker_that_was_frozen_is_refused(staff: tuple[Company, Sender], wakes: str) -> None:
    """A worker stands still beyond its lease; another takes its event over; when it goes on, it may not write.

    Fails without the fence in `finish.hold` (two runs are recorded), or without `lease_until` in `ledger.claim` (nobody
    takes over).
    """
    company, sender = staff
    worker = company.units["worker"]
    with frozen(company, "worker2"):
        paid = an_invoice_paid(number="SLOW")
        company.finish(sender.start([paid]))
        company.wait_until(lambda: _fence(company, paid.event) == 1, 5, "the first worker has it")
        company.pause(0.3)
        worker.send(signal.SIGSTOP)
    said = worker.log.stat().st_size
    try:
        company.wait_until(lambda: _fence(company, paid.event) == 2, 10, "the second worker has it")
        if wakes.startswith("after"):
            company.wait_until_done([paid])
    finally:
        worker.send(signal.SIGCONT)
    company.wait_until(lambda: '"late": 1' in worker.log.read_text()[said:], 10, "the late one has tried")
    company.wait_until_done([paid])
    assert _fence(company, paid.event) == 2
    assert company.rows(_RUNS, [paid.event]) == [{"key": paid.event, "runs": 1}]
    company.check_books([paid])


def test_a_worker_frozen_in_the_middle_of_its_commit_holds_nobody_up(staff: tuple[Company, Sender]) -> None:
    """It keeps the locks of its transaction; the others get past them, and its half-made commit leaves no trace.

    Fails without the limit on idle transactions in `database.connect`: everybody waits for a process that stands still.
    """
    company, sender = staff
    with frozen(company, "worker2"):
        # Given a worker whose commit is held up at the writes, and which then stands still
        with psycopg.connect(company.database_url) as gate:
            gate.execute("LOCK TABLE writes IN EXCLUSIVE MODE")
            paid = an_invoice_paid()
            company.finish(sender.start([paid]))
            company.wait_until(lambda: _waits_for_lock(company), 5, "the commit is under way")
            company.units["worker"].send(signal.SIGSTOP)
            company.pause(0.2)
        company.pause(0.2)
    try:
        # Then the other one takes the event over, and everything else goes on
        company.wait_until_done([paid], 10)
        more = invoices_paid(20)
        company.finish(sender.start(more))
        company.wait_until_done(more, 10)
    finally:
        company.units["worker"].send(signal.SIGCONT)
    company.pause(0.5)
    last = invoices_paid(10)
    company.finish(sender.start(last))
    company.wait_until_done(last)
    company.check_books([paid, *more, *last])
    assert {row["runs"] for row in company.rows(_RUNS, [one.event for one in [paid, *more, *last]])} == {1}


def test_after_all_of_it_the_doctor_finds_nothing(staff: tuple[Company, Sender]) -> None:
    """P4: nothing is left in anybody's hands."""
    staff[0].check_promises()


_RUNS = """
SELECT e.key, count(r.id) AS runs FROM events e LEFT JOIN runs r ON r.event_id = e.id
WHERE e.key = ANY(%s) GROUP BY e.key
"""


def _fence(company: Company, event: str) -> int:
    return int(company.one("SELECT fence FROM events WHERE key = %s", event))


def _waits_for_lock(company: Company) -> bool:
    waiting = company.one(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(waiting)
