"""Which requests a group takes, and that no fault of one answer costs another its own."""

from collections.abc import Callable
from typing import Any

import pytest

from counterfoil import keys
from counterfoil.ledger.record import NewEvent, Row
from ingest.admit import Admission
from ingest.groups import Group, Verdict
from ingest.limits import Limits
from ingest.rejections import Rejections
from ingest.waiting import Ticket, Waiting

Accept = Callable[[list[Verdict]], None]


def a_ticket(events: int = 1, size: int = 100, accept: Accept | None = None, told: list[Any] | None = None) -> Ticket:
    """A request with so many events; what it is told goes to `told`."""
    told = [] if told is None else told
    rows = [NewEvent(Row(keys.new_id(), "stripe", "stripe", f"evt_{n}", "invoice.paid"), "{}") for n in range(events)]
    return Ticket("stripe", rows, size, accept or told.append, told.append)


def waiting_with(*tickets: Ticket, **limits: int) -> Waiting:
    """A queue in which these wait."""
    waiting = Waiting(Limits(**limits))
    for ticket in tickets:
        waiting.join(ticket)
    return waiting


def test_a_group_leaves_the_other_half_to_the_next_one() -> None:
    """Thirty-two at once become two equal groups, and stay two when the first half comes back."""
    waiting = waiting_with(*(a_ticket() for _ in range(32)))
    assert len(waiting.take_group()) == 16
    assert len(waiting.take_group()) == 16
    for _ in range(16):
        waiting.join(a_ticket())
    assert len(waiting.take_group()) == 16
    assert not waiting


def test_a_lopsided_pair_of_groups_becomes_even() -> None:
    """Three in one group and twenty-nine in the other: the larger one gives up to half of all."""
    waiting = waiting_with(*(a_ticket() for _ in range(3)))
    assert len(waiting.take_group()) == 3
    for _ in range(29):
        waiting.join(a_ticket())
    assert len(waiting.take_group()) == 16


def test_a_handful_goes_together() -> None:
    """Where halves would be smaller than a commit is worth, nobody is left behind."""
    waiting = waiting_with(*(a_ticket() for _ in range(8)))
    assert len(waiting.take_group()) == 8


def test_one_request_is_never_parted() -> None:
    """A batch goes whole, though it is larger than any group should be."""
    waiting = waiting_with(a_ticket(events=300), a_ticket(), group_events_max=200)
    assert [ticket.count for ticket in waiting.take_group()] == [300]
    assert len(waiting.take_group()) == 1


@pytest.mark.parametrize("limits", [{"group_events_max": 10}, {"group_bytes_max": 1000}])
def test_a_group_is_bounded_by_events_and_by_bytes(limits: dict[str, int]) -> None:
    """However many wait, a statement stays a few milliseconds long."""
    waiting = waiting_with(*(a_ticket(size=100) for _ in range(100)), **limits)
    assert len(waiting.take_group()) == 10


def test_an_answer_that_cannot_be_given_costs_the_others_nothing() -> None:
    """Everybody else in the group is told something, though writing one answer ended in an exception."""

    def fail(_: list[Verdict]) -> None:
        raise RuntimeError("made up")

    told: list[Any] = []
    tickets = [a_ticket(told=told), a_ticket(accept=fail), a_ticket(told=told)]
    admission = Admission("postgresql://unused", {}, Limits(), Rejections(), must_be_durable=False)
    admission._answer(tickets, Group([[], [], []]), 0.0, 0.0)
    assert len(told) == 2
