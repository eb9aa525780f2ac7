"""Which inputs a person is asked to label next: those that teach most, and a share that only chance chose.

What is nearly a tie teaches most. But labels that were chosen for being hard say nothing about the traffic; so every
few ones is a decision that was drawn by chance when it was made, acted on or not.
"""

from typing import Any

from contracts.answers import Question
from counterfoil.database import Connection

#: One in so many was drawn by chance.
CHANCE_EVERY = 4
#: The newest open decisions that are looked through.
_LOOKED_AT = 2_000

# One input once, the newest time it came: its label counts for all of them.
_OPEN = """
    SELECT * FROM (
        SELECT DISTINCT ON (input_hash) id, event_id, item, fields, label, confidence, runner_up, runner_up_confidence,
               why, status, sampled, coalesce(confidence, 0) - coalesce(runner_up_confidence, 0) AS margin
        FROM (SELECT * FROM decisions WHERE question = %s AND fields IS NOT NULL
              AND (status = 'asked' OR status = 'committed' AND sampled) ORDER BY id DESC LIMIT %s) AS newest
        ORDER BY input_hash, sampled DESC, id DESC) AS inputs
    ORDER BY abs(margin), id
"""


def queue(conn: Connection, question: Question, limit: int) -> list[dict[str, Any]]:
    """Open decisions in the order in which a person should see them."""
    rows = conn.execute(_OPEN, (question.name, _LOOKED_AT)).fetchall()
    # In the order of their ids' random part, not of their difficulty: whoever stops early has labelled a fair share.
    chance = sorted((row for row in rows if row["sampled"]), key=lambda row: row["id"].int & 0xFFFF_FFFF)
    hard = [row for row in rows if not row["sampled"]]
    chosen: list[dict[str, Any]] = []
    while len(chosen) < limit and (chance or hard):
        turn = chance if (chance and len(chosen) % CHANCE_EVERY == 0) or not hard else hard
        chosen.append(turn.pop(0))
    return chosen
