"""What changed since somebody looked: said on an approval and on a case, to those who saw what it was before."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import Office, an_office
from pages import WHY, Seen, Visitor

from counterfoil.database import Connection

Sign = Callable[..., Visitor]
NEWS = "[aria-labelledby=changed]"


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """An office in which people are asked before anything is written."""
    with an_office(conn, monkeypatch, tmp_path) as made:
        yield made


def page_of(office: Office, key: str) -> str:
    """Where people are asked about a write."""
    return f"/approvals/{office.asked(key)['write_id']}"


def news(visitor: Visitor, path: str) -> str:
    """What the page says about changes; empty: nothing."""
    return " ".join(visitor.get(path).texts(NEWS))


def changes(seen: Seen) -> set[str]:
    """What was and what is, a line for each place that differs."""
    return {" ".join(row.text(separator=" ").split()) for row in seen.all(f"{NEWS} tbody tr")}


def away(office: Office) -> None:
    """Everybody does something else for an hour."""
    office.do("UPDATE looks SET looked_at = looked_at - interval '1 hour', before_at = before_at - interval '1 hour'")


def test_an_edit_is_told_to_whoever_saw_what_it_was(visitor: Sign, office: Office) -> None:
    """Nothing on the first look; after an edit who, why and each field, until the visit is over; not to the editor.

    Break it: keep no look, or tell of every look.
    """
    office.deal(1, 4200)
    path, marek, otto = page_of(office, ""), visitor("marek", "approver"), visitor("otto", "approver")
    assert news(marek, path) == news(marek, path) == ""
    action = json.loads(otto.get(path).fields(f"{path}/edit")["action"][0])
    action["items"][0] |= {"amount_minor": 4100, "description": "Fewer seats"}
    otto.post(f"{path}/edit", action=json.dumps(action), amount="41.00", reason="one seat less")
    assert news(otto, path) == ""
    seen = marek.get(path)
    assert "otto changed what would be done: one seat less" in " ".join(seen.texts(NEWS))
    assert changes(seen) == {"items 1 amount 42.00 EUR 41.00 EUR", "items 1 description Seats Fewer seats"}
    assert "one seat less" in news(marek, path)
    away(office)
    assert news(marek, path) == ""
    assert news(visitor("ines", "approver"), path) == ""


def test_an_answer_of_somebody_else_and_what_came_of_it_are_told(visitor: Sign, office: Office) -> None:
    """Who said yes and why; that the write is confirmed; one's own yes is no news."""
    office.deal(1, 10_000_000)
    path, marek, ines = page_of(office, ""), visitor("marek", "approver"), visitor("ines", "approver")
    assert news(ines, path) == ""
    marek.post(f"{path}/approve", reason="as agreed")
    assert news(marek, path) == ""
    assert "Marek Books said yes: as agreed" in news(ines, path)
    ines.post(f"{path}/approve", reason=WHY)
    office.work()
    told = news(marek, path)
    assert "said yes: " + WHY in told
    assert "The write is confirmed now; it was awaiting approval." in told
    assert "as agreed" not in told


def test_a_record_that_somebody_changed_meanwhile_is_told(visitor: Sign, office: Office) -> None:
    """The company was edited at HubSpot between the look and the sending: what stands there, and that a yes is void."""
    made = office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event("company.propertyChange", 5, "pro")
    first, marek = office.asked(), visitor("marek", "approver")
    path = page_of(office, "")
    assert news(marek, path) == ""
    office.hubspot.by_hand("edit", "companies", made, properties={"plan": "gold"})
    office.hubspot.clock.advance(60)
    office.approve(first)
    seen = marek.get(path)
    assert "not as it was any more" in " ".join(seen.texts(NEWS))
    assert changes(seen) == {"at present plan basic gold"}


def test_a_new_plan_is_told(visitor: Sign, office: Office) -> None:
    """Given a plan that somebody is surer of: what it writes and how sure that is, now and before."""
    event = office.event("company.propertyChange", 7, "pro~0.4")
    path, marek = page_of(office, ""), visitor("marek", "approver")
    assert news(marek, path) == ""
    office.says(event, "team~0.6")
    seen = marek.get(path)
    assert "planned anew" in " ".join(seen.texts(NEWS))
    assert {"plan pro team", "confidence 40 % 60 %"} <= changes(seen)


def test_who_may_not_see_what_it_says_is_told_that_it_changed(visitor: Sign, office: Office) -> None:
    """A viewer who looked before gets the sentence, not one field of it."""
    event = office.event("company.propertyChange", 7, "pro~0.4")
    path, vera = page_of(office, ""), visitor("vera", "viewer")
    assert news(vera, path) == ""
    office.says(event, "team~0.6")
    seen = vera.get(path)
    assert "planned anew" in " ".join(seen.texts(NEWS))
    assert seen.all(f"{NEWS} table") == []
    assert "team" not in seen.text


def test_a_case_that_grew_or_was_taken_says_so(visitor: Sign, office: Office) -> None:
    """How many events came, what is at stake, who has it; nothing to whoever did it."""
    office.deal(1, 4200)
    (case,) = office.rows("SELECT id FROM cases")
    path, fiona, rhea = f"/cases/{case['id']}", visitor("fiona", "owner"), visitor("rhea", "owner")
    assert news(fiona, path) == news(rhea, path) == ""
    office.deal(2, 4200)
    told = news(fiona, path)
    assert "It grew by 1 event, to 2." in told
    assert "At stake is 84.00 EUR now; it was 42.00 EUR." in told
    rhea.post(f"{path}/acknowledge", reason=WHY)
    assert news(rhea, path) == ""
    told = news(fiona, path)
    assert "It grew by 1 event, to 2." in told
    assert "The case is acknowledged now; it was open." in told
    assert "has it." in told


def test_what_was_seen_long_ago_is_forgotten(visitor: Sign, office: Office) -> None:
    """A look of last year is deleted when somebody looks at anything; what it kept says nothing of a customer."""
    office.deal(1, 4200)
    path, marek = page_of(office, ""), visitor("marek", "approver")
    news(marek, path)
    (kept,) = office.rows("SELECT seen::text AS seen FROM looks")
    assert "Seats" not in kept["seen"]
    assert office.customer not in kept["seen"]
    office.do("UPDATE looks SET looked_at = now() - interval '1 year'")
    news(visitor("ines", "approver"), path)
    assert [row["person"] for row in office.rows("SELECT person FROM looks")] == ["ines"]
