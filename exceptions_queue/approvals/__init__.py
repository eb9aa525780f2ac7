"""Asking people before a write is made, and what they answer.

asking      a request about one write: exactly what is shown, under a digest
answering   yes (one, or many alike at once) and no
editing     another action, which somebody else has to approve
ending      what a no, or silence, means for the event and the rest of its plan
expiring    silence never approves, and a yes that was not used in time is asked for again
difference  what was shown beside what would be written now

A request is answered once, by people who did not edit the action, before it expires; an edit or a target that changed
voids it and opens another. The database holds these rules as well (`migrations/sql/approvals.sql`), so nothing but
votes leads to `approved`, whoever writes them.

    open ──votes──▶ approved ──sent──▶ used
      ├──a no────▶ rejected
      ├──silence─▶ expired
      └──edited, planned anew, or the target changed──▶ void (approved and used ones too)

Locks are taken in the order events, writes, requests, cases; the audit lane comes last.
"""

from exceptions_queue.approvals.answering import Answer, approve, approve_many, reject, withdraw
from exceptions_queue.approvals.asking import Request, request_many
from exceptions_queue.approvals.difference import difference
from exceptions_queue.approvals.editing import Edited, edit
from exceptions_queue.approvals.expiring import expire
from exceptions_queue.refusals import (
    ActionRefused,
    EditorMayNot,
    NotAwaiting,
    ShownChanged,
    VotedAlready,
    WriteNotFound,
)

__all__ = [
    "ActionRefused",
    "Answer",
    "Edited",
    "EditorMayNot",
    "NotAwaiting",
    "Request",
    "ShownChanged",
    "VotedAlready",
    "WriteNotFound",
    "approve",
    "approve_many",
    "difference",
    "edit",
    "expire",
    "reject",
    "request_many",
    "withdraw",
]
