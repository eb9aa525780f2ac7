"""People and tokens through the API: who is in, and shutting out; letting in is for people."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.access import sessions, tokens
from console.api.route import PREFIX
from console.api.routes import ROUTES
from console.app import console_app
from counterfoil import database


@pytest.fixture
def ask(database_url: str, account: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """`ask("/tokens")`: the API, as a watching program of an administrator's asks it."""
    account("rhea", "admin", password=None)
    with database.transaction() as conn:
        token = tokens.make(conn, "test", name="watcher", scopes=["administer"], owner="rhea").text
    with TestClient(console_app()) as client:

        def call(path: str, **body: Any) -> Any:
            return client.request(
                "POST" if body else "GET",
                PREFIX + path,
                headers={"Authorization": f"Bearer {token}"},
                json=body or None,
            )

        yield call


def last(action: str) -> Any:
    """The newest entry of the audit of that kind."""
    with database.transaction() as conn:
        return conn.execute(
            "SELECT actor, subject, detail FROM audit_entries WHERE action = %s ORDER BY seq DESC LIMIT 1", (action,)
        ).fetchone()


def test_everybody_and_every_token_are_listed_without_their_secrets(
    ask: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Names, roles, states and times; no address of anybody, for an administrator sees no personal data."""
    account("fiona", "owner", "approver@stripe")
    people, every_token = ask("/people"), ask("/tokens")
    assert {one["name"]: one["grants"] for one in people.json()["items"]} == {
        "fiona": ["owner", "approver@stripe"],
        "rhea": ["admin"],
    }
    (one,) = every_token.json()["items"]
    assert (one["name"], one["user_name"], one["state"], one["scopes"]) == ("watcher", "rhea", "valid", ["administer"])
    for text in (people.text, every_token.text):
        assert "argon2" not in text
        assert "hash" not in text
        assert "@example.com" not in text


def test_a_leaked_token_is_revoked_by_a_program(ask: Callable[..., Any], account: Callable[..., Any]) -> None:
    """With the reason in the audit; once."""
    with database.transaction() as conn:
        leaked = tokens.make(conn, "test", name="leaked", scopes=["look"]).text
    answer = ask("/tokens/leaked/revoke", reason="found in a public repository")
    assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
    with database.transaction() as conn:
        assert tokens.find(conn, leaked) is None
    entry = last("token.revoked")
    assert (entry["actor"], entry["subject"]) == ("rhea", "token:leaked")
    assert "found in a public repository" in entry["detail"]
    assert ask("/tokens/leaked/revoke", reason="again").status_code == 409
    assert ask("/tokens/nobodys/revoke", reason="x").status_code == 404
    assert ask("/tokens/watcher/revoke", nothing=1).status_code == 400


def test_somebody_is_shut_out_by_a_program(ask: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Everywhere at once; not by themselves, and not twice."""
    user = account("fiona", "owner")
    with database.transaction() as conn:
        session = sessions.begin(conn, user["id"])
    answer = ask("/people/fiona/off", reason="left the company")
    assert (answer.status_code, answer.json()["disabled_at"] is not None) == (200, True), answer.text
    assert sessions.find(session) is None
    assert "left the company" in last("user.disabled")["detail"]
    assert ask("/people/fiona/off", reason="again").status_code == 409
    assert ask("/people/rhea/off", reason="me").status_code == 422
    assert ask("/people/nobody/off", reason="x").status_code == 404


def test_no_route_lets_anybody_in() -> None:
    """A stolen token makes no other way in: what it can change with `administer` takes away."""
    changes = {route.path for route in ROUTES if route.right == "administer" and route.changes}
    assert changes == {"/people/{name}/off", "/tokens/{name}/revoke"}
