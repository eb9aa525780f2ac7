"""Whose turn it is within a claimed group: events of one subject happen one after the other, in the order of time.

A claim may bring several events of one subject, in order. What asks others walks in a thread and commits there, so
whatever comes after it has to wait for another claim; so has what comes after an event that will move again by itself.
Those go back as they came: not begun, no attempt counted.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from counterfoil.ledger.claim import Claimed
from engine.passing import Pass


class Turns(NamedTuple):
    """A group, told apart; each list keeps the order of the group."""

    here: list[Claimed]  #: for the loop, to share a commit
    apart: list[Claimed]  #: for the threads, each alone
    later: list[Claimed]  #: behind one of their subject that walks in a thread


def told_apart(group: Iterable[Claimed], asks_others: Callable[[Claimed], bool]) -> Turns:
    """Who walks where. At most one event of a subject is in a thread, and then no other one anywhere."""
    turns = Turns([], [], [])
    begun: set[str] = set()
    closed: set[str] = set()
    for event in group:
        apart, subject = asks_others(event), event.subject
        if subject is None:
            (turns.apart if apart else turns.here).append(event)
        elif subject in closed or (apart and subject in begun):
            turns.later.append(event)
            closed.add(subject)
        elif apart:
            turns.apart.append(event)
            closed.add(subject)
        else:
            turns.here.append(event)
            begun.add(subject)
    return turns


def walked(events: Iterable[Claimed], walk: Callable[[Claimed], Pass]) -> tuple[list[Pass], list[Claimed]]:
    """Those that may share a commit, walked; and those whose turn comes only when that commit has been made.

    A fact shares it with the next of its subject. What keeps a state does not (the next one is judged by what it
    leaves), nor does what waits for its time, nor what turns out to have to wait for others.
    """
    passes: list[Pass] = []
    rest: list[Claimed] = []
    closed: set[str] = set()
    for event in events:
        if event.subject in closed:
            rest.append(event)
            continue
        one = walk(event)
        passes.append(one)
        if event.subject is not None and _ends_the_turn(one):
            closed.add(event.subject)
    return passes, rest


def go_on(rest: Iterable[Claimed], passes: Iterable[Pass], done: Iterable[Pass]) -> tuple[list[Claimed], list[Claimed]]:
    """Those of `rest` whose turn it is; and those behind what will move again by itself or is in other hands."""
    ours = {one.event.id for one in done}
    stopped = {one.event.subject for one in passes if _waits(one) or one.event.id not in ours}
    turns: tuple[list[Claimed], list[Claimed]] = [], []
    for event in rest:
        turns[event.subject in stopped].append(event)
    return turns


def _ends_the_turn(one: Pass) -> bool:
    return one.verdict is None or _waits(one) or bool(one.effects and one.spec and one.spec.keeps_state)


def _waits(one: Pass) -> bool:
    return one.verdict is not None and one.verdict.due_seconds is not None
