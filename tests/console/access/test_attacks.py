"""What people try at a sign-in, over real HTTP: each by itself, and that it leads nowhere."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from console.access import links, sessions, users
from console.pages.table import PAGES
from counterfoil import database
from counterfoil.settings import settings

PASSWORD = "ledger harbour oak"


@pytest.fixture
def visit(listener: str) -> Iterator[Callable[[], httpx.Client]]:
    """Makes browsers at the listener, each with a jar of its own; they follow nothing by themselves."""
    made: list[httpx.Client] = []

    def make() -> httpx.Client:
        made.append(httpx.Client(base_url=listener, trust_env=False))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def fiona(visit: Callable[[], httpx.Client], account: Callable[..., Any]) -> httpx.Client:
    """An administrator's browser, signed in."""
    account("fiona", "owner", "admin")
    one = visit()
    assert _sign_in(one).status_code == 303
    return one


def _sign_in(one: httpx.Client, name: str = "fiona", **more: str) -> httpx.Response:
    return one.post("/sign-in", data={"name": name, "password": PASSWORD, **more})


def _token(one: httpx.Client) -> str:
    return one.cookies["counterfoil"]


def _opens(listener: str, token: str) -> bool:
    answer = httpx.get(f"{listener}/account", cookies={"counterfoil": token}, trust_env=False)
    return answer.status_code == 200


# --- Sessions


def test_signing_in_again_ends_the_session_before(
    listener: str, fiona: httpx.Client, visit: Callable[[], httpx.Client], account: Callable[..., Any]
) -> None:
    """In the same browser, as the same person or another, by password or by link; other browsers stay signed in."""
    marek = account("marek", "approver")
    elsewhere = visit()
    _sign_in(elsewhere)
    first = _token(fiona)
    _sign_in(fiona)
    second = _token(fiona)
    fiona.post(f"/sign-in/link/{marek['link']}", data={"password": "quiet meadow lamp", "again": "quiet meadow lamp"})
    third = _token(fiona)
    assert [_opens(listener, token) for token in (first, second, third)] == [False, False, True]
    assert _opens(listener, _token(elsewhere))


def test_a_token_of_the_visitors_own_making_is_no_session(
    listener: str, visit: Callable[[], httpx.Client], account: Callable[..., Any]
) -> None:
    """Given a cookie that somebody put there, the sign-in makes another, and the first opens nothing."""
    account("fiona")
    chosen = {"Cookie": "counterfoil=chosen-by-somebody-else"}
    answer = visit().post("/sign-in", data={"name": "fiona", "password": PASSWORD}, headers=chosen)
    assert answer.status_code == 303
    assert _opens(listener, answer.cookies["counterfoil"])
    assert not _opens(listener, "chosen-by-somebody-else")


@pytest.mark.parametrize("how", ["granted", "revoked", "disabled", "password"])
def test_no_session_outlives_a_change_of_who_may_what(
    listener: str, fiona: httpx.Client, account: Callable[..., Any], visit: Callable[[], httpx.Client], how: str
) -> None:
    """More rights, fewer, none, another password: the cookie of before opens nothing."""
    account("marek", "viewer")
    marek = visit()
    _sign_in(marek, "marek")
    token = _token(marek)
    with database.transaction() as conn:
        if how == "granted":
            users.grant(conn, "fiona", "marek", ["owner"])
        elif how == "revoked":
            users.revoke(conn, "fiona", "marek", ["viewer"])
        elif how == "disabled":
            users.disable(conn, "fiona", "marek")
    if how == "password":
        form = {"csrf": sessions.csrf_of(token), "old": PASSWORD, "password": "quiet meadow lamp"}
        marek.post("/account/password", data={**form, "again": "quiet meadow lamp"})
    assert not _opens(listener, token)


# --- Forms from elsewhere


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_every_form_is_a_form_of_ours(fiona: httpx.Client, subtests: pytest.Subtests) -> None:
    """Every page that changes something, with the right proof even: another kind of body, site, port."""
    body = f"csrf={sessions.csrf_of(_token(fiona))}&reason=x".encode()
    paths = [re.sub(r"\{\w+(:path)?\}", "nothing", page.path) for page in PAGES if page.method == "POST"]
    for headers, status in (
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({}, 415),
        ({**FORM, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**FORM, "Sec-Fetch-Site": "same-site"}, 403),
        ({**FORM, "Origin": "null"}, 403),
        ({**FORM, "Origin": "https://evil.example.com"}, 403),
        ({**FORM, "Origin": "http://127.0.0.1"}, 403),
    ):
        with subtests.test(str(headers)):
            assert {
                path: fiona.post(path, content=body, headers=headers).status_code for path in paths
            } == dict.fromkeys(paths, status)
    assert fiona.get("/account").status_code == 200


def test_a_wrong_proof_is_no_proof(fiona: httpx.Client) -> None:
    """Of any shape."""
    for csrf in ("", "x", "0" * 64, "é", "\ud800"):
        body = "csrf=" + "".join(f"%{byte:02x}" for byte in csrf.encode("utf-8", "surrogatepass"))
        answer = fiona.post("/sign-out", content=body, headers=FORM)
        assert answer.status_code in (400, 403), answer.text[-500:]
    assert fiona.get("/account").status_code == 200


# --- Where one is sent


ELSEWHERE = (
    "//evil.example.com", "///evil.example.com", "/\\evil.example.com", "\\\\evil.example.com",
    "/%09/evil.example.com", "/\t/evil.example.com", "/\n/evil.example.com", "https:evil.example.com",
    "https://evil.example.com", "javascript:alert(1)", "data:text/html,x", " //evil.example.com",
    "/.//evil.example.com", "/@evil.example.com", "/x\r\nSet-Cookie: a=b", "?next=//evil.example.com",
    "/sign-out", "http:/evil.example.com", "\u2028//evil.example.com", "/\u2044/evil.example.com",
)  # fmt: skip


def test_signing_in_leads_to_no_other_host(
    visit: Callable[[], httpx.Client], account: Callable[..., Any], subtests: pytest.Subtests
) -> None:
    """As a browser would resolve it: from the form, and from the page for whoever is signed in already."""
    account("fiona")
    one = visit()
    for to in ELSEWHERE:
        with subtests.test(to):
            for answer in (_sign_in(one, next=to), one.get("/sign-in", params={"next": to})):
                assert answer.status_code == 303
                leads = answer.headers["location"]
                assert "a=b" not in answer.headers.get("set-cookie", "")
                assert httpx.URL("https://console.example.com/sign-in").join(leads).host == "console.example.com"
                assert re.match(r"/(?![/\\])", leads), leads


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_no_header_puts_a_host_into_a_page(fiona: httpx.Client, account: Callable[..., Any], name: str) -> None:
    """A one-time link begins with the console's own address, whoever asks for it under whichever name."""
    account("vera", "viewer", password=None)
    value = "host=evil.example.com" if name == "Forwarded" else "evil.example.com"
    for path in ("/sign-in", "/people", "/sources", "/account"):
        assert "evil.example" not in fiona.get(path, headers={name: value}).text
    made = fiona.post("/people/vera/link", data={"csrf": sessions.csrf_of(_token(fiona))}, headers={name: value})
    assert made.status_code == 200, made.text[-500:]
    assert "evil.example" not in made.text
    assert f"{links.console_url()}/sign-in/link/" in made.text
    assert "evil.example" not in fiona.get("/no-such-page", headers={name: value}).text
    elsewhere = httpx.get(f"{fiona.base_url}/cases", headers={name: value}, trust_env=False)
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, "/sign-in?next=%2Fcases")


# --- What a browser is told


def test_nothing_of_ours_is_kept_or_framed(
    fiona: httpx.Client, monkeypatch: pytest.MonkeyPatch, visit: Callable[[], httpx.Client]
) -> None:
    """Pages, files, refusals, answers of the API: no cache keeps them, no page of others shows them in a frame."""
    stranger = visit()
    answers = [
        fiona.get("/"), fiona.get("/people"), fiona.get("/audit/list.csv"), fiona.get("/no-such-page"),
        fiona.get("/events/none"), fiona.post("/people"), stranger.get("/cases"), stranger.get("/sign-in"),
        stranger.get("/sign-in/link/none"), stranger.get("/api/v1/cases"), stranger.get("/api/v1/none"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", answer.url
        assert answer.headers["x-content-type-options"] == "nosniff", answer.url
        if answer.headers.get("content-type", "").startswith("text/html"):
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in answers[0].headers


def test_over_tls_a_browser_never_comes_without_it_again(
    visit: Callable[[], httpx.Client], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In production, and wherever the console's address begins with https: pages, files and the API say so."""
    account("fiona")
    for name, value in (("COUNTERFOIL_ENV", "production"), ("COUNTERFOIL_CONSOLE_URL", "https://console.example.com")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            settings.cache_clear()
            one = visit()
            for path in ("/sign-in", "/cases", "/api/v1/cases", "/no-such-page"):
                told = one.get(path).headers.get("strict-transport-security", "")
                assert int(re.sub(r"\D", "", told) or 0) >= 31_536_000, (name, path, told)
            cookies = _sign_in(one).headers.get_list("set-cookie")
            assert [cookie.partition("=")[0] for cookie in cookies] == [
                "__Host-counterfoil",
                "__Host-counterfoil_known",
            ]
            assert all("secure" in cookie.lower() for cookie in cookies)
    settings.cache_clear()


def test_methods_that_nobody_offers_are_refused(fiona: httpx.Client) -> None:
    """No method beside those of the tables reaches anything, and HEAD of a page says no more than GET."""
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        assert fiona.request(method, "/people").status_code == 405, method
        assert fiona.request(method, "/api/v1/events").status_code == 405, method
    head = fiona.head("/account")
    assert (head.status_code, head.content) == (200, b"")


# --- Links


def test_a_link_that_signs_in_by_itself_opens_nothing_in_production(
    visit: Callable[[], httpx.Client], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was made from a shell that says it is a development machine, in the same database."""
    user = account("fiona")
    with database.transaction() as conn:
        token = links.make(conn, "test", user, enter=True)
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    one = visit()
    assert one.get(f"/sign-in/link/{token}").status_code == 404
    answer = one.post(f"/sign-in/link/{token}", data={"reason": "x"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)
    settings.cache_clear()


def test_looking_at_a_link_uses_nothing_up_and_tells_no_stranger_whose_it_was(
    visit: Callable[[], httpx.Client], account: Callable[..., Any]
) -> None:
    """A used, an old and an invented link are one answer."""
    user = account("fiona", password=None)
    one = visit()
    path = f"/sign-in/link/{user['link']}"
    for _ in range(3):
        assert one.get(path).status_code == 200
    choose = {"password": "quiet meadow lamp", "again": "quiet meadow lamp"}
    assert one.post(path, data=choose).status_code == 303
    old = account("vera", password=None)
    with database.transaction() as conn:
        conn.execute("UPDATE sign_in_links SET expires_at = now() WHERE used_at IS NULL")
    gone = [visit().get(f"/sign-in/link/{token}") for token in (user["link"], old["link"], "x" * 43)]
    assert {answer.status_code for answer in gone} == {404}
    assert len({re.sub(r"/sign-in/link/[\w-]+", "", answer.text) for answer in gone}) == 1
    assert visit().post(path, data=choose).status_code == 404
