"""Judgement: how far questions are let out and what that rests on; single decisions, and who saw them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from counted import a_case_of, insert
from pages import Visitor

from console.access import sessions
from console.answers import Reliability
from console.pages import judgement as pages
from contracts import questions
from counterfoil import keys
from counterfoil.database import Connection
from counterfoil.lifecycle import CaseState

Sign = Callable[..., Visitor]
NAME = "ticket_route"
ONE = f"/judgement/{NAME}"


def a_decision(conn: Connection, **columns: Any) -> UUID:
    """One item that was judged."""
    decision = keys.new_id()
    question = questions.find()[NAME]
    values = {"id": decision, "event_id": keys.new_id(), "handler": "ticket_created", "question": NAME,
              "question_version": question.version, "item": "ticket", "input_hash": str(decision),
              "fields": {"text": "<b>The bill</b> is wrong", "subject": "Bill"}, "tier": "local", "model": "m1",
              "label": "finance", "status": "asked", "why": "below the threshold", "confidence": 0.61,
              "threshold": 0.9, "runner_up": "support", "evidence": [{"field": "text", "start": 3, "end": 11}],
              "precedents": [], "acted": False, "sampled": False, "cost_micro_usd": 0}  # fmt: skip
    kept = values | columns
    kept |= {name: _json(kept[name]) for name in ("evidence", "precedents")}
    insert(conn, "decisions", kept)
    conn.commit()
    return decision


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def test_questions_say_how_far_they_are_let_out(visitor: Sign, conn: Connection) -> None:
    """Mode, how much was decided, what waits."""
    a_decision(conn)
    a_decision(conn, status="committed", acted=True)
    seen = visitor("vera", "viewer").get("/judgement")
    assert (seen.status, seen.h1) == (200, "Judgement")
    (row,) = [text for text in seen.texts("tbody tr") if text.startswith("Ticket route")]
    assert " 2 " in row
    assert seen.all('svg[aria-label="1 of 2 acted on"]')


def test_a_question_shows_thresholds_labels_alerts_and_decisions(visitor: Sign, conn: Connection) -> None:
    """What is not measured is said; an open alert stands on top."""
    a_decision(conn)
    a_case_of(conn, "out_of_bounds", handler=NAME, detail={"sentence": "ticket_route asks people from now on"})
    insert(
        conn,
        "labels",
        {"id": keys.new_id(), "question": NAME, "input_hash": "h", "fields": {"text": "x"}, "label": "finance",
         "origin": "correction", "use": "golden", "author": "rhea"},
    )  # fmt: skip
    conn.commit()
    seen = visitor("vera", "viewer").get(ONE)
    assert "nothing was measured" in seen.text
    assert "nothing was measured yet" in seen.text
    assert "the golden set correction 1 1" in seen.text
    assert "ticket_route asks people from now on" in seen.texts("p.problem")[0]
    assert "below the threshold" in seen.text
    assert not seen.forms(f"{ONE}/mode"), "a viewer sets nothing"
    assert not seen.links("/classifications/"), "nor do they see what customers wrote"


def test_people_who_disagree_are_shown_with_the_way_to_what_about(visitor: Sign, conn: Connection) -> None:
    """The words themselves are a customer's and stand with the decision, where it is kept who saw them. Break it: leave
    nothing but names."""
    decision = a_decision(conn, input_hash="h")
    for author, label in (("rhea", "finance"), ("ines", "support")):
        insert(
            conn,
            "labels",
            {"id": keys.new_id(), "question": NAME, "input_hash": "h", "fields": {"text": "secret words"},
             "label": label, "origin": "correction", "use": "learn", "author": author, "decision_id": decision},
        )  # fmt: skip
    conn.commit()
    seen = visitor("fiona", "owner").get(ONE)
    assert "People disagree about 1" in seen.text
    assert "secret words" not in seen.text
    assert f"/classifications/{decision}" in seen.links()
    assert "People disagree about 1" in visitor("vera", "viewer").get(ONE).text


def test_decisions_are_filtered_by_how_they_stand(visitor: Sign, conn: Connection) -> None:
    """By links; what is no state is said."""
    a_decision(conn, item="asked-one")
    a_decision(conn, item="acted-one", status="committed", acted=True)
    vera = visitor("vera", "viewer")
    seen = vera.get(f"{ONE}?status=asked")
    assert "asked-one" in seen.text
    assert "acted-one" not in seen.text
    assert vera.get(f"{ONE}?status=nonsense").status == 400


def test_a_mode_is_set_with_a_reason(visitor: Sign, rows: Any) -> None:
    """By those who may control; without a reason the page says so."""
    fiona = visitor("fiona", "owner")
    assert fiona.post(f"{ONE}/mode", mode="ask", reason="").status == 400
    done = fiona.post(f"{ONE}/mode", mode="ask", reason="quarter's end")
    assert (done.status, done.to) == (303, ONE)
    assert "asks people quarter's end" in fiona.follow(done).texts("li.tile")[0]
    assert rows("SELECT actor FROM audit_entries WHERE action = 'question.mode_changed'") == [{"actor": "fiona"}]
    assert visitor("vera", "viewer").post(f"{ONE}/mode", mode="automatic", reason="x").status == 403


def test_a_trial_is_started_read_and_ended_on_the_page(
    visitor: Sign, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what there is can be chosen; a viewer reads the result and starts nothing."""
    question = questions.find()[NAME]
    fiona = visitor("fiona", "owner")
    assert "Tried beside" not in fiona.get(ONE).text
    other = type(question).model_validate({**question.model_dump(), "instructions": "Whose?"}, strict=False)
    monkeypatch.setattr(f"contracts.questions.{NAME}.NEXT", other, raising=False)
    assert [one.text() for one in fiona.get(ONE).all("option")] == ["the next version of the question"]
    done = fiona.post(f"{ONE}/trial", challenger="next", share="0.25", reason="clearer words")
    assert (done.status, done.to) == (303, ONE)
    decision = a_decision(conn, status="settled", settled_by="rhea", settled_label="finance", sampled=True)
    insert(
        conn,
        "second_answers",
        {"decision_id": decision, "trial_id": conn.execute("SELECT id FROM trials").fetchone()["id"],  # type: ignore[index]
         "input_hash": "h", "label": "support", "would_act": False, "model": "m", "champion_label": "finance",
         "champion_would_act": True},
    )  # fmt: skip
    conn.commit()
    seen = visitor("vera", "viewer").get(ONE)
    assert "on 25 % of the inputs: runs since" in seen.text
    assert "Right, of 1 that chance drew 100.0 %" in seen.text
    assert not seen.forms(f"{ONE}/trial/stop")
    assert visitor("vera", "viewer").post(f"{ONE}/trial/stop", reason="x").status == 403
    assert fiona.post(f"{ONE}/trial/stop", reason="enough").status == 303
    assert "is over" in fiona.get(ONE).text


def test_a_training_that_is_not_there_is_not_brought_back(visitor: Sign) -> None:
    """In words, where the form would stand."""
    fiona = visitor("fiona", "owner")
    proof = {"csrf": sessions.csrf_of(fiona.token), "key": "k"}
    seen = fiona.send(f"{ONE}/rollback", proof | {"number": "7", "reason": "it was better"})
    assert seen.status == 409
    assert seen.h1 == "Ticket route"


def test_a_decision_shows_what_it_rests_on_and_who_saw_it(visitor: Sign, conn: Connection, rows: Any) -> None:
    """Words with the evidence marked, what a confidence is worth, precedents; seeing it is kept."""
    label = keys.new_id()
    insert(
        conn,
        "labels",
        {"id": label, "question": NAME, "input_hash": "h", "fields": {"text": "a bill of before"}, "label": "finance",
         "origin": "correction", "use": "learn", "author": "rhea"},
    )  # fmt: skip
    decision = a_decision(
        conn,
        precedents=[
            {"example_id": str(label), "label": "finance", "author": "rhea", "likeness": 0.8},
            {"example_id": "shipped:1", "label": "support", "author": "shipped", "likeness": 0.1},
        ],
    )
    seen = visitor("fiona", "owner").get(f"/classifications/{decision}")
    assert seen.status == 200
    assert seen.texts("mark") == ["The bill"]
    assert "<b>The bill" not in seen.html
    assert "finance : a bill of before by Rhea Ops, 80 % alike" in seen.text
    assert rows("SELECT actor FROM audit_entries WHERE action = 'data.revealed'") == [{"actor": "fiona"}]
    assert visitor("vera", "viewer").get(f"/classifications/{decision}").status == 403


@pytest.mark.parametrize(("said", "kept"), [("support", "support"), ("(none)", None)])
def test_a_person_says_what_it_is(visitor: Sign, conn: Connection, rows: Any, said: str, kept: str | None) -> None:
    """One of the labels, or none of these; kept under their name, and the decision is settled."""
    decision = a_decision(conn)
    path = f"/classifications/{decision}"
    fiona = visitor("fiona", "owner")
    done = fiona.post(f"{path}/correct", label=said, reason="I know the customer")
    assert (done.status, done.to) == (303, path)
    assert rows("SELECT status, settled_by, settled_label FROM decisions") == [
        {"status": "settled", "settled_by": "fiona", "settled_label": kept}
    ]


def test_what_is_no_label_is_refused_on_the_page(visitor: Sign, conn: Connection) -> None:
    """Nothing is settled by a word that nobody offered."""
    decision = a_decision(conn)
    seen = visitor("fiona", "owner").post(f"/classifications/{decision}/correct", label="pizza", reason="x")
    assert seen.status in (400, 409, 422)
    assert "What is it?" in seen.text


def test_a_question_that_is_not_there_is_not_found(visitor: Sign) -> None:
    """In words."""
    assert visitor("vera", "viewer").get("/judgement/nothing").status == 404


def test_reliability_is_drawn_as_it_was_measured() -> None:
    """A point for each pair, the way to the diagonal is its fault; nothing measured, nothing drawn."""
    assert pages.reliability([]) is None
    drawn = str(pages.reliability([Reliability(confidence=0.5, accuracy=0.25, count=4)]))
    assert 'd="M300.0 120.0V80.0"' in drawn


def test_closed_alerts_are_gone(visitor: Sign, conn: Connection) -> None:
    """What somebody settled is no alert."""
    a_case_of(conn, "out_of_bounds", handler=NAME, status=CaseState.RESOLVED.value)
    assert not visitor("vera", "viewer").get(ONE).all("p.problem")
