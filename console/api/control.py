"""Pauses, rollouts, reviews and destinations: the functions behind them, and their routes."""

from uuid import UUID

from console import answers, asks, controlling, problems
from console.api import act
from console.api.route import NOT_THERE_OR_NOT_NOW, Asking, Reply, Route
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


ROUTES: tuple[Route, ...] = (
    Route("GET", "/pauses", list_pauses, "What is paused, and by whom", answers.Page[answers.Pause], right="look"),
    Route(
        "POST",
        "/pauses",
        pause,
        "Hold everything of a source, a handler, a destination or an action class",
        answers.Pause,
        body=asks.PauseAsk,
        refusals=(409,),
        right="control",
    ),
    Route(
        "POST",
        "/pauses/lift",
        lift,
        "Let it go; what was parked goes on in its order",
        answers.Lifted,
        body=asks.PauseAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "GET",
        "/handlers/{name}/rollout",
        show_rollout,
        "How far a handler is let out",
        answers.Rollout,
        right="look",
    ),
    Route(
        "PUT",
        "/handlers/{name}/rollout",
        let_out,
        "Let a handler out further, or less far",
        answers.Rollout,
        body=asks.RolloutAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="control",
    ),
    Route(
        "GET",
        "/handlers/{name}/shadow",
        show_shadow,
        "What it would have written",
        answers.Shadow,
        right="look",
    ),
    Route(
        "POST",
        "/writes/{id}/review",
        review,
        "Whether a handler's write is right: the evidence of its rollout",
        answers.Reviewed,
        body=asks.ReviewAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="judge",
    ),
    Route(
        "GET",
        "/destinations",
        list_destinations,
        "How destinations are, and what waits for them",
        answers.Page[answers.Destination],
        right="look",
    ),
)
