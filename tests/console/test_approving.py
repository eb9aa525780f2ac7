"""What waits for a person, by API and command: shown, approved, rejected, edited, many at once; refused with words."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asking import HANDS, Office, an_office

from console import doctor
from console.api import openapi
from console.api.route import PREFIX
from counterfoil import database

WHY = {"reason": "because"}
Run = Callable[..., Any]


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """An office in which people are asked before anything is written."""
    with an_office(conn, monkeypatch, tmp_path) as made:
        yield made


@pytest.fixture
def desk(office: Office, api: httpx.Client) -> "Desk":
    return Desk(office, api)


class Desk:
    """People at the API, each under a name of their own."""

    def __init__(self, office: Office, api: httpx.Client) -> None:
        self.office, self.api = office, api

    def post(self, path: str, who: str = "ines", *, once: str | None = None, **body: Any) -> httpx.Response:
        """A change by somebody."""
        headers = {"X-Counterfoil-Actor": who, **({"Idempotency-Key": once} if once else {})}
        return self.api.post(path, json={**WHY, **body}, headers=headers)

    def waiting(self, number: int = 1, amount_minor: int = 4200) -> dict[str, Any]:
        """A draft invoice that waits, as the API shows it."""
        self.office.deal(number, amount_minor)
        (row,) = self.office.rows("SELECT id FROM writes WHERE key = %s", f"stripe:deal:{number}:invoice")
        found: dict[str, Any] = self.api.get(f"/writes/{row['id']}/approval").json()
        return found

    def approve(self, shown: dict[str, Any], who: str = "ines", **more: Any) -> httpx.Response:
        """A yes to what was shown."""
        return self.post(f"/writes/{shown['write_id']}/approve", who, digest=shown["digest"], **more)


def test_a_request_is_listed_and_shown_with_everything_a_person_needs(desk: Desk) -> None:
    """The list has one line of it; by itself it has the action, what stands before, votes, edits, and its plan."""
    shown = desk.waiting()
    (listed,) = desk.api.get("/approvals").json()["items"]
    assert listed == {**{name: shown[name] for name in listed}, "age_seconds": listed["age_seconds"]}
    assert (shown["status"], shown["write_status"]) == ("open", "awaiting_approval")
    assert (shown["needed"], shown["given"], shown["votes"], shown["edits"]) == (1, 0, [], [])
    assert shown["amount"] == {"amount_minor": 4200, "currency": "EUR"}
    for name in ("lines", "before", "evidence", "confidence", "alternatives", "can_be_undone", "body", "rule"):
        assert name in shown["shown"], name


def test_the_other_writes_of_the_plan_are_shown_too(desk: Desk) -> None:
    """What goes out after the yes, and not after a no."""
    desk.office.event("ticket.propertyChange", 7, "100000")
    (listed,) = desk.api.get("/approvals", params={"destination": "books"}).json()["items"]
    shown = desk.api.get(f"/writes/{listed['write_id']}/approval").json()
    assert [(one["key"], one["status"]) for one in shown["with_it"]] == [("books:ticket:7:fee", "planned")]
    assert desk.approve(shown).status_code == 200
    desk.office.work()
    assert set(desk.office.states().values()) == {"confirmed"}


@pytest.mark.parametrize(
    ("ask", "found"),
    [
        ({"destination": "stripe"}, 2),
        ({"destination": "hubspot"}, 0),
        ({"operation": "create_draft_invoice"}, 2),
        ({"handler": "drafts_an_invoice", "rule": "outside"}, 1),
        ({"rule": "very_large"}, 1),
        ({"q": "stripe:deal:2:invoice"}, 1),
        ({"limit": 1}, 1),
        ({"since": "2099-01-01T00:00:00Z"}, 0),
    ],
)
def test_the_list_is_narrowed(desk: Desk, ask: dict[str, Any], found: int) -> None:
    """By what the write is, and by the rule that asks."""
    desk.waiting(1)
    desk.waiting(2, 1_000_000)
    assert len(desk.api.get("/approvals", params=ask).json()["items"]) == found


def test_a_yes_sends_it_and_is_kept_with_name_and_reason(desk: Desk) -> None:
    """The answer is the request as it is then; the audit has both entries."""
    answer = desk.approve(desk.waiting())
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["status"], said["write_status"], said["given"]) == ("approved", "approved", 1)
    assert [(one["person"], one["decision"], one["reason"]) for one in said["votes"]] == [
        ("ines", "approve", "because")
    ]
    desk.office.work()
    assert desk.office.posts().count("/v1/invoices") == 1
    entries = desk.office.rows("SELECT action FROM audit_entries WHERE actor = 'ines' ORDER BY seq")
    assert [one["action"] for one in entries] == ["approval.given", "write.approved"]
    assert desk.api.get("/approvals").json()["items"] == []


def test_approving_twice_is_a_409_and_sends_once(desk: Desk) -> None:
    """With words for a person, before and after it went out."""
    shown = desk.waiting()
    assert desk.approve(shown).status_code == 200
    for _ in range(2):
        again = desk.approve(shown, "paul")
        assert again.status_code == 409
        assert "nobody is asked about it" in again.json()["detail"]
        desk.office.work()
    assert desk.office.posts().count("/v1/invoices") == 1


def test_the_same_request_twice_under_one_key_is_one_yes(desk: Desk) -> None:
    """The second gets the first one's answer, word for word, also later; another request under the key is refused."""
    shown = desk.waiting(1, 1_000_000)
    first = desk.approve(shown, once="k1")
    second = desk.approve(shown, once="k1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert desk.approve(shown, "paul", once="k1").status_code == 422
    assert (desk.approve(shown, "paul", once="k2").status_code, desk.approve(shown, once="k1").json()) == (
        200,
        first.json(),
    )
    desk.office.work()
    assert desk.office.posts().count("/v1/invoices") == 1


@pytest.mark.parametrize("once", [None, "one-key"])
def test_eight_requests_at_one_instant_are_one_yes(desk: Desk, once: str | None) -> None:
    """Without a key seven are late; with one all get the answer of the first. It is sent once."""
    shown = desk.waiting()
    codes: list[int] = []
    start = threading.Barrier(8)

    def send() -> None:
        with httpx.Client(base_url=desk.api.base_url, headers=desk.api.headers, trust_env=False, timeout=30) as client:
            start.wait(20)
            headers = {"Idempotency-Key": once} if once else {}
            body = {**WHY, "digest": shown["digest"]}
            codes.append(client.post(f"/writes/{shown['write_id']}/approve", json=body, headers=headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert Counter(codes) == (Counter({200: 8}) if once else Counter({200: 1, 409: 7}))
    desk.office.work()
    assert desk.office.posts().count("/v1/invoices") == 1


def test_what_changed_since_it_was_shown_is_a_409_with_the_difference(desk: Desk) -> None:
    """One cent: shown 4200, would be 4201. The new digest is approved."""
    shown = desk.waiting()
    event = desk.office.rows("SELECT id FROM events")[0]["id"]
    desk.office.says(event, f"4201@{desk.office.customer}")
    answer = desk.approve(shown)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    places = {one["field"]: (one["shown"], one["now"]) for one in answer.json()["difference"]}
    assert places["body.items.0.amount_minor"] == (4200, 4201)
    assert desk.approve(desk.api.get(f"/writes/{shown['write_id']}/approval").json()).status_code == 200
    assert desk.office.posts() == []


def test_two_people_above_the_second_amount(desk: Desk) -> None:
    """The first is counted, the same one again is refused, another one decides."""
    shown = desk.waiting(1, 1_000_000)
    said = desk.approve(shown).json()
    assert (said["status"], said["given"], said["needed"]) == ("open", 1, 2)
    again = desk.approve(shown, "INES")
    assert (again.status_code, "another person" in again.json()["detail"]) == (409, True)
    assert desk.approve(shown, "paul").json()["status"] == "approved"


def test_a_no_ends_it(desk: Desk) -> None:
    """With a reason; a yes afterwards is late."""
    shown = desk.waiting()
    said = desk.post(f"/writes/{shown['write_id']}/reject", "norma").json()
    assert (said["status"], said["write_status"]) == ("rejected", "rejected")
    assert desk.approve(shown).status_code == 409
    assert desk.post(f"/writes/{shown['write_id']}/reject", "norma").status_code == 409
    desk.office.work()
    assert desk.office.posts() == []


def test_an_edit_is_approved_by_somebody_else(desk: Desk) -> None:
    """The editor's own yes is a 409; what goes out is what was edited, and the request says who did it and what."""
    shown = desk.waiting()
    url = f"/writes/{shown['write_id']}"
    body = {**shown["shown"]["body"], "items": [{"description": "Seats", "amount_minor": 3900}]}
    wrong = desk.post(
        f"{url}/edit", "ed", body={**body, "due_days": 0}, amount={"amount_minor": 3900, "currency": "EUR"}
    )
    assert (wrong.status_code, bool(wrong.json()["errors"])) == (422, True)
    edited = desk.post(f"{url}/edit", "ed", body=body, amount={"amount_minor": 3900, "currency": "EUR"}).json()
    assert (edited["edited_by"], edited["status"]) == ("ed", "open")
    assert edited["digest"] != shown["digest"]
    assert edited["edits"][0]["by"] == "ed"
    own = desk.approve(edited, "ed")
    assert (own.status_code, "another person" in own.json()["detail"]) == (409, True)
    assert desk.approve(shown).status_code == 409
    assert desk.approve(edited).status_code == 200
    desk.office.work()
    assert desk.office.stripe.get("invoices")["data"][0]["amount_due"] == 3900


def test_many_are_summed_first_and_then_approved_each_by_its_digest(desk: Desk) -> None:
    """A dry run counts nobody's answer; one that changed is refused with the difference, the others go out."""
    shown = [desk.waiting(number, 4200 + number) for number in range(3)]
    event = shown[1]["event_id"]
    desk.office.says(event, f"9900@{desk.office.customer}")
    items = [{"write_id": one["write_id"], "digest": one["digest"]} for one in shown]
    tried = desk.post("/approvals/batch", items=items, dry_run=True).json()
    assert not desk.office.rows("SELECT 1 AS one FROM approval_votes")
    done = desk.post("/approvals/batch", items=items).json()
    for answer, dry in ((tried, True), (done, False)):
        assert (answer["dry_run"], answer["count"]) == (dry, 2)
        assert answer["sums"] == [{"amount_minor": 8402, "currency": "EUR"}]
        assert [one["outcome"] for one in answer["items"]] == ["approved", "refused", "approved"]
        assert {"field": "body.items.0.amount_minor", "shown": 4201, "now": 9900} in answer["items"][1]["difference"]
    desk.office.work()
    assert desk.office.posts().count("/v1/invoices") == 2


def test_what_cannot_be_asked_is_refused(desk: Desk) -> None:
    """Unknown is 404, a digest that is none and a missing reason 400, another state 409; always with words."""
    shown = desk.waiting()
    nobody, url = uuid4(), f"/writes/{shown['write_id']}"
    digest = {"digest": shown["digest"]}
    for path, body, status in (
        (f"/writes/{nobody}/approve", {**WHY, **digest}, 404),
        (f"/writes/{nobody}/reject", WHY, 404),
        (f"/writes/{nobody}/edit", {**WHY, "body": {}}, 404),
        (f"{url}/approve", WHY, 400),
        (f"{url}/approve", digest, 400),
        (f"{url}/approve", {**WHY, "digest": "x"}, 400),
        (f"{url}/approve", {**WHY, **digest, "force": True}, 400),
        (f"{url}/reject", {}, 400),
        (f"{url}/edit", {**WHY, "body": []}, 400),
        ("/approvals/batch", {**WHY, "items": []}, 400),
    ):
        answer = desk.api.post(path, json=body)
        assert (path, answer.status_code) == (path, status), answer.text
        assert answer.json()["detail"]
    assert desk.api.get(f"/writes/{nobody}/approval").status_code == 404
    desk.office.event("ticket.propertyChange", 7, "500")
    (booked,) = desk.office.rows("SELECT id FROM writes WHERE key = 'books:ticket:7:main'")
    answer = desk.post(f"/writes/{booked['id']}/approve", digest=shown["digest"])
    assert (answer.status_code, "confirmed" in answer.json()["detail"]) == (409, True)
    assert desk.office.asked()["digest"] == shown["digest"]


def test_an_expired_request_is_a_409_that_says_what_to_do(desk: Desk) -> None:
    """Silence was a no; it is asked again by a replay."""
    shown = desk.waiting()
    desk.office.run_out(desk.office.asked())
    answer = desk.approve(shown)
    assert (answer.status_code, "replay" in answer.json()["detail"]) == (409, True)


def test_nobody_approves_without_a_token(desk: Desk, stranger: httpx.Client) -> None:
    """A digest is no credential."""
    shown = desk.waiting()
    url = f"/api/v1/writes/{shown['write_id']}"
    assert stranger.get(f"{url}/approval").status_code == 401
    assert stranger.post(f"{url}/approve", json={**WHY, "digest": shown["digest"]}).status_code == 401


def test_the_description_holds_what_a_client_needs() -> None:
    """Every route of approval, the digest as required, and the difference of a 409."""
    document = openapi.document()
    for path, method in (
        ("/approvals", "get"),
        ("/approvals/batch", "post"),
        ("/writes/{id}/approval", "get"),
        ("/writes/{id}/approve", "post"),
        ("/writes/{id}/reject", "post"),
        ("/writes/{id}/edit", "post"),
    ):
        assert method in document["paths"][PREFIX + path], path
    schemas = document["components"]["schemas"]
    assert set(schemas["ApproveAsk"]["required"]) == {"digest", "reason"}
    assert "difference" in schemas["ProblemDetails"]["properties"]
    assert "409" in document["paths"][f"{PREFIX}/writes/{{id}}/approve"]["post"]["responses"]


def approvals_found() -> doctor.Finding:
    """What the doctor says about approvals."""
    return next(finding for finding in doctor.examine() if finding.name == "approvals")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE writes SET status = 'approved'", "approved without 2 people"),
        ("UPDATE writes SET status = 'confirmed', confirmed_at = now()", "confirmed without 2 people"),
        ("UPDATE approvals SET status = 'void'", "nobody is asked"),
    ],
)
def test_the_doctor_finds_what_nobody_approved(office: Office, change: str, why: str) -> None:
    """Whoever switched the rules of the database off for a moment leaves a trace; one of two people is not two."""
    office.deal(1, 1_000_000)
    office.approve(office.asked())
    assert approvals_found().verdict == "ok"
    with office.conn.transaction():
        office.conn.execute("SET LOCAL session_replication_role = replica")
        office.conn.execute(change)
    found = approvals_found()
    assert (found.verdict, any(why in item for item in found.items)) == ("wrong", True), found.items


@pytest.mark.parametrize("had_a_hand_in_it", HANDS.values(), ids=HANDS)
def test_the_doctor_finds_a_yes_of_whoever_had_a_hand_in_it(office: Office, had_a_hand_in_it: str) -> None:
    """By the rule that refuses such a vote; a hand that came after the yes takes nothing from it."""
    office.deal(1, 4200)
    request = office.asked()
    office.approve(request, "ed")
    later = "UPDATE payloads SET recorded_at = now() + interval '1 h' WHERE author IS NOT NULL"
    if "payloads" in had_a_hand_in_it:
        office.by_hand(f"{had_a_hand_in_it}; {later}")
        assert approvals_found().verdict == "ok"
        office.by_hand("UPDATE payloads SET recorded_at = now() - interval '1 h'")
    else:
        office.by_hand(had_a_hand_in_it)
    found = approvals_found()
    assert (found.verdict, any("people who saw it" in item for item in found.items)) == ("wrong", True), found.items


def test_the_doctor_finds_rules_that_are_off(office: Office) -> None:
    """A trigger that does not fire holds nothing."""
    assert approvals_found().verdict == "ok"
    office.do("ALTER TABLE approval_votes DISABLE TRIGGER approval_votes_keep_rules")
    assert any("approval_votes_keep_rules" in item for item in approvals_found().items)


def test_the_commands_do_what_the_api_does(office: Office, run: Run, tmp_path: Path) -> None:
    """List, show, edit, approve by digest; the text has what a person reads before saying yes."""
    office.deal(1, 4200)
    request = office.asked()
    write = str(request["write_id"])
    assert [one["write_id"] for one in run("approvals", "--json").json["items"]] == [write]
    assert run("approvals", write, "--json").json["digest"] == request["digest"]
    text = run("approvals", write).out
    for word in ("42", "EUR", "undone", "reject", "outside", "0 of 1", request["digest"]):
        assert word in text, word
    file = tmp_path / "action.json"
    file.write_text(json.dumps({**request["shown"]["body"], "items": [{"description": "Seats", "amount_minor": 3900}]}))
    edit = ["approvals", "edit", write, "--file", file, "--amount-minor", "3900", "--as", "ed", "--reason", "less"]
    edited = run(*edit, "--json").json
    own = run("approve", write, "--digest", edited["digest"], "--as", "ed", "--reason", "mine")
    assert (own.code, "another person" in own.err) == (1, True)
    said = run("approve", write, "--digest", edited["digest"], "--as", "ines", "--reason", "agreed", "--json")
    assert (said.code, said.json["status"]) == (0, "approved")
    office.work()
    assert office.states() == {"stripe:deal:1:invoice": "confirmed"}


def test_a_command_approves_nothing_that_it_did_not_show(office: Office, run: Run) -> None:
    """Without a digest and a person at the terminal, and with the digest of something else, it refuses."""
    office.deal(1, 4200)
    write = str(office.asked()["write_id"])
    for words in (["approve", write, "--reason", "x"], ["approve", write, "--digest", "0" * 64, "--reason", "x"]):
        assert run(*words).code == 1
    assert run("approve", write, "--digest", "x", "--reason", "x").code == 2
    assert run("reject", write).code == 2
    assert office.states() == {"stripe:deal:1:invoice": "awaiting_approval"}


def test_many_by_command_and_a_no(office: Office, run: Run) -> None:
    """A dry run changes nothing; what is refused is exit 1, and does not stop the others."""
    for number in (1, 2, 3):
        office.deal(number, 4200)
    first, second, third = (office.asked(f"stripe:deal:{number}:invoice") for number in (1, 2, 3))
    items = [f"{first['write_id']}={first['digest']}", f"{second['write_id']}={'0' * 64}"]
    tried = run("approvals", "batch", *items, "--reason", "alike", "--dry-run", "--json")
    assert (tried.code, tried.json["count"], tried.json["sums"][0]["amount_minor"]) == (1, 1, 4200)
    assert set(office.states().values()) == {"awaiting_approval"}
    assert run("approvals", "batch", *items, "--reason", "alike").code == 1
    assert run("reject", str(third["write_id"]), "--reason", "no", "--json").json["status"] == "rejected"
    office.work()
    assert office.states() == {
        "stripe:deal:1:invoice": "confirmed",
        "stripe:deal:2:invoice": "awaiting_approval",
        "stripe:deal:3:invoice": "rejected",
    }
