"""How often a hosted model was right where the local one agreed: the only confidence that it gets.

It is asked for with every answer. Whoever tests each time until the test passes will see it pass, so the test is made
at four planned sizes and each time with a fourth of the doubt; in between the last one stands.
"""

from collections.abc import Mapping

from contracts.answers import Group, Question
from counterfoil.database import Connection
from judgement.threshold import STARTS, Threshold, each_doubt, labels_min, tail, upper_bound

#: Of a hosted answer the decision keeps the local tier's guess as its runner-up. The oldest first.
_AGREED = """
    SELECT count(*) AS used, count(*) FILTER (WHERE wrong) AS wrong FROM (
        SELECT label IS DISTINCT FROM settled_label AS wrong FROM decisions
        WHERE question = %(question)s AND question_version = %(version)s AND model = %(model)s AND tier = 'hosted'
          AND status = 'settled' AND label = runner_up AND label = ANY(%(labels)s)
          AND abs(coalesce(amount_minor, 0)) >= %(from)s
          AND (%(until)s::bigint IS NULL OR abs(coalesce(amount_minor, 0)) < %(until)s::bigint)
        ORDER BY settled_at, id LIMIT %(limit)s) AS agreed
"""


def record_of(conn: Connection, question: Question, model: str, group: Group) -> Threshold:
    """Whether it may be used for such an answer where both agree, judged by what people said of those of its group."""
    error_max, doubt = question.error_max_of(group.risk), question.threshold.doubt
    values = {
        "question": question.name, "version": question.version, "model": model,
        "labels": [name for name in question.label_names if question.group_of(name, group.from_minor) == group],
        "from": group.from_minor,
        "until": next((band for band in question.threshold.bands_minor if band > group.from_minor), None),
    }  # fmt: skip
    used, wrong = _seen(conn, values, None)
    least = labels_min(error_max, doubt)
    due = [size for size in looks(least) if size <= used]
    later = next((f"; looked at next when there are {size}" for size in looks(least) if size > used), "")
    if not due:
        upper = upper_bound(used, wrong, each_doubt(doubt)) if used else 1.0
        return Threshold(None, f"{wrong} of {used} wrong where both agreed{later}", used, used, wrong, upper)
    size, mistakes = _seen(conn, values, due[-1])
    upper = upper_bound(size, mistakes, each_doubt(doubt))
    if not passes(size, mistakes, error_max, doubt):
        return Threshold(None, f"{mistakes} of {size} wrong where both agreed{later}", used, size, mistakes, upper)
    return Threshold(0.0, f"at most {upper:.1%} wrong where both agree", used, size, mistakes, upper)


def looks(least: int) -> list[int]:
    """The planned sizes: at each there are twice as many answers as at the one before."""
    return [least * 2**number for number in range(len(STARTS))]


def passes(used: int, wrong: int, error_max: float, doubt: float) -> bool:
    """Whether so few mistakes speak for it at one of the planned looks."""
    return wrong <= error_max * used and tail(used, wrong, error_max) <= each_doubt(doubt)


def _seen(conn: Connection, values: Mapping[str, object], limit: int | None) -> tuple[int, int]:
    row = conn.execute(_AGREED, {**values, "limit": limit}).fetchone()
    assert row is not None
    return int(row["used"]), int(row["wrong"])
