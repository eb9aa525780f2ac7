"""What a person can do to hold the automations. The API and the commands call these and nothing else."""

from collections.abc import Collection
from uuid import UUID

import destinations
from console import asks, problems
from counterfoil.database import Connection
from counterfoil.settings import settings
from destinations.books import POST_ENTRY
from destinations.remote import is_remote
from engine import pausing, registry, rollout
from engine.controls import Rollout
from exceptions_queue import reviews
from ingest.sources import find_sources


def pause(conn: Connection, who: str, ask: asks.PauseAsk) -> None:
    """Hold everything of a source, a handler, a destination or an action class."""
    pausing.pause(conn, ask.scope, ask.name, known=known(ask.scope), who=who, reason=ask.reason)


def resume(conn: Connection, who: str, ask: asks.PauseAsk) -> int:
    """Let it go; how many events are due again."""
    return pausing.resume(conn, ask.scope, ask.name, who=who, reason=ask.reason)


def let_out(conn: Connection, who: str, handler: str, ask: asks.RolloutAsk) -> None:
    """Set how far a handler is let out; `paused` is a pause beside the mode."""
    if ask.mode == "paused":
        if ask.share is not None or ask.segment is not None or ask.force:
            raise problems.NotAcceptable("paused takes neither a share nor a segment, and nothing has to be forced")
        pausing.pause(conn, "handler", handler, known=known("handler"), who=who, reason=ask.reason)
        return
    wanted = Rollout(ask.mode, ask.share, ask.segment)
    rollout.change(conn, handler, wanted, who=who, reason=ask.reason, force=ask.force)


def review(conn: Connection, who: str, write_id: UUID, ask: asks.ReviewAsk) -> None:
    """Say whether a handler's write is right, sent or in shadow."""
    reviews.review(conn, write_id, digest=ask.digest, agrees=ask.agrees, who=who, reason=ask.reason)


def known(scope: pausing.Scope) -> Collection[str]:
    """The names that there are in a scope, as this process is configured."""
    match scope:
        case "source":
            return find_sources(settings()).keys()
        case "handler":
            return handlers()
        case "destination":
            return destinations.find().keys()
        case "action":
            return {
                f"{name}.{operation}"
                for name, one in destinations.find().items()
                for operation in (one.operations if is_remote(one) else (POST_ENTRY,))
            }


def handlers() -> set[str]:
    """The handlers of this installation."""
    return {spec.name for spec in registry.find(settings().handlers_package).every()}


def a_handler(name: str) -> str:
    """The name, if there is such a handler. Raises: NotFound."""
    if name not in (there := handlers()):
        raise problems.NotFound(f"there is no such handler; known: {', '.join(sorted(there)) or 'none'}")
    return name
