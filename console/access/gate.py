"""Whether somebody may do this here: the right, the place where it holds, and for large amounts a fresh proof.

API and pages ask the same question before anything is read of the request's body. What a path names - an event, a
case, a write, a handler - has a source and a handler, and a scoped grant must cover both; a change of many at once
(a batch, a replay by filter, a pause) has none and needs the right everywhere.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

from console import problems
from console.access.people import Person
from console.access.rights import Right
from console.fields import cents
from counterfoil import database
from counterfoil.settings import settings


class Thing(NamedTuple):
    """What is asked about."""

    source: str | None
    handler: str | None
    amount_minor: int | None = None


#: By the first word of a path that goes on with an id.
_THINGS: Final = {
    "events": "SELECT source, handler FROM events WHERE id = %s",
    "cases": "SELECT source, handler FROM cases WHERE id = %s",
    "runs": "SELECT e.source, r.handler FROM runs r LEFT JOIN events e ON e.id = r.event_id WHERE r.id = %s",
    "writes": (
        "SELECT e.source, w.handler, w.amount_minor FROM writes w LEFT JOIN events e ON e.id = w.event_id"
        " WHERE w.id = %s"
    ),
    "classifications": (
        "SELECT e.source, d.handler FROM decisions d LEFT JOIN events e ON e.id = d.event_id WHERE d.id = %s"
    ),
}
_SAME: Final = {"approvals": "writes"}


def check(
    person: Person, right: Right, path: str, *, id: UUID | str | None = None, name: str | None = None, fresh: bool
) -> None:
    """Raises: NotAllowed; ProofNeeded. What does not exist is for the route to say."""
    if not person.may_somewhere(right):
        raise problems.NotAllowed(f"{person.title} does not have the right to {right}")
    if right == "look":
        return
    thing = _thing(path.strip("/").split("/"), id, name)
    if thing is None:
        return
    if not person.may(right, thing.source, thing.handler):
        where = ", ".join(part for part in (thing.source, thing.handler) if part) or "everywhere"
        raise problems.NotAllowed(f"{person.title} has the right to {right}, but not here ({where})")
    if right == "approve" and not fresh and _is_large(path, thing):
        raise problems.ProofNeeded(
            f"from {cents(settings().proof_minor)} on, for rules and for many at once, whoever approves has shown"
            " who they are within the last 5 minutes; a stored API token never has"
        )


def may_reveal(person: Person, path: str, *, id: UUID | str | None = None, name: str | None = None) -> bool:
    """Whether they may see personal data of what the path names; in lists, of everything."""
    if not person.may_somewhere("reveal") or person.may("reveal"):
        return person.may("reveal")
    thing = _thing(path.strip("/").split("/"), id, name) if id is not None or name is not None else None
    return thing is not None and person.may("reveal", thing.source, thing.handler)


def _thing(words: list[str], id: UUID | str | None, name: str | None) -> Thing | None:
    """None: it does not exist."""
    if id is None:
        return Thing(name if words[0] == "sources" else None, name if words[0] == "handlers" else None)
    sql = _THINGS.get(_SAME.get(words[0], words[0]))
    if sql is None:
        return Thing(None, None)
    try:
        found = UUID(str(id))
    except ValueError:
        return None
    with problems.told(), database.transaction() as conn:
        row: dict[str, Any] | None = conn.execute(sql, (found,)).fetchone()
    return Thing(**row) if row else None


def _is_large(path: str, thing: Thing) -> bool:
    """A batch or a rule may come to anything; a single write is as large as it says; a no moves no money."""
    if not path.endswith("/approve"):
        return "{id}" not in path
    if path.startswith(("/fixes/", "/rules/")):
        return True
    return thing.amount_minor is not None and abs(thing.amount_minor) >= settings().proof_minor
