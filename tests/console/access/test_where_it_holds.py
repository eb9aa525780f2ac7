"""Where a right holds - one source, one handler - and when a fresh proof of who one is is asked for."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from console.access import gate, rights, sessions
from console.access.people import Person
from console.access.rights import Right
from console.problems import NotAllowed, ProofNeeded
from counterfoil import database
from counterfoil.settings import settings


def a_person(*grants: str) -> Person:
    """Somebody with these grants."""
    return Person("otto", "Otto", rights.grants(grants))


@pytest.mark.parametrize(
    ("grant", "source", "handler", "may"),
    [
        ("operator", None, None, True),
        ("operator", "stripe", "invoice_paid", True),
        ("operator@stripe", "stripe", "invoice_paid", True),
        ("operator@stripe", "stripe", None, True),
        ("operator@stripe", "hubspot", "invoice_paid", False),
        ("operator@stripe", None, None, False),
        ("operator@stripe", None, "invoice_paid", False),
        ("operator:invoice_paid", "stripe", "invoice_paid", True),
        ("operator:invoice_paid", None, "invoice_paid", True),
        ("operator:invoice_paid", "stripe", None, False),
        ("operator:invoice_paid", "stripe", "invoice_paid_2", False),
        ("operator@stripe:invoice_paid", "stripe", "invoice_paid", True),
        ("operator@stripe:invoice_paid", "stripe", "charge_refunded", False),
        ("operator@stripe:invoice_paid", "hubspot", "invoice_paid", False),
        ("viewer", "stripe", "invoice_paid", False),
    ],
)
def test_a_grant_holds_in_its_place_only(grant: str, source: str | None, handler: str | None, may: bool) -> None:
    """What has no place - a batch, a pause - is covered by a grant without one only."""
    person = a_person(grant)
    assert person.may("act", source, handler) == may
    assert person.may("look", source, handler)


def test_two_grants_do_not_add_up_to_a_third() -> None:
    """A viewer everywhere who approves for one source approves for no other."""
    person = a_person("viewer", "approver@stripe", "operator@hubspot")
    assert person.may("approve", "stripe", "x")
    assert not person.may("approve", "hubspot", "x")
    assert not person.may("act", "stripe", "x")
    assert not person.may("approve")
    assert person.may_somewhere("approve")


def test_a_token_holds_where_its_person_does_and_where_it_says() -> None:
    """Both places bound it: a token for everything of somebody who has one source, and the other way round."""
    everywhere, stripe = rights.grants(["operator"]), rights.grants(["operator@stripe"])
    for token, person in ((everywhere, stripe), (stripe, everywhere)):
        both = Person("otto", "Otto", token, uuid4(), person)
        assert both.may("act", "stripe", "x")
        assert not both.may("act", "hubspot", "x")
        assert not both.may("act")
    assert not Person("otto", "Otto", everywhere, uuid4(), rights.grants(["viewer"])).may_somewhere("act")


@pytest.mark.parametrize(
    "text", ["", "root", "operator@", "operator:", "@stripe", "operator@a b", "operator@stripe:x:y", "act", "Operator"]
)
def test_a_grant_that_is_none_is_refused(text: str) -> None:
    """A right alone is for tokens."""
    with pytest.raises(rights.GrantUnknown):
        rights.grant(text)


def test_a_grant_of_another_version_gives_nothing() -> None:
    """A row that this program cannot read is no reason to let somebody in, or to fall over."""
    from console.access import people

    row = {"name": "x", "title": "X", "id": uuid4(), "grants": ["superuser", "viewer", "operator@@"]}
    assert [str(grant) for grant in people.of_row(row).grants] == ["viewer"]


@pytest.fixture
def things(database_url: str) -> Iterator[dict[str, UUID]]:
    """Of each kind one that belongs to stripe and invoice_paid; the write is of 100,000.00."""
    ids = {name: uuid4() for name in ("events", "cases", "runs", "writes", "classifications")}
    with database.transaction() as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(
            "INSERT INTO events (id, source, provider, key, type, subject, handler, status)"
            " VALUES (%s, 'stripe', 'stripe', 'evt_1', 'invoice.paid', 's', 'invoice_paid', 'ignored')",
            (ids["events"],),
        )
        conn.execute(
            "INSERT INTO cases (id, failure_class, fingerprint, title, source, handler)"
            " VALUES (%s, 'handler_bug', 'f', 't', 'stripe', 'invoice_paid')",
            (ids["cases"],),
        )
        conn.execute(
            "INSERT INTO writes (id, key, destination, operation, event_id, handler, amount_minor, currency, digest)"
            " VALUES (%s, 'k', 'books', 'o', %s, 'invoice_paid', 10000000, 'EUR', 'd')",
            (ids["writes"], ids["events"]),
        )
    yield ids
    with database.transaction() as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("DELETE FROM writes; DELETE FROM cases; DELETE FROM events")


CHANGES: tuple[tuple[Right, str, str], ...] = (
    ("act", "/events/{id}/replay", "events"),
    ("act", "/cases/{id}/assign", "cases"),
    ("act", "/writes/{id}/reverse", "writes"),
    ("approve", "/writes/{id}/reject", "writes"),
    ("approve", "/approvals/{id}/reject", "writes"),
)


@pytest.mark.parametrize(("right", "path", "kind"), CHANGES)
def test_one_thing_is_changed_inside_the_grant_only(
    things: dict[str, UUID], right: Right, path: str, kind: str
) -> None:
    """By the source and the handler of what the path names, whatever its kind."""
    role = "operator" if right == "act" else "approver"
    for place in ("", "@stripe", ":invoice_paid", "@stripe:invoice_paid"):
        gate.check(a_person(role + place), right, path, id=things[kind], fresh=True)
    for place in ("@hubspot", ":charge_refunded", "@hubspot:invoice_paid", "@stripe:charge_refunded"):
        with pytest.raises(NotAllowed, match="but not here"):
            gate.check(a_person("viewer", role + place), right, path, id=things[kind], fresh=True)


def test_many_at_once_take_a_right_without_a_place(things: dict[str, UUID]) -> None:
    """A batch, a replay by filter, a pause: they could reach everywhere. A handler's rollout has its handler."""
    for path in ("/replays", "/approvals/batch", "/pauses"):
        with pytest.raises(NotAllowed):
            gate.check(a_person("owner@stripe", "approver@stripe"), "act", path, fresh=True)
        gate.check(a_person("owner"), "act", path, fresh=True)
    gate.check(a_person("owner:invoice_paid"), "control", "/handlers/{name}/rollout", name="invoice_paid", fresh=True)
    gate.check(a_person("owner@stripe"), "control", "/sources/{name}/pause", name="stripe", fresh=True)
    with pytest.raises(NotAllowed):
        gate.check(a_person("owner:other"), "control", "/handlers/{name}/rollout", name="invoice_paid", fresh=True)
    with pytest.raises(NotAllowed):
        gate.check(a_person("owner@stripe"), "act", "/replays/{id}/start", id=uuid4(), fresh=True)


def test_what_does_not_exist_is_said_by_the_route(things: dict[str, UUID]) -> None:
    """Not found rather than forbidden; a strange id is not found either."""
    for kind in ("events", "cases", "runs", "writes", "approvals", "classifications"):
        for id in (uuid4(), "not-an-id"):
            gate.check(a_person("operator@stripe"), "act", f"/{kind}/{{id}}/anything", id=id, fresh=True)


# --- A fresh proof


def test_a_large_write_asks_who_one_is(things: dict[str, UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    """From ten times the amount that needs a person; a no asks for nothing. Break it: let `_is_large` say no."""
    approve = ("approve", "/writes/{id}/approve")
    marek = a_person("approver")
    with pytest.raises(ProofNeeded):
        gate.check(marek, *approve, id=things["writes"], fresh=False)
    with pytest.raises(ProofNeeded):
        gate.check(marek, "approve", "/approvals/{id}/approve", id=things["writes"], fresh=False)
    gate.check(marek, *approve, id=things["writes"], fresh=True)
    gate.check(marek, "approve", "/writes/{id}/reject", id=things["writes"], fresh=False)
    monkeypatch.setenv("COUNTERFOIL_REAUTH_MINOR", "10000001")
    settings.cache_clear()
    gate.check(marek, *approve, id=things["writes"], fresh=False)
    with database.transaction() as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute("UPDATE writes SET amount_minor = -10000001")
    with pytest.raises(ProofNeeded):
        gate.check(marek, *approve, id=things["writes"], fresh=False)


def test_many_at_once_ask_who_one_is(database_url: str) -> None:
    """A batch may come to anything."""
    with pytest.raises(ProofNeeded):
        gate.check(a_person("approver"), "approve", "/approvals/batch", fresh=False)
    gate.check(a_person("approver"), "approve", "/approvals/batch", fresh=True)


def test_the_page_leads_to_the_proof_and_back(
    things: dict[str, UUID], browser: Callable[..., Any], account: Callable[..., Any]
) -> None:
    """Five minutes after the sign-in the password is asked for again; it makes the session fresh, under a new token."""
    account("marek", "approver")
    one = browser()
    one.sign_in("marek")
    token = one.client.cookies["counterfoil"]
    path = f"/approvals/{things['writes']}"
    form = {"csrf": sessions.csrf_of(token), "digest": "x", "reason": "test"}
    assert "/sign-in" not in one.post(f"{path}/approve", **form).headers.get("location", "")
    with database.transaction() as conn:
        conn.execute("UPDATE sessions SET reauthenticated_at = now() - interval '301 s'")
    asked = one.post(f"{path}/approve", **form)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/sign-in/again?next={path.replace('/', '%2F')}")
    assert 'name="password"' in one.get(asked.headers["location"]).text
    proof = {"csrf": sessions.csrf_of(token), "next": path}
    assert one.post("/sign-in/again", password="not it", **proof).status_code == 422
    done = one.post("/sign-in/again", password="ledger harbour oak", **proof)
    assert (done.status_code, done.headers["location"]) == (303, path)
    renewed = one.client.cookies["counterfoil"]
    assert renewed != token
    assert sessions.find(token) is None
    found = sessions.find(renewed)
    assert found is not None
    assert found.fresh
    form["csrf"] = sessions.csrf_of(renewed)
    assert "/sign-in" not in one.post(f"{path}/approve", **form).headers.get("location", "")


def test_proving_it_again_makes_no_session_longer(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Eight hours from the first sign-in, however often somebody approves."""
    account("marek", "approver")
    one = browser()
    one.sign_in("marek")
    with database.transaction() as conn:
        conn.execute("UPDATE sessions SET expires_at = now() + interval '7 min'")
    token = one.client.cookies["counterfoil"]
    one.post("/sign-in/again", csrf=sessions.csrf_of(token), password="ledger harbour oak", next="/")
    with database.transaction() as conn:
        rows = conn.execute("SELECT DISTINCT expires_at < now() + interval '8 min' AS short FROM sessions").fetchall()
    assert rows == [{"short": True}]


def test_guessing_at_the_proof_is_slowed_down(browser: Callable[..., Any], account: Callable[..., Any]) -> None:
    """Somebody at an unattended desk has five guesses, not a thousand."""
    account("marek", "approver")
    one = browser()
    one.sign_in("marek")
    proof = {"csrf": sessions.csrf_of(one.client.cookies["counterfoil"]), "next": "/"}
    statuses = [one.post("/sign-in/again", password="guess", **proof).status_code for _ in range(7)]
    assert statuses == [422] * 6 + [429]
