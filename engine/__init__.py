"""Runs a handler: check, read, classify, plan, gate, commit; the worker and the sweeper.

steps      the six of them, from an event to a commit
sending    writes to destinations behind a network; taking a write back
reversals  taking many back

May import `destinations`, `judgement`, `exceptions_queue`, `counterfoil` and `contracts`; finds handlers by configured
package name, never by import. This is what a handler needs of it.
"""

from engine.outcomes import NeedsPerson, Outcome, Plan, Skip, Snooze
from engine.registry import Ask, handles

__all__ = ["Ask", "NeedsPerson", "Outcome", "Plan", "Skip", "Snooze", "handles"]
