"""Caps: how much was written within a window, counted so that any number of workers together cannot pass it.

Whoever asks holds the cap's lock until its commit, and only what was let through is counted; so two at one instant
come one after the other. Locks are taken after events and before writes, as everybody does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection
from exceptions_queue.policy import CAP_SECONDS_MAX, Cap, policy

#: Uses that are forgotten by one look of the sweeper.
LIMIT = 5000


class Use(msgspec.Struct, gc=False):
    """One write as caps count it."""

    write_id: UUID
    destination: str
    operation: str
    handler: str | None
    amount_minor: int | None
    currency: str | None
    account: str | None  #: the record that it changes, or what it is about


@dataclass(slots=True)
class _Window:
    """What one cap has let through within its window."""

    cap: Cap
    count: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    #: Counted already: they do not count again.
    known: set[UUID] = field(default_factory=set)

    def has_room(self, use: Use) -> bool:
        cap = self.cap
        if use.write_id in self.known:
            return True
        if cap.count_max is not None and self.count + 1 > cap.count_max:
            return False
        is_new_account = use.account is not None and use.account not in self.accounts
        if cap.accounts_max is not None and is_new_account and len(self.accounts) >= cap.accounts_max:
            return False
        most = (cap.sum_max_minor or {}).get(use.currency or "")
        return most is None or self.sums.get(use.currency or "", 0) + abs(use.amount_minor or 0) <= most

    def add(self, use: Use) -> None:
        if use.write_id in self.known:
            return
        self.count += 1
        self.known.add(use.write_id)
        if use.currency is not None:
            self.sums[use.currency] = self.sums.get(use.currency, 0) + abs(use.amount_minor or 0)
        if use.account is not None:
            self.accounts.add(use.account)


def over(conn: Connection, wanted: Sequence[Use]) -> dict[UUID, str]:
    """Those of these writes that a cap does not let through, with its name; the cap's locks are held until the end.

    In the order given: the first ones get what room there is.
    """
    covered = {use.write_id: caps for use in wanted if (caps := _caps(use))}
    if not covered:
        return {}
    named = {cap.name: cap for found in covered.values() for cap in found}
    windows = {cap.name: _window(conn, cap, list(covered)) for cap in sorted(named.values(), key=_lock_of)}
    stopped: dict[UUID, str] = {}
    for use in wanted:
        mine = [windows[cap.name] for cap in covered.get(use.write_id, ())]
        full = next((window.cap.name for window in mine if not window.has_room(use)), None)
        if full is not None:
            stopped[use.write_id] = full
            continue
        for window in mine:
            window.add(use)
    return stopped


_COUNT = """
INSERT INTO cap_uses AS u (cap, write_id, at, amount_minor, currency, account)
SELECT r.cap, r.write_id, clock_timestamp(), r.amount_minor, r.currency, r.account
FROM jsonb_to_recordset(%s::jsonb) AS r(cap text, write_id uuid, amount_minor bigint, currency text, account text)
ORDER BY r.cap, r.write_id
ON CONFLICT (cap, write_id) DO UPDATE SET at = excluded.at
"""


def count(conn: Connection, uses: Iterable[Use]) -> None:
    """These writes are made: they count from now on, each once."""
    rows: list[dict[str, Any]] = [
        {
            "cap": cap.name,
            "write_id": use.write_id,
            "amount_minor": None if use.amount_minor is None else abs(use.amount_minor),
            "currency": use.currency,
            "account": use.account,
        }
        for use in uses
        for cap in _caps(use)
    ]
    if rows:
        conn.execute(_COUNT, (msgspec.json.encode(rows).decode(),))


def count_writes(conn: Connection, ids: Sequence[UUID]) -> None:
    """These writes are made with people's approval: they count too, though no cap was asked."""
    if not ids:
        return
    rows = conn.execute(
        "SELECT id AS write_id, destination, operation, handler, amount_minor, currency,"
        " coalesce(target, subject) AS account FROM writes WHERE id = ANY(%s)",
        (list(ids),),
    ).fetchall()
    count(conn, [Use(**row) for row in rows])


def forget(conn: Connection) -> dict[str, int]:
    """Uses that no window reaches any more. For the sweeper."""
    gone = conn.execute(
        "DELETE FROM cap_uses u USING (SELECT cap, write_id FROM cap_uses WHERE cap = ANY(%s)"
        " AND at < now() - make_interval(secs => %s) LIMIT %s) AS old WHERE u.cap = old.cap AND u.write_id ="
        " old.write_id",
        ([cap.name for cap in policy().cap], CAP_SECONDS_MAX, LIMIT),
    ).rowcount
    return {"forgotten": gone}


_TOTALS = """
SELECT currency, count(*) AS count, coalesce(sum(amount_minor), 0)::bigint AS sum FROM cap_uses
WHERE cap = %(cap)s AND at > clock_timestamp() - make_interval(secs => %(seconds)s) GROUP BY currency
"""
_ACCOUNTS = """
SELECT DISTINCT account FROM cap_uses
WHERE cap = %(cap)s AND at > clock_timestamp() - make_interval(secs => %(seconds)s) AND account IS NOT NULL
"""
_KNOWN = """
SELECT write_id FROM cap_uses WHERE cap = %(cap)s AND write_id = ANY(%(ids)s)
  AND at > clock_timestamp() - make_interval(secs => %(seconds)s)
"""


def _window(conn: Connection, cap: Cap, ids: Sequence[UUID]) -> _Window:
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_lock_of(cap),))
    values: Mapping[str, Any] = {"cap": cap.name, "seconds": cap.window_seconds, "ids": list(ids)}
    found = _Window(cap)
    for row in conn.execute(_TOTALS, values).fetchall():
        found.count += row["count"]
        if row["currency"] is not None:
            found.sums[row["currency"]] = row["sum"]
    if cap.accounts_max is not None:
        found.accounts = {row["account"] for row in conn.execute(_ACCOUNTS, values)}
    found.known = {row["write_id"] for row in conn.execute(_KNOWN, values)}
    return found


def _caps(use: Use) -> list[Cap]:
    return policy().caps_over(use.destination, use.operation, use.handler)


def _lock_of(cap: Cap) -> int:
    """The same number in every process; taken in the order of these numbers."""
    return int.from_bytes(sha256(f"cap/{cap.name}".encode()).digest()[:8], "big", signed=True)
