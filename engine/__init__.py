"""Runs a handler: check, read, classify, plan, gate, commit; the worker and the sweeper.

May import `destinations`, `exceptions_queue`, `counterfoil` and `contracts`; finds handlers by configured package
name, never by import. This is what a handler needs of it.
"""

from engine.outcomes import NeedsPerson, Outcome, Plan, Skip, Snooze
from engine.registry import Ask, handles

__all__ = ["Ask", "NeedsPerson", "Outcome", "Plan", "Skip", "Snooze", "handles"]
