"""Whoever may look and not reveal reads no personal data: on no page, in no file, in no answer of the API."""

import json
import re
from collections.abc import Callable
from typing import Any

import hostile_world
import pytest
from addresses import address
from pages import Visitor
from psycopg.types.json import Jsonb

from console.access import tokens
from console.api.route import PREFIX
from console.api.routes import ROUTES
from console.pages.table import PAGES
from counterfoil import audit, database
from counterfoil.audit import Entry
from counterfoil.database import Connection
from counterfoil.settings import settings

Looks = Callable[[], list[dict[str, Any]]]

#: What somebody's data looks like, wherever it stands.
ADDRESS = "anna.secret@mail.example.com"
#: What nothing but the name of its member, or the place where it stands, tells to be somebody's.
NAME = "Annegret Hidden"


_made: dict[str, hostile_world.World] = {}


@pytest.fixture
def world(conn: Connection, shared: str, monkeypatch: pytest.MonkeyPatch) -> hostile_world.World:
    """A ledger in which every sentence of others holds an address, and documents a name; made once."""
    if shared in _made:
        return _made[shared]
    monkeypatch.setattr(hostile_world, "HOSTILE", f"please write to {ADDRESS} again")
    made = hostile_world.a_hostile_world(conn)
    edit: dict[str, Any] = {"difference": [{"field": "name", "shown": NAME, "now": NAME}], "reason": "typo"}
    audit.append(conn, "desk", [Entry("fiona", "write.edited", f"write:{made.write}", edit)])
    conn.execute(
        "UPDATE decisions SET fields = %s, precedents = %s WHERE id = %s",
        (
            Jsonb({"line": NAME}),
            Jsonb([{"label_id": "1", "label": "x", "text": NAME, "similarity": 0.9}]),
            made.decision,
        ),
    )
    conn.execute(
        "UPDATE runs SET steps = %s WHERE id = %s",
        (Jsonb([{"step": "read", "output": {"customer_name": NAME}}]), made.run),
    )
    conn.commit()
    return _made.setdefault(shared, made._replace(subject="stripe:in_1"))


def _found(text: str) -> list[str]:
    """Where it stands, with what stands around it."""
    return [text[max(0, m.start() - 90) : m.end() + 20] for m in re.finditer(f"anna.secret|{NAME}", text)]


def test_nothing_shows_it(
    visitor: Callable[..., Visitor], world: hostile_world.World, subtests: pytest.Subtests
) -> None:
    """Every page, file and route that takes no more than looking."""
    vera = visitor("vera", "viewer")
    with database.transaction() as conn:
        token = tokens.make(conn, "test", name="look", scopes=["look"]).text
    for page in PAGES:
        if page.method == "GET" and page.right == "look":
            with subtests.test(page.path):
                assert _found(vera.get(address(page.path, world)).html) == []
    for route in ROUTES:
        if route.method == "GET" and route.right == "look":
            path = PREFIX + address(route.path, world)
            with subtests.test(path):
                answer = vera.client.get(path, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 200 or path.endswith("/trial"), answer.text
                assert _found(answer.text) == []


def test_a_page_hides_what_lies_outside_the_place(
    visitor: Callable[..., Visitor], world: hostile_world.World, subtests: pytest.Subtests
) -> None:
    """An operator of one source sees nobody's data of another. Break it: ask for the right somewhere."""
    here, elsewhere = visitor("otto", "operator@stripe"), visitor("hugo", "operator@hubspot")
    for path in (f"/cases/{world.case}", f"/events/{world.event}", f"/writes/{world.write}", f"/runs/{world.run}"):
        with subtests.test(path):
            assert _found(elsewhere.get(path).html) == []
    assert ADDRESS in here.get(f"/cases/{world.case}").html
    for path in ("/cases", "/events", "/search?q=write", "/today"):
        with subtests.test(path):
            assert _found(elsewhere.get(path).html) == []
            assert _found(here.get(path).html) == []


# --- The API, for whoever may reveal


@pytest.fixture
def ask(visitor: Callable[..., Visitor], world: hostile_world.World) -> Callable[..., Any]:
    """`ask("/events", "operator@stripe")`: the API, by a token of nobody's with these scopes."""
    client = visitor("vera", "viewer").client

    def call(path: str, *scopes: str, method: str = "GET", token: str | None = None, **more: Any) -> Any:
        if token is None:
            name = "-".join(scopes).replace("@", ".")
            with database.transaction() as conn:
                conn.execute("DELETE FROM api_tokens")
                token = tokens.make(conn, "test", name=name, scopes=scopes).text
        headers = {"Authorization": f"Bearer {token}"}
        return client.request(method, PREFIX + path, headers=headers, **more)

    return call


@pytest.fixture
def looks(conn: Connection) -> Callable[[], list[dict[str, Any]]]:
    """What the audit remembers of looks at personal data, since the test began."""
    sql = "SELECT seq, actor, subject, detail FROM audit_entries WHERE action = 'data.revealed' ORDER BY seq"
    before = len(conn.execute(sql).fetchall())

    def found() -> list[dict[str, Any]]:
        conn.rollback()
        return [{name: row[name] for name in ("actor", "subject", "detail")} for row in conn.execute(sql)][before:]

    return found


#: What proves nothing when a part of it is hidden; to ask for it is to ask for everything.
PROOF = "/writes/{id}/stub"


def test_nothing_is_revealed_that_was_not_asked_for(
    ask: Callable[..., Any], world: hostile_world.World, looks: Looks, subtests: pytest.Subtests
) -> None:
    """The right alone reveals nothing, and leaves nothing in the audit. Break it: mask by the right only."""
    for route in ROUTES:
        if route.method == "GET" and route.path != PROOF:
            with subtests.test(route.path):
                answer = ask(address(route.path, world), "operator", "owner", "admin")
                assert answer.status_code == 200 or route.path.endswith("/trial"), answer.text
                assert _found(answer.text) == []
    assert looks() == []


def test_whoever_asks_is_shown_it_and_each_look_is_one_entry(
    ask: Callable[..., Any], world: hostile_world.World, looks: Looks
) -> None:
    """Of one thing by its id; of a list by what was asked for, and how many were shown."""
    assert ADDRESS in ask(f"/events/{world.event}?reveal=true", "operator").text
    assert ADDRESS in ask(f"/events/{world.event}?reveal=true", "operator").text
    assert ADDRESS in ask("/cases?reveal=true&limit=7", "look", "reveal").text
    assert ask(PROOF.replace("{id}", world.write), "reveal").status_code == 200
    event, again, cases, stub = looks()
    assert event == again
    assert (event["actor"], event["subject"]) == ("token:operator", f"event:{world.event}")
    assert (cases["actor"], cases["subject"]) == ("token:look-reveal", "cases")
    assert json.loads(cases["detail"]) == {"asked": {"limit": "7"}, "shown": 2}
    assert stub["subject"] == f"write:{world.write}"


def test_a_refusal_quotes_nothing_either(
    ask: Callable[..., Any], world: hostile_world.World, visitor: Callable[..., Visitor]
) -> None:
    """What changed since somebody looked is told with personal data hidden. Break it: answer the problem as it is."""
    visitor("marek", "approver")
    with database.transaction() as conn:
        token = tokens.make(conn, "test", name="mareks", scopes=["approver"], owner="marek").text
    body = {"reason": "as shown", "digest": "0" * 64}
    answer = ask(f"/writes/{world.write}/approve", method="POST", token=token, json=body)
    assert (answer.status_code, bool(answer.json()["difference"])) == (409, True), answer.text
    assert _found(answer.text) == []


@pytest.mark.parametrize(
    ("path", "scopes", "status"),
    [
        ("/events/{event}?reveal=true", ("look", "reveal@stripe"), 200),
        ("/events/{event}?reveal=true", ("look", "reveal@hubspot"), 403),
        ("/events/{event}?reveal=true", ("viewer",), 403),
        ("/events/{event}?reveal=true", ("admin",), 403),
        ("/events?reveal=true", ("look", "reveal@stripe"), 403),
        ("/events?reveal=true", ("look", "reveal"), 200),
        ("/events?reveal=yes", ("look", "reveal"), 400),
        ("/events?reveal=true&reveal=false", ("look", "reveal"), 400),
        ("/events?reveal=false", ("look",), 200),
        ("/events/01a1fd7a-e2d8-7988-9f63-f692e65eb518?reveal=true", ("look", "reveal@stripe"), 404),
    ],
)
def test_asking_takes_the_right_at_that_place(
    ask: Callable[..., Any],
    world: hostile_world.World,
    looks: Looks,
    path: str,
    scopes: tuple[str, ...],
    status: int,
) -> None:
    """What is refused was not shown and is not told of."""
    answer = ask(path.format(event=world.event), *scopes)
    assert answer.status_code == status, answer.text
    assert (_found(answer.text) == []) == (status != 200 or "reveal=false" in path)
    assert len(looks()) == (status == 200 and "reveal=true" in path)


def test_a_change_is_no_way_to_look(ask: Callable[..., Any], world: hostile_world.World, looks: Looks) -> None:
    """What a change answers is masked, for whoever may reveal too: they can ask for it, and be told of."""
    for body in ({"reason": "mine"}, {"reason": "mine"}):
        answer = ask(f"/cases/{world.case}/acknowledge", "operator", method="POST", json=body)
        assert _found(answer.text) == [], answer.text
    dry = ask(f"/events/{world.event}/replay", "operator", method="POST", json={"dry_run": True, "reason": "try"})
    assert _found(dry.text) == [], dry.text
    assert looks() == []


def test_the_setup_token_need_not_ask_and_is_in_the_audit_once_an_hour(
    ask: Callable[..., Any], world: hostile_world.World, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interface promises it the payload; a program that asks every second fills no audit."""
    monkeypatch.setenv("COUNTERFOIL_API_TOKEN", "for-setting-up")
    settings.cache_clear()
    for _ in range(3):
        assert ADDRESS in ask(f"/events/{world.event}", token="for-setting-up").text
    assert _found(ask(f"/events/{world.event}?reveal=false", token="for-setting-up").text) == []
    ask("/cases", token="for-setting-up")
    for path in ("/coverage", "/destinations", "/replays?q=nothing"):
        # Nothing of anybody's is there to be seen.
        assert ask(path, token="for-setting-up").status_code == 200
    assert [(one["actor"], one["subject"]) for one in looks()] == [
        ("setup-token", f"event:{world.event}"),
        ("setup-token", "cases"),
    ]
    with database.transaction() as conn:
        for _ in range(60):
            audit.append(conn, "desk", [Entry("fiona", "data.revealed", "cases", {})])
    ask("/cases", token="for-setting-up")
    assert [one["actor"] for one in looks()][-1] == "setup-token"
