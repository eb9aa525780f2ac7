"""What people do through the API: it happens once, says why and who, and is refused with words."""

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

Rows = Callable[..., list[dict[str, Any]]]
WHY = {"reason": "because"}
JSON = {"Content-Type": "application/json"}


def test_a_replay_sends_the_event_back_and_writes_nothing_twice(
    api: httpx.Client, story: Any, work: Callable[[], None], rows: Rows
) -> None:
    """Given a booked invoice, when it is replayed, then it runs again and the books have one entry."""
    answer = api.post(f"/events/{story.done}/replay", json={**WHY, "from": "start"})
    assert answer.json() == {"event_id": str(story.done), "status": "queued", "generation": 1, "from": "start"}
    work()
    event = api.get(f"/events/{story.done}").json()
    assert (event["status"], len(event["runs"]), len(event["writes"])) == ("done", 2, 1)
    assert len(rows("SELECT 1 AS one FROM books_entries")) == 1


def test_a_dry_run_shows_the_difference_and_changes_nothing(api: httpx.Client, story: Any, rows: Rows) -> None:
    """Not one row anywhere, and no reason needed."""

    def counts() -> list[dict[str, Any]]:
        tables = ("events", "runs", "writes", "books_entries", "audit_entries", "cases", "checkpoints")
        return [rows(f"SELECT count(*) AS n, max(xmin::text::bigint) AS newest FROM {table}")[0] for table in tables]

    before = counts()
    same = api.post(f"/events/{story.done}/replay", json={"dry_run": True}).json()
    assert [one["change"] for one in same["difference"]] == ["same"]
    broken = api.post(f"/events/{story.failed}/replay", json={"dry_run": True}).json()
    assert broken["would"]["failure_class"] == "contract_violation"
    assert broken["was"]["status"] == "exception"
    assert same["outbound_calls"] == broken["outbound_calls"] == 0
    assert counts() == before


def test_a_dry_run_of_an_event_that_was_sent_back_works_too(api: httpx.Client, story: Any) -> None:
    """A replay begins at attempt 0; what would happen can be asked before it does."""
    assert api.post(f"/events/{story.failed}/replay", json=WHY).status_code == 200
    shown = api.post(f"/events/{story.failed}/replay", json={"dry_run": True})
    assert shown.status_code == 200, shown.text
    assert shown.json()["would"]["failure_class"] == "contract_violation"


def test_a_running_event_is_not_replayed(api: httpx.Client, story: Any, conn: Any) -> None:
    """409: a worker has it."""
    conn.execute("UPDATE events SET status = 'running' WHERE id = %s", (story.queued,))
    conn.commit()
    answer = api.post(f"/events/{story.queued}/replay", json=WHY)
    assert answer.status_code == 409
    assert "worker" in answer.json()["detail"]


def test_a_case_goes_through_its_life(api: httpx.Client, story: Any, rows: Rows) -> None:
    """Acknowledge, assign, snooze, dismiss: each answers the case as it is then, and is audited with its name."""
    url = f"/cases/{story.case}"
    for verb, more, status in (
        ("acknowledge", {}, "acknowledged"),
        ("assign", {"to": "tomas"}, "acknowledged"),
        ("snooze", {"until": "2099-01-01T00:00:00Z"}, None),
        ("dismiss", {}, "dismissed"),
    ):
        answer = api.post(f"{url}/{verb}", json={**WHY, **more}, headers={"X-Counterfoil-Actor": "Zoë".encode()})
        if status is None:
            assert (answer.status_code, "at most" in answer.json()["detail"]) == (422, True)
        else:
            assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
    assert rows("SELECT status, outcome FROM events WHERE id = %s", story.failed) == [
        {"status": "ignored", "outcome": "dismissed by Zoë: because"}
    ]
    actors = rows("SELECT DISTINCT actor FROM audit_entries WHERE lane = 'desk'")
    assert actors == [{"actor": "Zoë"}]


def test_resolving_what_still_blocks_is_refused_with_what_to_do(api: httpx.Client, story: Any) -> None:
    """409, and the case is as it was."""
    answer = api.post(f"/cases/{story.case}/resolve", json=WHY)
    assert answer.status_code == 409
    assert "replay them, or dismiss" in answer.json()["detail"]
    assert api.get(f"/cases/{story.case}").json()["status"] == "open"


def test_an_edit_that_breaks_the_contract_lists_every_rule(api: httpx.Client, story: Any, rows: Rows) -> None:
    """422 with field, rule and advice; nothing is stored."""
    payload = api.get(f"/events/{story.failed}").json()["payload"]
    payload["data"]["object"]["currency"] = "xxx"
    answer = api.post(f"/cases/{story.case}/edit", json={**WHY, "payload": payload})
    assert answer.status_code == 422
    assert {"currency_known"} <= {error["rule"] for error in answer.json()["errors"]}
    assert all(error["field"] and error["advice"] for error in answer.json()["errors"])
    assert len(rows("SELECT 1 AS one FROM payloads WHERE event_id = %s", story.failed)) == 1


def repaired(api: httpx.Client, story: Any, note: str) -> str:
    """The story's broken invoice put right, as text, with a member that nothing reads."""
    payload = api.get(f"/events/{story.failed}").json()["payload"]
    payload["data"]["object"]["subtotal"] -= 100
    return f'{json.dumps(payload)[:-1]}, "note": {note}}}'


def test_no_number_of_an_edit_changes(api: httpx.Client, story: Any, rows: Rows) -> None:
    """What is stored is what was sent, digit by digit: a binary float is not among the things between."""
    text = repaired(api, story, '{"rate": 0.10000000000000000001, "zeros": 12.10, "large": 12345678901234567890.5}')
    body = f'{{"payload": {text} , "reason": "exactly this"}}'
    answer = api.post(f"/cases/{story.case}/edit", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    stored = rows("SELECT body FROM payloads WHERE event_id = %s AND version = 1", story.failed)
    assert stored == [{"body": text}]


def test_two_edits_that_differ_in_a_digit_are_two_requests(api: httpx.Client, story: Any) -> None:
    """The Idempotency-Key of one does not cover the other, be it the twentieth digit, or a text for a number."""
    statuses = []
    texts = [repaired(api, story, note) for note in ("0.10000000000000000001", "0.10000000000000000002", '"0.1"')]
    for text in (texts[0], *texts):
        body = f'{{"reason": "x", "payload": {text}}}'
        headers = {**JSON, "Idempotency-Key": "digits"}
        statuses.append(api.post(f"/cases/{story.case}/edit", content=body, headers=headers).status_code)
    assert statuses == [200, 200, 422, 422]


@pytest.mark.parametrize("payload", ['"{}"', "[]", "null", "7", '" {"'])
def test_an_edit_takes_an_object_only(api: httpx.Client, story: Any, rows: Rows, payload: str) -> None:
    """400 that names the member; text that holds an object is text."""
    body = f'{{"payload": {payload}, "reason": "x"}}'
    answer = api.post(f"/cases/{story.case}/edit", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "payload"


def test_a_replay_by_filter_plans_starts_and_is_cancelled(api: httpx.Client, story: Any) -> None:
    """A dry run stays planned and can be started later; a finished one cannot be cancelled."""
    plan = api.post("/replays", json={**WHY, "filter": {"source": "stripe", "status": "done"}, "dry_run": True}).json()
    assert (plan["status"], plan["plan"]["events"]) == ("planned", 1)
    started = api.post(f"/replays/{plan['id']}/start", json=WHY).json()
    assert started["status"] == "running"
    assert api.post(f"/replays/{plan['id']}/start", json=WHY).status_code == 409
    cancelled = api.post(f"/replays/{plan['id']}/cancel", json=WHY).json()
    assert cancelled["status"] == "cancelled"
    assert api.post(f"/replays/{plan['id']}/cancel", json=WHY).status_code == 409
    assert [one["id"] for one in api.get("/replays").json()["items"]] == [plan["id"]]


def test_a_case_is_replayed_as_a_whole(api: httpx.Client, story: Any) -> None:
    """Its blocked events become one job."""
    job = api.post(f"/cases/{story.case}/replay", json=WHY).json()
    assert (job["status"], job["plan"]["events"], job["filter"]) == ("running", 1, {"case": str(story.case)})


def test_replaying_everything_is_never_meant(api: httpx.Client) -> None:
    """An empty filter is refused."""
    answer = api.post("/replays", json={**WHY, "filter": {}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "filter"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  \n"}, {"reason": None}, {"reason": 5}])
def test_every_change_needs_a_reason(api: httpx.Client, story: Any, body: dict[str, Any]) -> None:
    """None, empty, blank, or not text: 400 that names the member."""
    for url in (f"/cases/{story.case}/acknowledge", f"/events/{story.done}/replay"):
        answer = api.post(url, json=body)
        assert answer.status_code == 400, url
        assert "reason" in str(answer.json())
    assert api.get(f"/cases/{story.case}").json()["status"] == "open"


def test_an_idempotency_key_does_a_change_once(api: httpx.Client, story: Any, rows: Rows) -> None:
    """The same request with the same key gets the same words, and nothing happens again."""
    key = {"Idempotency-Key": str(uuid4())}
    first = api.post(f"/events/{story.done}/replay", json=WHY, headers=key)
    second = api.post(f"/events/{story.done}/replay", json=WHY, headers=key)
    assert first.content == second.content
    assert rows("SELECT generation FROM events WHERE id = %s", story.done) == [{"generation": 1}]
    case = [api.post(f"/cases/{story.case}/acknowledge", json=WHY, headers={"Idempotency-Key": "a"}) for _ in "12"]
    assert [one.status_code for one in case] == [200, 200]
    assert case[0].content == case[1].content


def test_a_change_whose_answer_was_lost_is_not_made_again(api: httpx.Client, story: Any, conn: Any) -> None:
    """Killed between the change and its answer: the retry gets the present state, and the change stands once."""
    key = {"Idempotency-Key": "lost"}
    api.post(f"/cases/{story.case}/acknowledge", json=WHY, headers=key)
    conn.execute("UPDATE api_requests SET answer = jsonb_set(answer, '{answer}', 'null')")
    conn.commit()
    again = api.post(f"/cases/{story.case}/acknowledge", json=WHY, headers=key)
    assert (again.status_code, again.json()["status"]) == (200, "acknowledged")
    audited = [one for one in again.json()["audit"] if one["action"] == "case.acknowledged"]
    assert len(audited) == 1


def test_a_key_of_another_request_is_refused(api: httpx.Client, story: Any) -> None:
    """Another body, another thing, another person: 422, nothing changed."""
    key = {"Idempotency-Key": "mine"}
    url = f"/cases/{story.case}/acknowledge"
    assert api.post(url, json=WHY, headers=key).status_code == 200
    assert api.post(url, json={"reason": "other"}, headers=key).status_code == 422
    assert api.post(f"/cases/{story.case}/dismiss", json=WHY, headers=key).status_code == 422
    assert api.post(url, json=WHY, headers={**key, "X-Counterfoil-Actor": "mallory"}).status_code == 422
    assert api.get(f"/cases/{story.case}").json()["status"] == "acknowledged"


def test_a_refused_change_leaves_its_key_free(api: httpx.Client, story: Any) -> None:
    """What did not happen is not remembered: it may be tried again."""
    key = {"Idempotency-Key": "again"}
    url = f"/cases/{story.case}/resolve"
    assert api.post(url, json=WHY, headers=key).status_code == 409
    api.post(f"/cases/{story.case}/dismiss", json=WHY)
    assert api.post(url, json=WHY, headers=key).status_code == 409
    assert api.post(url, json={"reason": "x"}, headers=key).status_code == 409


def test_two_requests_at_once_with_one_key_do_it_once(api: httpx.Client, story: Any, rows: Rows) -> None:
    """Eight copies at one instant: one generation more, eight equal answers."""
    answers: list[httpx.Response] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        answers.append(api.post(f"/events/{story.done}/replay", json=WHY, headers={"Idempotency-Key": "once"}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert rows("SELECT generation FROM events WHERE id = %s", story.done) == [{"generation": 1}]
