"""Whose address a guess counts against, behind proxies; and that no stranger's guesses keep anybody out for ever."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from console.access import sessions, throttle, whence
from counterfoil import database
from counterfoil.settings import Settings, settings

EDGE, INNER, VISITOR, LIAR = "172.16.4.2", "10.1.1.1", "203.0.113.7", "198.51.100.66"


@pytest.mark.parametrize(
    ("peer", "sent", "address"),
    [
        # Nobody in between.
        (VISITOR, [], VISITOR),
        # Whoever is no proxy of ours says nothing about themselves that counts.
        (VISITOR, [LIAR], VISITOR),
        (EDGE, [VISITOR], VISITOR),
        # What the visitor wrote stands to the left of what the proxy saw.
        (EDGE, [f"{LIAR}, {VISITOR}"], VISITOR),
        (EDGE, [LIAR, VISITOR], VISITOR),
        (EDGE, [f"{LIAR}, {VISITOR}, {INNER}"], VISITOR),
        (EDGE, [f"{LIAR},{VISITOR}:50123 , {INNER}"], VISITOR),
        (EDGE, ["2001:db8::7"], "2001:db8::7"),
        (EDGE, ["[2001:db8::7]:443"], "2001:db8::7"),
        # The proxy did not say: all of them are the proxy.
        (EDGE, [], EDGE),
        (EDGE, [""], EDGE),
        (EDGE, [f"{VISITOR}, unknown"], EDGE),
        (EDGE, [f"{VISITOR}, unknown, {INNER}"], INNER),
        # Somebody inside our own network.
        (EDGE, [INNER], INNER),
        ("", [VISITOR], ""),
        ("::ffff:172.16.4.2", [VISITOR], VISITOR),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has_is_the_visitors(
    monkeypatch: pytest.MonkeyPatch, peer: str, sent: list[str], address: str
) -> None:
    """Read from the right, as far as we know who wrote it. Break it: take the first."""
    monkeypatch.setenv("COUNTERFOIL_TRUSTED_PROXIES", "172.16.0.0/12, 10.0.0.0/8")
    settings.cache_clear()
    raw = [(b"x-forwarded-for", one.encode()) for one in sent]
    assert whence.address(peer, Headers(raw=raw)) == address


@pytest.mark.parametrize(
    ("peer", "sent", "address"),
    [
        (EDGE, [VISITOR], VISITOR),
        (VISITOR, [LIAR], VISITOR),
        # A proxy that sets this header sets it once; two are somebody's attempt.
        (EDGE, [LIAR, VISITOR], EDGE),
        (EDGE, [f"{LIAR}, {VISITOR}"], EDGE),
        (EDGE, [], EDGE),
    ],
)
def test_a_header_of_the_proxys_own_is_believed_from_it_only(
    monkeypatch: pytest.MonkeyPatch, peer: str, sent: list[str], address: str
) -> None:
    """On Fly the last of `X-Forwarded-For` is the app's own address; `Fly-Client-IP` is the visitor's."""
    monkeypatch.setenv("COUNTERFOIL_TRUSTED_PROXIES", "172.16.0.0/12")
    monkeypatch.setenv("COUNTERFOIL_ADDRESS_HEADER", "Fly-Client-IP")
    settings.cache_clear()
    raw = [(b"fly-client-ip", one.encode()) for one in sent] + [(b"x-forwarded-for", b"192.0.2.1")]
    assert whence.address(peer, Headers(raw=raw)) == address


@pytest.mark.parametrize("wrong", ["nonsense", "10.0.0.0/33", "10.0.0.1/8", "proxy.example.com"])
def test_a_proxy_that_is_no_network_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """Said at the start, not at the first sign-in."""
    monkeypatch.setenv("COUNTERFOIL_TRUSTED_PROXIES", f"127.0.0.1, {wrong}")
    with pytest.raises(ValueError, match="COUNTERFOIL_TRUSTED_PROXIES"):
        Settings()


def test_a_guesser_behind_the_proxy_slows_nobody_else_down(stranger: httpx.Client) -> None:
    """The console's own listener, with a proxy on this machine: whatever a visitor writes, they are one visitor."""

    def guess(number: int, seen_by_the_proxy: str) -> int:
        forwarded = {"X-Forwarded-For": f"192.0.2.{number}, {seen_by_the_proxy}"}
        return stranger.post("/sign-in", data={"name": f"n{number}", "password": "x"}, headers=forwarded).status_code

    for number in range(throttle.ADDRESS.free):
        throttle.count(throttle.of_stranger(f"other{number}", LIAR))
    assert [guess(number, LIAR) for number in range(3)] == [422, 429, 429]
    assert guess(50, VISITOR) == 422


# --- Nobody is kept out


def _strangers_keep_guessing(name: str) -> None:
    """So that the next guess at this account, from anywhere, has to wait."""
    with database.transaction() as conn:
        conn.execute(
            "INSERT INTO throttles (key, failures, until) VALUES (%s, 40, now() + interval '15 min')",
            (throttle._account(name),),
        )


def test_a_browser_that_was_signed_in_before_is_not_kept_out(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Strangers' guesses at the account never reach it. Break it: count it with the strangers."""
    account("fiona")
    mine, new = browser(), browser()
    mine.sign_in("fiona")
    mine.post("/sign-out", csrf=_csrf(mine))
    _strangers_keep_guessing("fiona")
    assert new.sign_in("fiona").status_code == 429
    assert mine.sign_in("fiona").status_code == 303
    assert mine.is_signed_in
    assert new.sign_in("fiona").status_code == 429
    mine.post("/sign-out", csrf=_csrf(mine))
    assert mine.sign_in("fiona@example.com").status_code == 303


def test_a_browser_that_is_known_has_guesses_of_its_own_only(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Five, then it waits like everybody; and it is known for its own person, not for others."""
    account("fiona")
    account("marek")
    mine = browser()
    mine.sign_in("fiona")
    mine.post("/sign-out", csrf=_csrf(mine))
    assert [mine.sign_in("fiona", "guess").status_code for _ in range(7)] == [422] * 6 + [429]
    _strangers_keep_guessing("marek")
    assert mine.sign_in("marek").status_code == 429


def test_what_makes_a_browser_known_opens_nothing_and_ends(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Out of reach for scripts, kept as a hash, for three months; a forged one is a stranger's."""
    account("fiona")
    mine = browser()
    answer = mine.sign_in("fiona")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if "counterfoil_known=" in one)
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    token = mine.client.cookies["counterfoil_known"]
    with database.transaction() as conn:
        row = conn.execute("SELECT b::text AS row FROM known_browsers b").fetchone()
        assert row is not None
        assert token not in row["row"]
    thief = browser()
    thief.client.cookies.set("counterfoil_known", token)
    assert not thief.is_signed_in
    _strangers_keep_guessing("fiona")
    for forged in (token[:-1], "x" * 500, ""):
        other = browser()
        other.client.cookies.set("counterfoil_known", forged)
        assert other.sign_in("fiona").status_code == 429
    with database.transaction() as conn:
        conn.execute("UPDATE known_browsers SET expires_at = now()")
    mine.post("/sign-out", csrf=_csrf(mine))
    assert mine.sign_in("fiona").status_code == 429


def test_who_is_signed_in_proves_it_again_whatever_strangers_do(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """An approval does not wait because somebody elsewhere guesses; another password neither."""
    account("fiona")
    mine = browser()
    mine.sign_in("fiona")
    _strangers_keep_guessing("fiona")
    assert mine.post("/sign-in/again", csrf=_csrf(mine), password="ledger harbour oak", next="/").status_code == 303
    new = {"password": "quiet meadow lamp", "again": "quiet meadow lamp"}
    assert mine.post("/account/password", csrf=_csrf(mine), old="ledger harbour oak", **new).status_code == 303


def test_a_link_lets_in_whoever_is_new_while_strangers_guess(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """The way in for somebody with a new machine; from then on that machine is known."""
    user = account("fiona")
    _strangers_keep_guessing("fiona")
    new = browser()
    choose = {"password": "quiet meadow lamp", "again": "quiet meadow lamp"}
    assert new.post(f"/sign-in/link/{user['link']}", **choose).status_code == 303
    new.post("/sign-out", csrf=_csrf(new))
    assert new.sign_in("fiona", "quiet meadow lamp").status_code == 303


def _csrf(browser: Any) -> str:
    return sessions.csrf_of(browser.client.cookies["counterfoil"])
