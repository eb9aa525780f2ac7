"""Whoever may look and not reveal reads no personal data: on no page, in no file, in no answer of the API."""

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

#: What somebody's data looks like, wherever it stands.
ADDRESS = "anna.secret@mail.example.com"
#: What nothing but the name of its member, or the place where it stands, tells to be somebody's.
NAME = "Annegret Hidden"


@pytest.fixture
def world(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> hostile_world.World:
    """A ledger in which every sentence of others holds an address, and documents a name."""
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
    return made._replace(subject="stripe:in_1")


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
