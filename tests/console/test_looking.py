"""What the API shows, over real HTTP: the fields of the interface, filters, paging, details and proofs."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event as listening

from console.asks import CasesAsk, EventsAsk
from console.queries import cases, events
from counterfoil import database, keys

Rows = Callable[..., list[dict[str, Any]]]
An = Callable[..., UUID]
#: What `interface.md` promises; more may be there.
INTERFACE = {
    "events": "id source key type subject status occurred_at received_at finished_at deliveries handler owner",
    "writes": "id key destination operation status amount event_id run_id attempts receipt created_at confirmed_at",
    "cases": "id class title status owner handler events count at_stake opened_at due_at escalated_to advice",
}


@pytest.mark.parametrize("kind", INTERFACE)
def test_a_list_has_the_fields_of_the_interface(api: httpx.Client, story: Any, kind: str) -> None:
    """Others build on these names."""
    page = api.get(f"/{kind}").json()
    assert page.keys() == {"items", "next_cursor"}
    assert INTERFACE[kind].split() == [name for name in INTERFACE[kind].split() if name in page["items"][0]]


def test_a_list_is_newest_first_and_pages_without_gap_or_repetition(api: httpx.Client, an_event: An) -> None:
    """Five events in pages of two are five events, also when newer ones arrive in between."""
    made = [str(an_event()) for _ in range(5)]
    found, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = api.get("/events", params=query).json()
        found += [item["id"] for item in page["items"]]
        an_event()
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == made[::-1]


def test_filters_narrow_the_list(api: httpx.Client, story: Any) -> None:
    """Each filter of the interface finds its event, and what does not exist finds nothing."""
    one = api.get(f"/events/{story.done}").json()
    for name in ("source", "type", "subject", "status", "key"):
        found = {item["id"] for item in api.get("/events", params={name: one[name]}).json()["items"]}
        assert str(story.done) in found, name
        nothing = "superseded" if name == "status" else "nothing"
        assert api.get("/events", params={name: nothing}).json()["items"] == []
    together = {"key": one["key"], "source": "stripe", "status": "done"}
    assert [item["id"] for item in api.get("/events", params=together).json()["items"]] == [str(story.done)]


@pytest.mark.parametrize("of", ["id", "key", "object", "subject", "part"])
def test_q_finds_an_event_by_what_people_have_in_their_clipboard(api: httpx.Client, story: Any, of: str) -> None:
    """An id, the provider's key, the object's id with or without its source, or a part of one."""
    one = api.get(f"/events/{story.failed}").json()
    text = {
        "id": one["id"],
        "key": one["key"],
        "object": one["subject"].removeprefix("stripe:"),
        "subject": one["subject"],
        "part": one["key"][6:14],
    }[of]
    assert [item["id"] for item in api.get("/events", params={"q": text}).json()["items"]] == [one["id"]]


def test_q_takes_wildcards_as_the_characters_they_are(api: httpx.Client, story: Any) -> None:
    """A percent sign is no pattern."""
    assert api.get("/events", params={"q": "%"}).json()["items"] == []
    assert api.get("/writes", params={"q": "_"}).json()["items"] != []


def test_since_and_until_bound_the_list(api: httpx.Client, an_event: An) -> None:
    """`since` is included, `until` is not; an offset without its escaped plus sign is understood."""
    moments = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    ids = [str(an_event(received_at=at, id=_id_at(at))) for at in moments]

    def between(**bounds: str) -> list[str]:
        return [item["id"] for item in api.get("/events", params=bounds).json()["items"]]

    assert between(since="2026-03-02T00:00:00Z") == [ids[2], ids[1]]
    assert between(until="2026-03-02T00:00:00Z") == [ids[0]]
    assert between(since="2026-03-02T01:00:00 01:00", until="2026-03-02T00:00:00.000001Z") == [ids[1]]
    assert between(since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z") == ids[::-1]


def _id_at(moment: datetime) -> UUID:
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (keys.new_id().int & ((1 << 80) - 1)))


def test_a_case_shows_what_was_wrong_and_not_our_notes(api: httpx.Client, story: Any) -> None:
    """What its owner was told last is for the next telling."""
    detail = api.get(f"/cases/{story.case}").json()["detail"]
    assert detail["sentence"]
    assert "told" not in detail


def test_the_owner_of_an_event_is_who_owns_its_case_now(api: httpx.Client, story: Any) -> None:
    """Resolved live: an assignment shows at once; an event without a case has none."""
    assert api.get(f"/events/{story.failed}").json()["owner"] == "rhea"
    assert api.get(f"/events/{story.done}").json()["owner"] is None
    api.post(f"/cases/{story.case}/assign", json={"reason": "knows the customer", "to": "marek"})
    assert api.get(f"/events/{story.failed}").json()["owner"] == "marek"
    assert [item["id"] for item in api.get("/cases", params={"owner": "marek"}).json()["items"]] == [str(story.case)]
    assert api.get("/cases", params={"owner": "rhea"}).json()["items"] == []


def test_a_stub_proves_a_write_without_the_database(api: httpx.Client, story: Any) -> None:
    """Event, contract, decision, request, answer, read-back and audit; its digest covers all of it."""
    write = api.get("/writes").json()["items"][0]
    stub = api.get(f"/writes/{write['id']}/stub").json()
    assert stub["write"]["key"] == write["key"] == stub["request"]["key"]
    assert stub["contract"]["version"] == "stripe.invoice_paid/2"
    assert json.loads(stub["event"]["payload"])["id"] == stub["event"]["key"]
    assert sum(line["amount_minor"] for line in stub["read_back"]["lines"]) == 0
    assert f"books:invoice:{stub['read_back']['refers_to']}:paid" == write["key"]
    assert stub["audit"]
    digest = stub.pop("digest")
    assert keys.digest(stub) == digest
    stub["read_back"]["lines"][0]["amount_minor"] += 1
    assert keys.digest(stub) != digest


def test_stats_count_the_window_and_what_stands_open(api: httpx.Client, story: Any) -> None:
    """The last day by default; a window before it is empty, what is open is open whatever the window."""
    now = api.get("/stats").json()
    assert (now["events_received"], now["events_by_status"]["done"]) == (3, 1)
    assert now["written"] == [{"amount_minor": 18957, "currency": "EUR"}]
    assert now["at_stake"] == [{"amount_minor": 18957, "currency": "EUR"}]
    assert now["cases_live"] == {"contract_violation": 1}
    past = api.get("/stats", params={"until": "2026-01-01T00:00:00Z"}).json()
    assert (past["events_received"], past["cases_live"]) == (0, {"contract_violation": 1})


def test_owners_name_a_living_person_for_every_class(api: httpx.Client) -> None:
    """One line per class; no address or channel leaves the file."""
    lines = api.get("/owners").json()["items"]
    assert {line["class"] for line in lines} >= {"contract_violation", "run_stuck", "signature_burst"}
    assert all(line["owner"] and line["name"] and line["escalation"] for line in lines)
    assert "@" not in json.dumps(lines)
    assert "://" not in json.dumps(lines)


def test_handlers_say_what_they_take(api: httpx.Client) -> None:
    """Name, version, source, types."""
    found = {one["name"]: one for one in api.get("/handlers").json()["items"]}
    assert found["invoice_paid"]["types"] == ["invoice.paid", "invoice.payment_succeeded"]
    assert found["invoice_paid"]["version"]


@pytest.mark.parametrize("kind", ["events", "runs", "writes", "cases", "replays"])
def test_what_does_not_exist_is_a_404_with_a_sentence(api: httpx.Client, kind: str) -> None:
    """A UUID of nothing, and what is no UUID."""
    tail = "/stub" if kind == "writes" else ""
    for its_id in (str(uuid4()), "1", "%00", str(uuid4()).upper() + "0", "9" * 400):
        answer = api.get(f"/{kind}/{its_id}{tail}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["detail"].startswith("there is no")


@pytest.fixture
def statements(database_url: str) -> Iterator[list[str]]:
    """The statements that looking sends."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    listening.listen(database.engine(), "before_cursor_execute", note)
    yield sent
    listening.remove(database.engine(), "before_cursor_execute", note)


def test_a_longer_list_asks_no_more_questions(
    an_event: An, work: Callable[[], None], statements: list[str], conn: database.Connection
) -> None:
    """Fifty events in fifty cases cost as many statements as one (remove the batching in `queries.cases`)."""

    def statements_for(count: int) -> int:
        for _ in range(count):
            case, one = keys.new_id(), an_event(status="exception", due_at=None)
            conn.execute(
                "INSERT INTO cases (id, failure_class, fingerprint, title, events)"
                " VALUES (%s, 'run_stuck', %s, 'stuck', 1)",
                (case, case.hex[:20]),
            )
            conn.execute(
                "INSERT INTO case_events (case_id, event_id, amount_minor, currency) VALUES (%s, %s, 5, 'EUR')",
                (case, one),
            )
            conn.execute("UPDATE events SET case_id = %s WHERE id = %s", (case, one))
        conn.commit()
        statements.clear()
        listed = events.find_page(EventsAsk()), cases.find_page(CasesAsk())
        assert all(item.owner == "pia" for item in [*listed[0].items, *listed[1].items])
        return len(statements)

    assert statements_for(1) == statements_for(49) <= 8


def test_times_are_rfc3339_in_utc(api: httpx.Client, story: Any) -> None:
    """With a Z, whatever the database's time zone."""
    received = api.get(f"/events/{story.done}").json()["received_at"]
    assert received.endswith("Z")
    assert abs(datetime.fromisoformat(received) - datetime.now(UTC)) < timedelta(minutes=5)
