"""Handlers and sources: how far each is let out and why, what holds them, and who may change that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from counted import an_event_at, insert
from pages import Visitor

from console import problems
from console.pages import handlers
from counterfoil import keys
from counterfoil.database import Connection

Sign = Callable[..., Visitor]
ONE = "/handlers/invoice_paid"


def a_rollout(conn: Connection, mode: str) -> None:
    """Somebody set it."""
    values = (mode, 0.1 if mode == "partial" else None)
    conn.execute(
        "INSERT INTO rollouts (handler, mode, share, reason, changed_by, changed_at)"
        " VALUES ('invoice_paid', %s, %s, 'to see', 'rhea', now() - interval '1 day')",
        values,
    )
    conn.execute(
        "INSERT INTO rollout_changes (id, handler, mode, share, reason, changed_by)"
        " VALUES (%s, 'invoice_paid', %s, %s, 'to see', 'rhea')",
        (keys.new_id(), *values),
    )
    conn.commit()


def a_shadow_write(conn: Connection, **columns: Any) -> UUID:
    """What it would have written."""
    body = {"entry_date": "2026-01-31", "description": "Invoice", "lines": []}
    write = keys.new_id()
    values = {"id": write, "key": f"books:{write}", "destination": "books", "operation": "post_entry",
              "digest": "a" * 64, "event_id": keys.new_id(), "handler": "invoice_paid", "status": "shadow",
              "amount_minor": 4200, "currency": "EUR", "action": {"body": body, "evidence": {}}}  # fmt: skip
    insert(conn, "writes", values | columns)
    return write


def a_reviewed_write(conn: Connection, *, agrees: bool) -> None:
    """A write of it that somebody judged."""
    conn.execute(
        "INSERT INTO reviews (id, write_id, digest, agrees, person, reason) VALUES (%s, %s, %s, %s, 'rhea', 'looked')",
        (keys.new_id(), a_shadow_write(conn), "a" * 64, agrees),
    )


def test_the_list_says_how_far_each_is_let_out_and_what_it_did(visitor: Sign, conn: Connection) -> None:
    """Mode, the last day, and a way to its exceptions."""
    a_rollout(conn, "partial")
    soon = datetime.now(UTC) - timedelta(seconds=30)
    an_event_at(conn, soon)
    an_event_at(conn, soon, status="exception", took=None)
    seen = visitor("vera", "viewer").get("/handlers")
    assert (seen.status, seen.h1) == (200, "Handlers")
    (row,) = [text for text in seen.texts("tbody tr") if text.startswith("invoice_paid")]
    assert "partial 2" in row
    assert seen.all('svg[aria-label="1 of 2 done"]')
    assert "hubspot_hourly" in seen.text
    assert "0 of 500 writes" in seen.text


def test_the_evidence_for_the_next_step_is_shown(visitor: Sign, conn: Connection) -> None:
    """How many decisions, what people thought, how certain that is, what is missing."""
    a_rollout(conn, "partial")
    for number in range(10):
        a_reviewed_write(conn, agrees=number > 0)
    conn.commit()
    seen = visitor("fiona", "owner").get(ONE)
    assert "From here the way leads to full" in seen.text
    assert "10 of 30 decisions since this step; 20 more are needed" in seen.text
    assert "not yet" in seen.text
    assert "9; edited 0, rejected 0, taken back 0, disagreed 1" in seen.text
    assert "59.6 % agreement at least; 85 % are needed" in seen.text


def test_a_wider_step_without_evidence_is_refused_where_the_form_stands(visitor: Sign, conn: Connection) -> None:
    """The page says what is missing and keeps what was chosen; by force it is done, and that stays in the history."""
    a_rollout(conn, "partial")
    fiona = visitor("fiona", "owner")
    refused = fiona.post(f"{ONE}/rollout", mode="full", reason="it went well")
    assert refused.status == 409
    assert "0 of 30 decisions" in refused.text
    assert [node.attributes["value"] for node in refused.all("input[name=mode][checked]")] == ["full"]
    done = fiona.post(f"{ONE}/rollout", mode="full", reason="it went well", force="true")
    assert (done.status, done.to) == (303, ONE)
    seen = fiona.follow(done)
    assert "full" in seen.texts("dl.facts dd")[0]
    assert any("it went well without the evidence" in line for line in seen.texts("ol.timeline li"))


def test_a_share_or_a_segment_narrows_it(visitor: Sign, rows: Any) -> None:
    """Per cent of the subjects, or members of the event with their values."""
    fiona = visitor("fiona", "owner")
    assert fiona.post(f"{ONE}/rollout", mode="partial", percent="25", reason="carefully").status == 303
    assert rows("SELECT mode, share, segment FROM rollouts") == [{"mode": "partial", "share": 0.25, "segment": None}]
    segment = "data.object.currency = eur, usd\ndata.object.livemode = false"
    assert fiona.post(f"{ONE}/rollout", mode="partial", segment=segment, reason="these", force="true").status == 303
    (row,) = rows("SELECT share, segment FROM rollouts")
    assert row == {
        "share": None,
        "segment": {"data.object.currency": ["eur", "usd"], "data.object.livemode": False},
    }
    assert fiona.get(ONE).fields(f"{ONE}/rollout")["segment"] == [segment]


def test_what_cannot_be_read_is_said_by_field(visitor: Sign, rows: Any) -> None:
    """Nothing changes, and the page stays."""
    fiona = visitor("fiona", "owner")
    for field, value in (("percent", "a lot"), ("segment", "just words"), ("percent", "200")):
        seen = fiona.post(f"{ONE}/rollout", mode="partial", reason="x", **{field: value})
        assert seen.status in (400, 422), value
        assert seen.h1 == "invoice_paid"
    assert rows("SELECT 1 FROM rollouts") == []


@pytest.mark.parametrize("found", [{"a.b": 1}, {"a": [True, "x"]}, {"n": "12"}, {"a b": ["x y", "z"]}])
def test_a_segment_reads_back(found: dict[str, Any]) -> None:
    """What is shown can be sent again."""
    assert handlers.segment(handlers.segment_text(found)) == found


def test_a_line_without_a_value_is_no_segment() -> None:
    """Nothing is guessed."""
    with pytest.raises(problems.NotAsked):
        handlers.segment("plan")


def test_a_handler_is_paused_and_goes_on(visitor: Sign, rows: Any) -> None:
    """With a reason, once however often it is clicked, and audited."""
    fiona = visitor("fiona", "owner")
    page = fiona.get(ONE)
    fields = page.fields(f"{ONE}/pause") | {"reason": ["the books are closed"]}
    first, second = fiona.send(f"{ONE}/pause", fields), fiona.send(f"{ONE}/pause", fields)
    assert first.status == second.status == 303
    assert rows("SELECT scope, name, paused_by, reason FROM pauses") == [
        {"scope": "handler", "name": "invoice_paid", "paused_by": "fiona", "reason": "the books are closed"}
    ]
    seen = fiona.get(ONE)
    assert "the books are closed" in seen.text
    assert not seen.forms(f"{ONE}/pause")
    assert fiona.post(f"{ONE}/resume", reason="open again").status == 303
    assert rows("SELECT 1 FROM pauses") == []
    changes = rows("SELECT actor, action FROM audit_entries WHERE subject = 'pause:handler/invoice_paid' ORDER BY seq")
    assert [(row["actor"], row["action"]) for row in changes] == [("fiona", "pause.begun"), ("fiona", "pause.lifted")]


def test_a_destination_a_kind_of_action_and_a_source_are_held(visitor: Sign, rows: Any) -> None:
    """Each from the page on which it stands, and let go from there."""
    fiona = visitor("fiona", "owner")
    assert fiona.post("/destinations/stripe/pause", reason="it is slow").status == 303
    assert fiona.post("/actions/pause", name="hubspot.upsert_company", reason="wrong field").status == 303
    held = {(row["scope"], row["name"]) for row in rows("SELECT scope, name FROM pauses")}
    assert held == {("destination", "stripe"), ("action", "hubspot.upsert_company")}
    seen = fiona.get("/handlers")
    assert "it is slow" in seen.text
    assert fiona.post("/destinations/stripe/resume", reason="quick again").status == 303
    assert fiona.post("/actions/resume", reason="mended").status == 303
    assert rows("SELECT 1 FROM pauses") == []


def test_nothing_is_held_that_is_not_there(visitor: Sign, rows: Any) -> None:
    """A name that nothing has is refused, in words."""
    seen = visitor("fiona", "owner").post("/destinations/nowhere/pause", reason="x")
    assert seen.status in (404, 409, 422)
    assert "there is no destination nowhere" in seen.text
    assert rows("SELECT 1 FROM pauses") == []


def test_who_may_only_look_has_no_buttons_and_is_refused(visitor: Sign, rows: Any) -> None:
    """A viewer, and somebody whose right holds for another handler."""
    for name, grant in (("vera", "viewer"), ("olga", "owner:deal_closed_won")):
        person = visitor(name, grant)
        seen = person.get(ONE)
        assert seen.status == 200
        assert not seen.all("main form")
        for path in (f"{ONE}/pause", f"{ONE}/rollout", "/destinations/stripe/pause", "/sources/stripe/pause"):
            assert person.post(path, mode="shadow", reason="x").status == 403, path
    assert rows("SELECT 1 FROM pauses UNION ALL SELECT 1 FROM rollouts") == []
    assert visitor("olga", "owner:deal_closed_won").post("/handlers/deal_closed_won/pause", reason="mine").status == 303


def test_its_code_is_told_by_version(visitor: Sign, conn: Connection) -> None:
    """Which state of it ran from when to when, and how its runs ended."""
    soon = datetime.now(UTC) - timedelta(seconds=30)
    an_event_at(conn, soon, version="0ld")
    an_event_at(conn, soon, version="n3w", status="exception", took=None)
    seen = visitor("vera", "viewer").get(ONE)
    rows = seen.texts("tbody tr")
    assert any(row.startswith("0ld") and "1 done" in row for row in rows)
    assert any(row.startswith("n3w") and "1 exception" in row for row in rows)


def test_a_handler_that_is_not_there_is_not_found(visitor: Sign) -> None:
    """In words."""
    seen = visitor("vera", "viewer").get("/handlers/nobody")
    assert seen.status == 404
    assert "there is no such handler" in seen.text


def test_what_shadow_would_have_written_is_reviewed_on_the_page(visitor: Sign, conn: Connection, rows: Any) -> None:
    """An example with its lines; a yes or no with a reason counts for the next step."""
    a_rollout(conn, "shadow")
    a_shadow_write(conn)
    conn.commit()
    fiona = visitor("fiona", "owner")
    seen = fiona.get(ONE)
    assert "1 writes for 1 events were planned and not sent" in seen.text
    looked = "SELECT actor, subject FROM audit_entries WHERE action = 'data.revealed'"
    assert rows(looked) == [{"actor": "fiona", "subject": "handler:invoice_paid"}]
    visitor("vera", "viewer").get(ONE)
    assert len(rows(looked)) == 1
    (form,) = [node for node in seen.all("form") if (node.attributes.get("action") or "").endswith("/review")]
    done = fiona.post(form.attributes["action"] or "", on=ONE, agrees="true", reason="as it should be")
    assert (done.status, done.to) == (303, ONE)
    assert rows("SELECT agrees, person FROM reviews") == [{"agrees": True, "person": "fiona"}]


@pytest.fixture
def two_sources(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe and HubSpot have secrets."""
    from counterfoil.settings import settings

    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_" + "a" * 32)
    monkeypatch.setenv("HUBSPOT_CLIENT_SECRET", "11111111-2222-3333-4444-555555555555")
    monkeypatch.setenv("COUNTERFOIL_PUBLIC_URL", "https://hooks.example.com")
    settings.cache_clear()


def test_sources_say_what_came_what_was_refused_and_how_each_is_set_up(
    visitor: Sign, conn: Connection, two_sources: None
) -> None:
    """The last event, wrong signatures with their reason, the URL and the events; never a secret."""
    an_event_at(conn, datetime.now(UTC) - timedelta(minutes=3), deliveries=2)
    conn.execute("INSERT INTO rejection_counts VALUES (date_trunc('minute', now()), 'stripe', 'signature_expired', 5)")
    conn.commit()
    seen = visitor("vera", "viewer").get("/sources")
    (stripe,) = [text for text in seen.texts("section.card") if text.startswith("stripe")]
    (hubspot,) = [text for text in seen.texts("section.card") if text.startswith("hubspot")]
    assert "Last event 3 min ago" in stripe
    assert "1 events, 1 of them for a handler; 1 duplicates folded" in stripe
    assert "5 signature expired" in stripe
    assert "https://hooks.example.com/webhooks/stripe" in stripe
    assert "invoice.paid" in stripe
    assert "silent for a week" in hubspot
    assert "whsec_" + "a" * 32 not in seen.html


def test_a_source_is_paused_where_it_stands(visitor: Sign, rows: Any, two_sources: None) -> None:
    """And goes on from there."""
    fiona = visitor("fiona", "owner")
    done = fiona.post("/sources/stripe/pause", reason="their incident")
    assert (done.status, done.to) == (303, "/sources")
    assert "their incident" in fiona.follow(done).text
    assert fiona.post("/sources/stripe/resume", reason="over").status == 303
    assert rows("SELECT 1 FROM pauses") == []


def test_sources_without_any_say_what_to_do(visitor: Sign) -> None:
    """An empty place has words."""
    assert "Set the secret of a provider" in visitor("vera", "viewer").get("/sources").text
