"""A hosted model's record: how often it was right where the local judge agreed, looked at when planned."""

import numpy as np

from contracts.answers import Label, Question, Risk, ThresholdPolicy
from counterfoil.database import Connection
from judgement.hosted import record
from judgement.threshold import Threshold, labels_min

QUESTION = Question(
    name="route",
    labels=(
        Label(name="billing", description="About an invoice, a payment or a price."),
        Label(name="bug", description="Something does not work."),
        Label(name="refund", description="Money is to go back.", risk=Risk.MONEY),
    ),
    fields=("text",),
    risk=Risk.LOW,
)
LEAST = labels_min(0.05, 0.1)

_INSERT = """
    INSERT INTO decisions (id, question, question_version, item, input_hash, tier, model, label, runner_up, status, why,
                           settled_by, settled_label, settled_at)
    SELECT gen_random_uuid(), 'route', %(version)s, n::text, n::text || %(label)s, 'hosted', 'judge-1', %(label)s,
           %(agreed)s, 'settled', 'x', 'Ines', CASE WHEN right_ THEN %(label)s ELSE 'bug' END,
           timestamptz '2026-11-01' + %(begin)s * interval '1 s' + n * interval '1 s'
    FROM unnest(%(right)s::bool[]) WITH ORDINALITY AS t(right_, n)
"""


def _settled(conn: Connection, right: list[bool], *, label: str = "billing", begin: int = 0, agreed: str = "") -> None:
    values = {"version": QUESTION.version, "label": label, "right": right, "begin": begin, "agreed": agreed or label}
    conn.execute(_INSERT, values)


def _record(conn: Connection, label: str = "billing", model: str = "judge-1") -> Threshold:
    return record.record_of(conn, QUESTION, model, QUESTION.group_of(label, None))


def _permits(conn: Connection, label: str = "billing") -> bool:
    return _record(conn, label).cut is not None


def test_it_takes_as_many_right_ones_as_it_says(conn: Connection) -> None:
    """One less certifies nothing, and the sentence names the number at which it does. Break it: another bound's."""
    _settled(conn, [True] * (LEAST - 1))
    found = _record(conn)
    assert found.cut is None
    assert f"of {LEAST - 1} wrong" in found.reason
    assert f"looked at next when there are {LEAST}" in found.reason
    _settled(conn, [True], begin=LEAST)
    assert _permits(conn)


def test_only_what_both_agreed_on_counts(conn: Connection) -> None:
    """Nor what another model said, nor labels whose mistakes cost otherwise."""
    _settled(conn, [True] * LEAST, agreed="bug")
    assert not _permits(conn)
    _settled(conn, [True] * LEAST, label="refund")
    assert not _permits(conn)
    assert not _permits(conn, "refund"), "a mistake with money may happen less often"
    _settled(conn, [True] * labels_min(0.01, 0.1), label="refund", begin=LEAST)
    assert _permits(conn, "refund")
    assert _record(conn, "refund", "judge-2").cut is None


def test_small_amounts_are_no_record_for_large_ones(conn: Connection) -> None:
    """Each band of amounts by its own answers."""
    banded = QUESTION.model_copy(update={"threshold": ThresholdPolicy(bands_minor=(50_000,))})
    values = {"version": banded.version, "label": "billing", "right": [True] * LEAST, "begin": 0, "agreed": "billing"}
    conn.execute(_INSERT, values)
    conn.execute("UPDATE decisions SET amount_minor = -49999, currency = 'EUR'")

    def permits(amount: int) -> bool:
        return record.record_of(conn, banded, "judge-1", banded.group_of("billing", amount)).cut is not None

    assert permits(100)
    assert not permits(50_000)


def test_it_is_looked_at_when_planned(conn: Connection) -> None:
    """Two mistakes among the first; many right ones later; nothing changes until there are twice as many, and what
    failed then is not certified by going on until it looks good."""
    _settled(conn, [False, False] + [True] * (LEAST - 2))
    assert not _permits(conn)
    _settled(conn, [True] * (LEAST - 1), begin=LEAST)
    assert not _permits(conn)
    _settled(conn, [True], begin=2 * LEAST)
    assert _permits(conn)
    _settled(conn, [False] * LEAST, begin=3 * LEAST)
    assert _permits(conn), "the breaker watches meanwhile"
    _settled(conn, [True] * LEAST, begin=5 * LEAST)
    assert not _permits(conn)


def test_a_model_that_errs_too_often_is_seldom_believed() -> None:
    """Looked at after every answer, one that breaks the promise passes in at most one of ten lives; testing anew each
    time lets several times as many pass."""
    random, planned, each_time, lives = np.random.default_rng(4), 0, 0, 200
    for _ in range(lives):
        wrong = np.cumsum(random.random(8 * LEAST) < 0.051).tolist()
        planned += any(record.passes(size, wrong[size - 1], 0.05, 0.1) for size in record.looks(LEAST))
        each_time += any(record.passes(size, wrong[size - 1], 0.05, 0.1) for size in range(LEAST, 8 * LEAST, 10))
    assert planned <= lives / 10
    assert each_time > planned


def test_nothing_said_is_nothing_known(conn: Connection) -> None:
    """Without one answer there is no record."""
    found = _record(conn)
    assert (found.cut, found.used, found.error_upper) == (None, 0, 1.0)
