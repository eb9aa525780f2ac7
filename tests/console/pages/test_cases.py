"""Cases as pages: understood at a glance, corrected, answered, sent on; alone and many at once; refused in words."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from judged import a_ticket
from judged import work as judge
from pages import WHY, Visitor
from psycopg.types.json import Jsonb

from counterfoil.database import Connection
from judgement import serving

Sign = Callable[..., Visitor]
Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def rhea(visitor: Sign) -> Visitor:
    """Who owns broken contracts."""
    return visitor("rhea", "owner")


def test_a_case_is_understood_from_its_page(rhea: Visitor, story: Any) -> None:
    """One sentence; the rule with field, value, bound, advice; steps; nothing written; who was told; what to do."""
    seen = rhea.get(f"/cases/{story.case}")
    assert seen.status == 200
    assert "1 invoice.paid event from stripe did not keep its contract, so nothing was written for it." in seen.text
    (rule, *_) = seen.texts(".rules > li")
    assert "data.object.subtotal" in rule
    assert re.search(r"is [\d.]+\.\d\d EUR ?, allowed is [\d.]+\.\d\d EUR \(", rule), rule
    assert " in the payload" in " ".join(rhea.get(f"/cases/{story.case}?edit={story.failed}").texts(".rules > li"))
    assert "then replay" in rule
    assert "Nothing was written for this event." in seen.text
    assert seen.texts(".steps > li")[-1] == "contract violation"
    assert "Read the violated rules" in seen.texts(".advice")[0]
    assert seen.links(f"/events/{story.failed}")
    assert seen.h1.startswith("The payload breaks its contract (")
    assert rhea.get(f"/cases/{story.done}").status == 404
    assert rhea.get("/cases/nothing").status == 404


def test_every_button_says_what_it_would_do_and_does_it(rhea: Visitor, story: Any, rows: Rows) -> None:
    """Given a blocked case: taken, given away, put to sleep; it cannot be resolved, and is dismissed with a reason."""
    path = f"/cases/{story.case}"
    assert "are ignored: nothing is written for them" in rhea.get(path).text
    assert rhea.post(f"{path}/acknowledge", reason="mine").promised == "Acknowledged: it is yours now."
    again = rhea.post(f"{path}/acknowledge", reason="mine")
    assert (again.status, "Rhea Ops has this case already" in again.text) == (409, True)
    assert rhea.post(f"{path}/assign", reason="his", to="tomas").status == 303
    assert rhea.post(f"{path}/assign", reason="whose", to="nobody").status == 422
    assert rhea.post(f"{path}/snooze", reason="later", hours="24").status == 303
    assert rhea.post(f"{path}/snooze", reason="later", hours="99999").status == 400
    assert not rhea.get(path).forms(f"{path}/resolve")
    blocked = rhea.post(f"{path}/resolve")
    assert (blocked.status, "still blocked" in blocked.text) == (409, True)
    assert rhea.post(f"{path}/dismiss", reason="").status == 400
    assert rhea.post(f"{path}/dismiss", reason="a test of theirs").status == 303
    assert [row["status"] for row in rows("SELECT status FROM cases")] == ["dismissed"]
    assert rhea.get(path).forms(f"{path}/dismiss") == []
    said = rows("SELECT action, actor FROM audit_entries WHERE subject = %s ORDER BY seq", f"case:{story.case}")
    assert [row["action"] for row in said if row["actor"] == "rhea"] == [
        "case.acknowledged", "case.assigned", "case.snoozed", "case.dismissed"
    ]  # fmt: skip


def test_a_form_without_proof_changes_nothing(rhea: Visitor, story: Any, rows: Rows) -> None:
    """No token, another session's token, another host's page: 403, and the case is as it was."""
    path = f"/cases/{story.case}/dismiss"
    for csrf in ("", "0" * 64):
        assert rhea.send(path, {"csrf": csrf, "reason": WHY}).status == 403
    fields = rhea.get(f"/cases/{story.case}").fields(path) | {"reason": WHY}
    foreign = rhea.client.post(path, data=fields, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert [row["status"] for row in rows("SELECT status FROM cases")] == ["open"]


def mended(text: str) -> str:
    """The story's payload as it should have been."""
    payload = json.loads(text)
    payload["data"]["object"]["subtotal"] -= 100
    return json.dumps(payload)


def test_a_payload_is_corrected_tried_and_kept(rhea: Visitor, story: Any, rows: Rows, work: Callable[[], None]) -> None:
    """Looked at (which is remembered), tried without a trace, then kept; the event goes through."""
    path = f"/cases/{story.case}"
    assert not rhea.get(path).all("textarea[name=payload]")
    panel = rhea.get(path, edit=story.failed)
    text = panel.fields(f"{path}/edit")["payload"][0]
    assert rows("SELECT actor FROM audit_entries WHERE action = 'data.revealed'") == [{"actor": "rhea"}]

    tried = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", payload=mended(text), do="try", reason=WHY)
    assert tried.status == 200
    assert "Your copy would come to: done" in tried.text
    assert "data.object.subtotal" in tried.texts("#tried ~ .table")[0]
    assert "would be written" in tried.text
    assert rows("SELECT max(version) AS n FROM payloads") == [{"n": 0}]
    assert rows("SELECT status FROM events WHERE id = %s", story.failed) == [{"status": "exception"}]
    assert tried.fields(f"{path}/edit")["payload"][0].strip() == mended(text)

    kept = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", payload=mended(text), do="keep", reason=WHY)
    assert kept.status == 303
    work()
    assert rows("SELECT status FROM events WHERE id = %s", story.failed) == [{"status": "done"}]
    assert rows("SELECT author, reason FROM payloads WHERE version = 1") == [{"author": "rhea", "reason": WHY}]


def test_a_correction_that_does_not_hold_is_refused_and_what_was_typed_stays(rhea: Visitor, story: Any) -> None:
    """Not JSON, a member twice, still broken: each with words, tried or kept, and the text is not lost."""
    path = f"/cases/{story.case}"
    text = rhea.get(path, edit=story.failed).fields(f"{path}/edit")["payload"][0]
    for payload, words in (
        ("{not json", "not JSON"),
        ('{"a": 1, "a": 2}', "same name"),
        (text, "total"),
        (text.replace('"currency": "', '"currency": "x'), "currency"),
    ):
        for do in ("try", "keep"):
            seen = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", payload=payload, do=do, reason=WHY)
            assert seen.status == 422, (payload[:40], seen.text[:300])
            assert words in seen.texts(".problem")[0]
            assert seen.fields(f"{path}/edit")["payload"][0].strip() == payload.strip()


def test_what_a_replay_would_do_is_shown_first(rhea: Visitor, story: Any, rows: Rows) -> None:
    """The real steps, nothing kept; then the case is replayed as a job."""
    path = f"/cases/{story.case}"
    seen = rhea.get(path, **{"try": "1"})
    assert "A replay of this event would come to: exception" in seen.text
    assert "nothing was written" in seen.text
    assert rows("SELECT count(*) AS n FROM runs WHERE event_id = %s", story.failed) == [{"n": 1}]
    done = rhea.post(f"{path}/replay", reason=WHY)
    (job,) = rows("SELECT id FROM replays")
    assert done.to == f"/replays/{job['id']}"
    assert rhea.post(f"{path}/replay", reason=WHY, **{"from": "nowhere"}).status == 400


def test_many_are_planned_first(visitor: Sign, rhea: Visitor, story: Any, rows: Rows, an_event: Any, work: Any) -> None:
    """Given three chosen cases: the plan counts them, their money, and says why one is left out; then it is done."""

    def without_customer(payload: dict[str, Any]) -> None:
        payload["data"]["object"]["customer"] = None

    def without_currency(payload: dict[str, Any]) -> None:
        payload["data"]["object"]["currency"] = "xxz"

    an_event(without_customer), an_event(without_currency)
    work()
    ids = [str(row["id"]) for row in rows("SELECT id FROM cases ORDER BY id")]
    assert len(ids) == 3
    rhea.post(f"/cases/{ids[0]}/acknowledge", reason="mine")
    plan = rhea.post("/cases/many", case=ids, verb="acknowledge")
    assert plan.status == 200
    assert plan.h1 == "Acknowledge 2 cases?"
    assert "rhea has it already" in plan.text
    assert [row["status"] for row in rows("SELECT status FROM cases ORDER BY id")] == ["acknowledged", "open", "open"]
    fields = plan.fields("/cases/many") | {"reason": "all mine"}
    done = rhea.send("/cases/many", fields)
    assert (done.status, done.to) == (303, "/cases")
    assert done.promised.startswith("2 done.")
    assert {row["status"] for row in rows("SELECT status FROM cases")} == {"acknowledged"}
    assert rhea.send("/cases/many", fields).status == 303
    entries = rows("SELECT count(*) AS n FROM audit_entries WHERE action = 'case.acknowledged'")
    assert entries == [{"n": 3}]

    planned = rhea.post("/cases/many", case=ids, verb="replay", on="/cases?status=")
    assert "3 are blocked by them" in planned.text
    job = rhea.send("/cases/many", planned.fields("/cases/many") | {"reason": WHY})
    assert rows("SELECT status FROM replays") == [{"status": "planned"}]
    assert job.to.startswith("/replays/")
    assert visitor("vera", "viewer").post("/cases/many", case=ids, verb="assign", to="tomas").status == 403
    assert rhea.post("/cases/many", case=[], verb="acknowledge").status == 400
    assert rhea.post("/cases/many", case=["x"], verb="acknowledge").status == 400


def test_the_list_is_narrowed(rhea: Visitor, story: Any) -> None:
    """By state (open ones when nothing is said), class, owner and words; a filter that is none is a 400 in words."""
    asked: list[tuple[dict[str, str], int]] = [
        ({}, 1),
        ({"status": "resolved"}, 0),
        ({"status": "", "owner": "rhea"}, 1),
        ({"owner": "fiona"}, 0),
        ({"class": "contract_violation"}, 1),
        ({"class": "low_confidence"}, 0),
        ({"q": "invoice_paid"}, 1),
    ]
    for query, found in asked:
        seen = rhea.get("/cases", **query)
        assert (seen.status, len(seen.all("tr[data-row]"))) == (200, found), query
        assert found or "No case fits" in seen.text
    assert rhea.get("/cases", status="lost").status == 400


@pytest.fixture
def fresh_judge() -> Iterator[None]:
    """Judges of this test's database only."""
    serving.serving.cache_clear()
    yield
    serving.serving.cache_clear()


@pytest.mark.usefixtures("fresh_judge")
def test_a_person_says_what_the_model_left_open(rhea: Visitor, conn: Connection, rows: Rows, story: Any) -> None:
    """The words are shown with what speaks for the suggestion, how sure it is, what that is worth; answered once."""
    a_ticket(conn, 1, "cus_1|Onboarding workshop, two days")
    judge()
    (case,) = rows("SELECT id FROM cases WHERE failure_class = 'low_confidence'")
    path = f"/cases/{case['id']}"
    seen = rhea.get(path)
    assert "Onboarding workshop, two days" in seen.text
    assert "% sure" in seen.text
    assert "about as sure" in seen.text
    decision = seen.fields(f"{path}/answer")["decision"][0]
    assert rows("SELECT actor FROM audit_entries WHERE action = 'data.revealed'")
    assert rhea.post(f"{path}/answer", label="approve_all", reason=WHY).status == 422
    assert rhea.post(f"{path}/answer", label="", reason=WHY).status == 400
    elsewhere = {**rhea.get(path).fields(f"{path}/answer"), "reason": WHY, "label": "services"}
    assert rhea.send(f"/cases/{story.case}/answer", elsewhere).status == 409
    done = rhea.post(f"{path}/answer", label="services", reason="it says so")
    assert (done.status, done.promised) == (303, "Answered; the event goes on.")
    assert rows("SELECT settled_by, settled_label FROM decisions WHERE id = %s", decision) == [
        {"settled_by": "rhea", "settled_label": "services"}
    ]
    assert rhea.send(f"{path}/answer", {**elsewhere, "key": "another"}).status == 409


def test_personal_data_on_a_case_is_hidden_until_its_payload_is_opened(
    rhea: Visitor, story: Any, conn: Connection
) -> None:
    """Given a violated rule that quotes an address: hidden on the page and in a dry run, there beside the payload."""
    said = {"sentence": "wrote to ada@example.com", "violations": [
        {"rule": "email_known", "field": "data.object.email", "value": "ada@example.com", "bound": "one of ours",
         "advice": "Ask."}
    ]}  # fmt: skip
    conn.execute("UPDATE case_events SET detail = %s", (Jsonb(said),))
    conn.commit()
    path = f"/cases/{story.case}"
    for seen in (rhea.get(path), rhea.get(path, **{"try": "1"})):
        assert seen.status == 200
        assert "ada@example.com" not in seen.html
        assert "•••" in seen.text
    assert "ada@example.com" in rhea.get(path, edit=story.failed).text


def test_what_cannot_be_seen_comes_back_from_a_correction_as_it_was(
    rhea: Visitor, story: Any, conn: Connection, rows: Rows
) -> None:
    """Given a payload with joiners, marks that turn writing round and letters of anywhere: all of it is in the copy."""
    (row,) = rows("SELECT body FROM payloads WHERE event_id = %s", story.failed)
    payload = json.loads(mended(row["body"]))
    payload["data"]["object"]["description"] = "a\u202eb\u200d\U000e0041 Zoë 株式会社 \\u202e <b>"
    conn.execute(
        "UPDATE payloads SET body = %s WHERE event_id = %s", (json.dumps(payload, ensure_ascii=False), story.failed)
    )
    conn.commit()
    path = f"/cases/{story.case}"
    panel = rhea.get(path, edit=story.failed)
    assert "Zoë 株式会社" in panel.text
    tried = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", do="try", reason=WHY)
    assert "Nothing differs." in tried.text
    of_nothing = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", do="try", reason=WHY, event_id=None)
    assert (of_nothing.status, "name the event" in of_nothing.text) == (400, True)
    kept = rhea.post(f"{path}/edit", on=f"{path}?edit={story.failed}", do="keep", reason=WHY)
    assert kept.status == 303
    (copy,) = rows("SELECT body FROM payloads WHERE event_id = %s AND version = 1", story.failed)
    assert json.loads(copy["body"]) == payload
