"""What may be asked: the parameters of every list and the body of every change, as types that validate.

The API's OpenAPI, its checks, the commands and the pages come from these.
"""

from console.asks.base import CURSOR, LIMIT_MAX, Change, Digest, FilteredAsk, FromStep, ListAsk, TryOrChange
from console.asks.cases import AcceptAsk, AssignAsk, CaseReplayAsk, EditAsk, SnoozeAsk
from console.asks.controls import PauseAsk, RolloutAsk
from console.asks.fixes import FixApproveAsk, FixAsk, FixContent, FixesAsk
from console.asks.jobs import ReplayAsk, ReplayFilter, ReplaysPlanAsk, ReversalFilter, ReversalsPlanAsk, ReverseAsk
from console.asks.judgement import CorrectAsk, LabelLine, ModeAsk, RollbackAsk, TrialAsk
from console.asks.lists import (
    TRAIL_CURSOR,
    ApprovalsAsk,
    AuditAsk,
    CasesAsk,
    ClassificationsAsk,
    EventsAsk,
    ReplaysAsk,
    ReversalsAsk,
    RunsAsk,
    StatsAsk,
    WritesAsk,
)
from console.asks.writes import BATCH_MAX, ActionAsk, ApproveAsk, BatchAsk, BatchItemAsk, ReviewAsk, SettleAsk

__all__ = [
    "BATCH_MAX",
    "CURSOR",
    "LIMIT_MAX",
    "TRAIL_CURSOR",
    "AcceptAsk",
    "ActionAsk",
    "ApprovalsAsk",
    "ApproveAsk",
    "AssignAsk",
    "AuditAsk",
    "BatchAsk",
    "BatchItemAsk",
    "CaseReplayAsk",
    "CasesAsk",
    "Change",
    "ClassificationsAsk",
    "CorrectAsk",
    "Digest",
    "EditAsk",
    "EventsAsk",
    "FilteredAsk",
    "FixApproveAsk",
    "FixAsk",
    "FixContent",
    "FixesAsk",
    "FromStep",
    "LabelLine",
    "ListAsk",
    "ModeAsk",
    "PauseAsk",
    "ReplayAsk",
    "ReplayFilter",
    "ReplaysAsk",
    "ReplaysPlanAsk",
    "ReversalFilter",
    "ReversalsAsk",
    "ReversalsPlanAsk",
    "ReverseAsk",
    "ReviewAsk",
    "RollbackAsk",
    "RolloutAsk",
    "RunsAsk",
    "SettleAsk",
    "SnoozeAsk",
    "StatsAsk",
    "TrialAsk",
    "TryOrChange",
    "WritesAsk",
]
