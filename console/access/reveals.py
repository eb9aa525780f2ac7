"""Personal data that somebody looked at: an entry of the audit each time."""

from typing import Any, Final

from counterfoil import audit, database
from counterfoil.audit import Entry

#: The setup token belongs to programs that ask again and again: of them one look at a thing counts for this long.
ONCE_SECONDS: Final = 60 * 60

_ONE: Final = {
    "events": "event",
    "writes": "write",
    "approvals": "write",
    "classifications": "decision",
    "runs": "run",
    "cases": "case",
    "handlers": "handler",
    "fixes": "fix",
    "replays": "replay",
    "reversals": "reversal",
    "questions": "question",
}


def record(who: str, subject: str, reason: str | None = None, *, once: bool = False) -> None:
    """Keep that `who` saw what is masked otherwise; `subject` as in `events:<id>`, by the word of its path."""
    kind, _, id = subject.partition(":")
    _record(Entry(who, "data.revealed", f"{_ONE.get(kind, kind)}:{id}", {"reason": reason} if reason else {}), once)


def record_list(who: str, kind: str, asked: dict[str, Any], shown: int, *, once: bool = False) -> None:
    """The same of a list: what was asked for, and how many of them were shown."""
    _record(Entry(who, "data.revealed", kind, {"asked": asked, "shown": shown}), once)


def _record(entry: Entry, once: bool) -> None:
    with database.transaction() as conn:
        if once and conn.execute(_LATELY, (entry.subject, entry.actor, ONCE_SECONDS)).fetchone():
            return
        audit.append(conn, "desk", [entry])


#: Among the newest of that thing only: others may have looked very often.
_LATELY = (
    "SELECT 1 AS one FROM (SELECT actor, action, at FROM audit_entries WHERE subject = %s AND lane = 'desk'"
    " ORDER BY seq DESC LIMIT 50) newest WHERE actor = %s AND action = 'data.revealed'"
    " AND at::timestamptz > now() - %s * interval '1 second' LIMIT 1"
)
