"""Events whose worker vanished: the one that kills its workers takes nobody else along."""

from collections.abc import Callable
from uuid import UUID

from counterfoil import database
from counterfoil.ledger.claim import Claimed, claim
from engine.worker import Worker

An = Callable[..., UUID]


def _claim(*, suspects: bool = True) -> list[UUID]:
    with database.connect() as conn:
        return [event.id for event in claim(conn, limit=100, lease_seconds=60, suspects=suspects)]


def _crash(*ids: UUID) -> None:
    """Their worker is gone: the leases ran out."""
    with database.connect() as conn:
        conn.execute("UPDATE events SET lease_until = now() - interval '1 second' WHERE id = ANY(%s)", (list(ids),))


def test_the_least_suspected_come_first(an_event: An) -> None:
    """What has seen more crashes waits until the others are done. Order suspects by `due_at` alone and this fails."""
    guilty, *others = [an_event("contact.creation", number) for number in range(3)]
    assert set(_claim()) == {guilty, *others}
    _crash(guilty, *others)
    # Given one that has crashed alone since
    assert _claim() == [guilty]
    _crash(guilty)
    # Then it is the last, although it fell due first
    assert [_claim() for _ in range(4)] == [[others[0]], [others[1]], [guilty], []]


def test_who_asks_for_no_suspects_gets_the_rest(an_event: An) -> None:
    """A process has one suspect in hand at a time; its stand-in goes on with events that nobody died of."""
    suspect = an_event("contact.creation", 1)
    assert _claim() == [suspect]
    _crash(suspect)
    fresh = an_event("contact.creation", 2)
    assert _claim(suspects=False) == [fresh]
    assert _claim(suspects=False) == []
    assert _claim() == [suspect]


def test_a_stand_in_never_takes_a_second_suspect(an_event: An, worker: Worker) -> None:
    """While the loop runs a suspect its stand-in finds nothing to do among suspects. Drop the lock and this fails."""
    ids = [an_event("contact.creation", number) for number in range(2)]
    assert set(_claim()) == set(ids)
    _crash(*ids)
    second: list[int] = []
    real = worker.pipeline.walk

    def walk(event: Claimed, **how: bool) -> object:
        second.append(worker.run_once())
        return real(event, **how)

    worker.pipeline.walk = walk  # type: ignore[method-assign,assignment]
    assert worker.run_once() == 1
    assert second == [0]
