"""Signing in with a password or a link, staying in, going out; and what guessing meets."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from console.access import entering, links, passwords, sessions, throttle, users
from console.pages import render, serve
from console.problems import NotAcceptable, NotFound, Problem, SignInRefused, TooMany
from counterfoil import database
from counterfoil.settings import settings

PASSWORD = "ledger harbour oak"
ANOTHER = "nine quiet lanterns"


def set_(sql: str, *values: Any) -> None:
    """Change rows, as time or an accident would."""
    with database.transaction() as conn:
        conn.execute(sql, values)


def told(action: str) -> list[dict[str, Any]]:
    """Entries of the audit of that kind, oldest first."""
    with database.transaction() as conn:
        return conn.execute(
            "SELECT actor, subject, detail FROM audit_entries WHERE lane = 'desk' AND action = %s ORDER BY seq",
            (action,),
        ).fetchall()


# --- Passwords


def test_a_name_or_an_address_with_its_password_opens_a_session(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """However the name is typed; and the audit has it."""
    account("fiona")
    for login in ("fiona", " Fiona ", "FIONA@example.com"):
        one = browser()
        assert one.sign_in(login).headers["location"] == "/"
        assert one.is_signed_in
    entry = told("user.signed_in")[-1]
    assert (entry["actor"], entry["subject"]) == ("fiona", "user:fiona")


def test_a_refusal_does_not_say_which_half_is_wrong(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """The same page for a wrong password, an unknown name, somebody disabled, somebody without a password."""
    account("fiona")
    account("marek")
    account("vera", "viewer", password=None)
    with database.transaction() as conn:
        users.disable(conn, "test", "marek")
    pages = set()
    for name, password in (("fiona", "wrong"), ("nobody", PASSWORD), ("marek", PASSWORD), ("vera", PASSWORD), ("", "")):
        answer = browser().sign_in(name, password)
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
        pages.add(answer.text.split('role="alert"')[1].split("</section>")[0])
    assert len(pages) == 1


def test_an_unknown_name_costs_the_same_work(account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """One verification of a password always; otherwise the time tells who exists. Break it: return early."""
    account("fiona")
    kept = []
    right = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda hash, password: kept.append(hash) or right(hash, password))
    for name in ("fiona", "nobody"):
        with pytest.raises(SignInRefused):
            entering.with_password(name, "not the password")
    assert kept[0] is not None
    assert kept[1] is None
    worked = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords, "_hasher", type("Counted", (), {"verify": lambda _, *a: worked.append(a[0]) or verify(*a)})()
    )
    passwords.matches(None, "x")
    assert worked[0].startswith("$argon2id$")


def test_what_was_typed_into_the_wrong_field_is_nowhere(
    browser: Callable[..., Any], account: Callable[..., Any], conn: database.Connection
) -> None:
    """People type their password where the name belongs: it is in no row of any table."""
    account("fiona")
    browser().sign_in("correct-horse-staple", "correct-horse-staple")
    tables = [
        row["table_name"]
        for row in conn.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    ]
    for table in tables:
        row = conn.execute(f"SELECT count(*) AS n FROM {table} t WHERE t::text LIKE '%%correct-horse%%'").fetchone()
        assert row is not None
        assert row["n"] == 0, table
    assert told("sign_in.refused")[-1] == {"actor": "nobody", "subject": None, "detail": '{"how": "password"}'}


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 201,
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "abcdefghijklmn",
        "987654321098",
        "qwertyuiopas",
        "Password2024!",
        "P@ssw0rd2024!",
        "counterfoil123",
        "welcomewelcome1",
        "fiona.ledger1",
        "fiona@example.com",
        "112233112233",
    ],
)
def test_the_first_guesses_of_others_are_no_passwords(password: str) -> None:
    """Short, common, a run over the keyboard, one's own name; the reason is said."""
    with pytest.raises(NotAcceptable) as refused:
        passwords.accepted(password, name="fiona.ledger", email="fiona@example.com")
    assert refused.value.errors[0].field == "password"


@pytest.mark.parametrize(
    "password",
    ["ledger harbour oak", "twelve chars", "Ünïcödé wörds", "4815 1623 42 go", "zwölf kleine möwen", "x" * 199 + "y"],
)
def test_length_is_enough(password: str) -> None:
    """No rule about capitals, digits or marks; blanks and every script are welcome."""
    kept = passwords.hash_of(passwords.accepted(password))
    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, password)
    assert not passwords.matches(kept, password + " ")


def test_a_composed_letter_is_the_same_letter() -> None:
    """Keyboards and systems compose differently."""
    assert passwords.matches(passwords.hash_of("u\u0308ber allen gipfeln"), "\u00fcber allen gipfeln")


def test_too_much_slow_work_is_refused_and_the_console_goes_on() -> None:
    """Strangers cannot fill memory or threads: beyond six, come back later."""
    taken = [passwords._room.acquire(blocking=False) for _ in range(6)]
    try:
        assert all(taken)
        with pytest.raises(Problem) as refused:
            passwords.matches(None, "x")
        assert refused.value.status == 503
    finally:
        for _ in taken:
            passwords._room.release()


# --- Guessing


def test_guesses_at_an_account_get_slower(account: Callable[..., Any]) -> None:
    """Five are free; then each wait is twice the last. The right password waits as well, and clears it."""
    account("fiona")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            entering.with_password("fiona", "wrong", address="192.0.2.1")
    with pytest.raises(SignInRefused):
        entering.with_password("Fiona ", "wrong", address="192.0.2.2")
    waits = []
    for _ in range(4):
        with pytest.raises(TooMany) as slowed:
            entering.with_password("fiona", PASSWORD, address="192.0.2.3")
        waits.append(int(slowed.value.headers["Retry-After"]))
        set_("UPDATE throttles SET until = now() WHERE key LIKE 'account:%%'")
        with pytest.raises(SignInRefused):
            entering.with_password("fiona", "wrong", address="192.0.2.3")
    assert waits == [2, 4, 8, 16]
    set_("UPDATE throttles SET until = now() WHERE key LIKE 'account:%%'")
    entering.with_password("fiona", PASSWORD, address="192.0.2.3")
    with pytest.raises(SignInRefused):
        entering.with_password("fiona", "wrong", address="192.0.2.3")


def test_an_account_that_does_not_exist_is_slowed_down_alike(account: Callable[..., Any]) -> None:
    """Else the sixth guess tells who exists."""
    account("fiona")
    said = {}
    for name in ("fiona", "nobody"):
        said[name] = []
        for _ in range(7):
            with pytest.raises(Problem) as refused:
                entering.with_password(name, "wrong", address=f"198.51.100.{len(name)}")
            said[name].append((refused.value.status, refused.value.detail))
    assert said["fiona"] == said["nobody"]
    assert said["fiona"][-1][0] == 429


def test_a_hundred_guesses_at_once_are_a_hundred(account: Callable[..., Any]) -> None:
    """A guess is counted before it is looked at: in parallel no more get through than one after the other."""
    account("fiona")

    def guess(number: int) -> str:
        try:
            throttle.count(throttle.of_stranger("fiona", f"203.0.113.{number}"))
        except TooMany:
            return "slowed"
        return "looked at"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(guess, range(40)))
    assert results.count("looked at") == throttle.ACCOUNT.free + 1


def test_one_address_cannot_try_everybody(database_url: str) -> None:
    """A word at every account: thirty are free, then the address waits; a /64 of IPv6 is one address."""
    for number in range(30):
        throttle.count(throttle.of_stranger(f"name{number}", f"2001:db8::{number:x}"))
    throttle.count(throttle.of_stranger("one-more", "2001:db8::ffff"))
    with pytest.raises(TooMany):
        throttle.count(throttle.of_stranger("another", "2001:db8::1"))
    throttle.count(throttle.of_stranger("another", "2001:db8:0:1::1"))


def test_who_waits_is_told_so_on_the_page(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """In words, with the form still there."""
    account("fiona")
    set_(
        "INSERT INTO throttles (key, failures, until) VALUES (%s, 9, now() + interval '60 s')",
        throttle._account("fiona"),
    )
    answer = browser().sign_in("fiona")
    assert (answer.status_code, 'name="password"' in answer.text) == (429, True)
    assert "wait" in answer.text


# --- Sessions


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


# --- Links


def test_a_link_works_once_for_its_person(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Looking at it uses nothing up (programs that preview links look); the password that is chosen is theirs."""
    link = account("vera", "viewer", password=None)["link"]
    one, late = browser(), browser()
    for _ in range(2):
        assert "Welcome, vera" in one.get(f"/sign-in/link/{link}").text
    assert one.post(f"/sign-in/link/{link}", password="short", again="short").status_code == 422
    assert one.post(f"/sign-in/link/{link}", password=ANOTHER, again=PASSWORD).status_code == 422
    assert one.post(f"/sign-in/link/{link}", enter="1").status_code == 422, "no password, no way in"
    assert one.post(f"/sign-in/link/{link}", password=ANOTHER, again=ANOTHER).headers["location"] == "/"
    assert one.is_signed_in
    assert late.post(f"/sign-in/link/{link}", password=PASSWORD, again=PASSWORD).status_code == 404
    assert late.get(f"/sign-in/link/{link}").status_code == 404
    assert late.sign_in("vera", ANOTHER).status_code == 303


def test_of_two_at_once_one_gets_in(account: Callable[..., Any]) -> None:
    """The link is used up by one statement."""
    link = account("vera", "viewer", password=None)["link"]

    def use(number: int) -> bool:
        try:
            entering.by_link(link, f"{ANOTHER} {number}")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE sign_in_links SET expires_at = now() - interval '1 s'",
        "UPDATE users SET disabled_at = now()",
    ],
)
def test_a_link_that_has_ended_opens_nothing(account: Callable[..., Any], ended: str) -> None:
    """By the clock, or because its person is disabled."""
    link = account("vera", "viewer", password=None)["link"]
    set_(ended)
    with pytest.raises(NotFound):
        entering.by_link(link, ANOTHER)


def test_a_new_link_voids_the_earlier_ones_and_a_password_ends_every_session(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Whoever found the old one in a mailbox has nothing; whoever sat in the account is out."""
    old = account("vera", "viewer")["link"]
    sitting = browser()
    sitting.sign_in("vera")
    with database.transaction() as conn:
        first = links.make(conn, "test", users.get(conn, "vera"))
        second = links.make(conn, "test", users.get(conn, "vera"))
    for token in (old, first):
        with pytest.raises(NotFound):
            entering.by_link(token, ANOTHER)
    entering.by_link(second, ANOTHER)
    assert not sitting.is_signed_in


def test_a_link_that_signs_in_by_itself_exists_outside_production_only(
    browser: Callable[..., Any], account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's. In production whoever makes links must not be able to be somebody else unnoticed."""
    account("fiona", password=None)
    with database.transaction() as conn:
        link = links.make(conn, "test", users.get(conn, "fiona"), enter=True)
    one = browser()
    assert "Sign in as" in one.get(f"/sign-in/link/{link}").text
    one.post(f"/sign-in/link/{link}", enter="1")
    assert one.is_signed_in
    monkeypatch.setenv("COUNTERFOIL_ENV", "production")
    settings.cache_clear()
    with database.transaction() as conn, pytest.raises(NotAcceptable):
        links.make(conn, "test", users.get(conn, "fiona"), enter=True)


# --- Changes of what one may


@pytest.mark.parametrize("change", ["grant", "revoke", "disable"])
def test_who_may_something_else_signs_in_again(
    browser: Callable[..., Any], account: Callable[..., Any], change: str
) -> None:
    """No cookie of before carries the new rights; somebody disabled is out at once."""
    account("vera", "viewer", "operator")
    one = browser()
    one.sign_in("vera")
    with database.transaction() as conn:
        if change == "disable":
            users.disable(conn, "test", "vera")
        else:
            getattr(users, change)(conn, "test", "vera", ["operator" if change == "revoke" else "owner"])
    assert not one.is_signed_in
    assert told({"grant": "user.granted", "revoke": "user.revoked", "disable": "user.disabled"}[change])


def test_another_password_needs_the_present_one_and_ends_all_other_sessions(
    browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """And gives this session a new token."""
    account("fiona")
    one, other = browser(), browser()
    one.sign_in("fiona")
    other.sign_in("fiona")
    before = one.client.cookies["counterfoil"]
    proof = {"csrf": sessions.csrf_of(before), "password": ANOTHER, "again": ANOTHER}
    assert one.post("/account/password", old="not it", **proof).status_code == 422
    assert one.post("/account/password", old=PASSWORD, **{**proof, "again": PASSWORD}).status_code == 422
    done = one.post("/account/password", old=PASSWORD, **proof)
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert one.client.cookies["counterfoil"] != before
    assert [one.is_signed_in, other.is_signed_in] == [True, False]
    assert browser().sign_in("fiona", PASSWORD).status_code == 422
    assert browser().sign_in("fiona", ANOTHER).status_code == 303


@pytest.mark.parametrize(
    ("how", "happens"),
    [
        *((how, happens) for how in ("sign-in", "proof", "change") for happens in ("disabled", "another password")),
        # Whoever signs in comes in with the new roles; a session of before does not go on.
        ("proof", "another role"),
        ("change", "another role"),
    ],
)
def test_what_ends_a_session_ends_one_that_is_being_made(
    account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, happens: str, how: str
) -> None:
    """While a password is compared its person is disabled, or it is changed: nobody comes in by what was true."""
    user = account("fiona")
    with database.transaction() as conn:
        session = sessions.found(conn, sessions.begin(conn, user["id"]))
    assert session is not None

    def compared(kept: str | None, password: str) -> bool:
        with database.transaction() as conn:
            if happens == "disabled":
                users.disable(conn, "ada", "fiona")
            elif happens == "another role":
                users.grant(conn, "ada", "fiona", ["approver"])
            else:
                conn.execute("UPDATE users SET password_hash = 'other' WHERE id = %s", (user["id"],))
                sessions.end_all(conn, user["id"])
        return True

    monkeypatch.setattr(passwords, "matches", compared)
    attempts: dict[str, Callable[[], str]] = {
        "sign-in": lambda: entering.with_password("fiona", PASSWORD),
        "proof": lambda: entering.again(session, PASSWORD),
        "change": lambda: entering.change_password(session, PASSWORD, ANOTHER),
    }
    with pytest.raises(SignInRefused):
        attempts[how]()
    set_("UPDATE users SET disabled_at = NULL")
    with database.transaction() as conn:
        assert sessions.of_user(conn, user["id"]) == []


def test_names_and_addresses_are_unlike(database_url: str) -> None:
    """A name is never another's; no name looks like an address, a token, or one of our own parts."""
    with database.transaction() as conn:
        users.add(conn, "test", name="fiona", email="Fiona@Example.com", grants=["owner"])
    for name, email in (
        ("fiona", "other@example.com"),
        ("other", "fiona@example.COM"),
        ("setup-token", "a@example.com"),
        ("token:x", "a@example.com"),
        ("Fiona", "a@example.com"),
        ("a@b.c", "a@example.com"),
        ("ok", "no address"),
        ("", "a@example.com"),
    ):
        with pytest.raises(Problem), database.transaction() as conn:
            users.add(conn, "test", name=name, email=email, grants=["viewer"])
    with pytest.raises(psycopg.errors.CheckViolation):
        set_("UPDATE users SET name = 'FIONA'")
