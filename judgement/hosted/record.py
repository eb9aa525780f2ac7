"""How often a hosted model was right where the local one agreed: the only confidence that it gets."""

from contracts.answers import Question
from counterfoil.database import Connection
from judgement.threshold import Threshold, labels_min, upper_bound

#: Of a hosted answer the decision keeps the local tier's guess as its runner-up.
_AGREED = """
    SELECT count(*) AS used, count(*) FILTER (WHERE label IS DISTINCT FROM settled_label) AS wrong
    FROM decisions
    WHERE question = %s AND question_version = %s AND model = %s AND tier = 'hosted' AND status = 'settled'
      AND label = runner_up
"""


def record_of(conn: Connection, question: Question, model: str) -> Threshold:
    """Whether its answers may be used where both agree, judged by what people said of them."""
    row = conn.execute(_AGREED, (question.name, question.version, model)).fetchone()
    assert row is not None
    used, wrong = int(row["used"]), int(row["wrong"])
    error_max, doubt = question.error_max_of(question.risk), question.threshold.doubt
    upper = upper_bound(used, wrong, doubt) if used else 1.0
    if upper > error_max:
        reason = f"{wrong} of {used} wrong where both agreed; it takes {labels_min(error_max, doubt)} right ones"
        return Threshold(None, reason, used, used, wrong, upper)
    return Threshold(0.0, f"at most {upper:.1%} wrong where both agree", used, used, wrong, upper)
