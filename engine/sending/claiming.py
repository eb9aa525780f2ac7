"""What a round takes in hand: destination by destination, as far as tokens and breakers let it.

The commit of the round's transaction makes it ours; what people let through counts against the caps from here on.
"""

from collections.abc import Mapping, Sequence

from counterfoil.database import Connection
from counterfoil.ledger import outbox, reach
from counterfoil.ledger.outbox import ClaimedWrite
from destinations.remote import Remote
from exceptions_queue import caps


def claim(
    conn: Connection, remote: Mapping[str, Remote], due: outbox.Due, room: int, *, lease_seconds: float
) -> list[ClaimedWrite]:
    """Up to `room` writes of those destinations where something is due."""
    claimed: list[ClaimedWrite] = []
    for name in sorted(due.keys() & remote.keys()):
        free = room - len(claimed)
        if free <= 0:
            break
        state = reach.fill(conn, name, remote[name].rate_per_second)
        if not state.is_open:
            most = 1 if state.on_trial else free
            claimed += _claim_lanes(conn, remote[name], due[name], most, state, lease_seconds)
    _count_approved(conn, claimed)
    return claimed


def _claim_lanes(
    conn: Connection, destination: Remote, lanes: set[bool], free: int, state: reach.Reach, lease_seconds: float
) -> list[ClaimedWrite]:
    """Replays have a small share of their own; then live writes; replays again from what those leave over."""

    def take(limit: int, *, replays: bool = False) -> list[ClaimedWrite]:
        if limit < 1:
            return []
        return outbox.claim_writes(
            conn,
            destination.name,
            looking=[one.name for one in destination.operations.values() if one.looks],
            limit=limit,
            lease_seconds=lease_seconds,
            replays=replays,
        )

    left, taken, replayed = state.tokens, list[ClaimedWrite](), 0
    if True in lanes and left >= 1:
        taken = take(min(free, int(min(left, state.replay_tokens))), replays=True)
        replayed = len(taken)
    if False in lanes:
        taken += take(min(free, int(left)) - len(taken))
    if True in lanes:
        spare = left - len(taken) - reach.REPLAYS_FROM_SHARE * reach.burst_of(destination.rate_per_second)
        taken += take(min(free - len(taken), int(spare)), replays=True)
    reach.spend(conn, destination.name, len(taken), replayed=replayed)
    return taken


def _count_approved(conn: Connection, claimed: Sequence[ClaimedWrite]) -> None:
    """What people let through counts against the caps too, from its first attempt."""
    first = [one for one in claimed if one.kind == "send" and one.approved and one.attempts == 1]
    caps.count_writes(conn, [one.id for one in first if one.reverses is None])
