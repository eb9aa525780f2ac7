"""Personal data that somebody looked at: an entry of the audit each time."""

from counterfoil import audit, database
from counterfoil.audit import Entry


def record(who: str, subject: str, reason: str | None = None) -> None:
    """Keep that `who` saw what is masked otherwise; `subject` as in `events:<id>`, by the word of its path."""
    kind, _, id = subject.partition(":")
    with database.transaction() as conn:
        detail = {"reason": reason} if reason else {}
        audit.append(conn, "desk", [Entry(who, "data.revealed", f"{_ONE.get(kind, kind)}:{id}", detail)])


_ONE = {
    "events": "event",
    "writes": "write",
    "classifications": "decision",
    "runs": "run",
    "cases": "case",
    "handlers": "handler",
}
