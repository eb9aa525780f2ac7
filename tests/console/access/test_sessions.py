"""Staying in and going out: what a session is, what ends it, and where its cookie goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from signing_in import set_

from console.access import sessions
from console.pages import render, serve
from counterfoil import database
from counterfoil.settings import settings


def test_a_session_ends_by_silence_and_by_the_clock(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Half an hour without a request; eight hours in any case. Looking keeps it alive."""
    account("fiona")
    for end in (
        "UPDATE sessions SET last_seen_at = now() - interval '31 min'",
        "UPDATE sessions SET expires_at = now() - interval '1 s'",
        "UPDATE users SET disabled_at = now()",  # by hand, so that no code ends the session beside it
    ):
        one = browser()
        one.sign_in("fiona")
        set_("UPDATE sessions SET last_seen_at = now() - interval '29 min'")
        assert one.is_signed_in
        with database.transaction() as conn:
            row = conn.execute(
                "SELECT now() - max(last_seen_at) < interval '1 min' AS seen,"
                " max(expires_at) - now() < interval '8 h 1 s' AS whole FROM sessions"
            ).fetchone()
        assert row == {"seen": True, "whole": True}
        set_(end)
        assert not one.is_signed_in
        account_page = one.get("/account")
        assert account_page.headers["location"] == "/sign-in?next=%2Faccount"


def test_a_page_that_looks_again_by_itself_keeps_nobody_signed_in(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """A desk that is left open on the screen asks for news every few seconds; nobody has to sit there for it."""
    account("fiona")
    one = browser()
    one.sign_in("fiona")
    set_("UPDATE sessions SET last_seen_at = now() - interval '29 minutes'")
    assert one.client.get("/", headers={serve.LIVE: "1"}).status_code == 200
    set_("UPDATE sessions SET last_seen_at = last_seen_at - interval '2 minutes'")
    assert one.client.get("/", headers={serve.LIVE: "1"}).headers["location"].startswith("/sign-in")
    assert not one.is_signed_in
    [script] = [content.decode() for name, (_, content) in render.files().items() if name.endswith(".js")]
    assert all(serve.LIVE in call.lower() for call in re.findall(r"fetch\(.*", script))


def test_signing_out_ends_the_session_wherever_a_copy_of_the_cookie_is(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Not only the browser forgets."""
    account("fiona")
    one, copy = browser(), browser()
    one.sign_in("fiona")
    token = one.client.cookies["counterfoil"]
    copy.client.cookies.set("counterfoil", token)
    assert one.post("/sign-out", csrf="made up").status_code == 403
    assert copy.is_signed_in
    assert one.post("/sign-out", csrf=sessions.csrf_of(token)).headers["location"] == "/sign-in"
    assert "counterfoil" not in one.client.cookies
    assert not copy.is_signed_in


def test_signing_out_everywhere_ends_all_of_one_person_and_of_no_other(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Of mine on every machine; not those of others."""
    account("fiona")
    account("marek")
    mine, elsewhere, other = browser(), browser(), browser()
    mine.sign_in("fiona")
    elsewhere.sign_in("fiona")
    other.sign_in("marek")
    mine.post("/sign-out", csrf=sessions.csrf_of(mine.client.cookies["counterfoil"]), everywhere="1")
    assert [one.is_signed_in for one in (mine, elsewhere, other)] == [False, False, True]


def test_each_sign_in_has_a_token_of_its_own_that_nobody_could_set(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """A cookie that was planted before signs nobody in (session fixation); the row holds no token."""
    account("fiona")
    one = browser()
    one.client.cookies.set("counterfoil", "planted-by-somebody")
    one.sign_in("fiona")
    token = one.client.cookies.get("counterfoil", domain="testserver.local") or one.client.cookies["counterfoil"]
    assert token != "planted-by-somebody"
    assert len(token) >= 43
    with database.transaction() as conn:
        rows = conn.execute("SELECT s::text AS text FROM sessions s").fetchall()
    assert rows
    assert not any(token in row["text"] for row in rows)
    assert sessions.find("planted-by-somebody") is None


def test_the_cookie_is_out_of_reach(
    browser: Callable[..., Any], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`__Host-`, Secure, HttpOnly, SameSite, for this whole host and no other; without TLS only outside production."""
    account("fiona")
    cookie = browser().sign_in("fiona").headers["set-cookie"]
    assert cookie.startswith("counterfoil=")
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    cookies = browser().sign_in("fiona").headers.get_list("set-cookie")
    assert [one.partition("=")[0] for one in cookies] == ["__Host-counterfoil", "__Host-counterfoil_known"]
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]} - {"max-age=7776000"}
        assert attributes == {"secure", "httponly", "samesite=lax", "path=/"}


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/cases?status=open", "/cases?status=open"),
        ("//evil.example.com", "/"),
        ("https://evil.example.com", "/"),
        ("/\\evil.example.com", "/"),
        ("/\tx", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-out", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_goes_to_a_page_of_ours(
    browser: Callable[..., Any], account: Callable[..., Any], asked: str, goes: str
) -> None:
    """No address of anybody else's, however it is written."""
    account("fiona")
    assert browser().sign_in("fiona", next=asked).headers["location"] == goes


def test_a_sign_in_form_from_elsewhere_signs_nobody_in(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Else a stranger could make a person work in the stranger's account."""
    account("fiona")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.com"}):
        one = browser(**headers)
        assert one.sign_in("fiona").status_code == 403
