"""What slows guessing down: per account and per address, longer each time.

A guess is counted before it is looked at, so that a hundred at once are a hundred. Accounts that do not exist are
counted like those that do. A browser in which somebody signed in before, and a session, have a count of their own:
whoever guesses elsewhere cannot keep them out.
"""

import hashlib
import ipaddress
from typing import Final, NamedTuple
from uuid import UUID

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


class Counted(NamedTuple):
    """What a guess counts against."""

    #: In this order always: two requests never wait for each other.
    keys: tuple[tuple[str, Pace], ...]


def of_stranger(account: str, address: str) -> Counted:
    """Of whoever tries a name, from anywhere."""
    return Counted(((_address(address), ADDRESS), (_account(account), ACCOUNT)))


def of_browser(known: str) -> Counted:
    """Of a browser that is known for the person it tries."""
    return Counted(((_hashed("browser:", known.encode("utf-8", "replace")), ACCOUNT),))


def of_session(session_id: UUID) -> Counted:
    """Of whoever sits in front of a session."""
    return Counted(((_hashed("session:", session_id.bytes), ACCOUNT),))


def count(guess: Counted) -> None:
    """Count one guess. Raises: TooMany when it is not to be looked at."""
    with database.transaction() as conn:
        waits = [_counted(conn, key, pace) for key, pace in guess.keys]
    wait = max(waits)
    if wait > 0:
        raise TooMany(f"too many attempts: wait {wait} s, then try again", headers={"Retry-After": str(wait)})


def forgive(guess: Counted) -> None:
    """The guess was right. An address has one guess less: whoever has an account may guess at others from there."""
    with database.transaction() as conn:
        for key, pace in guess.keys:
            if pace is ADDRESS:
                conn.execute(
                    "UPDATE throttles SET failures = greatest(failures - 1, 0), until = NULL WHERE key = %s", (key,)
                )
            else:
                conn.execute("DELETE FROM throttles WHERE key = %s", (key,))


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
    return _hashed("account:", name.strip().lower().encode("utf-8", "replace"))


def _address(text: str) -> str:
    """One line of a household or an office; an IPv6 customer has a whole /64."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return _hashed("address:", text.encode("utf-8", "replace"))
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)).network_address
    return _hashed("address:", address.packed)


def _hashed(kind: str, what: bytes) -> str:
    return kind + hashlib.sha256(what).hexdigest()[:32]
