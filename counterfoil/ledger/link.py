"""The door's one connection: opened only where a commit means that the event will still be there tomorrow. asyncpg.

Everything else talks to Postgres through `counterfoil.database`.
"""

import asyncio
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from counterfoil.ledger.record import AGAIN, RECORD

#: Parameters of a Postgres URL that only libpq knows; asyncpg would pass them to the server, which refuses them.
LIBPQ_ONLY = frozenset(
    (
        *("channel_binding", "connect_timeout", "gssencmode", "hostaddr", "load_balance_hosts", "require_auth"),
        *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout"),
    )
)


class NotDurable(Exception):
    """This Postgres would acknowledge commits that it may forget."""


class Link(NamedTuple):
    """The connection and its two statements, parsed and planned."""

    connection: asyncpg.Connection
    record: Any  #: asyncpg's PreparedStatement of `RECORD`
    again: Any  #: and of `AGAIN`

    @property
    def is_lost(self) -> bool:
        """Whether the connection is known to be gone."""
        return bool(self.connection.is_closed())


def dsn(url: str) -> str:
    """The URL without what asyncpg does not understand."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in LIBPQ_ONLY]
    return urlunsplit(parts._replace(query=urlencode(query)))


# One round trip. A waiting statement must end on the server too, or an impatient door would pile up sessions there.
_SETTLE = """
SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),
       set_config('timezone', 'UTC', false), set_config('jit', 'off', false),
       -- A plan made while the tables are young is kept: by row, it would read all of them for ever.
       set_config('enable_seqscan', 'off', false),
       CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END,
       current_setting('fsync') = 'on' AS fsync,
       pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only
"""


async def open_link(url: str, *, connect_seconds: float, statement_seconds: float, must_be_durable: bool) -> Link:
    """Connect, make sure of durability and prepare the statements; that they can be prepared proves the schema.

    Raises: NotDurable, or whatever the attempt ran into.
    """
    async with asyncio.timeout(connect_seconds):
        connection = await asyncpg.connect(dsn(url), server_settings={"application_name": "counterfoil door"})
        try:
            # Before the query, because the driver leaves a prepared statement's locks to the next round trip: a
            # resting door would stand in the way of every migration.
            record = await connection.prepare(RECORD)
            again = await connection.prepare(AGAIN)
            row = await connection.fetchrow(_SETTLE, str(int(statement_seconds * 1000)))
            if row["read_only"]:
                raise NotDurable("this Postgres takes no writes (a standby, or read-only)")
            if must_be_durable and not row["fsync"]:
                raise NotDurable("fsync is off: a power cut would take recorded events with it")
            return Link(connection, record, again)
        except BaseException:
            connection.terminate()
            raise


async def probe(link: Link, timeout_seconds: float) -> bool:
    """Whether this connection could commit a write now."""
    return not await link.connection.fetchval("SELECT pg_is_in_recovery()", timeout=timeout_seconds)
