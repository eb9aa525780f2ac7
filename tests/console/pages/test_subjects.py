"""Subjects: everything that touched one thing, whichever name it is asked for by, with its money and its cases."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pages import Visitor

from counterfoil import database, keys
from engine import mentioning


@pytest.fixture
def fiona(visitor: Callable[..., Visitor], story: Any, conn: database.Connection) -> Visitor:
    """Somebody in front of the story."""
    mentioning.run_once(conn)
    conn.commit()
    return visitor("fiona", "owner")


def the(rows: Any, event: Any) -> tuple[str, str]:
    """The invoice and the customer of an event."""
    found = rows("SELECT value FROM mentions WHERE event_id = %s AND kind = 'id'", event)
    names = [row["value"] for row in found]
    return next(n for n in names if n.startswith("in_")), next(n for n in names if n.startswith("cus_"))


def test_everything_about_a_thing_stands_on_one_page(fiona: Visitor, story: Any, rows: Any) -> None:
    """Events, writes with their money, cases; by its id, with its source, and by its customer."""
    invoice, customer = the(rows, story.done)
    write = rows("SELECT id FROM writes WHERE event_id = %s", story.done)[0]["id"]
    told = {invoice: f"Invoice {invoice}", f"stripe:{invoice}": f"Invoice {invoice}", customer: f"Customer {customer}"}
    for name, words in told.items():
        seen = fiona.get(f"/subjects/{name}")
        assert (seen.status, seen.h1) == (200, words)
        assert name in seen.texts("main code")
        assert {f"/events/{story.done}", f"/writes/{write}"} <= set(seen.links()), name
        assert "189.57 EUR" in seen.text, name
    assert f"/subjects/{customer}" in fiona.get(f"/subjects/{invoice}").links("/subjects/")


def test_a_case_stands_with_what_it_holds_up(fiona: Visitor, story: Any, rows: Any) -> None:
    """With its owner and the money at stake."""
    invoice, _ = the(rows, story.failed)
    seen = fiona.get(f"/subjects/{invoice}")
    assert f"/cases/{story.case}" in seen.links("/cases/")
    assert "1 open case" in seen.text


def test_what_was_written_for_it_elsewhere_and_came_back_belongs_to_it(
    fiona: Visitor, story: Any, rows: Any, conn: database.Connection
) -> None:
    """A record at HubSpot leads to the invoice it was made for, and the invoice to the event that came back."""
    invoice, _ = the(rows, story.done)
    conn.execute("ALTER TABLE writes DISABLE TRIGGER USER")
    conn.execute(
        "UPDATE writes SET destination = 'hubspot', first_sent_at = now(), receipt = '{\"reference\": \"8801\"}'"
        " WHERE event_id = %s",
        (story.done,),
    )
    conn.execute("ALTER TABLE writes ENABLE TRIGGER USER")
    conn.execute(
        "INSERT INTO echoes (write_id, part, event_id) SELECT id, 'name', %s FROM writes WHERE event_id = %s",
        (story.queued, story.done),
    )
    conn.commit()
    assert f"/events/{story.done}" in fiona.get("/subjects/8801").links("/events/")
    there = fiona.get(f"/subjects/{invoice}")
    assert f"/events/{story.queued}" in there.links("/events/")
    assert "/subjects/8801" in there.links("/subjects/")


def test_a_ticket_and_a_company_of_one_number_are_two_things(
    fiona: Visitor, story: Any, rows: Any, conn: database.Connection
) -> None:
    """What was written to the company is told of the company, and of the number alone; not of the ticket."""
    conn.execute("ALTER TABLE writes DISABLE TRIGGER USER")
    conn.execute(
        "UPDATE writes SET destination = 'hubspot', operation = 'upsert_company', first_sent_at = now(),"
        ' receipt = \'{"reference": "8801"}\' WHERE event_id = %s',
        (story.done,),
    )
    conn.execute("ALTER TABLE writes ENABLE TRIGGER USER")
    conn.execute(
        "INSERT INTO mentions (kind, value, amount_minor, event_id) VALUES ('id', '8801', 0, %s)", (story.failed,)
    )
    conn.commit()
    for name, told in (("8801", True), ("1:0-2:8801", True), ("hubspot:1:0-2:8801", True), ("1:0-5:8801", False)):
        links = fiona.get(f"/subjects/{name}").links("/events/")
        assert (f"/events/{story.done}" in links) is told, name
        assert (f"/events/{story.failed}" in links) is (name == "8801"), name


def test_the_far_end_of_an_association_is_found_by_its_whole_name(fiona: Visitor, conn: database.Connection) -> None:
    """By its number, by its name with and without the source, on its page and in the search box; not another kind."""
    event = keys.new_id()
    body = {"portalId": 62, "associationType": "CONTACT_TO_DEAL", "fromObjectId": 5, "toObjectId": 660_066}
    conn.execute(
        "INSERT INTO events (id, source, provider, key, type, subject) VALUES"
        " (%s, 'hubspot', 'hubspot', 'k', 'contact.associationChange', 'hubspot:62:0-1:5')",
        (event,),
    )
    conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (event, json.dumps(body)))
    mentioning.run_once(conn)
    conn.commit()
    for name in ("660066", "62:0-3:660066", "hubspot:62:0-3:660066"):
        assert f"/events/{event}" in fiona.get(f"/subjects/{name}").links("/events/"), name
        assert fiona.get("/search", q=name).to == f"/subjects/{name}"
    assert fiona.get("/subjects/62:0-5:660066").links("/events/") == []
    assert fiona.get("/search", q="62:0-5:660066").to == ""


def test_what_nothing_ever_touched_says_so(fiona: Visitor) -> None:
    """Whatever its name is made of."""
    for name in ("in_nothing", "a b", "%3Cscript%3E", "x/y/z", "%E2%80%AE"):
        seen = fiona.get(f"/subjects/{name}")
        assert (seen.status, "Nothing ever touched it" in seen.text) == (200, True)
        assert "<script>" not in seen.html.replace('<script src="', "")
