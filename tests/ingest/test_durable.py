"""A commit that a power cut may take back is no commit: in production such a Postgres opens no door."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from counterfoil.ledger.link import NotDurable, open_link


@pytest.fixture
def without_fsync(postgres: str) -> Iterator[None]:
    """The server as nobody should run it."""
    with psycopg.connect(postgres, autocommit=True) as admin:

        def become(setting: str) -> None:
            admin.execute("ALTER SYSTEM RESET fsync" if setting == "on" else "ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
            for _ in range(200):
                with psycopg.connect(postgres) as fresh:
                    row = fresh.execute("SELECT current_setting('fsync')").fetchone()
                if row == (setting,):
                    return
                admin.execute("SELECT pg_sleep(0.02)")
            raise AssertionError(f"fsync did not become {setting}")

        become("off")
        yield
        become("on")


def _open(url: str, *, must_be_durable: bool) -> None:
    async def once() -> None:
        link = await open_link(url, connect_seconds=5, statement_seconds=5, must_be_durable=must_be_durable)
        link.connection.terminate()

    asyncio.run(once())


def test_without_fsync_no_door_opens_in_production(database_url: str, without_fsync: None) -> None:
    """P1: a 2xx would promise what this server does not keep. A developer's machine may have it faster."""
    with pytest.raises(NotDurable, match="fsync"):
        _open(database_url, must_be_durable=True)
    _open(database_url, must_be_durable=False)


def test_with_fsync_it_opens(database_url: str) -> None:
    """Otherwise the test above would prove nothing."""
    _open(database_url, must_be_durable=True)
