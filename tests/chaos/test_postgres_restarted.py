"""P1 while the ledger is away: nothing is accepted unrecorded, and the first 2xx comes soon after its return."""

import time

import psycopg
import pytest
from company import Company, Founding
from servers import Postgres
from stripe_side import SENDERS, Delivery, Sender, invoices_paid

AWAY_SECONDS = 1.5
#: From the moment that Postgres takes connections again.
RECOVERY_SECONDS = 3.0
ANSWER_SECONDS = 5.0


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One door, one worker, one sweeper, and their sender."""
    return found()


@pytest.mark.parametrize("round_", ["first", "again"])
def test_a_restart_of_postgres_under_load_loses_nothing(
    staff: tuple[Company, Sender], chaos_postgres: Postgres, round_: str
) -> None:
    """While it is away the answers are 503s; within three seconds of its return there is a 2xx; one row and entry each.

    Fails without: the answer after the commit (`admit._commit`), the reconnecting of `admit._run`, and ON CONFLICT in
    `ledger.record` (a commit of unknown fate is repeated by its sender).
    """
    company, sender = staff
    events = invoices_paid(120)

    # Given a steady stream, when Postgres vanishes without a word and returns a little later
    deliveries = sender.start(events, every_seconds=0.03)
    company.wait_until(lambda: sum(one.done() for one in deliveries) >= 30, 10, "the stream flows")
    chaos_postgres.stop()
    gone = time.monotonic()
    try:
        time.sleep(AWAY_SECONDS)
        back_soon = time.monotonic()
    finally:
        chaos_postgres.start()
    back = time.monotonic()
    tries = [one for delivery in company.finish(deliveries) for one in delivery.tries]

    # Then nothing was accepted meanwhile, nobody hung, and it goes on at once
    while_away = [one for one in tries if one.began > gone and one.ended < back_soon]
    assert while_away
    assert {one.status for one in while_away} == {503}
    assert {one.status for one in tries} <= {200, 503}
    assert max(one.ended - one.began for one in tries) < ANSWER_SECONDS
    assert min(one.ended for one in tries if one.status == 200 and one.ended > gone) - back < RECOVERY_SECONDS
    company.wait_until_done(events, 10)
    company.check_books(events)
    assert [unit.deaths for unit in company.units.values()] == [[], [], []]


def test_nobody_hears_accepted_before_the_commit(staff: tuple[Company, Sender]) -> None:
    """While a commit is held up its senders wait; when it is cut off they hear 503 and come again; then all are there.

    Fails when `admit._commit` answers before `record` has returned.
    """
    company, sender = staff
    events = invoices_paid(SENDERS)
    with psycopg.connect(company.database_url) as gate:
        # Given deliveries whose commit cannot go on
        gate.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        deliveries = sender.start(events)
        company.wait_until(lambda: _doors(company), 5, "a commit waits")
        company.pause(0.5)
        assert not any(one.done() for one in deliveries)

        # When its session ends before it has
        gate.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s)", (_doors(company),))
        company.pause(0.3)
        assert not any(one.done() for one in deliveries)
    tries = [one.status for delivery in company.finish(deliveries) for one in delivery.tries]
    assert 503 in tries
    company.wait_until_done(events)
    company.check_books(events)


def test_every_answer_that_said_accepted_is_in_the_ledger(
    staff: tuple[Company, Sender], chaos_postgres: Postgres
) -> None:
    """Sessions are terminated again and again under load; whoever heard 2xx finds the row with the id of the answer.

    Fails when the door takes a lost connection for a commit.
    """
    company, sender = staff
    events = invoices_paid(150)
    deliveries = sender.start(events, every_seconds=0.015)
    while not all(one.done() for one in deliveries):
        company.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        company.pause(0.25)
    accepted: list[Delivery] = company.finish(deliveries)
    said = {event["key"]: event["id"] for one in accepted for event in one.tries[-1].answer["events"]}
    stands = company.rows("SELECT key, id::text FROM events WHERE key = ANY(%s)", list(said))
    assert {row["key"]: row["id"] for row in stands} == said
    company.wait_until_done(events, 15)
    company.check_books(events)
    company.check_promises()


def _doors(company: Company) -> list[int]:
    """The sessions of doors that wait for a lock."""
    rows = company.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'counterfoil door'"
        " AND wait_event_type = 'Lock'"
    )
    return [row["pid"] for row in rows]
