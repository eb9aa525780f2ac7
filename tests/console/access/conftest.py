"""A console with real people at it; passwords, links, tokens and the rows behind them."""

import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import psycopg
import pytest
from pages import visitor
from signing_in import PASSWORD
from starlette.testclient import TestClient

from console.access import links, passwords, users
from console.app import console_app
from counterfoil import database, queue
from counterfoil.settings import settings

__all__ = ["visitor"]


@pytest.fixture(scope="module")
def shared(postgres: str, template: str) -> Iterator[str]:
    """One database for all tests of a file: making one takes longer than most of them."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield postgres.replace("/postgres?", f"/{name}?")
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def database_url(shared: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database in which nobody may sign in yet; settings point at it. The audit of the tests before stays."""
    monkeypatch.setenv("DATABASE_URL", shared)
    _refresh()
    yield shared
    _refresh()
    with psycopg.connect(shared, autocommit=True) as admin:
        admin.execute("DELETE FROM provider_visits; DELETE FROM sign_in_links; DELETE FROM sessions")
        admin.execute("DELETE FROM throttles; DELETE FROM api_tokens; DELETE FROM users")


@lru_cache
def _kept(password: str) -> str:
    """Slow work, done once."""
    return passwords.hash_of(password)


def _refresh() -> None:
    database.forget()
    queue.forget()
    settings.cache_clear()


class Browser:
    """A browser of somebody who is not signed in, with a jar for cookies, at the real application."""

    def __init__(self, **headers: str) -> None:
        self.client = TestClient(console_app(), follow_redirects=False, headers=headers, raise_server_exceptions=True)

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data=fields)

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post("/sign-in", name=name, password=password, **more)

    @property
    def is_signed_in(self) -> bool:
        return bool(self.get("/account").status_code == 200)


@pytest.fixture
def browser(database_url: str) -> Iterator[Callable[..., Browser]]:
    """Makes browsers."""
    made: list[Browser] = []

    def make(**headers: str) -> Browser:
        made.append(Browser(**headers))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


@pytest.fixture
def account(database_url: str) -> Callable[..., dict[str, Any]]:
    """Makes users as an administrator does; with a password unless it is None."""

    def make(name: str = "fiona", *grants: str, password: str | None = PASSWORD) -> dict[str, Any]:
        with database.transaction() as conn:
            user = users.add(conn, "test", name=name, email=f"{name}@example.com", grants=grants or ("owner",))
            token = links.make(conn, "test", user)
            if password is not None:
                kept = _kept(password)
                conn.execute("UPDATE users SET password_hash = %s WHERE id = %s", (kept, user["id"]))
        return {**user, "link": token}

    return make
