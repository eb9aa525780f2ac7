"""An outage of a destination is one case, however many writes wait for it; it closes when the destination answers."""

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import CASE_LIVE, CaseState
from exceptions_queue import cases

RULE = "circuit_open"


def begin(conn: Connection, destination: str, told: str) -> cases.Opened:
    """The destination does not answer: a case for whoever runs the service."""
    detail = {"sentence": f"{destination} does not answer; its writes wait and go out when it does", "last": told}
    incident = cases.Incident(None, "destination_unavailable", rule=RULE, destination=destination, detail=detail)
    return cases.open_many(conn, [incident])


def end(conn: Connection, destination: str) -> list[audit.Entry]:
    """It answers again: its case resolves by itself. Returns the audit entries."""
    incident = cases.Incident(None, "destination_unavailable", rule=RULE, destination=destination)
    rows = conn.execute(
        "SELECT id FROM cases WHERE fingerprint = %s AND status = ANY(%s) FOR UPDATE",
        (incident.fingerprint, sorted(CASE_LIVE)),
    ).fetchall()
    reason = f"{destination} answers again"
    sets = {"closed_at": NOW, "closed_by": "engine", "close_reason": reason, "due_at": None, "snoozed_until": None}
    resolved = move(conn, "case", [row["id"] for row in rows], CaseState.RESOLVED, sets=sets) if rows else set()
    return [audit.Entry("engine", "case.resolved", f"case:{one}", {"reason": reason}) for one in sorted(resolved)]
