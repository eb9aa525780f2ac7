"""Replay: back to the entrance, the same one as the first time.

one      a single event
filters  which events, as data that can be kept and shown
plan     many events: counted first, with the money and what stands at destinations already
run      a planned replay in portions, watched until every item has its outcome

What makes it safe is not here: write keys are unique for ever, so a confirmed effect is found and not repeated.
"""

from exceptions_queue.refusals import (
    EventNotFound,
    EventRunning,
    FilterRefused,
    JobEnded,
    JobNotFound,
    JobNotPaused,
    JobNotPlanned,
    JobNotRunning,
)
from exceptions_queue.replay.filters import ReplayFilter
from exceptions_queue.replay.one import FromStep, replay_event
from exceptions_queue.replay.plan import plan_replay
from exceptions_queue.replay.run import advance, cancel, pause, progress, resume, start

__all__ = [
    "EventNotFound",
    "EventRunning",
    "FilterRefused",
    "FromStep",
    "JobEnded",
    "JobNotFound",
    "JobNotPaused",
    "JobNotPlanned",
    "JobNotRunning",
    "ReplayFilter",
    "advance",
    "cancel",
    "pause",
    "plan_replay",
    "progress",
    "replay_event",
    "resume",
    "start",
]
