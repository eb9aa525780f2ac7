"""Watching: a broken promise takes a question back, a moved world is told, and nobody hears of it twice."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from judged import a_decision
from psycopg.rows import dict_row

from contracts import questions
from contracts.answers import Question
from counterfoil import audit, clock, database, keys
from counterfoil.database import Connection
from judgement import labels, moving, serving, states, unseen, watching

Look = Callable[..., list[dict[str, Any]]]
MONEY, ROUTE = questions.find()["revenue_category"], questions.find()["ticket_route"]
RECENTLY, LONG_AGO = timedelta(days=1), timedelta(days=14)


@pytest.fixture(autouse=True)
def fresh_judge() -> Iterator[None]:
    """Every test's database has judges of its own."""
    serving.serving.cache_clear()
    yield
    serving.serving.cache_clear()


@pytest.fixture
def tending(database_url: str) -> Iterator[Connection]:
    """A connection as the tending thread has one."""
    with psycopg.connect(database_url, row_factory=dict_row, autocommit=True) as made:
        yield made


def _audited(conn: Connection, question: Question, *, wrong: int, right: int) -> None:
    """Answers that code acted on, drawn by chance and looked at."""
    for number in range(wrong + right):
        label = question.label_names[number < wrong]
        a_decision(
            conn, question, f"Line {number}", status="settled", acted=True, sampled=True, settled_by="Ines",
            settled_label=label, settled_at=clock.now(),
        )  # fmt: skip
    conn.commit()


def _tend(conn: Connection, question: Question) -> None:
    with conn.transaction():
        audit.append(conn, "judge", watching.tend(conn, question))


def _several(conn: Connection, question: Question, said: str, age: timedelta, *, asked: int = 0) -> None:
    for number in range(120):
        status = {"status": "asked"} if number < asked else {"status": "committed", "acted": True}
        a_decision(conn, question, f"{said} {number}", created_at=clock.now() - age, **status)


def test_a_question_that_breaks_its_promise_asks_people(conn: Connection) -> None:
    """Its owner has a case with the numbers; a second question has a case of its own; said once, not twice."""
    for question in (MONEY, ROUTE):
        _audited(conn, question, wrong=8, right=10)
        _tend(conn, question)
        _tend(conn, question)
        assert states.of(conn, question).mode == "ask"
    found = conn.execute("SELECT failure_class, handler, detail FROM cases ORDER BY handler").fetchall()
    assert [(row["failure_class"], row["handler"]) for row in found] == [
        ("out_of_bounds", MONEY.name), ("out_of_bounds", ROUTE.name),
    ]  # fmt: skip
    assert "8 of 18" in found[0]["detail"]["sentence"]
    changes = conn.execute("SELECT count(*) AS n FROM audit_entries WHERE action = 'question.mode_changed'").fetchone()
    assert changes == {"n": 2}


def test_a_question_that_keeps_its_promise_stays(conn: Connection) -> None:
    """One slip among many is what was promised."""
    _audited(conn, ROUTE, wrong=1, right=60)
    _tend(conn, ROUTE)
    assert states.of(conn, ROUTE).mode == "automatic"


def test_figures_have_their_interval(conn: Connection) -> None:
    """Two of forty wrong: 95 % right, and by exact binomial bounds between 83.1 % and 99.4 %."""
    _audited(conn, ROUTE, wrong=2, right=38)
    seen = watching.figures(conn, ROUTE.name)
    assert (seen.decided, seen.audited, seen.audited_wrong, seen.accuracy) == (40, 40, 2, 0.95)
    assert seen.accuracy_at_least == pytest.approx(0.8308, abs=1e-3)
    assert seen.accuracy_at_most == pytest.approx(0.9939, abs=1e-3)


def test_other_inputs_than_before_are_noticed(conn: Connection) -> None:
    """Hours of work for weeks, then messages sent; the question goes on, its owner has one case."""
    _several(conn, MONEY, "Consulting hours of engineer", LONG_AGO)
    _several(conn, MONEY, "Text messages to country", RECENTLY)
    for _ in range(2):
        found = moving.look(conn, MONEY, None)
        assert [each.split(" ")[0] for each in found] == ["inputs"]
        audit.append(conn, "judge", moving.tell(conn, MONEY, found))
    (case,) = conn.execute("SELECT handler, detail FROM cases").fetchall()
    assert case["handler"] == MONEY.name
    assert states.of(conn, MONEY).mode == "automatic"


def test_the_same_inputs_as_before_are_none_of_anybodys_business(conn: Connection) -> None:
    """Nor is anything concluded from a handful, or from one input that came a hundred times."""
    _several(conn, MONEY, "Consulting hours", LONG_AGO)
    assert moving.look(conn, MONEY, None) == []
    for number in range(120):
        a_decision(
            conn, MONEY, "Text messages", item=str(number), status="committed", acted=True,
            created_at=clock.now() - RECENTLY,
        )  # fmt: skip
    assert moving.look(conn, MONEY, None) == []
    _several(conn, MONEY, "Hours consulting", RECENTLY)
    assert moving.tell(conn, MONEY, []) == []


def test_more_questions_to_people_than_before_are_noticed(conn: Connection) -> None:
    """A tenth before, a half now; in `ask` everything is asked, and that is no news."""
    _several(conn, ROUTE, "Printer broken", LONG_AGO, asked=12)
    _several(conn, ROUTE, "Printer broken", RECENTLY, asked=60)
    (found,) = moving.look(conn, ROUTE, None)
    assert found == "people are asked about 50% of the items, 10% before"
    states.put(conn, ROUTE, "ask", who="Ines", reason="x")
    assert moving.look(conn, ROUTE, None) == []


def _weeks(conn: Connection, question: Question, *weeks: Sequence[tuple[str, str | None]]) -> None:
    """What was said by whom, in weeks of which the last is the newest."""
    for age, week in enumerate(reversed(weeks)):
        for said, who in week:
            a_decision(
                conn, question, said, counterparty=who, item=str(keys.new_id()), status="committed", acted=True,
                created_at=clock.now() - timedelta(days=7 * age + 3),
            )  # fmt: skip


_KINDS: dict[str, tuple[Callable[[int], tuple[str, str | None]], Callable[[int], tuple[str, str | None]]]] = {
    "counterparties": (lambda n: (f"Hours {n}", f"cus_{n % 110}"), lambda n: (f"Hours {n}", f"cus_new_{n}")),
    "words": (lambda n: (f"Hours of work {n}", None), lambda n: (f"Hours, flumo{'xizer'[: n % 5]} {n}", None)),
    "description": (lambda n: (f"Plan {n % 115}", None), lambda n: (f"Plan {1000 + n}", None)),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_values_that_were_never_seen_are_noticed(conn: Connection, kind: str) -> None:
    """Given weeks in which a few were new, and then half of them: the owner hears which. Break it: compare with nothing
    but the week before, or do not look."""
    usual, new = _KINDS[kind]
    week = [usual(number) for number in range(120)]
    _weeks(conn, MONEY, week, week, [*week, new(1)], [*week[:60], *map(new, range(130, 190)), *week[60:115]])
    found = list(unseen.look(conn, MONEY))
    assert any(kind in each and "not seen" in each for each in found), found
    entries = moving.tell(conn, MONEY, moving.look(conn, MONEY, None))
    assert entries
    (case,) = conn.execute("SELECT handler, detail FROM cases").fetchall()
    assert case["handler"] == MONEY.name
    assert kind in case["detail"]["sentence"]


def test_as_much_that_is_new_as_every_week_is_no_news(conn: Connection) -> None:
    """Where every second input is new in any week, that is the traffic; nor does a young question alarm, to which
    everything is new. Break it: tell what is new, whatever was new before."""
    weeks = [
        [(f"Line {_word(week, n)} {n}", f"cus_{week if n % 2 else 0}_{n}") for n in range(160)] for week in range(4)
    ]
    # A little more is no news either.
    weeks[3] += [(f"Line {_word(4, 2 * n)} {n}", f"cus_4_{n}") for n in range(8)]
    _weeks(conn, MONEY, *weeks)
    assert list(unseen.look(conn, MONEY)) == []
    _weeks(conn, ROUTE, weeks[0], weeks[1])
    assert list(unseen.look(conn, ROUTE)) == []


def _word(week: int, number: int) -> str:
    """One that comes every week, or one that never came before."""
    return "usual" if number % 2 else "".join("abcdefghij"[int(digit)] for digit in f"{week}{number:03}")


def test_a_judge_that_became_worse_on_the_golden_set_asks_people(
    tending: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a training, and later a golden set of which much is answered wrongly, the question is taken back. Break it:
    let the judge remember the golden answers while it is measured by them."""
    monkeypatch.setattr(serving, "STALE_SECONDS", 0.0)
    with database.connect(autocommit=True) as other:
        serving.serving(MONEY.name).answer(other, {"description": "Hours"})
    assert not watching.check_golden(tending, MONEY)
    for number in range(60):
        new = labels.NewLabel({"description": f"Consulting hours {number}"}, "usage", "labelling", "Ines", use="golden")
        labels.add(tending, MONEY, new)
    assert watching.check_golden(tending, MONEY)
    state = states.of(tending, MONEY)
    assert (state.mode, "golden" in state.reason) == ("ask", True)
    assert len(tending.execute("SELECT 1 AS one FROM cases").fetchall()) == 1
