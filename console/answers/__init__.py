"""What is answered: one model per row, detail and result, for the API and for the commands with `--json`."""

from console.answers.approvals import Approval, Batch, BatchItem, Request, Sibling, Vote
from console.answers.audit import Audit
from console.answers.cases import Case, CaseDetail, CaseMember, Notification
from console.answers.controls import (
    Destination,
    Lifted,
    NextStep,
    Pause,
    Reviewed,
    Rollout,
    RolloutChange,
    Shadow,
    ShadowTotal,
    ShadowWrite,
)
from console.answers.events import (
    Answered,
    Caused,
    CausedBy,
    Correction,
    Difference,
    Event,
    EventDetail,
    Explanation,
    Queued,
    SameFact,
)
from console.answers.installed import Handler, Owner, Stats
from console.answers.page import Page
from console.answers.replays import Replay
from console.answers.reversals import Probed, Report, Reversal, ReversalItem, Undoing
from console.answers.runs import Run, Step
from console.answers.writes import Stub, Write

__all__ = [
    "Answered",
    "Approval",
    "Audit",
    "Batch",
    "BatchItem",
    "Case",
    "CaseDetail",
    "CaseMember",
    "Caused",
    "CausedBy",
    "Correction",
    "Destination",
    "Difference",
    "Event",
    "EventDetail",
    "Explanation",
    "Handler",
    "Lifted",
    "NextStep",
    "Notification",
    "Owner",
    "Page",
    "Pause",
    "Probed",
    "Queued",
    "Replay",
    "Report",
    "Request",
    "Reversal",
    "ReversalItem",
    "Reviewed",
    "Rollout",
    "RolloutChange",
    "Run",
    "SameFact",
    "Shadow",
    "ShadowTotal",
    "ShadowWrite",
    "Sibling",
    "Stats",
    "Step",
    "Stub",
    "Undoing",
    "Vote",
    "Write",
]
