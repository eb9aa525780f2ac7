"""A console with real people at it; passwords, links, tokens and the rows behind them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pages import Visitor, visitor
from starlette.testclient import TestClient

from console.access import links, users
from console.app import console_app
from counterfoil import database

__all__ = ["visitor"]

PASSWORD = "ledger harbour oak"


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
            from console.access import entering

            entering.by_link(token, password)
        return {**user, "link": token}

    return make
