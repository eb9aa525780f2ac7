"""What slows guessing down: per account and per address, longer each time.

A guess is counted before it is looked at, so that a hundred at once are a hundred. Accounts that do not exist are
counted like those that do.
"""

import hashlib
import ipaddress
from typing import Final, NamedTuple

from console.problems import TooMany
from counterfoil import database
from counterfoil.database import Connection


class Pace(NamedTuple):
    """So many guesses are free; then each wait is twice the last, up to the longest."""

    free: int
    wait_seconds_max: int


#: Nobody guesses a password in a day at four an hour.
ACCOUNT: Final = Pace(5, 900)
#: A whole office, or a proxy that does not say who is behind it, may share an address: never long for all of them.
ADDRESS: Final = Pace(30, 30)
#: After this much quiet the count begins again.
FORGOTTEN_SECONDS: Final = 24 * 60 * 60


def count(account: str, address: str) -> None:
    """Count one guess. Raises: TooMany when it is not to be looked at."""
    with database.transaction() as conn:
        # In this order always: two requests never wait for each other.
        waits = [_counted(conn, _address(address), ADDRESS), _counted(conn, _account(account), ACCOUNT)]
    wait = max(waits)
    if wait > 0:
        raise TooMany(f"too many attempts: wait {wait} s, then try again", headers={"Retry-After": str(wait)})


def forgive(account: str, address: str) -> None:
    """The guess was right."""
    with database.transaction() as conn:
        conn.execute(
            "UPDATE throttles SET failures = greatest(failures - 1, 0), until = NULL WHERE key = %s",
            (_address(address),),
        )
        conn.execute("DELETE FROM throttles WHERE key = %s", (_account(account),))


def _counted(conn: Connection, key: str, pace: Pace) -> int:
    """Seconds to wait; 0: this guess is looked at."""
    values = {"key": key, "free": pace.free, "most": pace.wait_seconds_max, "quiet": FORGOTTEN_SECONDS}
    conn.execute("DELETE FROM throttles WHERE last_at < now() - %(quiet)s * interval '1 second'", values)
    row = conn.execute(
        "INSERT INTO throttles AS t (key, failures, last_at) VALUES (%(key)s, 1, now())"
        " ON CONFLICT (key) DO UPDATE SET failures = t.failures + 1, last_at = now(),"
        # The exponent is bounded: a number of seconds, not of centuries.
        " until = CASE WHEN t.failures + 1 > %(free)s THEN now() + interval '1 second' *"
        " least(%(most)s, power(2, least(t.failures + 1 - %(free)s, 20))) END"
        " WHERE t.until IS NULL OR t.until <= now() RETURNING failures",
        values,
    ).fetchone()
    if row is not None:
        return 0
    left = conn.execute(
        "SELECT ceil(extract(epoch FROM until - now()))::int AS seconds FROM throttles WHERE key = %s", (key,)
    ).fetchone()
    return max(1, int(left["seconds"] or 1)) if left else 1


def _account(name: str) -> str:
    return "account:" + hashlib.sha256(name.strip().lower().encode("utf-8", "replace")).hexdigest()[:32]


def _address(text: str) -> str:
    """One line of a household or an office; an IPv6 customer has a whole /64."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "address:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)).network_address
    return "address:" + hashlib.sha256(address.packed).hexdigest()[:32]
