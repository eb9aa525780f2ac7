"""Judging by API and command: looking, correcting, letting out, measuring, labels in and out; and their refusals."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import pytest
from judged import a_decision, a_quick_judge, a_ticket, work

from console import doctor
from contracts import questions
from counterfoil import database
from counterfoil.database import Connection
from judgement import labels, models, serving

Rows = Callable[..., list[dict[str, Any]]]
Run = Callable[..., Any]
WHY = {"reason": "it says so on the offer"}
NAME = "revenue_category"
QUESTION = questions.find()[NAME]


@pytest.fixture(autouse=True)
def fresh_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test's database has judges of its own."""
    with a_quick_judge(monkeypatch, taught=40):
        yield


@pytest.fixture
def waiting(conn: Connection) -> dict[str, Any]:
    """An event that waits for a person's answer about its only line: its decision."""
    a_ticket(conn, 1, "cus_1|Onboarding workshop, two days")
    work()
    row = conn.execute("SELECT * FROM decisions").fetchone()
    conn.rollback()
    assert row is not None
    return row


def test_a_question_shows_how_far_it_is_let_out_and_why(api: httpx.Client, waiting: dict[str, Any]) -> None:
    """Version, mode, thresholds with their reasons, training with its golden set, what happened lately."""
    listed = {each["name"]: each for each in api.get("/questions").json()["items"]}
    assert listed.keys() == questions.find().keys()
    assert (listed[NAME]["mode"], listed[NAME]["model"]) == ("automatic", 1)
    assert listed[NAME]["figures"] | {"latency_ms_p50": 0, "latency_ms_p99": 0} == {
        "decided": 1, "acted": 0, "escalated": 1, "waiting": 1, "cost_micro_usd": 0, "cost_micro_usd_each": 0.0,
        "latency_ms_p50": 0, "latency_ms_p99": 0, "audited": 0, "audited_wrong": 0, "accuracy": None,
        "accuracy_at_least": None, "accuracy_at_most": None,
    }  # fmt: skip
    one = api.get(f"/questions/{NAME}").json()
    money, large = one["thresholds"]
    assert (money["from_minor"], large["from_minor"], large["reason"]) == (None, 100_000, "nothing was measured")
    assert (money["risk"], money["error_max"], money["cut"]) == ("money", 0.01, None)
    assert "real traffic" in money["reason"]
    assert one["history"][0]["status"] == "active"
    assert one["golden"]["labels"] > 0
    assert one["reliability"]
    assert [each["name"] for each in one["meanings"] if each["always_asks"]] == ["other"]
    assert api.get("/questions/nobody").status_code == 404


def test_people_who_disagree_are_shown(api: httpx.Client, conn: Connection) -> None:
    """Of one person the newest answer counts; whoever changed his mind disputes nothing."""
    for said, author in (("services", "Ines"), ("usage", "Rhea"), ("one_off", "Ines"), ("services", "Ines")):
        labels.add(conn, QUESTION, labels.NewLabel({"description": "Hours"}, said, "labelling", author))
    labels.add(conn, QUESTION, labels.NewLabel({"description": "Calls"}, "usage", "labelling", "Ines"))
    about = a_decision(conn, QUESTION, "Hours")
    told = labels.NewLabel({"description": "Hours"}, "usage", "correction", "Rhea", decision_id=about)
    labels.add(conn, QUESTION, told)
    conn.commit()
    (found,) = api.get(f"/questions/{NAME}").json()["contested"]
    said = {"Ines": "services", "Rhea": "usage"}
    assert found == {"fields": {"description": "Hours"}, "said": said, "decision_id": str(about)}


def test_a_case_says_what_a_person_is_asked(api: httpx.Client, run: Run, rows: Rows, waiting: dict[str, Any]) -> None:
    """Suggestion, runner-up, confidence, evidence, why, and the labels to choose from; explained with the event."""
    (case,) = rows("SELECT id FROM cases")
    (item,) = api.get(f"/cases/{case['id']}").json()["open_items"]
    assert item["id"] == str(waiting["id"])
    assert item["fields"] == {"description": "Onboarding workshop, two days"}
    assert item["labels"] == list(QUESTION.label_names)
    assert item["runner_up"] in QUESTION.label_names
    assert item["why"]
    shown = run("cases", "show", case["id"]).out
    assert f"counterfoil correct {waiting['id']}" in shown
    told = api.get(f"/events/{waiting['event_id']}/explain").json()["ran"]
    assert "1 not yet" in told["summary"]
    assert told["facts"][-1]["classification_id"] == str(waiting["id"])


def test_an_answer_sends_the_event_on(api: httpx.Client, rows: Rows, waiting: dict[str, Any]) -> None:
    """Given an answer with a reason, the event is due; the same request again changes nothing; another is a 409."""
    url, key = f"/classifications/{waiting['id']}/correct", {"Idempotency-Key": str(uuid4())}
    body = {**WHY, "label": "services"}
    first = api.post(url, json=body, headers={**key, "X-Counterfoil-Actor": "ines"})
    assert first.status_code == 200
    assert first.json()["event_due"]
    assert first.json()["classification"]["settled_by"] == "ines"
    assert api.post(url, json=body, headers={**key, "X-Counterfoil-Actor": "ines"}).json() == first.json()
    assert api.post(url, json=body).status_code == 409
    work()
    assert [row["status"] for row in rows("SELECT status FROM events")] == ["done"]
    assert [row["status"] for row in rows("SELECT status FROM cases")] == ["resolved"]
    assert [row["author"] for row in rows("SELECT author FROM labels")] == ["ines"]
    entries = api.get(f"/classifications/{waiting['id']}").json()["audit"]
    assert [each["action"] for each in entries] == ["decision.settled"]


def test_answers_that_are_none_are_refused(api: httpx.Client, waiting: dict[str, Any]) -> None:
    """A label that there is not, no reason, no decision; `label` has to be said, if only as null."""
    url = f"/classifications/{waiting['id']}/correct"
    unknown = api.post(url, json={**WHY, "label": "approve_all"})
    assert unknown.status_code == 422
    assert "subscription" in unknown.json()["detail"]
    assert api.post(url, json={"label": "services"}).status_code == 400
    assert api.post(url, json=WHY).status_code == 400
    assert api.post(f"/classifications/{uuid4()}/correct", json={**WHY, "label": None}).status_code == 404
    assert api.post(url, json={**WHY, "label": None}).json()["event_due"]


def test_a_dismissed_event_is_not_sent_on_by_a_late_answer(
    api: httpx.Client, rows: Rows, waiting: dict[str, Any]
) -> None:
    """Somebody said that nothing is to be done; the label is kept all the same."""
    (case,) = rows("SELECT id FROM cases")
    assert api.post(f"/cases/{case['id']}/dismiss", json=WHY).status_code == 200
    answer = api.post(f"/classifications/{waiting['id']}/correct", json={**WHY, "label": "services"})
    assert not answer.json()["event_due"]
    assert [row["status"] for row in rows("SELECT status FROM events")] == ["ignored"]
    assert [row["label"] for row in rows("SELECT label FROM labels")] == ["services"]


def test_a_running_event_cannot_be_answered_behind_its_back(
    api: httpx.Client, conn: Connection, waiting: dict[str, Any]
) -> None:
    """Its worker may have looked already: the answer would be there, and the event would wait for it."""
    conn.execute(
        "UPDATE events SET status = 'running', lease_until = now() + interval '1 minute' WHERE id = %s",
        (waiting["event_id"],),
    )
    conn.commit()
    assert api.post(f"/classifications/{waiting['id']}/correct", json={**WHY, "label": "usage"}).status_code == 409


def test_what_a_corrected_payload_left_behind_needs_no_answer(
    api: httpx.Client, rows: Rows, waiting: dict[str, Any]
) -> None:
    """Given a line that was edited, only the new words are asked about, and their answer is enough."""
    (payload,) = rows("SELECT body FROM payloads")
    (case,) = rows("SELECT id FROM cases")
    edited = {**json.loads(payload["body"]), "propertyValue": "cus_1|Consulting hours"}
    assert api.post(f"/cases/{case['id']}/edit", json={**WHY, "payload": edited}).status_code == 200
    work()
    (case,) = rows("SELECT id FROM cases WHERE status = 'open'")
    (item,) = api.get(f"/cases/{case['id']}").json()["open_items"]
    assert item["fields"] == {"description": "Consulting hours"}
    assert api.post(f"/classifications/{item['id']}/correct", json={**WHY, "label": "services"}).json()["event_due"]


def test_decisions_are_listed_by_filter_and_page(api: httpx.Client, conn: Connection) -> None:
    """By question, status, event, sample; newest first, in pages."""
    drawn = str(a_decision(conn, QUESTION, "Line", sampled=True))
    made = sorted([drawn, *(str(a_decision(conn, QUESTION, f"Line {n}")) for n in range(2))])
    other = questions.find()["ticket_route"]
    a_decision(conn, other, "Printer", status="committed", acted=True)
    conn.commit()
    first = api.get("/classifications", params={"question": NAME, "limit": 2}).json()
    assert [each["id"] for each in first["items"]] == made[:0:-1]
    rest = api.get("/classifications", params={"question": NAME, "limit": 2, "cursor": first["next_cursor"]}).json()
    assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == (made[:1], None)
    assert [each["id"] for each in api.get("/classifications", params={"sampled": "true"}).json()["items"]] == [drawn]
    assert len(api.get("/classifications", params={"status": "committed"}).json()["items"]) == 1
    assert api.get("/classifications", params={"event": str(uuid4())}).json()["items"] == []
    assert api.get("/classifications", params={"status": "guessed"}).status_code == 400


def test_a_question_is_let_out_and_taken_back(api: httpx.Client, run: Run) -> None:
    """By API and by command; with name and reason, in the audit."""
    taken = api.post(f"/questions/{NAME}/mode", json={**WHY, "mode": "ask"}, headers={"X-Counterfoil-Actor": "ines"})
    assert (taken.json()["mode"], taken.json()["changed_by"]) == ("ask", "ines")
    assert api.post(f"/questions/{NAME}/mode", json={**WHY, "mode": "full"}).status_code == 400
    out = run("judge", "mode", NAME, "automatic", "--reason", "measured", "--as", "Rhea", "--json").json
    assert (out["mode"], out["mode_reason"]) == ("automatic", "measured")
    assert [each["actor"] for each in out["audit"]] == ["ines", "Rhea"]
    assert api.post("/questions/nobody/mode", json={**WHY, "mode": "ask"}).status_code == 404


def test_there_is_nothing_to_go_back_to_before_two_trainings(api: httpx.Client, waiting: dict[str, Any]) -> None:
    """409 in words, also for a number that never answered."""
    none = api.post(f"/questions/{NAME}/rollback", json=WHY)
    assert (none.status_code, "no earlier training" in none.json()["detail"]) == (409, True)
    assert api.post(f"/questions/{NAME}/rollback", json={**WHY, "number": 7}).status_code == 409


def test_a_challenger_is_tried_beside_and_nothing_acts_on_it(
    api: httpx.Client, run: Run, conn: Connection, waiting: dict[str, Any]
) -> None:
    """Started by API, read by anybody, ended by command; refusals in words; the second answer stands beside."""
    url = f"/questions/{NAME}/trial"
    assert api.get(url).status_code == 404
    same = api.post(url, json={**WHY, "challenger": "training:1", "share": 1.0})
    assert (same.status_code, "answers now" in same.json()["detail"]) == (422, True)
    assert api.post(url, json={**WHY, "challenger": "the best"}).status_code == 400
    assert api.post(url, json={**WHY, "challenger": "training:1", "share": 1.5}).status_code == 400
    with database.connect(autocommit=True) as other, models.locked(other, NAME):
        serving.trained_anew(other, QUESTION)
    first = api.post(url, json={**WHY, "challenger": "training:1", "share": 1.0})
    assert (first.status_code, first.json()["running"], first.json()["inputs"]) == (200, True, 0)
    assert api.post(url, json={**WHY, "challenger": "training:1"}).status_code == 409
    a_ticket(conn, 2, "cus_1|Boxes of paper")
    work()
    shown = api.get(url).json()
    assert (shown["inputs"], shown["faults"], shown["by_chance"]["labels"]) == (1, 0, 0)
    assert api.get(f"/questions/{NAME}").json()["trial"] == shown
    told = run("judge", "trial", "show", NAME).out
    assert "training:1 beside revenue_category, 100% of the inputs: runs" in told
    assert "nothing can be said of the traffic yet" in told
    ended = run("judge", "trial", "stop", NAME, "--reason", "seen enough", "--as", "Rhea", "--json").json
    assert (ended["running"], ended["ended_by"], ended["ended_reason"]) == (False, "Rhea", "seen enough")
    assert run("judge", "trial", "stop", NAME, "--reason", "x").code == 1
    again = run("judge", "trial", "start", NAME, "--challenger", "training:1", "--share", "0.5", "--reason", "x")
    assert (again.code, "50% of the inputs: runs" in again.out) == (0, True)
    api.post(f"{url}/stop", json=WHY).raise_for_status()


def test_rows_of_a_file_are_answered_and_nothing_is_recorded(run: Run, rows: Rows, tmp_path: Path) -> None:
    """Both spellings; with what code would make of each, and its evidence word for word."""
    file = tmp_path / "rows.csv"
    file.write_text("\ufeffdescription,counterparty,amount_minor,currency\nConsulting hours,cus_1,4200,EUR\n,,,\n")
    found = run("judge", NAME, "--file", file, "--json").json
    first, empty = found["items"]
    assert (found["version"], first["row"], first["would_act"]) == (QUESTION.version, 1, False)
    assert first["label"] in QUESTION.label_names
    assert all("Consulting hours"[span["start"] : span["end"]] == span["text"] for span in first["evidence"])
    assert (empty["label"], empty["abstained"]) == (None, "no_input")
    table = run("judge", "ask", NAME, "--file", file)
    assert (table.code, first["why"] in table.out) == (0, True)
    assert rows("SELECT 1 AS one FROM decisions UNION ALL SELECT 1 FROM labels") == []


def test_a_file_with_other_columns_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    """Those that there are, are named; so is a question that there is not."""
    file = tmp_path / "rows.csv"
    file.write_text("descripton\nHours\n")
    wrong = run("judge", NAME, "--file", file)
    assert (wrong.code, "description" in wrong.err) == (2, True)
    unknown = run("judge", "nobody", "--file", file)
    assert (unknown.code, NAME in unknown.err) == (1, True)


def test_a_question_is_measured_where_it_was_not_taught(run: Run, tmp_path: Path) -> None:
    """Table, JSON, and a page that needs nothing else: no script, no address to fetch from."""
    page = tmp_path / "page.html"
    found = run("judge", "evaluate", NAME, "--html", page, "--json").json
    held = [row for row in questions.examples(NAME) if row["use"] != "learn"]
    assert found["labels"] == len(held) == sum(each["count"] for each in found["confusion"])
    errors = [round(point["error"] * point["coverage"], 9) for point in found["curve"]]
    assert errors == sorted(errors)
    html = page.read_text()
    assert "<script" not in html
    assert "http" not in html
    for svg in html.split("<svg")[1:]:
        ElementTree.fromstring(f"<svg{svg.split('</svg>')[0]}</svg>")
    table = run("judge", "evaluate", NAME)
    assert (table.code, "Confusion" in table.out) == (0, True)


def test_a_session_labels_what_teaches_most_and_what_chance_drew(
    run: Run, conn: Connection, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn by chance first, then the nearest tie; a number, none, skip, nonsense, the end."""
    tie = a_decision(conn, QUESTION, "Nearly a tie", confidence=0.41, runner_up_confidence=0.4)
    clear = a_decision(conn, QUESTION, "Clear", confidence=0.9, runner_up_confidence=0.05)
    drawn = a_decision(conn, QUESTION, "Drawn", confidence=0.99, status="committed", acted=True, sampled=True)
    a_decision(conn, QUESTION, "Acted on", confidence=0.99, status="committed", acted=True)
    conn.commit()
    monkeypatch.setattr(sys, "stdin", io.StringIO("9\n2\nn\nq\n"))
    said = run("judge", "label", NAME, "--as", "Ines")
    assert said.out.index("Drawn") < said.out.index("Nearly a tie") < said.out.index("Clear")
    assert "a number, a label, n, s or q" in said.out
    assert "2 labelled" in said.out
    assert "Acted on" not in said.out
    settled = {row["id"]: row["settled_label"] for row in rows("SELECT * FROM decisions WHERE status = 'settled'")}
    assert settled == {drawn: QUESTION.label_names[1], tie: None}
    kept = {row["origin"]: row["uniform"] for row in rows("SELECT origin, uniform FROM labels")}
    assert kept == {"sample": True, "correction": False}
    monkeypatch.setattr(sys, "stdin", io.StringIO("s\n"))
    assert "0 labelled" in run("judge", "label", NAME).out
    assert rows("SELECT status FROM decisions WHERE id = %s", clear) == [{"status": "asked"}]


def test_labels_go_out_and_come_in_again(run: Run, conn: Connection, rows: Rows, tmp_path: Path) -> None:
    """All or none; what is known is not taken twice; a line that says it was drawn by chance measures the traffic, and
    how many said so stands in the audit."""
    labels.add(conn, QUESTION, labels.NewLabel({"description": "Hours"}, "services", "labelling", "Ines", uniform=True))
    conn.commit()
    file = tmp_path / "labels.jsonl"
    assert run("judge", "export", NAME, "--file", file).code == 0
    assert json.loads(file.read_text())["label"] == "services"
    drawn = {"fields": {"description": "Calls"}, "label": None, "uniform": True}
    chosen = {"fields": {"description": "Boxes"}, "label": "usage"}
    file.write_text("".join([file.read_text(), *(f"{json.dumps(each)}\n" for each in (drawn, chosen))]))
    command = ("judge", "import", NAME, "--file", file, "--reason", "from the old system", "--as", "Rhea", "--json")
    assert run(*command).json == {"question": NAME, "lines": 3, "taken": 2}
    assert run(*command).json["taken"] == 0
    kept = rows("SELECT author, uniform, label FROM labels WHERE origin = 'imported' ORDER BY seq")
    assert kept == [
        {"author": "Rhea", "uniform": True, "label": None}, {"author": "Rhea", "uniform": False, "label": "usage"},
    ]  # fmt: skip
    (told,) = rows("SELECT detail FROM audit_entries WHERE action = 'labels.imported'")
    assert json.loads(told["detail"]) == {"labels": 2, "uniform": 1, "reason": "from the old system"}


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('{"fields": {"description": "x"}, "label": "sale"}', "no such label"),
        ('{"fields": {"text": "x"}, "label": null}', "looked at"),
        ('{"fields": {"description": "x"}}', "label"),
        ('{"fields": {"description": 3}, "label": null}', "string"),
        ("nonsense", "JSON"),
    ],
)
def test_one_wrong_line_keeps_a_whole_file_out(run: Run, rows: Rows, tmp_path: Path, line: str, word: str) -> None:
    """It is named by its number."""
    file = tmp_path / "labels.jsonl"
    file.write_text('{"fields": {"description": "Hours"}, "label": "services"}\n' + line + "\n")
    refused = run("judge", "import", NAME, "--file", file, "--reason", "x")
    assert refused.code == 1
    assert "line 2" in refused.err
    assert word in refused.err
    assert rows("SELECT 1 AS one FROM labels") == []


def test_a_decision_is_answered_by_command(run: Run, waiting: dict[str, Any]) -> None:
    """A label or --none, not both and not neither."""
    assert run("correct", waiting["id"], "--reason", "x").code == 2
    assert run("correct", waiting["id"], "services", "--none", "--reason", "x").code == 2
    done = run("correct", waiting["id"], "services", "--reason", "it says so")
    assert (done.code, "goes on" in done.out) == (0, True)
    assert run("correct", waiting["id"], "usage", "--reason", "x").code == 1


def test_the_self_check_says_what_could_be_asked(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model nothing is wrong; with one its key and price are looked for; damaged weights are wrong."""
    from counterfoil.settings import settings
    from judgement.local import weights

    def verdicts() -> dict[str, tuple[str, str]]:
        return {each.name: (each.verdict, f"{each.detail} {each.items}") for each in doctor.examine()}

    found = verdicts()
    assert [found[name][0] for name in ("questions", "local judge", "hosted model")] == ["ok", "ok", "ok"]
    assert NAME in found["questions"][1]
    monkeypatch.setenv("COUNTERFOIL_MODEL", "openai:nobody-prices-this")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.cache_clear()
    weights.path().parent.mkdir(parents=True)
    weights.path().write_bytes(b"half a file")
    found = verdicts()
    assert found["local judge"][0] == "wrong"
    assert found["hosted model"][0] == "wrong"
    assert "OPENAI_API_KEY" in found["hosted model"][1]
    assert "COUNTERFOIL_MODEL_PRICE" in found["hosted model"][1]
