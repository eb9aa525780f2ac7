"""Whether the world moved: other inputs than in the weeks before, more or fewer of them left to people.

inputs       what was asked in the newest week against the three weeks before, as vectors (`judgement.drift.moved`)
unseen       counterparties, words, values of fields that were never seen: more of them than is usual (`unseen`)
escalation   the share that a person was asked about, in the same weeks

The weeks before are the measure, not what was taught: shipped examples were written, and every real traffic differs
from them. Nothing is taken back for it; somebody should look.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from contracts.answers import Question
from counterfoil import audit, clock
from counterfoil.database import Connection
from exceptions_queue import cases
from judgement import states, unseen
from judgement.drift import Floats, moved, share_moved
from judgement.local import lexical, text
from judgement.local.encoder import Encoder

RULE = "question_drifted"
#: The newest inputs are those of a week, so that every weekday is in both parts.
RECENT = timedelta(days=7)
BEFORE = timedelta(days=28)
#: Nothing is concluded from fewer in either part; more than so many are not looked at (encoding takes milliseconds).
SAMPLE_MIN, SAMPLE_MAX = 100, 200

# One input counts once, however often it came: a customer with a hundred alike lines is no drift. Drawn by hash.
_INPUTS = """
    SELECT fields FROM (
        SELECT DISTINCT ON (input_hash) fields, id FROM decisions
        WHERE question = %s AND created_at >= %s AND created_at < %s AND fields IS NOT NULL ORDER BY input_hash, id
    ) AS distinct_inputs ORDER BY md5(id::text) LIMIT %s
"""
_ASKED = """
    SELECT count(*) FILTER (WHERE created_at < %(recent)s) AS before,
           count(*) FILTER (WHERE created_at < %(recent)s AND NOT acted) AS asked_before,
           count(*) FILTER (WHERE created_at >= %(recent)s) AS recent,
           count(*) FILTER (WHERE created_at >= %(recent)s AND NOT acted) AS asked_recently
    FROM decisions WHERE question = %(question)s AND question_version = %(version)s AND created_at >= %(begin)s
"""


def look(conn: Connection, question: Question, encoder: Encoder | None) -> list[str]:
    """What moved, in sentences; none when nothing did, or when there is too little to say so."""
    found = (_inputs(conn, question, encoder), *unseen.look(conn, question), _escalation(conn, question))
    return [said for said in found if said]


def tell(conn: Connection, question: Question, found: Sequence[str]) -> list[audit.Entry]:
    """A case for the question's owner, one live at most. Does not commit; returns what the audit has to be told."""
    if not found:
        return []
    detail = {"sentence": f"{question.name} is asked about a changed world: {'; '.join(found)}", "moved": list(found)}
    incident = cases.Incident(None, "out_of_bounds", handler=question.name, rule=RULE, detail=detail)
    return cases.open_many(conn, [incident], actor="judge").entries


def _inputs(conn: Connection, question: Question, encoder: Encoder | None) -> str | None:
    now = clock.now()
    recent = _said(conn, question, now - RECENT, now + RECENT)
    before = _said(conn, question, now - BEFORE, now - RECENT)
    if min(len(recent), len(before)) < SAMPLE_MIN:
        return None
    seen = moved(_vectors(before, encoder), _vectors(recent, encoder))
    if not seen.noticed:
        return None
    return (
        f"inputs of the last {RECENT.days} days differ from those before (by chance in {seen.chance:.1%} of all looks)"
    )


def _said(conn: Connection, question: Question, since: object, until: object) -> list[str]:
    rows = conn.execute(_INPUTS, (question.name, since, until, SAMPLE_MAX))
    return [text.joined(row["fields"], question.fields) for row in rows]


def _vectors(said: Sequence[str], encoder: Encoder | None) -> Floats:
    """By meaning where the encoder is in place, else by letters."""
    if encoder is not None:
        return encoder.encode(list(said))
    width = lexical.HEAD_BUCKETS
    rows = lexical.stacked(lexical.counted(each) for each in said).folded(width).dense(np.arange(len(said)), width)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)


def _escalation(conn: Connection, question: Question) -> str | None:
    state, now = states.of(conn, question), clock.now()
    if state.mode != "automatic":
        return None  # people are asked about everything
    begin = max(now - BEFORE, state.changed_at or now - BEFORE)
    values = {"question": question.name, "version": question.version, "begin": begin, "recent": now - RECENT}
    row = conn.execute(_ASKED, values).fetchone()
    assert row is not None
    if min(row["before"], row["recent"]) < SAMPLE_MIN:
        return None
    was, now_is = row["asked_before"] / row["before"], row["asked_recently"] / row["recent"]
    if not share_moved((row["asked_before"], row["before"]), (row["asked_recently"], row["recent"])):
        return None
    return f"people are asked about {now_is:.0%} of the items, {was:.0%} before"
