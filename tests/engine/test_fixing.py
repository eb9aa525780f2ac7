"""Fixes at work: a copy goes on, the original stays, and what a rule changed says so."""

import json
from typing import Any
from uuid import UUID

import pytest
from fixing import CATEGORY, PROD, PRODUCT, a_fix, a_pipeline, an_invoice, event_state, rows, work

from contracts import fixes as rules
from counterfoil import database
from counterfoil.settings import settings
from engine import dry_run, fixing
from exceptions_queue import approvals, fixes, policy, replay
from exceptions_queue.refusals import EditorMayNot

Connection = database.Connection


def again(conn: Connection, event_id: UUID) -> None:
    """The event is replayed from the start."""
    replay.replay_event(conn, event_id, from_step="start", who="rhea", reason="again")
    conn.commit()


def test_a_rule_clears_what_was_blocked_and_the_write_says_so(conn: Connection) -> None:
    """Given an invoice that failed, when a rule is approved and it is replayed, then it is booked as the rule says."""
    event_id = an_invoice(conn)
    pipeline = a_pipeline()
    work(pipeline)
    assert event_state(conn, event_id) == "exception"
    before = rows(conn, "SELECT * FROM payloads")

    fix_id = a_fix(conn)
    again(conn, event_id)
    work(pipeline)  # at once, although this process looked at the rules a moment ago

    assert event_state(conn, event_id) == "done"
    assert rows(conn, "SELECT * FROM payloads") == before, "what was received stays as it was received"
    (write,) = rows(conn, "SELECT action FROM writes WHERE event_id = %s", event_id)
    place = "data.object.lines.data.0.metadata.revenue_category"
    assert write["action"]["evidence"]["fixes"] == [{"fix": str(fix_id), "set": {place: "services"}}]
    assert "Income:Services" in json.dumps(write["action"]["body"])
    (run,) = rows(conn, "SELECT steps FROM runs WHERE event_id = %s AND status = 'done'", event_id)
    assert [step["output"] for step in run["steps"] if step["step"] == "fix"] == [[str(fix_id)]]
    (case,) = rows(conn, "SELECT status FROM cases")
    assert case == {"status": "resolved"}


def test_a_rule_leaves_alone_what_it_does_not_fit_and_what_was_written(conn: Connection) -> None:
    """An invoice that was booked before stays as it is booked, and other products are none of its business."""
    booked, other = an_invoice(conn, category="usage"), an_invoice(conn, product="prod_other")
    work()
    a_fix(conn)
    a_fix(conn, {PRODUCT: PROD, CATEGORY: "usage"}, {CATEGORY: "services"})
    again(conn, other)
    work()
    assert (event_state(conn, booked), event_state(conn, other)) == ("done", "exception")
    assert len(rows(conn, "SELECT 1 AS one FROM books_entries")) == 1
    assert rows(conn, "SELECT action -> 'evidence' ? 'fixes' AS told FROM writes") == [{"told": False}]


def test_whoever_wrote_a_rule_does_not_approve_what_rests_on_it(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a write that is large enough to be asked about, its author is refused, and anybody else is not."""
    monkeypatch.setenv("COUNTERFOIL_APPROVAL_MINOR", "1")
    settings.cache_clear()
    policy.policy.cache_clear()
    a_fix(conn, who="rhea")
    an_invoice(conn)
    work()
    (asked,) = rows(conn, "SELECT write_id, digest FROM approvals WHERE status = 'open'")
    yes = {"digest": asked["digest"], "reason": "as it should be"}
    with pytest.raises(EditorMayNot):
        approvals.approve(conn, asked["write_id"], who="Rhea", **yes)
    conn.rollback()
    assert approvals.approve(conn, asked["write_id"], who="marek", **yes)
    conn.rollback()
    policy.policy.cache_clear()


def test_a_proposal_and_a_withdrawn_rule_do_nothing(conn: Connection) -> None:
    """Only what a second person agreed to, and only as long."""
    a_fix(conn, active=False)
    gone = a_fix(conn, {PRODUCT: "prod_b", CATEGORY: "Consulting"})
    fixes.withdraw(conn, gone, who="rhea", reason="it was not always that")
    conn.commit()
    events = [an_invoice(conn), an_invoice(conn, product="prod_b")]
    work()
    assert [event_state(conn, event) for event in events] == ["exception", "exception"]


def test_nothing_is_committed_by_a_rule_that_is_withdrawn_meanwhile(conn: Connection) -> None:
    """Between the walk and its commit the rule goes: nothing is written, and the event goes again without it."""
    event_id = an_invoice(conn)
    fix_id = a_fix(conn)
    pipeline = a_pipeline()
    real = pipeline.commit

    def late(*arguments: Any, **named: Any) -> Any:
        if rows(conn, "SELECT 1 AS one FROM fixes WHERE status = 'active'"):
            fixes.withdraw(conn, fix_id, who="rhea", reason="wrong after all")
            conn.commit()
        return real(*arguments, **named)

    pipeline.commit = late  # type: ignore[method-assign]
    work(pipeline)
    assert event_state(conn, event_id) == "waiting"
    conn.execute("UPDATE events SET due_at = now()")
    conn.commit()
    work()
    assert rows(conn, "SELECT 1 AS one FROM writes") == []
    first, last = rows(conn, "SELECT status, detail FROM runs WHERE event_id = %s ORDER BY id", event_id)
    assert (first["status"], last["status"]) == ("waiting", "exception")
    assert "withdrawn" in first["detail"]


def test_rules_that_contradict_each_other_are_a_case(conn: Connection) -> None:
    """Approval refuses that; if two are there all the same, neither decides, and somebody is told which they are."""
    event_id = an_invoice(conn)
    when = {PRODUCT: PROD, CATEGORY: "Consulting"}
    every = [
        rules.parse("stripe", "stripe", ["invoice.paid"], when, {CATEGORY: text}, id=text)
        for text in ("services", "usage")
    ]
    pipeline = a_pipeline()
    pipeline.fixes = fixing.Fixes(every)
    work(pipeline)
    (case,) = rows(conn, "SELECT c.failure_class, m.detail FROM cases c JOIN case_events m ON m.case_id = c.id")
    (violation,) = case["detail"]["violations"]
    assert (case["failure_class"], violation["rule"]) == ("contract_violation", "fixes_disagree")
    assert "services, usage" in violation["advice"]
    assert event_state(conn, event_id) == "exception"


@pytest.mark.parametrize("path", ["data.object.total", "data.object.id"])
def test_a_rule_that_got_past_its_form_still_moves_no_money(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Behind the words that a rule may not name stands a second look, at what the copy is worth and about."""
    an_invoice(conn)
    copy = {"total": 1, "id": "in_other"}

    def strays(body: str, _: Any) -> rules.Mended:
        payload = json.loads(body)
        payload["data"]["object"][path.rsplit(".", 1)[1]] = copy[path.rsplit(".", 1)[1]]
        return rules.Mended(json.dumps(payload), (rules.Applied("x", {}),))

    monkeypatch.setattr(rules, "apply", strays)
    pipeline = a_pipeline()
    pipeline.fixes = fixing.Fixes([rules.Fix("stripe", frozenset({"invoice.paid"}), {}, {}, "x")])
    work(pipeline)
    (case,) = rows(conn, "SELECT m.detail FROM case_events m")
    assert {violation["rule"] for violation in case["detail"]["violations"]} == {"fix_strays"}
    assert rows(conn, "SELECT 1 AS one FROM writes") == []


def test_a_rule_that_was_put_there_by_hand_is_judged_like_any(conn: Connection) -> None:
    """A row that says what nobody may propose is in force in the table only; others beside it are applied."""
    a_fix(conn)
    conn.execute(
        "INSERT INTO fixes (id, source, provider, types, conditions, settings, digest, author, reason) VALUES"
        " (gen_random_uuid(), 'stripe', 'stripe', '{invoice.paid}', %s::jsonb, %s::jsonb, 'x', 'rhea', 'by hand')",
        (json.dumps({PRODUCT: PROD, "data.object.currency": "eur"}), json.dumps({"data.object.currency": "usd"})),
    )
    conn.execute("UPDATE fixes SET status = 'active', approver = 'eve', approved_at = now() WHERE digest = 'x'")
    conn.commit()
    event_id = an_invoice(conn)
    work()
    assert event_state(conn, event_id) == "done"
    assert rows(conn, "SELECT currency FROM writes") == [{"currency": "EUR"}]


def test_a_dry_run_goes_by_the_rules_too(conn: Connection) -> None:
    """What a replay would do is what it then does."""
    event_id = an_invoice(conn)
    work()
    pipeline = a_pipeline()
    found = dry_run.compare(conn, pipeline, event_id)
    assert found is not None
    assert found["would"]["failure_class"] == "contract_violation"
    a_fix(conn)
    found = dry_run.compare(conn, a_pipeline(), event_id)
    assert found is not None
    assert (found["would"]["status"], len(found["would"]["writes"])) == ("done", 1)


def test_no_rule_costs_no_look_at_the_payload(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is parsed for rules about something else, and the table is read once a second, not once an event."""
    a_fix(conn, {PRODUCT: "prod_b", CATEGORY: None}, {CATEGORY: "usage"})
    looks: list[Any] = []
    monkeypatch.setattr(fixing, "active", lambda _: looks.append(1) or [])
    known = fixing.Fixes()
    for _ in range(50):
        known.refresh(conn)
    assert len(looks) == 1
    known.refresh(conn, at_once=True)
    assert len(looks) == 2
    assert known.of("stripe", "invoice.paid") == ()
