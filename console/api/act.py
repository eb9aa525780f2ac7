"""The functions behind every `POST`: each hands the validated request to an action, once per Idempotency-Key."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from console import actions, approving, asks, idempotency, taking_back
from console.answers import Batch, Queued
from console.api import look
from console.api.route import Asking, Reply
from counterfoil import database
from counterfoil.database import Connection

#: What an action leaves behind for its answer to be made of.
Done = dict[str, Any]
#: A change to the one thing that an address names, by whom and as the body says.
Action = Callable[[Connection, str, UUID, Any], None]


def replay_event(asking: Asking) -> Reply:
    ask: asks.ReplayAsk = asking.body
    if ask.dry_run:
        return actions.difference(asking.one)
    return once(
        asking,
        "replay_event",
        lambda conn: actions.replay_event(conn, asking.actor.name, asking.one, ask).model_dump(
            mode="json", by_alias=True
        ),
        Queued.model_validate,
    )


def acknowledge(asking: Asking) -> Reply:
    return _case(asking, actions.acknowledge)


def assign(asking: Asking) -> Reply:
    return _case(asking, actions.assign)


def snooze(asking: Asking) -> Reply:
    return _case(asking, actions.snooze)


def resolve(asking: Asking) -> Reply:
    return _case(asking, actions.resolve)


def dismiss(asking: Asking) -> Reply:
    return _case(asking, actions.dismiss)


def edit(asking: Asking) -> Reply:
    return _case(asking, actions.edit)


def accept(asking: Asking) -> Reply:
    return _case(asking, actions.accept)


def approve(asking: Asking) -> Reply:
    return _write(asking, approving.approve)


def reject(asking: Asking) -> Reply:
    return _write(asking, approving.reject)


def edit_write(asking: Asking) -> Reply:
    return _write(asking, approving.edit)


def approve_many(asking: Asking) -> Reply:
    ask: asks.BatchAsk = asking.body
    if ask.dry_run:
        return approving.try_many(asking.actor.name, ask)
    return once(
        asking,
        "approve_many",
        lambda conn: approving.approve_many(conn, asking.actor.name, ask).model_dump(mode="json"),
        Batch.model_validate,
    )


def reverse(asking: Asking) -> Reply:
    ask: asks.ReverseAsk = asking.body
    if ask.dry_run:
        return taking_back.preview(asking.one)

    return made(
        asking,
        "reverse_write",
        lambda conn: taking_back.reverse(conn, asking.actor.name, asking.one, ask),
        look.write,
    )


def probe(asking: Asking) -> Reply:
    if not taking_back.is_in_doubt(asking.one):
        return taking_back.standing(asking.one)

    return changed(asking, "probe_write", taking_back.probe, taking_back.asked)


def settle(asking: Asking) -> Reply:
    return changed(asking, "settle_write", taking_back.settle, look.write)


def plan_reversal(asking: Asking) -> Reply:
    return made(
        asking,
        "plan_reversal",
        lambda conn: taking_back.plan_reversal(conn, asking.actor.name, asking.body),
        look.reversal,
    )


def start_reversal(asking: Asking) -> Reply:
    return _reversal(asking, taking_back.start_reversal)


def pause_reversal(asking: Asking) -> Reply:
    return _reversal(asking, taking_back.pause_reversal)


def resume_reversal(asking: Asking) -> Reply:
    return _reversal(asking, taking_back.resume_reversal)


def cancel_reversal(asking: Asking) -> Reply:
    return _reversal(asking, taking_back.cancel_reversal)


def replay_case(asking: Asking) -> Reply:
    return made(
        asking,
        "replay_case",
        lambda conn: actions.replay_case(conn, asking.actor.name, asking.one, asking.body),
        look.a_replay,
    )


def plan_replay(asking: Asking) -> Reply:
    return made(
        asking,
        "plan_replay",
        lambda conn: actions.plan_replay(conn, asking.actor.name, asking.body),
        look.a_replay,
    )


def start_replay(asking: Asking) -> Reply:
    return _replay(asking, actions.start_replay)


def pause_replay(asking: Asking) -> Reply:
    return _replay(asking, actions.pause_replay)


def resume_replay(asking: Asking) -> Reply:
    return _replay(asking, actions.resume_replay)


def cancel_replay(asking: Asking) -> Reply:
    return _replay(asking, actions.cancel_replay)


def once(asking: Asking, name: str, act: Callable[[Connection], Done], answer: Callable[[Done], BaseModel]) -> Reply:
    """Do a change and answer it; with a key that was used for it before, only answer, with the same words.

    What was done is kept in the change's own transaction. The answer follows in a second one, because it is read
    from what was committed; if we die in between, the next request with the key gets the present state.
    """
    key = asking.idempotency_key
    about = str(asking.id) if asking.id else asking.name
    request = idempotency.fingerprint(asking.actor.name, name, about, asking.body.model_dump(mode="json"))
    with actions.doing() as conn:
        earlier = idempotency.find(conn, key, request) if key else None
        done = earlier.done if earlier else act(conn)
        if key and earlier is None:
            idempotency.remember(conn, key, done)
    if earlier is not None and earlier.answer is not None:
        return earlier.answer
    found = answer(done)
    if key:
        with database.transaction() as conn:
            idempotency.remember(conn, key, done, found.model_dump_json(by_alias=True))
    return found


def made(asking: Asking, name: str, make: Callable[[Connection], UUID], answer: Callable[[UUID], BaseModel]) -> Reply:
    """Make something, once, and answer it."""
    return once(asking, name, lambda conn: {"id": str(make(conn))}, lambda done: answer(UUID(done["id"])))


def changed(asking: Asking, name: str, action: Action, answer: Callable[[UUID], BaseModel]) -> Reply:
    """Change the one that the address names, once, and answer it."""

    def change(conn: Connection) -> UUID:
        action(conn, asking.actor.name, asking.one, asking.body)
        return asking.one

    return made(asking, name, change, answer)


def _case(asking: Asking, action: Action) -> Reply:
    return changed(asking, action.__name__, action, look.case)


def _write(asking: Asking, action: Action) -> Reply:
    return changed(asking, f"{action.__name__}_write", action, look.approval)


def _replay(asking: Asking, action: Action) -> Reply:
    return changed(asking, action.__name__, action, look.a_replay)


def _reversal(asking: Asking, action: Action) -> Reply:
    return changed(asking, action.__name__, action, look.reversal)
