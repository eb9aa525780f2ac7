"""Signing in with an identity provider that is real, strict, and sometimes lies."""

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from oidc_provider import CLIENT, SECRET, Provider, an_identity_provider

from console.access import provider as ours
from console.access import users
from counterfoil import database
from counterfoil.settings import settings

CONSOLE = "http://console.example.com"
#: What a browser reaches the provider with.
NETWORK = httpx.Client(trust_env=False, verify=False)


@pytest.fixture(scope="module")
def listening() -> Iterator[Provider]:
    with an_identity_provider() as found:
        yield found


@pytest.fixture
def idp(listening: Provider, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A well-behaved provider that the settings name; vera is known there."""
    monkeypatch.setenv("COUNTERFOIL_OIDC_ISSUER", listening.issuer)
    monkeypatch.setenv("COUNTERFOIL_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("COUNTERFOIL_OIDC_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("COUNTERFOIL_CONSOLE_URL", CONSOLE)
    settings.cache_clear()
    ours.forget()
    listening.wrong, listening.signature, listening.refuses = {}, "theirs", False
    listening.says_it_is, listening.auth_age_seconds = None, 0
    listening.is_now("vera@example.com")
    yield listening
    ours.forget()


def callback(browser: Any, path: str = "/sign-in/oidc") -> str:
    """Go to the provider, and stop with the address that it sends the browser back to."""
    there = browser.get(path)
    assert there.status_code == 303, there.text
    back = NETWORK.get(there.headers["location"]).headers["location"]
    assert back.startswith(f"{CONSOLE}/sign-in/oidc/callback?")
    return back.removeprefix(CONSOLE)


def journey(browser: Any, path: str = "/sign-in/oidc") -> Any:
    """There and back."""
    return browser.get(callback(browser, path))


def test_somebody_who_is_known_by_their_verified_address_comes_in(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """And goes on to where they wanted to go; the next time they are known by what the provider calls them."""
    account("vera", "viewer", password=None)
    one = browser()
    assert "Continue with your company" in one.get("/sign-in").text
    done = journey(one, "/sign-in/oidc?next=/account")
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert "vera@example.com" in one.get("/account").text
    idp.is_now("vera.after.her.wedding@example.com", subject="sub-vera@example.com")
    again = browser()
    journey(again)
    assert again.is_signed_in


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"nonce": "of-somebody-else"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": ["another-client"]}, "aud"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "azp"),
        ({"iss": "http://127.0.0.1:1"}, "iss"),
        ({"exp": 1_700_000_000}, "xpired"),
        ({"exp": None}, "exp"),
        ({"iat": 4_000_000_000}, "not now"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, ""),
        ({"sub": 7}, "sub"),
        ({"email_verified": False}, "verified"),
        ({"email_verified": "true"}, "verified"),
        ({"email_verified": None}, "verified"),
        ({"email": "stranger@example.com"}, "administrator"),
    ],
    ids=str,
)
def test_an_answer_that_is_not_for_us_now_lets_nobody_in(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any], wrong: dict[str, Any], why: str
) -> None:
    """Break it: drop any check of `provider._believed` or of `oidc._user`."""
    account("vera", "viewer", password=None)
    idp.wrong = wrong
    one = browser()
    answer = journey(one)
    assert (answer.status_code, one.is_signed_in) == (422, False)
    assert why in answer.text


@pytest.mark.parametrize("signature", ["none", "foreign", "shared"])
def test_a_signature_that_is_not_the_providers_lets_nobody_in(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any], signature: str
) -> None:
    """Unsigned, signed by somebody else, or with a secret that we share: any of them could be written by anybody."""
    account("vera", "viewer", password=None)
    idp.signature = signature
    one = browser()
    answer = journey(one)
    assert (answer.status_code, one.is_signed_in) == (422, False)
    assert "not signed with a key of theirs" in answer.text


def test_a_new_key_of_the_provider_is_found_without_a_restart(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are rolled; a token with one that we do not know makes us look again, but not at every stranger's wish."""
    account("vera", "viewer", password=None)
    journey(browser())
    idp.roll_key()
    early = browser()
    assert journey(early).status_code == 422
    monkeypatch.setattr(ours, "LOOK_AGAIN_SECONDS", 0.0)
    late = browser()
    journey(late)
    assert late.is_signed_in


def test_an_answer_belongs_to_the_browser_that_asked(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """A link with somebody else's code signs nobody in as them; the one who asked can still go on, once."""
    account("vera", "viewer", password=None)
    attacker, victim = browser(), browser()
    link = callback(attacker)
    victim.get("/sign-in/oidc")
    refused = victim.get(link)
    assert (refused.status_code, victim.is_signed_in) == (422, False)
    assert browser().get(link).status_code == 422
    attacker.get(link)
    assert attacker.is_signed_in
    assert browser().get(link).status_code == 422
    assert attacker.get(link).status_code == 422, "used"


def test_a_code_that_is_not_for_this_journey_is_refused(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """PKCE and nonce: a stolen code in a journey of one's own is worth nothing; so is a made-up one."""
    account("vera", "viewer", password=None)
    theirs = dict(parse_qsl(urlsplit(callback(browser())).query))
    for code in (theirs["code"], "made-up", ""):
        thief = browser()
        mine = dict(parse_qsl(urlsplit(callback(thief)).query))
        answer = thief.get(f"/sign-in/oidc/callback?{urlencode({**mine, 'code': code})}")
        assert (answer.status_code, thief.is_signed_in) == (422, False)


def test_another_provider_cannot_answer(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """RFC 9207: `iss` of the answer; and the metadata must be the issuer's own."""
    account("vera", "viewer", password=None)
    one = browser()
    mine = dict(parse_qsl(urlsplit(callback(one)).query))
    answer = one.get(f"/sign-in/oidc/callback?{urlencode({**mine, 'iss': 'https://evil.example.com'})}")
    assert (answer.status_code, one.is_signed_in) == (422, False)
    ours.forget()
    idp.says_it_is = "https://evil.example.com"
    assert browser().get("/sign-in/oidc").status_code == 503


def test_a_no_of_the_provider_is_a_no(idp: Provider, browser: Callable[..., Any]) -> None:
    """In words, not as an error of ours."""
    idp.refuses = True
    answer = journey(browser())
    assert answer.status_code == 422
    assert "did not sign you in" in answer.text


def test_an_address_that_changed_hands_opens_nothing(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Who came once is bound to what the provider calls them: the next owner of the address is somebody else."""
    account("vera", "viewer", password=None)
    journey(browser())
    idp.is_now("vera@example.com", subject="the-next-vera")
    one = browser()
    assert (journey(one).status_code, one.is_signed_in) == (422, False)


def test_who_is_disabled_here_stays_out(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Whatever the provider says."""
    account("vera", "viewer", password=None)
    with database.transaction() as conn:
        users.disable(conn, "test", "vera")
    one = browser()
    assert (journey(one).status_code, one.is_signed_in) == (422, False)


def test_newcomers_of_our_domain_become_viewers_and_nobody_else(
    idp: Provider, browser: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, rows: Any
) -> None:
    """Only where a domain is set; never under a name that the owners file gives to another address."""
    idp.is_now("nina@example.com", name="Nina New")
    assert journey(browser()).status_code == 422
    monkeypatch.setenv("COUNTERFOIL_OIDC_DOMAIN", "example.com")
    settings.cache_clear()
    assert journey(browser()).status_code == 303
    assert rows("SELECT name, title, grants FROM users") == [
        {"name": "nina", "title": "Nina New", "grants": ["viewer"]}
    ]
    for email in ("eve@example.com.evil.net", "eve@notexample.com", "eve@evil.net"):
        idp.is_now(email)
        assert journey(browser()).status_code == 422, email
    monkeypatch.setenv("COUNTERFOIL_OIDC_DOMAIN", "elsewhere.org")
    settings.cache_clear()
    idp.is_now("fiona@elsewhere.org")
    assert "your name is somebody else" in journey(browser()).text


def test_who_proves_it_again_is_asked_again(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any], rows: Any
) -> None:
    """`prompt=login` and a fresh `auth_time`; another person, or an old answer, proves nothing."""
    account("vera", "approver", password=None)
    account("otto", "approver", password=None)
    one = browser()
    idp.auth_age_seconds = 3600
    journey(one)
    fresh = "SELECT reauthenticated_at > now() - interval '1 minute' AS fresh FROM sessions WHERE user_id IS NOT NULL"
    assert [row["fresh"] for row in rows(fresh)] == [None], "signed in there an hour ago"
    before = one.client.cookies["counterfoil"]
    assert journey(one, "/sign-in/oidc?next=/approvals").status_code == 422
    idp.auth_age_seconds = 0
    idp.is_now("otto@example.com")
    assert "somebody else" in journey(one).text
    idp.is_now("vera@example.com")
    done = journey(one, "/sign-in/oidc?next=/approvals")
    assert (done.status_code, done.headers["location"]) == (303, "/approvals")
    assert (idp.asked[-1]["prompt"], idp.asked[-1]["max_age"]) == ("login", "0")
    assert [row["fresh"] for row in rows(fresh)] == [True]
    assert one.client.cookies["counterfoil"] != before, "a new token"


def test_a_provider_that_is_away_is_said(idp: Provider, browser: Callable[..., Any], monkeypatch: Any) -> None:
    """503, and local accounts go on."""
    monkeypatch.setenv("COUNTERFOIL_OIDC_ISSUER", "http://127.0.0.1:1")
    settings.cache_clear()
    ours.forget()
    assert browser().get("/sign-in/oidc").status_code == 503
    assert browser().get("/sign-in").status_code == 200


def test_no_secret_of_the_client_leaves_but_to_the_token_endpoint(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Neither the client secret nor the verifier is in an address that the browser sees."""
    account("vera", "viewer", password=None)
    journey(browser())
    seen = str(idp.asked[-1])
    assert SECRET not in seen
    assert base64.b64encode(SECRET.encode()).decode() not in seen
    assert "code_verifier" not in seen


def test_a_session_from_the_provider_is_a_whole_one(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Eight hours, not the ten minutes of the journey there; a proof on the way makes it no longer."""
    account("vera", "viewer", password=None)
    one = browser()
    journey(one)
    with database.transaction() as conn:
        (row,) = conn.execute("SELECT expires_at > now() + interval '7 h 59 min' AS whole FROM sessions").fetchall()
        assert row["whole"]
        conn.execute("UPDATE sessions SET expires_at = now() + interval '1 h'")
    journey(one, "/sign-in/oidc?next=/account")
    with database.transaction() as conn:
        (row,) = conn.execute("SELECT expires_at < now() + interval '61 min' AS short FROM sessions").fetchall()
    assert row["short"]


@pytest.mark.parametrize("look_alike", ["mare\u212a@example.com", "marek@exampl\u212a.com", "mar\u0435k@example.com"])
def test_an_address_that_only_looks_alike_is_nobodys(
    idp: Provider, browser: Callable[..., Any], account: Callable[..., Any], look_alike: str
) -> None:
    """A Kelvin sign becomes a k in small letters: another mailbox, the same account. Break it: take any letters."""
    account("marek", "approver", password=None)
    idp.is_now(look_alike)
    one = browser()
    assert journey(one).status_code == 422
    assert not one.is_signed_in
