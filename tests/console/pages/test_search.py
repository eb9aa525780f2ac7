"""Search: what is hit exactly opens, what fits stands in groups, what is not understood says where."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pages import Visitor

from console.searching import FIELDS
from counterfoil import clock, database, keys
from engine import mentioning


@pytest.fixture
def fiona(visitor: Callable[..., Visitor], story: Any, conn: database.Connection) -> Visitor:
    """Somebody in front of the story."""
    mentioning.run_once(conn)
    conn.commit()
    return visitor("fiona", "viewer")


def test_what_is_hit_exactly_is_opened(fiona: Visitor, story: Any, rows: Any) -> None:
    """An id of any kind, an event's key, a write's key, an invoice, a customer."""
    event = rows("SELECT key, subject FROM events WHERE id = %s", story.done)[0]
    write = rows("SELECT id, key FROM writes WHERE event_id = %s", story.done)[0]
    run = rows("SELECT id FROM runs WHERE event_id = %s", story.done)[0]["id"]
    names = [row["value"] for row in rows("SELECT value FROM mentions WHERE event_id = %s", story.done)]
    customer = next(name for name in names if name.startswith("cus_"))
    for q, to in {
        str(story.done): f"/events/{story.done}",
        event["key"]: f"/events/{story.done}",
        f"  {event['key']} ": f"/events/{story.done}",
        str(write["id"]): f"/writes/{write['id']}",
        write["key"]: f"/writes/{write['id']}",
        str(story.case): f"/cases/{story.case}",
        str(run): f"/runs/{run}",
        event["subject"]: f"/subjects/{event['subject']}",
        event["subject"].removeprefix("stripe:"): f"/subjects/{event['subject'].removeprefix('stripe:')}",
        customer: f"/subjects/{customer}",
    }.items():
        seen = fiona.get("/search", q=q)
        assert (seen.status, seen.to) == (303, to), q
        assert fiona.get(seen.to).status == 200


def test_what_fits_stands_in_groups(fiona: Visitor, story: Any) -> None:
    """Each group with its count and the way to all of it; a group that cannot have a field is left out."""
    seen = fiona.get("/search", q="source:stripe since:today")
    assert [one.split()[0] for one in seen.texts("h2")] == ["Events", "Cases", "Writes"]
    assert f"/events/{story.done}" in seen.links("/events/")
    assert f"/cases/{story.case}" in seen.links("/cases/")
    only = fiona.get("/search", q="status:exception")
    assert [one.split()[0] for one in only.texts("h2")] == ["Events"]
    assert only.links("/events/") == [f"/events/{story.failed}"]


def test_a_customer_is_found_by_name_address_and_time(
    visitor: Callable[..., Visitor], an_event: Callable[..., UUID], conn: database.Connection
) -> None:
    """What happened to customer X at three yesterday: the box, then the event."""
    three = (clock.now() - timedelta(days=1)).replace(hour=15, minute=10)
    ids = {
        hours: an_event(
            id=UUID(int=(int((three + timedelta(hours=hours)).timestamp() * 1000) << 80) | (keys.new_id().int >> 60)),
            received_at=three + timedelta(hours=hours),
        )
        for hours in (-1, 0, 1)
    }
    mentioning.run_once(conn)
    conn.commit()
    vera = visitor("vera", "viewer")
    assert vera.get("/search", q="customer:northwind at:yesterday@3pm").links("/events/") == [f"/events/{ids[0]}"]
    by_address = vera.get("/search", q="billing@northwind.example.com")
    assert set(by_address.links("/events/")) == {f"/events/{one}" for one in ids.values()}
    assert any(link.startswith("/subjects/cus_") for link in by_address.links("/subjects/"))


def test_nothing_found_says_how_to_ask(fiona: Visitor) -> None:
    """In words, with the grammar, and what a word looked like that is no field."""
    seen = fiona.get("/search", q="clas:contract_violation")
    assert seen.status == 200
    assert "Nothing fits" in seen.text
    assert "Did you mean class?" in seen.text
    assert "How to ask" in seen.text


def test_what_is_not_understood_says_where(fiona: Visitor) -> None:
    """As the API does; the box keeps what was typed."""
    seen = fiona.get("/search", q="source:stripe amount>lots")
    assert (seen.status, "character 22" in seen.text) == (422, True)
    assert seen.all("input[name=q]")[1].attributes["value"] == "source:stripe amount>lots"


def test_an_empty_search_is_the_help(fiona: Visitor) -> None:
    """Every field with its meaning."""
    seen = fiona.get("/search")
    assert (seen.status, seen.h1) == (200, "What are you looking for?")
    assert seen.texts("main dt") == list(FIELDS)


def test_whatever_is_typed_does_no_harm(fiona: Visitor) -> None:
    """It is shown as the characters it is, or refused in words."""
    for q in ("<script>alert(1)</script>", '"', "a" * 600, "\u202e", "=cmd()", "%", "\x1b[31m"):
        seen = fiona.get("/search", q=q)
        assert seen.status in (200, 400, 422), q
        assert not [harm for harm in ("<script>alert", "\x1b", "\u202e") if harm in seen.html], q
