"""Events, runs and writes: from a delivery to its stub; what is personal is hidden, and a look at it is kept."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pages import Visitor

from counterfoil import database, keys
from engine import mentioning

Connection = database.Connection
Rows = Callable[..., list[dict[str, Any]]]
SignIn = Callable[..., Visitor]
#: What the story's invoices say about people.
EMAIL, NAME, STREET = "billing@northwind.example.com", "Northwind Beispiel GmbH", "Beispielstraße 1"


@pytest.fixture
def fiona(visitor: SignIn, story: Any, conn: Connection) -> Visitor:
    """Somebody who may do everything with events, in front of the story."""
    mentioning.run_once(conn)
    conn.commit()
    return visitor("fiona", "owner")


def test_the_list_narrows_by_form_and_by_text(fiona: Visitor, story: Any) -> None:
    """State, source and the grammar; an empty list says what to do; a wrong text says where it is wrong."""
    seen = fiona.get("/events")
    assert (seen.status, seen.h1, len(seen.all("tr[data-row]"))) == (200, "Events", 3)
    assert f"/events/{story.failed}" in fiona.get("/events", status="exception").links("/events/")
    assert fiona.get("/events", q="status:done amount>1").links("/events/") == [f"/events/{story.done}"]
    assert "No event fits" in fiona.get("/events", q="status:superseded").text
    wrong = fiona.get("/events", q="source:stripe colour:red")
    assert (wrong.status, "character 15" in wrong.text) == (422, True)
    assert fiona.get("/events", limit="1").links("/events?")[-1].startswith("/events?limit=1&cursor=")


def test_an_event_is_told_from_delivery_to_stub(fiona: Visitor, story: Any) -> None:
    """The five answers in words, then everything in order: received, run with its steps, written."""
    seen = fiona.get(f"/events/{story.done}")
    assert seen.status == 200
    for title in ("What ran", "What succeeded", "What failed", "Which records exist", "Who was told"):
        assert title in seen.texts("dt")
    told = seen.texts("ol.timeline > li > p:first-of-type")
    assert [one.split(":")[0].split(" by ")[0] for one in told][-3:] == ["Received and recorded", "Run 1", "Written"]
    assert {"check", "plan", "gate"} <= {step.split()[0] for step in seen.texts("ol.steps > li")}
    assert len(seen.links("/writes/")) >= 1
    assert len(seen.links("/subjects/")) >= 1


def test_an_event_on_a_desk_leads_to_its_case(fiona: Visitor, story: Any) -> None:
    """What is wrong, whose it is, who was told."""
    seen = fiona.get(f"/events/{story.failed}")
    assert f"/cases/{story.case}" in seen.links("/cases/")
    assert "contract violation" in seen.text


def test_personal_data_is_hidden_until_somebody_says_why(fiona: Visitor, story: Any, rows: Rows) -> None:
    """Masked on every page; shown once to whoever has the right, and kept in the audit with the reason."""
    path = f"/events/{story.done}"
    seen = fiona.get(path)
    assert "•••" in seen.text
    assert not [one for one in (EMAIL, NAME, STREET) if one in seen.html]
    refused = fiona.post(f"{path}/reveal", reason="")
    assert refused.status == 400
    assert EMAIL not in refused.html
    shown = fiona.post(f"{path}/reveal", reason="the customer asks")
    assert (shown.status, EMAIL in shown.text, NAME in shown.text) == (200, True, True)
    assert EMAIL not in fiona.get(path).html
    (entry,) = rows("SELECT actor, subject, detail FROM audit_entries WHERE action = 'data.revealed'")
    assert (entry["actor"], entry["subject"]) == ("fiona", f"event:{story.done}")
    assert json.loads(entry["detail"]) == {"reason": "the customer asks"}


def test_whoever_may_only_look_sees_no_button_and_is_refused(visitor: SignIn, story: Any, rows: Rows) -> None:
    """Neither the reveal nor the replay, by page or by hand."""
    vera = visitor("vera", "viewer")
    path = f"/events/{story.failed}"
    seen = vera.get(path)
    assert seen.status == 200
    assert not seen.forms(f"{path}/reveal")
    assert not seen.forms(f"{path}/replay")
    for verb in ("reveal", "replay"):
        assert vera.post(f"{path}/{verb}").status == 403
    assert "Before" not in vera.get(path, **{"try": "1"}).text
    assert rows("SELECT 1 FROM audit_entries WHERE action IN ('data.revealed', 'event.replayed')") == []


def test_a_replay_shows_its_difference_first_and_then_runs(
    fiona: Visitor, story: Any, rows: Rows, work: Callable[[], None]
) -> None:
    """The dry run leaves no trace; the replay has its reason; the same form sent twice runs once."""
    path = f"/events/{story.done}"
    tried = fiona.get(path, **{"try": "1"})
    assert "What a replay would change" in tried.text
    assert "would not be written again" in tried.text
    assert rows("SELECT 1 FROM audit_entries WHERE action = 'event.replayed'") == []
    form = {name: values[-1] for name, values in fiona.get(path).fields(f"{path}/replay").items()}
    for _ in range(2):
        went = fiona.send(f"{path}/replay", form | {"reason": "to see"})
        assert (went.status, went.to) == (303, path)
    assert len(rows("SELECT 1 FROM audit_entries WHERE action = 'event.replayed'")) == 1
    assert "Replayed by Fiona Ledger" in " ".join(fiona.get(path).texts("ol.timeline > li > p"))
    work()
    assert rows("SELECT status, generation FROM events WHERE id = %s", story.done) == [
        {"status": "done", "generation": 1}
    ]


def test_a_run_shows_its_steps(fiona: Visitor, story: Any, rows: Rows) -> None:
    """With what came of each, masked."""
    run = rows("SELECT id FROM runs WHERE event_id = %s", story.failed)[0]["id"]
    seen = fiona.get(f"/runs/{run}")
    assert (seen.status, seen.h1) == (200, "Run by invoice_paid")
    assert "Contract violation" in seen.text
    assert fiona.get(f"/runs/{uuid4()}").status == 404


def test_a_write_has_its_proof(fiona: Visitor, visitor: SignIn, story: Any, rows: Rows) -> None:
    """On the page masked, as a file whole and with a digest that holds; the download is kept in the audit."""
    write = rows("SELECT id FROM writes WHERE event_id = %s", story.done)[0]["id"]
    path = f"/writes/{write}"
    seen = fiona.get(path)
    assert (seen.status, seen.h1) == (200, "Post entry in books")
    assert f"/events/{story.done}" in seen.links("/events/")
    assert EMAIL not in seen.html
    assert fiona.get("/writes", q="destination:books amount>1").links("/writes/") == [path]
    assert fiona.post(f"{path}/stub", reason="").status == 400
    kept = fiona.post(f"{path}/stub", reason="the auditor asks")
    assert "attachment" in kept.headers["content-disposition"]
    stub = json.loads(kept.html)
    assert keys.digest({name: value for name, value in stub.items() if name != "digest"}) == stub["digest"]
    assert EMAIL in kept.html
    assert rows("SELECT actor FROM audit_entries WHERE action = 'data.revealed'") == [{"actor": "fiona"}]
    assert visitor("vera", "viewer").post(f"{path}/stub").status == 403


def test_a_write_is_asked_about_and_taken_back_after_its_preview(fiona: Visitor, story: Any, rows: Rows) -> None:
    """First what it would do, which changes nothing; then for good, by a write of its own."""
    write = rows("SELECT id FROM writes WHERE event_id = %s", story.done)[0]["id"]
    path = f"/writes/{write}"
    assert "It stands" in fiona.post(f"{path}/probe", reason="to be sure").text
    before = rows("SELECT count(*) AS n FROM writes")
    undo = fiona.get(path, undo="1")
    assert "What taking it back would do" in undo.text
    assert rows("SELECT count(*) AS n FROM writes") == before
    went = fiona.post(f"{path}/reverse", on=f"{path}?undo=1", reason="booked for the wrong year")
    assert went.status == 303
    inverse = UUID(went.to.removeprefix("/writes/"))
    assert rows("SELECT reverses FROM writes WHERE id = %s", inverse) == [{"reverses": write}]
    assert f"/writes/{inverse}" in fiona.get(path).links("/writes/")
    assert fiona.post(f"{path}/reverse", reason="again").status == 409


def test_a_doubt_is_settled_by_whoever_looked(fiona: Visitor, story: Any, rows: Rows, conn: Connection) -> None:
    """It asks whether it stands there, and where."""
    write = rows("SELECT id FROM writes WHERE event_id = %s", story.done)[0]["id"]
    conn.execute("ALTER TABLE writes DISABLE TRIGGER USER")
    conn.execute(
        "UPDATE writes SET status = 'in_doubt', destination = 'hubspot', operation = 'upsert_company',"
        " confirmed_at = NULL, first_sent_at = now() WHERE id = %s",
        (write,),
    )
    conn.execute("ALTER TABLE writes ENABLE TRIGGER USER")
    conn.commit()
    path = f"/writes/{write}"
    assert fiona.get(path).forms(f"{path}/settle")
    assert fiona.post(f"{path}/settle", reason="looked", happened=None).status == 400
    went = fiona.post(f"{path}/settle", reason="looked", happened="yes", reference="991")
    assert (went.status, went.to) == (303, path)
    assert rows("SELECT status FROM writes WHERE id = %s", write) == [{"status": "confirmed"}]


def test_pages_of_much_stay_light(fiona: Visitor, story: Any, rows: Rows, conn: Connection) -> None:
    """Hundreds of runs, a huge payload, a customer of years: what is left out is said, and the page is small."""
    conn.execute(
        "INSERT INTO runs (id, event_id, handler, status, failure_class, detail, steps, started_at)"
        " SELECT gen_random_uuid(), event_id, handler, status, 'run_stuck', repeat('x', 900), steps, now()"
        " FROM runs, generate_series(1, 150) WHERE event_id = %s",
        (story.done,),
    )
    huge = json.dumps({"items": [{"id": f"in_{n}", "email": EMAIL, "text": '"<&>"' * 50} for n in range(3000)]})
    conn.execute("UPDATE payloads SET body = %s WHERE event_id = %s", (huge, story.done))
    conn.execute(
        "INSERT INTO events (id, source, provider, key, type, subject, status, outcome)"
        " SELECT gen_random_uuid(), 'stripe', 'stripe', 'copy_' || n, e.type, e.subject, 'done', repeat('y', 300)"
        " FROM events e, generate_series(1, 300) n WHERE e.id = %s",
        (story.done,),
    )
    conn.commit()
    subject = rows("SELECT subject FROM events WHERE id = %s", story.done)[0]["subject"]
    said = {
        f"/events/{story.done}": "more in between",
        f"/events/{story.done}?try=1": "more characters",
        f"/subjects/{subject}": "The newest 120",
        "/events": "Next page",
    }
    for path, words in said.items():
        seen = fiona.get(path)
        assert (seen.status, len(seen.html.encode()) < 150_000, words in seen.text) == (200, True, True), path
        assert EMAIL not in seen.html
    revealed = fiona.post(f"/events/{story.done}/reveal", reason="to see")
    assert len(revealed.html.encode()) < 150_000
