"""What makes an input unlike those before it, however sure a judge is: somebody new, an amount far above."""

from contracts.answers import Item, Question, Risk
from counterfoil.database import Connection

#: Times the largest amount that was decided for this counterparty before.
AMOUNT_TIMES_MAX = 10

_BEFORE = """
    SELECT count(*) AS decided, max(abs(amount_minor)) FILTER (WHERE currency = %(currency)s) AS largest
    FROM decisions
    WHERE question = %(question)s AND counterparty = %(counterparty)s AND status IN ('committed', 'settled')
      AND scope IS DISTINCT FROM %(scope)s
"""


def why(conn: Connection, question: Question, item: Item, scope: str | None) -> str | None:
    """In words, or None. Where little is at stake, nothing is unusual. `scope`: whose own decisions do not count."""
    if question.risk is Risk.LOW or item.counterparty is None:
        return None
    currency = item.amount.currency if item.amount else None
    values = {"question": question.name, "counterparty": item.counterparty, "scope": scope, "currency": currency}
    row = conn.execute(_BEFORE, values).fetchone()
    assert row is not None
    if not row["decided"]:
        return f"nothing was decided for {item.counterparty} before"
    if item.amount and row["largest"] and abs(item.amount.amount_minor) > AMOUNT_TIMES_MAX * row["largest"]:
        return f"the amount is more than {AMOUNT_TIMES_MAX} times the largest so far for {item.counterparty}"
    return None
