"""Reversal of many writes by filter: a plan first, then a job that any sweeper carries on.

filters  which writes, as data that can be kept and shown
plan     the writes are chosen and counted, with what cannot be taken back and why; nothing moves
run      in portions, newest first, each watched until it is taken back, kept or given up

Imports what the engine may: each write is taken back by `engine.sending.reversing`, like a single one.
"""

from engine.reversals.filters import WriteFilter
from engine.reversals.plan import plan_reversal
from engine.reversals.run import (
    advance,
    cancel,
    pause,
    resume,
    start,
)

__all__ = [
    "WriteFilter",
    "advance",
    "cancel",
    "pause",
    "plan_reversal",
    "resume",
    "start",
]
