"""The functions behind pauses, rollouts, reviews and destinations."""

from uuid import UUID

from console import answers, asks, controlling, problems
from console.api import act
from console.api.route import Asking, Reply
from console.queries import controls
from counterfoil import database
from counterfoil.database import Connection


def list_pauses(_: Asking) -> answers.Page[answers.Pause]:
    with database.transaction() as conn:
        return answers.Page(items=controls.pauses(conn), next_cursor=None)


def pause(asking: Asking) -> Reply:
    ask: asks.PauseAsk = asking.body

    def begin(conn: Connection) -> act.Done:
        controlling.pause(conn, asking.actor.name, ask)
        (made,) = controls.pauses(conn, ask.scope, ask.name)
        return made.model_dump(mode="json")

    return act.once(asking, "pause", begin, answers.Pause.model_validate)


def lift(asking: Asking) -> Reply:
    ask: asks.PauseAsk = asking.body

    def end(conn: Connection) -> act.Done:
        freed = controlling.resume(conn, asking.actor.name, ask)
        return {"scope": ask.scope, "name": ask.name, "events_due": freed}

    return act.once(asking, "lift", end, answers.Lifted.model_validate)


def show_rollout(asking: Asking) -> answers.Rollout:
    return controls.of_handler(controlling.a_handler(asking.named))


def let_out(asking: Asking) -> Reply:
    handler = controlling.a_handler(asking.named)

    def change(conn: Connection) -> act.Done:
        controlling.let_out(conn, asking.actor.name, handler, asking.body)
        return {"handler": handler}

    return act.once(asking, "let_out", change, lambda done: controls.of_handler(done["handler"]))


def show_shadow(asking: Asking) -> answers.Shadow:
    return controls.shadow(controlling.a_handler(asking.named))


def review(asking: Asking) -> Reply:
    return act.changed(asking, "review", controlling.review, _reviewed)


def _reviewed(write_id: UUID) -> answers.Reviewed:
    found = controls.reviewed(write_id)
    if found is None:
        raise problems.NotFound(f"there is no write {write_id}")
    return found


def list_destinations(_: Asking) -> answers.Page[answers.Destination]:
    return answers.Page(items=controls.every_destination(), next_cursor=None)
