"""Administrators: people let in, given roles, shut out, by page and by command; each in the audit."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pages import Visitor
from selectolax.lexbor import LexborHTMLParser

from console import cli
from counterfoil import database
from sandbox import people


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command as the terminal would; exit code, what it printed, what it complained."""

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["counterfoil", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(list(words))
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return command


def audit_of(subject: str) -> list[tuple[str, str]]:
    """Who did what about somebody."""
    with database.transaction() as conn:
        rows = conn.execute("SELECT actor, action FROM audit_entries WHERE subject = %s ORDER BY seq", (subject,))
        return [(row["actor"], row["action"]) for row in rows]


def test_the_first_person_comes_in_by_command(run: Callable[..., Any], browser: Callable[..., Any]) -> None:
    """A link on the terminal, a password, a desk. Nobody is there before, and there is no default password."""
    assert json.loads(run("user", "list", "--json")[1]) == []
    code, out, _ = run("user", "add", "ada", "--email", "ada@example.com", "--role", "admin", "--as", "root")
    link = re.search(r"http://127\.0\.0\.1:8000(/sign-in/link/\S+)", out)
    assert code == 0
    assert link is not None
    one = browser()
    assert one.post(link[1], password="nine quiet lanterns", again="nine quiet lanterns").status_code == 303
    assert "Nobody can sign in yet" not in one.get("/people").text
    [row] = json.loads(run("user", "list", "--json")[1])
    assert {"name", "email", "grants", "signed_in_at"} <= row.keys()
    assert not {"password_hash", "id"} & row.keys()
    assert audit_of("user:ada")[-4:] == [
        ("root", "user.added"),
        ("root", "link.made"),
        ("ada", "user.password_set"),
        ("ada", "user.signed_in"),
    ]


def test_commands_give_take_and_shut_out(run: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Each says what is now; what cannot be is refused with exit 1, wrong usage with 2."""
    account("vera", "viewer")
    assert run("user", "grant", "vera", "--role", "approver@stripe")[1] == "vera has now: viewer, approver@stripe\n"
    assert run("user", "revoke", "vera", "--role", "viewer")[1] == "vera has now: approver@stripe\n"
    assert run("user", "revoke", "vera", "--role", "owner")[0] == 1
    assert "none of" in run("user", "grant", "vera", "--role", "king")[2]
    assert run("user", "grant", "nobody", "--role", "viewer")[0] == 1
    assert run("user", "disable", "vera")[0] == 0
    assert run("user", "disable", "vera")[0] == 1
    assert run("user", "link", "vera")[0] == 1
    assert run("user", "enable", "vera")[0] == 0
    assert "/sign-in/link/" in json.loads(run("user", "link", "vera", "--json")[1])["link"]
    assert run("user", "add", "vera", "--email", "v2@example.com", "--role", "viewer")[0] == 1
    assert run("user", "add", "vera2", "--email", "v2@example.com")[0] == 2
    assert "vera" in run("user", "list")[1]


def test_tokens_are_made_listed_and_revoked_by_command(run: Callable[..., Any], account: Callable[..., Any]) -> None:
    """The text is printed once; the list never has it."""
    account("otto", "operator")
    code, out, _ = run(
        "token", "create", "nightly", "--scope", "look", "--scope", "act@stripe", "--for", "otto", "--json"
    )
    made = json.loads(out)
    assert (code, made["token"][:3]) == (0, "cf_")
    listed = run("token", "list", "--json")[1]
    [row] = json.loads(listed)
    assert (row["user_name"], row["scopes"], row["state"]) == ("otto", ["look", "act@stripe"], "valid")
    assert made["token"] not in listed + run("token", "list")[1]
    assert run("token", "revoke", "nightly")[0] == 0
    assert json.loads(run("token", "list", "--json")[1])[0]["state"] == "revoked"
    assert run("token", "revoke", "nightly")[0] == 1
    assert run("token", "create", "forever", "--scope", "look", "--days", "9999")[0] == 2
    assert run("token", "create", "nothing")[0] == 2


def test_an_administrator_lets_people_in_on_the_page(visitor: Callable[..., Visitor]) -> None:
    """The link is shown once, on the page that answers; then roles, access and the list."""
    ada = visitor("ada", "admin")
    assert ada.get("/people").h1 == "People"
    made = ada.post("/people", name="Zoe", email="zoe@example.com", grants="viewer, approver@stripe")
    assert (made.status, made.h1) == (200, "A one-time link for zoe")
    assert "/sign-in/link/" in made.texts("pre")[0]
    seen = ada.get("/people")
    assert "approver of stripe" in seen.text
    assert "/sign-in/link/" not in seen.html
    again = ada.post("/people", name="Zoe", email="zoe@example.com", grants="viewer")
    assert (again.status, "already" in again.text, "zoe@example.com" in again.html) == (409, True, True)
    assert ada.post("/people/zoe/grants", grants="viewer", how="take").promised == "zoe has now: approver@stripe."
    assert ada.post("/people/zoe/grants", grants="king", how="give").status == 422
    assert ada.post("/people/zoe/grants", grants=" ", how="give").status == 422
    assert ada.post("/people/zoe/link").h1 == "A one-time link for zoe"
    assert ada.follow(ada.post("/people/zoe/off")).status == 200
    assert "disabled" in ada.get("/people").text
    assert ada.post("/people/zoe/on").promised == "zoe is enabled; tokens of before stay revoked."
    assert ada.post("/people/nobody/off").status == 404


def test_nobody_changes_what_they_may_themselves(visitor: Callable[..., Visitor]) -> None:
    """Two administrators for that; the command line of the machine is the way out, and the audit tells it."""
    ada = visitor("ada", "admin")
    for path, fields in (
        ("/people/ada/grants", {"grants": "approver", "how": "give"}),
        ("/people/ada/grants", {"grants": "admin", "how": "take"}),
        ("/people/ada/off", {}),
    ):
        assert ada.post(path, **fields).status == 422
    assert ada.get("/people").status == 200


def test_a_name_from_the_owners_file_is_called_as_there(run: Callable[..., Any]) -> None:
    """One person in both lists."""
    run("user", "add", "fiona", "--email", "fiona@example.com", "--role", "owner")
    assert "Fiona Ledger" in run("user", "list")[1]


def test_my_account_shows_where_i_am_signed_in(visitor: Callable[..., Visitor]) -> None:
    """Roles in words, every browser of mine and no one else's, nothing secret."""
    vera = visitor("vera", "viewer", "approver@stripe:invoice_paid")
    visitor("vera", "viewer", "approver@stripe:invoice_paid")
    visitor("otto", "owner")
    seen = vera.get("/account")
    assert "viewer; approver of stripe, only invoice_paid" in seen.text
    assert len(seen.all("tbody tr")) == 2
    assert seen.text.count("(this one)") == 1
    assert vera.token not in seen.html


def test_a_token_is_revoked_on_the_page(visitor: Callable[..., Visitor], run: Callable[..., Any]) -> None:
    """As by command."""
    run("token", "create", "nightly", "--scope", "look")
    ada = visitor("ada", "admin")
    assert "nightly" in ada.get("/people").text
    assert ada.post("/tokens/nightly/revoke").promised == "The token nightly is revoked."
    assert ada.post("/tokens/nightly/revoke").status == 409


def test_the_demos_people_are_let_in(browser: Callable[..., Any]) -> None:
    """Its last line opens the console, as Fiona, once."""
    link = people.invite().removeprefix("http://127.0.0.1:8000")
    one = browser()
    shown = LexborHTMLParser(one.get(link).text)
    [form] = shown.css("main form")
    assert form.attributes["action"] == link
    assert one.post(link, enter="1").status_code == 303
    assert "owner; approver" in one.get("/account").text
    assert browser().post(link, enter="1").status_code == 404
