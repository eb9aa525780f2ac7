"""The broker is disposable: whatever happens to Redis costs latency only."""

from collections.abc import Callable

import pytest
from company import Company, Founding
from servers import Redis
from stripe_side import Sender, invoices_paid

from engine.worker import AWAKE_SECONDS, LOOK_SECONDS

#: What an accepted event may wait while Redis is of no help (facts: "backlog moving within 5 s").
BACKLOG_SECONDS = 5.0
#: What an answer may take; a door that waited for Redis would need its timeouts, which are longer.
ANSWER_SECONDS = 2.0
EVERY_SECONDS = 0.03
#: After this a worker that found nothing rests, and whatever was rung before Redis froze has been answered.
REST_SECONDS = AWAKE_SECONDS + LOOK_SECONDS + 1.0


@pytest.fixture(scope="module")
def staff(found: Founding) -> tuple[Company, Sender]:
    """One door, one worker, one sweeper, and their sender."""
    return found()


def _kept_empty(redis: Redis) -> None:
    redis.empty()


def _nothing(_: Redis) -> None:
    pass


FAULTS: dict[str, tuple[Callable[[Redis], None], Callable[[Redis], None]]] = {
    "emptied": (_kept_empty, _kept_empty),
    "frozen": (Redis.freeze, Redis.thaw),
    "killed": (Redis.kill, Redis.start),
    "full": (Redis.refuse_writes, Redis.take_writes),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_happens_to_redis_acceptance_goes_on_and_the_backlog_moves(
    staff: tuple[Company, Sender], chaos_redis: Redis, fault: str
) -> None:
    """Every delivery is accepted at its first try; what comes during the fault is done within five seconds.

    Fails without: the doorbell's own thread and budget (`queue.Doorbell`: the door would wait with Redis), the worker's
    own look every second (`Worker.run`: what was never rung would lie there).
    """
    company, sender = staff
    strike, heal = FAULTS[fault]
    events = invoices_paid(150)

    # Given a steady stream, when Redis fails in the middle of it
    deliveries = sender.start(events, every_seconds=EVERY_SECONDS)
    company.wait_until(lambda: sum(one.done() for one in deliveries) >= 40, 10, "the stream flows")
    strike(chaos_redis)
    company.wait_until(lambda: sum(one.done() for one in deliveries) >= 110, 20, "the stream flows without Redis")
    before = [one.result().paid for one in deliveries if one.done()]
    company.wait_until_done(before, BACKLOG_SECONDS)
    heal(chaos_redis)

    # Then no sender noticed, and nothing waited long
    for delivery in company.finish(deliveries):
        assert [one.status for one in delivery.tries] == [200]
        assert delivery.tries[0].ended - delivery.tries[0].began < ANSWER_SECONDS
    company.wait_until_done(events, BACKLOG_SECONDS)
    company.check_books(events)
    keys = [paid.event for paid in events]
    slowest = company.one(
        "SELECT max(extract(epoch FROM finished_at - received_at))::float8 FROM events WHERE key = ANY(%s)", keys
    )
    assert slowest < BACKLOG_SECONDS


def test_a_worker_that_starts_while_redis_is_away_works(staff: tuple[Company, Sender], chaos_redis: Redis) -> None:
    """No broker is no reason not to start: events are found in Postgres.

    Fails when the worker needs its broker to begin, or works only when it is rung.
    """
    company, sender = staff
    chaos_redis.kill()
    try:
        company.rearm("worker")
        company.rearm("sweeper")
        events = invoices_paid(20)
        company.finish(sender.start(events))
        company.wait_until_done(events, 10)
        company.check_books(events)
        assert company.units["worker"].is_alive
    finally:
        chaos_redis.start()


def test_without_a_sweeper_and_without_redis_events_still_move(
    staff: tuple[Company, Sender], chaos_redis: Redis
) -> None:
    """The doorbell and the sweeper are both conveniences: a worker that rests looks by itself.

    It rests before each event: while it is still awake after its last one it would find the next without having to
    look up from its rest.

    Fails without `LOOK_SECONDS` in `engine.worker`.
    """
    company, sender = staff
    company.units["sweeper"].retire()
    chaos_redis.freeze()
    try:
        for _ in range(2):
            company.pause(REST_SECONDS)
            events = invoices_paid(5)
            company.finish(sender.start(events))
            company.wait_until_done(events, BACKLOG_SECONDS)
            company.check_books(events)
        assert not company.units["sweeper"].is_alive
        assert company.units["worker"].deaths == []
    finally:
        chaos_redis.thaw()
        company.rearm("sweeper")
    company.check_promises()
