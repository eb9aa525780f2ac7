"""Signing in with a password, what is taken as one, and what ends the way in while somebody walks it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from signing_in import ANOTHER, PASSWORD, set_, told

from console.access import entering, passwords, sessions, users
from console.problems import NotAcceptable, Problem, SignInRefused
from counterfoil import database


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
