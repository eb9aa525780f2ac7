"""Trainings: made when there is enough that is new, refused when worse, brought back by one command."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from judged import a_quick_judge
from psycopg.rows import dict_row

from contracts import questions
from contracts.answers import Question
from counterfoil.database import Connection
from engine import tending
from judgement import evaluating, labels, models, serving, states
from judgement.serving import Serving

QUESTION = questions.find()["revenue_category"]

#: A worker's judge: says what it holds of these words, and again whenever it is asked.
ANSWERS = """
import sys
from counterfoil import database
from judgement.serving import serving
with database.connect(autocommit=True) as conn:
    for line in sys.stdin:
        answer, _ = serving("revenue_category").answer(conn, {"description": line.strip()})
        print(answer.label, answer.repeat, flush=True)
"""


@pytest.fixture(autouse=True)
def fresh_judge() -> Iterator[None]:
    """Every test's database has judges of its own, and looks around anew."""
    serving.serving.cache_clear()
    tending._looked_at.clear()
    yield
    serving.serving.cache_clear()


@pytest.fixture
def at_once(database_url: str) -> Iterator[Connection]:
    """A connection in autocommit."""
    with psycopg.connect(database_url, row_factory=dict_row, autocommit=True) as made:
        yield made


def _label(conn: Connection, said: str, label: str, use: labels.Use = "learn") -> None:
    labels.add(conn, QUESTION, labels.NewLabel({"description": said}, label, "labelling", "Ines", use=use))


def _train(conn: Connection, question: Question = QUESTION) -> int:
    with models.locked(conn, question.name):
        return serving.trained_anew(conn, question)[2]


def _statuses(conn: Connection) -> list[str]:
    return [row["status"] for row in conn.execute("SELECT status FROM trained_models ORDER BY question, number")]


def test_a_training_that_is_worse_is_kept_and_does_not_answer(at_once: Connection) -> None:
    """The golden set decides; the reason stands beside it and in the audit."""
    assert _train(at_once) == 1
    for number in range(60):
        _label(at_once, f"Consulting hours {number}", "services", "golden")
        _label(at_once, f"Consultant's hours {number}", "usage")
    assert _train(at_once) == 2
    assert _statuses(at_once) == ["active", "refused"]
    kept = models.answering(at_once, QUESTION)
    assert kept is not None
    assert kept.number == 1
    actions = at_once.execute("SELECT action FROM audit_entries WHERE action LIKE 'model.%' ORDER BY seq").fetchall()
    assert [row["action"] for row in actions] == ["model.activated", "model.refused"]


def test_both_are_held_against_the_same_golden_set(at_once: Connection) -> None:
    """Given new golden labels that neither knows, the new training is no worse than the one before and answers. Break
    it: hold it against the figures of the day when the one before was made."""
    _train(at_once)
    for number in range(60):
        _label(at_once, f"Consulting hours {number}", "usage", "golden")
    _label(at_once, "Hours of a trainer", "services")
    assert _train(at_once) == 2
    assert _statuses(at_once) == ["retired", "active"]


def test_the_training_that_answered_is_named(at_once: Connection) -> None:
    """In every answer, so that a decision can be traced to it, whatever was trained or brought back since."""
    _train(at_once)
    judge = Serving(QUESTION)
    assert judge.answer(at_once, {"description": "Hours"})[0].model.endswith("/1")
    _label(at_once, "Hours of a trainer", "services")
    _train(at_once)
    time.sleep(serving.STALE_SECONDS)
    assert judge.answer(at_once, {"description": "Hours"})[0].model.endswith("/2")


def test_a_question_whose_words_changed_begins_in_shadow(at_once: Connection) -> None:
    """Also where nobody ever let it out or took it back: what people relied on was asked in other words. Of the old
    words, which another version of the program may still ask, nothing changes. Break it: ask only what people set."""
    new = Question.model_validate({**QUESTION.model_dump(), "instructions": "Which revenue is it?"}, strict=False)
    assert states.of(at_once, new).mode == "automatic"
    _train(at_once)
    _train(at_once, new)
    assert [states.of(at_once, each).mode for each in (QUESTION, new)] == ["automatic", "shadow"]
    with at_once.transaction():
        states.put(at_once, new, "automatic", who="Ines", reason="looked at a week of it")
    assert [states.of(at_once, each).mode for each in (QUESTION, new)] == ["shadow", "automatic"]


def test_an_earlier_training_is_brought_back_and_stays(at_once: Connection) -> None:
    """Of three the one before; then the first; then there is none; nothing trains anew without new labels."""
    for said in ("Hours of a trainer", "Calls", "Boxes"):
        _train(at_once)
        _label(at_once, said, "services")
    judge = Serving(QUESTION)
    judge.answer(at_once, {"description": "x"})
    assert judge._number == 3
    with at_once.transaction():
        assert models.bring_back(at_once, QUESTION, None, who="Ines", reason="worse in practice") == 2
    with at_once.transaction():
        assert models.bring_back(at_once, QUESTION, None, who="Ines", reason="that too") == 1
    time.sleep(serving.STALE_SECONDS)
    judge.answer(at_once, {"description": "x"})
    assert judge._number == 1
    with pytest.raises(models.NoSuchModel), at_once.transaction():
        models.bring_back(at_once, QUESTION, None, who="Ines", reason="x")
    assert tending.run_once(at_once) == {"trained": 0}
    with at_once.transaction():
        assert models.bring_back(at_once, QUESTION, 3, who="Ines", reason="forward again") == 3


def test_enough_new_labels_make_a_training(at_once: Connection) -> None:
    """Nineteen do not, twenty do; the new one knows them all."""
    _train(at_once)
    for number in range(tending.NEW_LABELS_MIN - 1):
        _label(at_once, f"Workshop day {number} of the onboarding", "services")
    assert tending.run_once(at_once) == {"trained": 0}
    _label(at_once, "Workshop, the last day", "services")
    assert tending.run_once(at_once) == {"trained": 1}
    assert tending.run_once(at_once) == {"trained": 0}
    kept = models.answering(at_once, QUESTION)
    assert kept is not None
    assert (kept.number, kept.labels_seq) == (2, labels.newest(at_once, QUESTION.name))


def test_two_versions_of_a_question_do_not_train_in_turns(at_once: Connection) -> None:
    """During a deployment each answers with a training of its own; one each, however often both are asked."""
    other = QUESTION.model_copy(update={"instructions": "Which revenue is it?"})
    new = Question.model_validate(other.model_dump(), strict=False)
    assert new.version != QUESTION.version
    judges = Serving(QUESTION), Serving(new)
    for _ in range(3):
        for judge in judges:
            judge.answer(at_once, {"description": "Consulting hours"})
        time.sleep(serving.STALE_SECONDS)
    assert _statuses(at_once) == ["retired", "active"]
    with pytest.raises(models.NoSuchModel), at_once.transaction():
        models.bring_back(at_once, new, 1, who="Ines", reason="of another version")


def test_what_a_person_says_counts_within_a_second_in_another_process(at_once: Connection, tmp_path: Path) -> None:
    """Given a judge that serves elsewhere, a label that is committed here is its answer there."""
    _train(at_once)
    script = tmp_path / "answers.py"
    script.write_text(ANSWERS)
    worker = subprocess.Popen(
        [sys.executable, "-c", f"exec(open({str(script)!r}).read())"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write("Gizmo treatment\n")
        worker.stdin.flush()
        assert "False" in worker.stdout.readline()
        _label(at_once, "Gizmo treatment", "services")
        time.sleep(1)
        worker.stdin.write("gizmo treatment!\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "services True\n"
    finally:
        worker.stdin.close()
        worker.wait(20)


def test_whoever_said_the_same_words_is_named(at_once: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where their label only measures: it was never taught, and yet it is what the answer rests on."""
    with a_quick_judge(monkeypatch):
        _label(at_once, "Consulting hours", "services", "golden")
        answer, _ = serving.serving(QUESTION.name).answer(at_once, {"description": "consulting, hours!"})
    assert (answer.label, answer.repeat) == ("services", True)
    assert (answer.precedents[0].author, answer.precedents[0].likeness) == ("Ines", 1.0)
    assert answer.runner_up != answer.label


def test_what_measures_does_not_answer_for_itself(at_once: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a golden label that contradicts all, the next such input is answered by it; measured, it is a mistake."""
    with a_quick_judge(monkeypatch):
        judge = serving.serving(QUESTION.name)
        judge.answer(at_once, {"description": "x"})
        _label(at_once, "A fixed price for a month", "services", "golden")
        answer, taught = judge.answer(at_once, {"description": "A fixed price for a month"})
        assert (answer.label, answer.repeat) == ("services", True)
        found = evaluating.evaluate(taught.judge, serving.all_labels(at_once, QUESTION))
        assert (found.labels, found.right) == (1, 0)
        assert judge.golden(at_once)["golden"]["accuracy"] == 0


def test_people_outvote_what_was_shipped_and_change_their_minds(
    at_once: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shipped example of the same words gives way; of one person the newest counts, two who differ are asked about;
    none of these is an answer too, also in a script that the judge does not read; signs alone are nobody's words."""
    shipped = {"id": "1", "fields": {"description": "Hours"}, "label": "usage", "use": "learn"}
    with a_quick_judge(monkeypatch):
        monkeypatch.setattr("contracts.questions.examples", lambda name: [shipped] if name == QUESTION.name else [])
        judge = serving.serving(QUESTION.name)

        def said(words: str) -> tuple[str | None, bool, str | None]:
            found, _ = judge.answer(at_once, {"description": words})
            return found.label, found.repeat, found.abstained

        assert said("hours!") == ("usage", True, None)
        _label(at_once, "Hours", "other")
        _label(at_once, "Hours", "services")
        assert said("hours!") == ("services", True, None)
        for words, label, author in (("Hours", "one_off", "Rhea"), ("Uren", None, "Ines")):
            labels.add(at_once, QUESTION, labels.NewLabel({"description": words}, label, "labelling", author))
        assert said("hours!") == (None, False, "contested")
        with monkeypatch.context() as patch:
            patch.setattr("judgement.local.judge.Local._unreadable", lambda *_: True)
            assert said("Uur") == (None, False, "unreadable")
            assert said("uren?") == (None, False, "outside")
        _label(at_once, "???", "services")
        assert said("!!!")[1] is False
