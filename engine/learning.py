"""What people teach by editing a write before it is approved: what the edited action says of an answer is a label.

Only once enough people agreed, and under the name of whoever edited last: they put the whole action in place.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from counterfoil import telemetry
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import registry

_EDITED = """
    SELECT handler, action -> 'body' AS body, action -> 'evidence' AS evidence FROM writes
    WHERE id = ANY(%s) AND status = 'approved' AND reverses IS NULL AND action -> 'evidence' ? 'edits' ORDER BY id
"""


def learn(conn: Connection, write_ids: Sequence[UUID], *, who: str) -> int:
    """Take in what was edited in these writes, which `who` has just approved. How many labels that made."""
    found = 0
    for write in conn.execute(_EDITED, (list(write_ids),)).fetchall():
        ids = list(_decisions(write["evidence"]))
        told = _read_back(write["handler"], write["body"]) if ids else {}
        if not told:
            continue
        # Here, because a judge brings along what takes a moment to load, and hardly any write is edited.
        from judgement import settling

        edit = write["evidence"]["edits"][-1]
        reason = f"{edit['reason']} (edited; approved by {who})"
        found += settling.edited(conn, told, ids, who=edit["by"], reason=reason)
    return found


def _read_back(handler: str | None, body: Mapping[str, Any]) -> Mapping[tuple[str, str], str]:
    """What a body says, by question and item. A handler that cannot read it stops nobody's approval."""
    try:
        return _told(handler, body)
    except Exception as bug:
        telemetry.log.error("edit.not_read", handler=handler, reason=type(bug).__name__, exc_info=bug)
        return {}


def _told(handler: str | None, body: Mapping[str, Any]) -> Mapping[tuple[str, str], str]:
    specs = [spec for spec in registry.find(settings().handlers_package).every() if spec.name == handler]
    asks = [ask for spec in specs for ask in spec.asks.values()]
    return {(ask.question.name, ref): label for ask in asks if ask.told for ref, label in ask.told(body).items()}


def _decisions(evidence: Any) -> Iterator[UUID]:
    """The decisions that evidence names, wherever a handler put them."""
    if isinstance(evidence, Mapping):
        for name, value in evidence.items():
            if name == "decision" and (id := _uuid(value)):
                yield id
            elif name != "edits":
                yield from _decisions(value)
    elif isinstance(evidence, list):
        for each in evidence:
            yield from _decisions(each)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
