"""The record: every statement that creates an event or moves a state, by name.

record   the door's one statement: events in, duplicates counted
claim    a worker takes a group of due events under a lease, keeps it
finish   what became of a group, written in one transaction
move     the compare-and-set behind every change of state
"""

from counterfoil.ledger.move import NOW, MoveRefused, move

__all__ = ["NOW", "MoveRefused", "move"]
