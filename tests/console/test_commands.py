"""The commands do what the API does; each with `--json`, an exit code, and one sentence when it fails."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.settings import settings

ROOT = Path(__file__).parents[2]
#: An id that nothing has.
NOBODY = "01a1fd7a-0000-7000-8000-000000000000"

MISSING = [
    ["events", NOBODY],
    ["runs", NOBODY],
    ["writes", NOBODY],
    ["cases", NOBODY],
    ["explain", "evt_nothing"],
    ["cases", "ack", NOBODY],
    ["replay", "show", NOBODY],
    ["replay", NOBODY, "--reason", "x"],
    ["replay", NOBODY, "--dry-run"],
    ["reverse", "show", NOBODY],
    ["reverse", NOBODY, "--reason", "x"],
    ["reverse", NOBODY, "--dry-run"],
    ["probe", NOBODY, "--reason", "x"],
    ["settle", NOBODY, "--absent", "--reason", "x"],
]
WRONG = [
    [],
    ["nonsense"],
    ["events", "--limit", "0"],
    ["events", "--limit", "x"],
    ["events", "--status", "lost"],
    ["events", "--since", "yesterday"],
    ["events", "--cursor", "x"],
    ["cases", "no-uuid"],
    ["cases", "snooze", NOBODY, "later", "--reason", "x"],
    ["cases", "dismiss", NOBODY],
    ["cases", "dismiss", NOBODY, "--reason", " "],
    ["cases", "dismiss", NOBODY, "--reason", "x", "--as", ""],
    ["replay"],
    ["replay", NOBODY],
    ["replay", NOBODY, "--from", "middle", "--reason", "x"],
    ["replay", NOBODY, "--source", "stripe", "--reason", "x"],
    ["replay", "--source", "stripe", "--dry-run", "--reason", "x"],
    ["replay", "--source", "stripe"],
    ["reverse"],
    ["reverse", NOBODY],
    ["reverse", NOBODY, "--destination", "books", "--reason", "x"],
    ["reverse", NOBODY, "--plan", "--reason", "x"],
    ["reverse", "--destination", "books", "--dry-run"],
    ["reverse", "--destination", "books"],
    ["settle", NOBODY, "--reason", "x"],
    ["send", "nobody", "invoice.paid"],
    ["books", "--csv", "-", "--beancount", "-"],
    ["doctor", "--wrong"],
]


Run = Callable[..., Any]


@pytest.mark.parametrize("kind", ["events", "runs", "writes", "cases", "owners", "handlers"])
def test_a_list_is_the_same_json_as_the_apis(run: Run, story: Any, api: Any, kind: str) -> None:
    """Programs may take either."""
    said = run(kind, "--json")
    assert (said.code, said.json) == (0, api.get(f"/{kind}").json())


@pytest.mark.parametrize(
    "command", ["events", "runs", "writes", "cases", "owners", "handlers", "stats", "books", "doctor"]
)
def test_every_list_is_readable_too(run: Run, story: Any, command: str) -> None:
    """Without `--json` it is text, and not JSON."""
    said = run(command)
    assert (said.code, said.err) == (0, "")
    assert said.out.strip()
    with pytest.raises(ValueError, match="Expecting"):
        said.json  # noqa: B018


@pytest.mark.parametrize("by", ["id", "key", "object"])
def test_explain_takes_what_people_have_at_hand(run: Run, story: Any, rows: Any, by: str) -> None:
    """Id, the provider's key, or the object; the five answers, in words and as JSON."""
    row = rows("SELECT id, key, replace(subject, 'stripe:', '') AS object FROM events WHERE id = %s", story.failed)[0]
    said = run("explain", row[by])
    assert said.code == 0
    for word in ("RAN", "SUCCEEDED", "FAILED", "RECORDS", "NOTIFIED", "owner: Rhea Ops", "owned by Rhea Ops"):
        assert word in said.out
    assert "lines add up: data.object.subtotal is" in said.out
    assert "rhea" not in said.out
    assert run("explain", row[by], "--json").json["event_id"] == str(story.failed)


def test_one_of_each_is_shown_with_what_belongs_to_it(run: Run, story: Any, rows: Any) -> None:
    """By id, as text and as JSON."""
    run_id, write_id = rows("SELECT id FROM runs")[0]["id"], rows("SELECT id FROM writes")[0]["id"]
    for words in (["events", story.done], ["runs", run_id], ["cases", story.case], ["cases", "show", story.case]):
        assert run(*words).code == 0
        assert run(*words, "--json").json["id"] == str(words[-1])
    assert run("writes", write_id).json["write"]["id"] == str(write_id)


def test_what_does_not_exist_is_refused_with_a_sentence(run: Run) -> None:
    """1; with `--json` the problem is on stdout, for programs."""
    for words in MISSING:
        said = run(*words)
        assert (said.code, said.out) == (1, ""), words
        assert said.err.startswith("counterfoil: ")
        assert len(said.err.splitlines()) == 1
        assert run(*words, "--json").json["status"] == 404


def test_wrong_usage_is_2(run: Run) -> None:
    """And says what would be right."""
    for words in WRONG:
        said = run(*words)
        assert said.code == 2, words
        assert said.err or words == []


def test_a_person_works_through_a_case_at_the_terminal(
    run: Run, story: Any, work: Callable[[], None], rows: Any, tmp_path: Path
) -> None:
    """Acknowledge, assign, edit, and the invoice is in the books; who did it stands in the audit."""
    assert run("cases", "ack", story.case, "--as", "rhea", "--json").json["status"] == "acknowledged"
    assert run("cases", "assign", story.case, "marek", "--reason", "knows it", "--json").json["owner"] == "marek"
    assert run("cases", "resolve", story.case, "--reason", "done").code == 1
    payload = run("events", story.failed, "--json").json["payload"]
    file = tmp_path / "corrected.json"
    file.write_text(json.dumps(payload))
    refused = run("cases", "edit", story.case, "--file", file, "--reason", "as it was")
    assert refused.code == 1
    assert "lines_add_up" in refused.err
    file.write_text('{"id": 1, "id": 2}')
    assert run("cases", "edit", story.case, "--file", file, "--reason", "typed twice").code == 2
    payload["data"]["object"]["subtotal"] -= 100
    file.write_text(json.dumps(payload))
    assert run("cases", "edit", story.case, "--file", file, "--reason", "mistyped", "--as", "rhea").code == 0
    work()
    assert run("cases", story.case, "--json").json["status"] == "resolved"
    assert len(rows("SELECT 1 AS one FROM books_entries")) == 2
    assert {row["actor"] for row in rows("SELECT actor FROM audit_entries WHERE lane = 'desk'")} >= {"rhea"}


def test_a_case_sleeps_for_a_span_of_time(run: Run, story: Any) -> None:
    """`4h` from now; `--reason` in either place."""
    case = run("cases", "snooze", story.case, "4h", "--reason", "waiting for the bank", "--json").json
    assert case["status"] == "snoozed"
    assert run("cases", "dismiss", story.case, "--reason", "a test", "--json").json["status"] == "dismissed"


def test_replays_from_the_terminal(run: Run, story: Any) -> None:
    """One with its difference, one for real, many as a plan that is started and cancelled."""
    assert run("replay", story.done, "--dry-run", "--json").json["difference"][0]["change"] == "same"
    assert "Nothing was written" in run("replay", story.done, "--dry-run").out
    assert run("replay", story.done, "--reason", "again", "--json").json["generation"] == 1
    plan = run("replay", "--class", "contract_violation", "--plan", "--reason", "fixed", "--json").json
    assert (plan["status"], plan["plan"]["events"]) == ("planned", 1)
    assert f"replay start {plan['id']}" in run("replay", "show", plan["id"]).out
    assert run("replay", "start", plan["id"], "--reason", "go", "--json").json["status"] == "running"
    assert run("replay", "cancel", plan["id"], "--reason", "no", "--json").json["status"] == "cancelled"
    assert run("replay", "cancel", plan["id"], "--reason", "no").code == 1
    assert run("cases", "replay", story.case, "--reason", "all of it", "--json").json["status"] == "running"


def test_the_books_come_out_in_every_form(run: Run, story: Any, tmp_path: Path) -> None:
    """The trial balance comes to zero; the plain-text ledger passes its own checker."""
    balance = run("books", "--json").json
    assert balance["total"] == [{"amount_minor": 0, "currency": "EUR"}]
    assert "Assets:Stripe:Clearing" in run("books").out
    assert "Assets:Stripe:Clearing" in run("books", "--csv", "-").out
    ledger = tmp_path / "ledger.beancount"
    assert run("books", "--beancount", ledger).code == 0
    from beancount import loader

    entries, errors, _ = loader.load_file(str(ledger))
    assert entries
    assert errors == []


def test_the_audit_is_exported_and_verified_without_the_database(
    run: Run, story: Any, tmp_path: Path, conn: Any
) -> None:
    """One changed character, one missing line, one swapped pair: each is found and named."""
    file = tmp_path / "audit.jsonl"
    assert run("audit", "verify", "--json").json["holds"] is True
    assert run("audit", "export", file).code == 0
    lines = file.read_text().splitlines(keepends=True)
    assert run("audit", "export", file, "--json").json == {"entries": len(lines) - 1, "file": str(file)}
    assert run("audit", "verify", file).code == 0
    for name, changed in {
        "changed": [*lines[:2], lines[2].replace("2026", "2025"), *lines[3:]],
        "missing": [*lines[:2], *lines[3:]],
        "swapped": [*lines[:2], lines[3], lines[2], *lines[4:]],
    }.items():
        file.write_text("".join(changed))
        assert run("audit", "verify", file).code == 1, name
        assert run("audit", "verify", file, "--json").json["broken_at"] == "engine/2"
    file.write_text("")
    assert run("audit", "verify", file).code == 1, "an export that lost everything proves nothing"
    assert "cannot be read" in run("audit", "verify", tmp_path / "nowhere").err
    conn.execute("ALTER TABLE audit_entries DISABLE TRIGGER ALL")
    conn.execute(
        "DELETE FROM audit_entries WHERE (lane, seq) IN (SELECT lane, max(seq) FROM audit_entries GROUP BY lane)"
    )
    conn.commit()
    assert run("audit", "verify").code == 1, "an entry cut off at the end must be missed"


def test_a_database_that_is_away_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """1, and no password in it."""
    from counterfoil import database

    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:1/none")
    database.forget()
    settings.cache_clear()
    for words in (["events"], ["migrate"], ["cases", "ack", NOBODY]):
        said = run(*words)
        assert said.code == 1
        assert "secret" not in said.err
        assert len(said.err.splitlines()) == 1


def test_wrong_settings_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the variable, without its value."""
    monkeypatch.setenv("COUNTERFOIL_WORKER_THREADS", "many")
    settings.cache_clear()
    said = run("events")
    assert said.code == 1
    assert "COUNTERFOIL_WORKER_THREADS" in said.err
    assert "many" not in said.err


def test_help_is_there_at_once() -> None:
    """It loads neither the settings nor the database nor the web (a second of waiting, otherwise)."""
    script = (
        "import sys\nfrom console import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'sqlalchemy', 'psycopg', 'starlette', 'dramatiq', 'httpx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "explain" in done.stdout


def test_openapi_is_printed(run: Run) -> None:
    """The same document as the server's."""
    from console.api import openapi

    assert run("openapi").json == run("openapi", "--json").json == json.loads(json.dumps(openapi.document()))
