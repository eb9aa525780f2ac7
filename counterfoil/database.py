"""The one way to the database: its URL, connections for SQL, sessions for looking, and migrations."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from counterfoil import clock, embedded
from counterfoil.settings import settings

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool
    from sqlalchemy import Engine

#: A connection whose rows are dicts; what `ledger`, `cases` and the destinations work on.
Connection = psycopg.Connection[dict[str, Any]]

MIGRATIONS = Path(__file__).parent / "migrations"

#: A statement that takes longer than this is a fault, not patience (milliseconds).
STATEMENT_TIMEOUT_MS = 30_000
#: A loop's transaction never waits for anything but Postgres. One that does belongs to a process that stands still, and
#: its locks would hold up everybody (milliseconds; shorter than the takeover of a crashed worker's events may take).
IDLE_IN_TRANSACTION_MS = 5_000
#: A person's request may pause while an export is read; a frozen process must not hold its locks for ever.
IDLE_IN_REQUEST_MS = 60_000
#: For every connection. Compiling a plan pays for reports of minutes; our statements take milliseconds.
SESSION = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC -c jit=off"
#: A loop's connection keeps a plan for so long. One that was made while a table was empty reads all of it each time,
#: for as long as the connection lives or until somebody analyses the table (measured: a third of Postgres' time).
PLANS_SECONDS = 2.0
#: How long a connection attempt may take (seconds); a hanging server must not hang us.
CONNECT_TIMEOUT_SECONDS = 3


@lru_cache(maxsize=1)
def url() -> str:
    """The Postgres URL of this process (`postgresql://…`); starts the embedded server when none is configured."""
    configured = settings().database_url
    if configured is None:
        return embedded.start(settings().home)
    text = configured.get_secret_value()
    # Some hosts still hand out the short scheme, which SQLAlchemy refuses.
    return text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text


def connect(*, autocommit: bool = False) -> Connection:
    """A connection of its own; loops keep theirs in a `Kept`."""
    return psycopg.connect(
        url(),
        autocommit=autocommit,
        row_factory=dict_row,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        options=f"{SESSION} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}",
        application_name="counterfoil",
    )


class Kept:
    """The connection of one loop or thread: made when it is needed, made anew when it broke.

    Its plans are made anew now and then, as tables grow; that also finds out that a server went away meanwhile.
    """

    def __init__(self, *, autocommit: bool = False, first: str | None = None) -> None:
        """`first`: a statement for each new connection."""
        self._autocommit = autocommit
        self._first = first
        self._conn: Connection | None = None
        self._plans_at = float("-inf")

    def get(self) -> Connection:
        """The connection, between transactions. Raises: psycopg.OperationalError while Postgres is away."""
        if self._conn is not None and clock.ticks_seconds() - self._plans_at > PLANS_SECONDS:
            self._renew(self._conn)
        if self._conn is None or self._conn.closed:
            self._conn = connect(autocommit=self._autocommit)
            if self._first is not None:
                self._conn.execute(self._first)
            self._plans_at = clock.ticks_seconds()
        return self._conn

    def drop(self) -> None:
        """Close it; the next one who asks gets a new one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _renew(self, conn: Connection) -> None:
        try:
            conn.execute("DISCARD PLANS")
            conn.commit()
            self._plans_at = clock.ticks_seconds()
        except psycopg.OperationalError:
            self.drop()


@contextmanager
def transacting(conn: Connection) -> Iterator[None]:
    """One transaction whose BEGIN and COMMIT the caller sends, together with other statements; undone when it fails."""
    assert conn.pgconn.transaction_status == TransactionStatus.IDLE, "Bug: this would end somebody else's transaction"
    try:
        yield
    finally:
        if not conn.closed:
            conn.rollback()  # nothing, after a COMMIT


@contextmanager
def together(conn: Connection) -> Iterator[None]:
    """Statements that travel together; only fetched rows are waited for.

    What a statement has against its rows comes up at the next fetch or at the end. Measured on five small statements:
    a quarter of the time and of Postgres' CPU, less than half of ours. Nothing slow in between: Postgres takes whoever
    pauses here for busy, and `IDLE_IN_TRANSACTION_MS` does not hold.

    Raises: the first statement's error.
    """
    try:
        with conn.pipeline() as pipeline:
            try:
                yield
            except BaseException:
                with suppress(psycopg.Error):  # what could not follow has nothing to add
                    pipeline.sync()
                raise
    except psycopg.errors.PipelineAborted as failed:
        raise _first(failed) from None


def _first(failed: BaseException) -> BaseException:
    """What failed, where the driver names only what could not follow it."""
    while isinstance(failed, psycopg.errors.PipelineAborted) and failed.__context__ is not None:
        failed = failed.__context__
    return failed


@lru_cache(maxsize=1)
def pool() -> "ConnectionPool[Connection]":
    """Connections for request handlers and commands; opened at first use."""
    from psycopg_pool import ConnectionPool

    return ConnectionPool(
        url(),
        min_size=0,
        max_size=10,
        timeout=CONNECT_TIMEOUT_SECONDS,
        kwargs={
            "row_factory": dict_row,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": f"{SESSION} -c idle_in_transaction_session_timeout={IDLE_IN_REQUEST_MS}",
            "application_name": "counterfoil",
        },
        open=True,
        check=ConnectionPool.check_connection,
    )


@contextmanager
def transaction() -> Iterator[Connection]:
    """A pooled connection inside one transaction: committed at the end, rolled back on an exception."""
    with pool().connection() as connection:
        yield connection


@lru_cache(maxsize=1)
def engine() -> "Engine":
    """SQLAlchemy's engine over the same database, for SQLModel sessions that look (console/queries)."""
    from sqlalchemy import create_engine

    return create_engine(
        url().replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=10,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "options": SESSION,
        },
    )


def migrate(target: str = "head") -> None:
    """Bring the schema to `target`. Safe to run from several processes at once: the first one works, the rest wait."""
    from alembic import command

    command.upgrade(alembic_config(), target)


def alembic_config() -> Any:
    """Alembic's configuration, without a file of its own."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def schema_is_current() -> bool:
    """Whether the database carries the newest migration of this code."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with connect(autocommit=True) as connection:
        table = connection.execute("SELECT to_regclass('alembic_version') AS name").fetchone()
        if table is None or table["name"] is None:
            return False
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row is not None and row["version_num"] == head


def forget() -> None:
    """Drop every cached connection and URL; for tests that switch databases."""
    if pool.cache_info().currsize:
        pool().close()
    if engine.cache_info().currsize:
        engine().dispose()
    pool.cache_clear()
    engine.cache_clear()
    url.cache_clear()
