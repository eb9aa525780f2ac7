"""Taking back by API and command: one write, fifty of which three were changed by hand, doubts; over real HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from taking_back import Office, an_office

from counterfoil import database

Run = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
#: An id that nothing has.
NOBODY = "01a1fd7a-0000-7000-8000-000000000000"
WHY = {"reason": "posted by mistake"}


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch, over_http=True) as made:
        yield made


@pytest.fixture
def planned(office: Office, rows: Rows) -> Callable[..., dict[str, Any]]:
    """A company whose plan was `basic` until a write made it `pro`; the write."""

    def write(number: int = 1) -> dict[str, Any]:
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        office.hear("company.creation", number)
        office.work()
        return rows("SELECT * FROM writes WHERE key = %s", f"hubspot:company:{number}:plan")[0]

    return write


def by_hand(office: Office, number: int, plan: str) -> None:
    """Somebody changes a company's plan at HubSpot."""
    ids = {row["properties"]["stripe_customer_id"]: row["id"] for row in office.hubspot.records("companies")}
    office.hubspot.by_hand("edit", "companies", ids[f"cus_{number}"], properties={"plan": plan})


def test_of_fifty_three_that_people_changed_are_kept(office: Office, api: httpx.Client, run: Run, rows: Rows) -> None:
    """47 / 3 / 0: planned at the terminal, started over the API, told by both, each one with its reason."""
    for number in range(50):
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        office.hear("company.creation", number)
    office.work()
    for number in (3, 17, 42):
        by_hand(office, number, "gold")
    plan = run("reverse", "--destination", "hubspot", "--handler", "sets_the_plan", "--plan", "-r", "wrong", "--json")
    id = plan.json["id"]
    assert (plan.json["status"], plan.json["plan"]["reversible"], plan.json["report"]["left"]) == ("planned", 50, 50)
    assert f"counterfoil reverse start {id}" in run("reverse", "show", id).out
    assert {office.plan_of(number) for number in range(50)} == {"pro", "gold"}
    assert api.post(f"/reversals/{id}/start", json=WHY).json()["status"] == "running"
    office.carry_on(id)
    found = api.get(f"/reversals/{id}").json()
    assert found["status"] == "finished"
    assert found["report"] == {"reversed": 47, "kept": 3, "could_not": 0, "left": 0}
    assert {item["key"] for item in found["kept"]} == {f"hubspot:company:{number}:plan" for number in (3, 17, 42)}
    assert {item["detail"] for item in found["kept"]} == {"kept: plan is no longer as it was written"}
    said = run("reverse", "show", id)
    assert "reversed 47 / kept because someone changed it since 3 / could not 0; 0 left" in said.out
    assert api.get("/reversals").json()["items"] == [found]
    again = rows("SELECT read_back FROM writes WHERE reverses IS NOT NULL AND status = 'confirmed'")
    assert [row["read_back"] for row in again] == [{"differences": []}] * 47
    assert sum(office.plan_of(number) == "basic" for number in range(50)) == 47


def test_a_dry_run_shows_the_inverse_and_sends_nothing_that_writes(
    office: Office, planned: Any, api: httpx.Client, run: Run, rows: Rows
) -> None:
    """What stood before, what somebody changed since; no reason is needed, nothing is kept."""
    write = planned()
    before = len(office.hubspot.exchange.journal)
    seen = api.post(f"/writes/{write['id']}/reverse", json={"dry_run": True}).json()
    assert (seen["changed"], seen["unknown"]) == ([], None)
    assert any("basic" in line for line in seen["shown"]["lines"])
    by_hand(office, 1, "gold")
    said = run("reverse", write["id"], "--dry-run")
    assert "It would be kept: plan is no longer as it was written" in said.out
    sent = list(office.hubspot.exchange.journal)[before:]
    assert {entry.method for entry in sent if not entry.path.endswith(("/search", "/batch/read"))} <= {"GET"}
    assert rows("SELECT 1 FROM writes WHERE reverses IS NOT NULL") == []


def test_one_is_taken_back_once_under_one_key(office: Office, planned: Any, api: httpx.Client, rows: Rows) -> None:
    """The same request again has the same answer; another one is refused; the inverse itself has none."""
    write = planned()
    path, key = f"/writes/{write['id']}/reverse", {"Idempotency-Key": "once"}
    first = api.post(path, json=WHY, headers=key)
    assert (first.status_code, first.json()["reverses"]) == (200, str(write["id"]))
    assert api.post(path, json=WHY, headers=key).json() == first.json()
    refused = api.post(path, json=WHY)
    assert (refused.status_code, "reversing" in refused.json()["detail"]) == (409, True)
    office.work()
    assert (office.plan_of(1), api.get("/writes").json()["items"][-1]["status"]) == ("basic", "reversed")
    for one in (write["id"], first.json()["id"]):
        assert api.post(f"/writes/{one}/reverse", json=WHY).status_code == 409
    assert len(rows("SELECT 1 FROM writes")) == 2


def test_taking_money_back_asks_a_person(office: Office, api: httpx.Client, run: Run, rows: Rows) -> None:
    """20,000.00 in the books: nothing moves before somebody else's yes to exactly what is shown."""
    office.hear("ticket.creation", 900)
    office.work()
    office.approve_all()
    stands = office.balances()
    (write,) = rows("SELECT id FROM writes")
    inverse = run("reverse", write["id"], "-r", "twice", "--as", "ines", "--json").json
    assert inverse["status"] == "awaiting_approval"
    office.work()
    assert office.balances() == stands
    shown = api.get(f"/writes/{inverse['id']}/approval").json()
    assert (shown["amount"], shown["shown"]["evidence"]["asked_by"]) == (
        {"amount_minor": 2_000_000, "currency": "EUR"},
        "ines",
    )
    assert run("approve", inverse["id"], "--digest", shown["digest"], "-r", "right", "--as", "paul").code == 0
    office.work()
    assert office.balances() == {}


def test_a_confirmed_write_is_compared_with_what_stands(
    office: Office, planned: Any, api: httpx.Client, run: Run
) -> None:
    """It stands; after somebody's hand it differs, and in what; nothing of it is kept."""
    write = planned()
    path = f"/writes/{write['id']}/probe"
    assert api.post(path, json=WHY).json()["outcome"] == "stands"
    by_hand(office, 1, "gold")
    found = api.post(path, json=WHY).json()
    assert (found["outcome"], len(found["differences"])) == ("differs", 1)
    assert run("probe", write["id"], "-r", "is it there").out.startswith("differs: ")
    office.hubspot.exchange.faults.down(True)
    assert api.post(path, json=WHY).json()["outcome"] == "unknown"
    assert api.get("/writes").json()["items"][0]["status"] == "confirmed"


@pytest.fixture
def doubt(office: Office, rows: Rows) -> dict[str, Any]:
    """A write whose answer was lost and about which HubSpot has been asked in vain."""
    office.hubspot.make("companies", name="Acorn 1", stripe_customer_id="cus_1", plan="basic")
    office.hear("company.creation", 1)
    office.hubspot.fault("reset_before", method="POST", path="*/upsert")
    office.work()
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET probes = 20")
    by_hand(office, 1, "gold")
    office.later()
    (write,) = rows("SELECT * FROM writes")
    assert (write["status"], write["due_at"]) == ("in_doubt", None)
    return write


def test_a_doubt_is_asked_about_again(office: Office, doubt: dict[str, Any], run: Run, rows: Rows) -> None:
    """One more probe finds it."""
    by_hand(office, 1, "pro")
    assert run("probe", doubt["id"], "-r", "ask again", "--json").json["outcome"] == "asked"
    office.work()
    assert rows("SELECT status FROM writes")[0]["status"] == "confirmed"


def test_a_doubt_is_settled_by_its_owner(
    office: Office, doubt: dict[str, Any], api: httpx.Client, run: Run, rows: Rows
) -> None:
    """Where it stands has to be named; then it is confirmed by that person's word, and the case is over."""
    path = f"/writes/{doubt['id']}/settle"
    refused = api.post(path, json={"happened": True, **WHY})
    assert (refused.status_code, "id that the destination gave" in refused.json()["detail"]) == (422, True)
    done = api.post(path, json={"happened": True, "reference": "1001", **WHY}).json()
    assert (done["status"], done["receipt"]["reference"]) == ("confirmed", "1001")
    assert rows("SELECT status FROM cases")[0]["status"] == "resolved"
    assert api.post(path, json={"happened": False, **WHY}).status_code == 409
    assert run("settle", doubt["id"], "--absent", "-r", "not there").code == 1


def test_what_did_not_happen_is_sent_again(office: Office, doubt: dict[str, Any], run: Run, rows: Rows) -> None:
    """Under the same key."""
    assert run("settle", doubt["id"], "--absent", "-r", "not there", "--as", "ines").code == 0
    office.work()
    (write,) = rows("SELECT key, status, attempts FROM writes")
    assert (write["key"], write["status"], write["attempts"]) == (doubt["key"], "confirmed", 2)


def test_questions_that_mean_everything_or_nothing_are_refused(office: Office, api: httpx.Client) -> None:
    """An empty filter, an unknown member, a change without a reason, things that are not there."""
    assert api.post("/reversals", json={"filter": {}, **WHY}).status_code in (400, 422)
    assert api.post("/reversals", json={"filter": {"status": "confirmed"}, **WHY}).status_code == 422
    assert api.post("/reversals", json={"filter": {"colour": "red"}, **WHY}).status_code == 400
    assert api.post(f"/writes/{NOBODY}/reverse", json={}).status_code == 400
    for path, body in (
        (f"/writes/{NOBODY}/reverse", WHY),
        (f"/writes/{NOBODY}/reverse", {"dry_run": True}),
        (f"/writes/{NOBODY}/probe", WHY),
        (f"/writes/{NOBODY}/settle", {"happened": False, **WHY}),
        (f"/reversals/{NOBODY}/start", WHY),
        (f"/reversals/{NOBODY}/cancel", WHY),
    ):
        assert api.post(path, json=body).status_code == 404, path
    assert api.get(f"/reversals/{NOBODY}").status_code == 404
