"""Money for models: reserved before a call, settled after it, shared by all workers through one table.

What a worker reserved and never settled, because it died, stays reserved until its window is over: a budget is kept
even by those who cannot say what they spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from counterfoil import clock
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue.failures import ModelUnavailable

#: Of each budget, for answers that nothing acts on; the other half is out of their reach.
TRIAL_SHARE = 0.5

_RESERVE = """
    INSERT INTO model_spends AS m (budget, window_start, reserved_micro_usd) VALUES (%(budget)s, %(start)s, %(sum)s)
    ON CONFLICT (budget, window_start) DO UPDATE
        SET reserved_micro_usd = m.reserved_micro_usd + excluded.reserved_micro_usd
        WHERE m.reserved_micro_usd + m.spent_micro_usd + excluded.reserved_micro_usd <= %(limit)s
    RETURNING 1 AS granted
"""
_SETTLE = """
    UPDATE model_spends
    SET reserved_micro_usd = reserved_micro_usd - %(sum)s, spent_micro_usd = spent_micro_usd + %(cost)s
    WHERE budget = %(budget)s AND window_start = %(start)s
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """One bound: what all calls under this name may cost from `start` until the next window."""

    name: str
    start: datetime
    limit: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one call, in millionths of a dollar."""

    budgets: tuple[Budget, ...]
    sum: int


def budgets_for(question: str, event_id: UUID | None, *, trial: bool = False) -> tuple[Budget, ...]:
    """All that bind one call, always in the same order, so that two workers never wait for each other.

    A trial fills none beyond `TRIAL_SHARE`: what it spends must not keep an answer from those that act.
    """
    now, limits = clock.now(), settings()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = now.replace(minute=0, second=0, microsecond=0)
    found = [Budget("day", day, _micro(limits.model_usd_per_day))]
    if event_id is not None:
        found.append(Budget(f"event:{event_id}", day, _micro(limits.model_usd_per_event)))
    found.append(Budget("hour", hour, _micro(limits.model_usd_per_hour)))
    found.append(Budget(f"question:{question}", day, _micro(limits.model_usd_per_question_day)))
    if trial:
        found = [replace(budget, limit=int(budget.limit * TRIAL_SHARE)) for budget in found]
    return tuple(found)


def reserve(conn: Connection, budgets: Sequence[Budget], sum: int) -> Reservation:
    """Set `sum` aside in every budget, or in none. Raises: ModelUnavailable, naming the budget that has no room."""
    if sum > _micro(settings().model_usd_per_call):
        raise ModelUnavailable(
            f"one call could cost {_usd(sum)}, more than one may ({settings().model_usd_per_call:g} USD)",
            rule="budget_call",
        )
    with conn.transaction():
        for budget in budgets:
            values = {"budget": budget.name, "start": budget.start, "sum": sum, "limit": budget.limit}
            granted = sum <= budget.limit and conn.execute(_RESERVE, values).fetchone()
            if not granted:
                kind = budget.name.partition(":")[0]
                raise ModelUnavailable(
                    f"the {kind} budget of {_usd(budget.limit)} has no room for {_usd(sum)}", rule=f"budget_{kind}"
                )
    return Reservation(tuple(budgets), sum)


def settle(conn: Connection, reservation: Reservation, cost: int) -> None:
    """Put what the call did cost in the place of what was set aside."""
    with conn.transaction():
        for budget in reservation.budgets:
            values = {"budget": budget.name, "start": budget.start, "sum": reservation.sum, "cost": cost}
            conn.execute(_SETTLE, values)


def _micro(usd: float) -> int:
    return round(usd * 1_000_000)


def _usd(micro: int) -> str:
    return f"{micro / 1_000_000:.4f} USD"
