"""Cases: what failed or waits for a decision, alike failures together, and what people do with them.

incident   what goes into a case
opening    a group of incidents becomes cases, in a constant number of statements
clearing   events that are no longer blocked; a case that blocks none resolves by itself
desk       what a person does: acknowledge, assign, snooze, resolve, dismiss
editing    a corrected copy of a payload, held against its contract again
accepting  of one identity with two contents, the newer one
readmitting  what belongs to its source since that was put right
waiting    cases whose time has come: woken, lapsed, overdue
notices    the rows from which `notify` tells people
reading    what a case holds now

Whoever takes locks takes them in one order: the case, then its events, then what ties them together.
"""

from exceptions_queue.cases.accepting import accept
from exceptions_queue.cases.clearing import clear, clear_reversals
from exceptions_queue.cases.desk import acknowledge, assign, dismiss, resolve, snooze
from exceptions_queue.cases.editing import edit
from exceptions_queue.cases.incident import Incident
from exceptions_queue.cases.opening import NewCase, Opened, open_many
from exceptions_queue.cases.reading import Stake, exists, stakes
from exceptions_queue.cases.readmitting import Foreign, readmit
from exceptions_queue.refusals import (
    AcceptRefused,
    AlreadyAcknowledged,
    CaseClosed,
    CaseNotFound,
    EditRefused,
    EventMoving,
    EventNotInCase,
    EventUnnamed,
    NotLikeThat,
    NotNow,
    NotThere,
    PersonUnknown,
    ReasonMissing,
    Refused,
    SnoozeRefused,
    StillBlocked,
)

__all__ = [
    "AcceptRefused",
    "AlreadyAcknowledged",
    "CaseClosed",
    "CaseNotFound",
    "EditRefused",
    "EventMoving",
    "EventNotInCase",
    "EventUnnamed",
    "Foreign",
    "Incident",
    "NewCase",
    "NotLikeThat",
    "NotNow",
    "NotThere",
    "Opened",
    "PersonUnknown",
    "ReasonMissing",
    "Refused",
    "SnoozeRefused",
    "Stake",
    "StillBlocked",
    "accept",
    "acknowledge",
    "assign",
    "clear",
    "clear_reversals",
    "dismiss",
    "edit",
    "exists",
    "open_many",
    "readmit",
    "resolve",
    "snooze",
    "stakes",
]
