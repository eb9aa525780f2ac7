"""API tokens: shown once, bounded in rights, in place, in time, and in whose name."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from signing_in import set_
from starlette.testclient import TestClient

from console.access import links, rights, sessions, tokens, users
from console.api.route import PREFIX
from console.app import console_app
from console.problems import Conflict, NotAcceptable, NotFound
from counterfoil import database
from counterfoil.settings import settings


@pytest.fixture
def ask(database_url: str) -> Iterator[Callable[..., Any]]:
    """`ask(token, "/events")`: the API, as a program asks it."""
    with TestClient(console_app()) as client:

        def call(token: str, path: str, method: str = "GET", **more: Any) -> Any:
            headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
            return client.request(method, PREFIX + path, headers=headers, **more)

        yield call


def a_token(*scopes: str, name: str = "script", owner: str | None = None, days: int = 90) -> str:
    """A new one, as the command makes it."""
    with database.transaction() as conn:
        return tokens.make(conn, "test", name=name, scopes=scopes, owner=owner, days=days).text


def last(action: str) -> Any:
    """The newest entry of the audit of that kind."""
    with database.transaction() as conn:
        return conn.execute(
            "SELECT actor, subject, detail FROM audit_entries WHERE action = %s ORDER BY seq DESC LIMIT 1", (action,)
        ).fetchone()


def test_a_token_is_known_by_its_hash_only(ask: Callable[..., Any]) -> None:
    """Shown once; nothing in the database lets anybody in."""
    text = a_token("look")
    assert text.startswith("cf_")
    assert ask(text, "/events").status_code == 200
    with database.transaction() as conn:
        row = conn.execute("SELECT t::text AS row, token_hash FROM api_tokens t").fetchone()
    assert row is not None
    assert text not in row["row"]
    for wrong in (text[:-1], text + "x", "cf_", bytes(row["token_hash"]).hex(), "cf_" + bytes(row["token_hash"]).hex()):
        assert ask(wrong, "/events").status_code == 401


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE api_tokens SET expires_at = now() - interval '1 s'",
        "UPDATE api_tokens SET revoked_at = now()",
        "UPDATE users SET disabled_at = now()",
    ],
)
def test_a_token_that_has_ended_opens_nothing(ask: Callable[..., Any], account: Callable[..., Any], ended: str) -> None:
    """By the clock, by hand, or with its person."""
    account("fiona", password=None)
    text = a_token("look", owner="fiona")
    assert ask(text, "/events").status_code == 200
    set_(ended)
    assert ask(text, "/events").status_code == 401


def test_what_ended_with_a_person_stays_ended(ask: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Disabled and let in again: no token, session or link of before opens anything; a new token does; all is told.

    Break it: let disabling leave the tokens to the check of who is disabled.
    """
    fiona = account("fiona", password=None)
    text, others = a_token("look", owner="fiona"), a_token("look", name="robot")
    with database.transaction() as conn:
        session, link = sessions.begin(conn, fiona["id"]), links.make(conn, "test", users.get(conn, "fiona"))
        users.disable(conn, "ada", "fiona", "left the company")
        users.enable(conn, "ada", "fiona")
        with pytest.raises(NotFound):
            links.find(conn, link)
        assert {one["name"]: one["state"] for one in tokens.every(conn)} == {"script": "revoked", "robot": "valid"}
    assert sessions.find(session) is None
    assert ask(text, "/events").status_code == 401
    assert ask(others, "/events").status_code == 200
    assert ask(a_token("look", name="anew", owner="fiona"), "/events").status_code == 200
    entry = last("token.revoked")
    assert (entry["actor"], entry["subject"], "left the company" in entry["detail"]) == ("ada", "token:script", True)


def test_no_token_is_made_while_its_person_is_being_disabled(account: Callable[..., Any]) -> None:
    """One comes after the other: a token that was asked for meanwhile is refused."""
    account("fiona", password=None)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as conn:
            users.disable(conn, "ada", "fiona")
            made = pool.submit(a_token, "look", owner="fiona")
            with pytest.raises(TimeoutError):
                made.result(0.3)
        with pytest.raises(NotAcceptable, match="disabled"):
            made.result(10)


def test_a_token_may_what_it_says_and_never_more_than_its_person(
    ask: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Both must have the right: what the person loses, the token loses with them."""
    account("vera", "viewer", password=None)
    account("otto", "operator", password=None)
    by_name = {
        "bound": a_token("look", name="bound", owner="otto"),
        "wide": a_token("look", "act", name="wide", owner="vera"),
        "right": a_token("act", "look", name="right", owner="otto"),
    }
    pause = {
        "method": "POST",
        "path": "/cases/01a1fd7a-e2d8-7988-9f63-f692e65eb518/acknowledge",
        "json": {"reason": "x"},
    }
    answers = {name: ask(text, **pause).status_code for name, text in by_name.items()}
    assert answers == {"bound": 403, "wide": 403, "right": 404}
    with database.transaction() as conn:
        users.revoke(conn, "test", "otto", ["operator"])
    assert ask(by_name["right"], **pause).status_code == 403
    assert ask(by_name["right"], "/events").status_code == 403


def test_the_audit_names_the_token_or_its_person(ask: Callable[..., Any], account: Callable[..., Any]) -> None:
    """A program has a name of its own that no person can have; and nobody names somebody else through a token."""
    account("otto", "operator", "owner", password=None)
    nobodys, ottos = a_token("owner", name="robot"), a_token("owner", name="ottos", owner="otto")
    pause = {"method": "POST", "path": "/pauses"}
    for text, name, actor in ((nobodys, "stripe", "token:robot"), (ottos, "hubspot", "otto")):
        body = {"scope": "destination", "name": name, "reason": "test"}
        refused = ask(text, **pause, json=body, headers={"X-Counterfoil-Actor": "fiona"})
        assert refused.status_code == 400
        assert "setup token only" in refused.json()["detail"]
        made = ask(text, **pause, json=body)
        assert (made.status_code, made.json()["paused_by"]) == (200, actor)
        set_("DELETE FROM pauses")


def test_only_people_approve(account: Callable[..., Any], database_url: str) -> None:
    """P8: a token without a person cannot have the right, by whatever name it is asked for."""
    for scope in ("approve", "approver", "approver@stripe", "approve:invoice_paid"):
        with pytest.raises(NotAcceptable, match="only people approve"):
            a_token(scope)
    account("marek", "approver", password=None)
    assert a_token("approve", owner="marek")


def test_only_people_edit_what_people_approve(ask: Callable[..., Any], account: Callable[..., Any]) -> None:
    """P8: nobody edits by a token that is nobody's, and approves that with their own name."""
    account("marek", "operator", password=None)
    of_nobody, of_marek = a_token("act"), a_token("act", name="mareks", owner="marek")
    content = {"source": "nowhere", "types": ["invoice.paid"], "when": {"a": "b", "c": None}, "set": {"c": "d"}}
    for path, body in (
        ("/cases/01a1fd7a-e2d8-7988-9f63-f692e65eb518/edit", {"payload": {"a": 1}, "reason": "mended"}),
        ("/fixes", {**content, "reason": "for all of them"}),
    ):
        refused = ask(of_nobody, path, "POST", json=body)
        assert (refused.status_code, "belongs to a user" in refused.text) == (403, True), refused.text
        assert ask(of_marek, path, "POST", json=body).status_code in (404, 422)


@pytest.mark.parametrize(
    ("scopes", "days"),
    [((), 90), (("everything",), 90), (("look@",), 90), (("look",), 0), (("look",), 367), (("look; act",), 90)],
)
def test_a_token_without_bounds_is_not_made(database_url: str, scopes: tuple[str, ...], days: int) -> None:
    """Rights and an end are not optional."""
    with pytest.raises(NotAcceptable):
        a_token(*scopes, days=days)


def test_a_name_is_used_once(database_url: str) -> None:
    """The audit remembers what `token:export` did; another token of that name would blur it."""
    a_token("look", name="export")
    with database.transaction() as conn:
        tokens.revoke(conn, "test", "export")
    with pytest.raises(Conflict):
        a_token("look", name="export")


def test_making_and_revoking_are_in_the_audit(database_url: str) -> None:
    """With what it may and until when; never with the token."""
    text = a_token("look", "act@stripe", name="one")
    entry = last("token.made")
    assert entry["subject"] == "token:one"
    assert '"act@stripe"' in entry["detail"]
    assert text[3:] not in entry["detail"]
    with database.transaction() as conn:
        tokens.revoke(conn, "rhea", "one")
    assert (last("token.revoked")["actor"], last("token.revoked")["subject"]) == ("rhea", "token:one")


def test_payloads_that_a_token_reads_are_in_the_audit(ask: Callable[..., Any], database_url: str) -> None:
    """`reveal` is a logged right; the setup token stands for the machine itself."""
    set_(
        "INSERT INTO events (id, source, provider, key, type, subject, status) VALUES"
        " ('01a1fd7a-e2d8-7988-9f63-f692e65eb518', 'stripe', 'stripe', 'evt_1', 'x', 's', 'ignored')"
    )
    set_("INSERT INTO payloads (event_id, version, body) VALUES ('01a1fd7a-e2d8-7988-9f63-f692e65eb518', 0, '{}')")
    path = "/events/01a1fd7a-e2d8-7988-9f63-f692e65eb518"
    assert ask(a_token("viewer", name="viewer"), f"{path}?reveal=true").status_code == 403
    assert ask(a_token("look", "reveal", name="reader"), f"{path}?reveal=true").status_code == 200
    entry = last("data.revealed")
    assert (entry["actor"], entry["subject"]) == ("token:reader", f"event:{path.removeprefix('/events/')}")
    set_("DELETE FROM payloads")
    set_("DELETE FROM events")


def test_the_setup_token_has_all_rights_and_may_be_taken_away(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored tokens go on without it."""
    stored = a_token("look")
    monkeypatch.setenv("COUNTERFOIL_API_TOKEN", "for-setting-up")
    settings.cache_clear()
    assert set(rights.ALL.rights) == set(rights.RIGHTS)
    assert ask("for-setting-up", "/events").status_code == 200
    monkeypatch.delenv("COUNTERFOIL_API_TOKEN")
    settings.cache_clear()
    assert ask("for-setting-up", "/events").status_code == 401
    assert ask(stored, "/events").status_code == 200
