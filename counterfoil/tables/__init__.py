"""What is stored: one file per area. Tables are storage, never contracts (they do not validate)."""

from counterfoil.tables.audit import ApiRequest, AuditEntry, AuditHead, Rejection, RejectionCount
from counterfoil.tables.books import BooksAccount, BooksEntry, BooksLine
from counterfoil.tables.cases import Case, CaseEvent, Notification, Replay, ReplayItem
from counterfoil.tables.controls import CapUse, DestinationState, Pause, Review, Rollout, RolloutChange
from counterfoil.tables.desk import DeskLook, Look
from counterfoil.tables.events import Checkpoint, Event, Payload, Run, SubjectState
from counterfoil.tables.fixes import Fix
from counterfoil.tables.judgement import (
    Decision,
    Label,
    PaidAnswer,
    QuestionState,
    SecondAnswer,
    Spend,
    TrainedModel,
    Trial,
)
from counterfoil.tables.mentions import Mention, MentionMark
from counterfoil.tables.people import ApiToken, KnownBrowser, ProviderVisit, SignedIn, SignInLink, Throttle, User
from counterfoil.tables.reversals import Reversal, ReversalItem
from counterfoil.tables.rosters import RosterKept
from counterfoil.tables.tallies import HandlerVersion, Tally
from counterfoil.tables.telling import Digest, ToldLink
from counterfoil.tables.writes import Approval, ApprovalVote, Echo, Fact, Write

__all__ = [
    "ApiRequest",
    "ApiToken",
    "Approval",
    "ApprovalVote",
    "AuditEntry",
    "AuditHead",
    "BooksAccount",
    "BooksEntry",
    "BooksLine",
    "CapUse",
    "Case",
    "CaseEvent",
    "Checkpoint",
    "Decision",
    "DeskLook",
    "DestinationState",
    "Digest",
    "Echo",
    "Event",
    "Fact",
    "Fix",
    "HandlerVersion",
    "KnownBrowser",
    "Label",
    "Look",
    "Mention",
    "MentionMark",
    "Notification",
    "PaidAnswer",
    "Pause",
    "Payload",
    "ProviderVisit",
    "QuestionState",
    "Rejection",
    "RejectionCount",
    "Replay",
    "ReplayItem",
    "Reversal",
    "ReversalItem",
    "Review",
    "Rollout",
    "RolloutChange",
    "RosterKept",
    "Run",
    "SecondAnswer",
    "SignInLink",
    "SignedIn",
    "Spend",
    "SubjectState",
    "Tally",
    "Throttle",
    "ToldLink",
    "TrainedModel",
    "Trial",
    "User",
    "Write",
]
