"""Tending the questions: retrained when people taught enough that is new, taken back when they break their promise.

Once a day it is also looked whether the world moved, and whether corrections made a judge worse on the golden set.

In a thread of its own beside the sweeper: a training takes seconds, and nothing else waits for it.
"""

import threading

import psycopg

from contracts import questions
from contracts.answers import Question
from counterfoil import audit, clock, database, telemetry
from counterfoil.database import Connection

#: How often it is looked whether anything is to do.
PACE_SECONDS = 5.0
#: New labels that make a training worth while: so many, or this share of those it knew.
NEW_LABELS_MIN, NEW_LABELS_SHARE = 20, 0.05
#: How often it is looked whether the world moved: each look may alarm for nothing, once in a hundred.
LOOK_SECONDS = 86_400.0

_looked_at: dict[str, float] = {}

_NEW = """
    SELECT count(*) FILTER (WHERE l.seq > coalesce(m.labels_seq, 0)) AS new, count(*) AS labels, m.number
    FROM labels l LEFT JOIN trained_models m ON m.question = l.question AND m.number = (
        SELECT max(number) FROM trained_models
        WHERE question = l.question AND (status = 'candidate') = %(candidate)s)
    WHERE l.question = %(question)s GROUP BY m.number
"""


def run_once(conn: Connection) -> dict[str, int]:
    """Look at every question once; one that nobody asked and nobody taught costs a query."""
    trained = 0
    if not _anything_judged(conn):
        return {}
    for question in questions.find().values():
        trained += _train(conn, question)
        tried = _tried(conn, question)
        if tried is not None:
            trained += _train(conn, tried, candidate=True)
        _keep_promise(conn, question)
        if _is_due(question):
            _look_around(conn, question)
    return {"trained": trained}


def _tried(conn: Connection, question: Question) -> Question | None:
    """The version of the question that is tried beside it; what people say teaches both."""
    other = questions.next_of(question.name)
    if other is None:
        return None
    from judgement import trials

    trial = trials.running(conn, question)
    return other if trial is not None and trial.challenger == trials.NEXT else None


def _wants_training(conn: Connection, question: Question, candidate: bool) -> bool:
    row = conn.execute(_NEW, {"question": question.name, "candidate": candidate}).fetchone()
    # The first training is made by whoever first needs one.
    if row is None or row["number"] is None:
        return False
    return bool(row["new"] >= max(NEW_LABELS_MIN, NEW_LABELS_SHARE * (row["labels"] - row["new"])))


def _anything_judged(conn: Connection) -> bool:
    """Whether there is anything to tend; where nobody ever judged, a judge's numbers are not even loaded."""
    row = conn.execute("SELECT EXISTS (SELECT FROM decisions) OR EXISTS (SELECT FROM labels) AS any").fetchone()
    return row is not None and bool(row["any"])


def _train(conn: Connection, question: Question, *, candidate: bool = False) -> int:
    """Train where people taught enough; how many trainings that made."""
    if not _wants_training(conn, question, candidate):
        return 0
    from judgement import models, serving

    with models.locked(conn, question.name):
        # Another process may have been faster.
        if not _wants_training(conn, question, candidate):
            return 0
        serving.trained_anew(conn, question, candidate=candidate)
    return 1


def _keep_promise(conn: Connection, question: Question) -> None:
    from judgement import watching

    with conn.transaction():
        entries = watching.tend(conn, question)
        audit.append(conn, "judge", entries)


def _is_due(question: Question) -> bool:
    now = clock.ticks_seconds()
    if now - _looked_at.get(question.name, float("-inf")) < LOOK_SECONDS:
        return False
    _looked_at[question.name] = now
    return True


def _look_around(conn: Connection, question: Question) -> None:
    from judgement import moving, serving, watching

    if not conn.execute("SELECT FROM decisions WHERE question = %s LIMIT 1", (question.name,)).fetchone():
        return
    watching.check_golden(conn, question)
    found = moving.look(conn, question, serving.encoder())
    with conn.transaction():
        audit.append(conn, "judge", moving.tell(conn, question, found))


def run(stop: threading.Event) -> None:
    """Tend until `stop` is set; the database may come and go meanwhile."""
    kept = database.Kept(autocommit=True)
    while not stop.wait(PACE_SECONDS):
        try:
            run_once(kept.get())
        except psycopg.Error as away:
            telemetry.log.warning("tending.paused", reason=type(away).__name__)
            kept.drop()
        except Exception as bug:
            telemetry.log.error("tending.failed", reason=type(bug).__name__, exc_info=bug)
            telemetry.report_failure(
                bug, failure_class="handler_bug", owner="platform", handler="tending", event_id=None
            )
    kept.drop()
