"""What the lifecycles must never allow, said apart from them: the table of moves is data, and data can be edited."""

from collections.abc import Mapping
from typing import Any

import pytest

from counterfoil.lifecycle import (
    CASE_LIVE,
    CASE_MOVES,
    EVENT_MOVES,
    REPLAY_MOVES,
    WRITE_MOVES,
    EventState,
    WriteState,
)

W, E = WriteState, EventState
#: In which an event has come to rest for good, until somebody replays it.
ENDS = {E.DONE, E.IGNORED, E.SUPERSEDED}


def reachable(moves: Mapping[Any, Any], start: Any, without: frozenset[Any] = frozenset()) -> set[Any]:
    """Every state that some way leads to, not passing `without`."""
    found, ahead = set(), [start]
    while ahead:
        for to in moves[ahead.pop()] - without - found:
            found.add(to)
            ahead.append(to)
    return found


def test_what_is_in_doubt_is_settled_and_not_sent_as_if_new() -> None:
    """P5: asking the destination says confirmed, refused or not there; nothing leads back to before it was sent."""
    assert WRITE_MOVES[W.IN_DOUBT] == {W.CONFIRMED, W.REFUSED, W.SENDING}


def test_what_is_confirmed_is_never_sent_again() -> None:
    """P3: a confirmed effect can be reversed, and that is all."""
    assert W.SENDING not in reachable(WRITE_MOVES, W.CONFIRMED)
    assert W.PLANNED not in reachable(WRITE_MOVES, W.CONFIRMED)


def test_nothing_is_approved_by_silence_or_after_a_no() -> None:
    """P8: after a no, and after silence, only a new plan leads on, and the database asks an approval of it."""
    assert WRITE_MOVES[W.REJECTED] == WRITE_MOVES[W.EXPIRED] == {W.PLANNED}
    assert W.SENDING not in WRITE_MOVES[W.AWAITING_APPROVAL]


@pytest.mark.parametrize("state", list(E))
def test_every_event_can_be_replayed_and_come_to_an_end(state: EventState) -> None:
    """P4: no state is a trap; from each there is a way to the entrance and a way to an end."""
    assert E.QUEUED in reachable(EVENT_MOVES, state) | {state}
    assert reachable(EVENT_MOVES, state) | {state} >= ENDS


def test_nothing_is_ticked_off_without_a_run() -> None:
    """P4: done and superseded are reached from running, or from waiting for what a run has planned."""
    for end in (E.DONE, E.SUPERSEDED):
        assert {state for state, targets in EVENT_MOVES.items() if end in targets} == {E.RUNNING, E.WAITING}


def test_what_is_closed_stays_closed() -> None:
    """P4: a failure after that is a new case, with a new clock; a finished replay is not started again."""
    assert all(not CASE_MOVES[state] for state in CASE_MOVES if state not in CASE_LIVE)
    assert {state.value for state, targets in REPLAY_MOVES.items() if not targets} == {"finished", "cancelled"}
