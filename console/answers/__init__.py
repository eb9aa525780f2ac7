"""What is answered: one model per row, detail and result, for the API and for the commands with `--json`."""

from console.answers.approvals import Approval, Batch, BatchItem, Request, Sibling, Vote
from console.answers.audit import Audit
from console.answers.cases import Case, CaseDetail, CaseMember, Notification
from console.answers.events import Answered, Correction, Difference, Event, EventDetail, Explanation, Queued
from console.answers.installed import Handler, Owner, Stats
from console.answers.page import Page
from console.answers.replays import Replay
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
    "Correction",
    "Difference",
    "Event",
    "EventDetail",
    "Explanation",
    "Handler",
    "Notification",
    "Owner",
    "Page",
    "Queued",
    "Replay",
    "Request",
    "Run",
    "Sibling",
    "Stats",
    "Step",
    "Stub",
    "Vote",
    "Write",
]
