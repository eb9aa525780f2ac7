"""Replays of many events: how far they are and what failed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from console import answers
from console.asks import ReplaysAsk
from console.queries import page
from counterfoil import database, tables

#: Failures listed with a replay; all of them are found by its filter.
FAILURES_MAX = 100


def find_page(ask: ReplaysAsk) -> answers.Page[answers.Replay]:
    """One page of replays."""
    wanted = select(tables.Replay)
    if ask.status is not None:
        wanted = wanted.where(tables.Replay.status == ask.status)
    if ask.q is not None:
        wanted = wanted.where(col(tables.Replay.reason).contains(ask.q, autoescape=True))
    with Session(database.engine()) as session:
        rows, following = page.read(
            session, wanted, at=col(tables.Replay.created_at), row_id=col(tables.Replay.id), ask=ask
        )
        return answers.Page(items=_shown(session, rows), next_cursor=following)


def find(replay_id: UUID) -> answers.Replay | None:
    """One replay with its progress and failures."""
    with Session(database.engine()) as session:
        row = session.get(tables.Replay, replay_id)
        return None if row is None else _shown(session, [row])[0]


def _shown(session: Session, rows: Sequence[tables.Replay]) -> list[answers.Replay]:
    ids = [row.id for row in rows]
    progress, failures = _progress(session, ids), _failures(session, ids)
    copied = answers.Replay.model_fields.keys() - {"from_step", "progress", "failures"}
    return [
        answers.Replay(
            **{"from": row.from_step},
            progress=progress.get(row.id, {}),
            failures=failures.get(row.id, []),
            **{name: getattr(row, name) for name in copied},
        )
        for row in rows
    ]


def _progress(session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    item = tables.ReplayItem
    rows = session.exec(
        select(item.replay_id, item.status, func.count())
        .where(col(item.replay_id).in_(ids))
        .group_by(col(item.replay_id), col(item.status))
    ).all()
    found: dict[UUID, dict[str, int]] = {}
    for replay_id, status, count in rows:
        found.setdefault(replay_id, {})[status] = count
    return found


def _failures(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    item = tables.ReplayItem
    rows = session.exec(
        select(item)
        .where(col(item.replay_id).in_(ids), item.status == "failed")
        .order_by(col(item.replay_id), col(item.position))
        .limit(FAILURES_MAX)
    ).all()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.replay_id, []).append({"event_id": str(row.event_id), "detail": row.detail})
    return found
