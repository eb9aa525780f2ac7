"""The stub of a write: every proof of it in one document, whatever way it went."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from taking_back import Office, an_office

from console import sealed
from console.queries import audit as chain
from console.queries import stub
from counterfoil import database, keys

Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        yield made


def proof(write_id: UUID) -> dict[str, Any]:
    """The stub as JSON; its digest covers the rest."""
    found = stub.find(write_id)
    assert found is not None
    shown = found.model_dump(mode="json")
    digest = shown.pop("digest")
    assert keys.digest(shown) == digest
    return shown


def told(found: dict[str, Any], write_id: UUID) -> list[str]:
    """What the audit says of a write, in its order."""
    return [entry["action"] for entry in found["audit"] if entry["subject"] == f"write:{write_id}"]


def test_a_write_whose_answer_was_lost_says_how_it_was_settled(office: Office, rows: Rows) -> None:
    """Key, digest, what stood before, how often it was sent and asked about, what was found, what stands."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    office.hear("company.creation", 1)
    office.hubspot.fault("drop_after", method="POST", path="*/upsert")
    office.work()
    office.later()
    (write,) = rows("SELECT * FROM writes")
    assert write["status"] == "confirmed"
    found = proof(write["id"])
    request = found["request"]
    assert (request["key"], request["digest"], request["attempts"]) == (write["key"], write["digest"], 1)
    assert request["key_at_destination"] == write["key"]
    assert request["action"]["body"]["properties"] == {"plan": "pro"}
    assert request["first_sent_at"]
    assert found["before"]["fields"]["plan"] == "basic"
    assert (found["probe"]["asked"] > 0, found["probe"]["found"]) == (True, "confirmed")
    assert found["answer"]["reference"] == office.hubspot.records("companies")[0]["id"]
    assert found["read_back"] is None, "the probe read it"
    assert (found["approval"], found["reversal"]) == (None, None)
    assert found["decision"]["handler"] == "sets_the_plan"
    assert told(found, write["id"]) == ["write.planned", "write.sending", "write.in_doubt", "write.confirmed"]


def test_who_agreed_to_what_and_what_took_it_back(office: Office, rows: Rows) -> None:
    """The request with its votes and digest; the inverse and the original name each other."""
    office.hear("ticket.creation", 900)
    office.work()
    office.approve_all("paul")
    (write,) = rows("SELECT * FROM writes")
    before = proof(write["id"])
    assert before["approval"]["status"] == "used"
    assert [vote["person"] for vote in before["approval"]["votes"]] == ["paul"]
    assert before["approval"]["shown"]["effect_digest"] == before["request"]["digest"]
    assert sum(line["amount_minor"] for line in before["read_back"]["lines"]) == 0
    assert before["reversal"] is None
    inverse = office.reverse(write["id"])
    office.approve_all("rhea")
    after, other = proof(write["id"]), proof(inverse)
    assert [one["key"] for one in after["reversal"]["reversed_by"]] == [f"reverse:{write['key']}"]
    assert other["reversal"]["reverses"]["key"] == write["key"]
    assert [vote["person"] for vote in other["approval"]["votes"]] == ["rhea"]
    assert told(after, write["id"])[-2:] == ["write.reversing", "write.reversed"]
    assert "write.confirmed" in told(after, inverse)


def test_its_entries_stand_in_the_chain(office: Office, rows: Rows) -> None:
    """Lane, number and hash of each are those of an export that holds."""
    office.hear("ticket.creation", 1)
    office.work()
    with chain.whole() as (heads, entries):
        export = list(sealed.lines(heads, entries))
    assert sealed.verified(export).altered is None
    places = {(row["lane"], row["seq"]): row["hash"] for row in map(json.loads, export[1:])}
    found = proof(rows("SELECT id FROM writes")[0]["id"])
    assert found["audit"]
    assert all(places[entry["lane"], entry["seq"]] == entry["hash"] for entry in found["audit"])
