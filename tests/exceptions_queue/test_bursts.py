"""A burst of refused signatures lands on a desk once."""

from counterfoil.database import Connection
from exceptions_queue import bursts, cases


def _refuse(conn: Connection, count: int, *, reason: str = "signature_mismatch", minutes_ago: int = 0) -> None:
    conn.execute(
        "INSERT INTO rejection_counts (minute, source, reason, count)"
        " VALUES (now() - make_interval(mins => %s), 'stripe', %s, %s)",
        (minutes_ago, reason, count),
    )


def test_twenty_refused_signatures_are_one_case(conn: Connection) -> None:
    """However often the sweeper looks, the case is one, and platform's."""
    _refuse(conn, bursts.BURST_REFUSALS_MIN)
    assert [bursts.run_once(conn)["bursts"] for _ in range(3)] == [1, 0, 0]
    (case,) = conn.execute("SELECT * FROM cases").fetchall()
    assert (case["failure_class"], case["source"]) == ("signature_burst", "stripe")


def test_what_is_spread_out_or_no_signature_is_no_burst(conn: Connection) -> None:
    """Bad JSON, and refusals of an hour ago, do not add up to a burst."""
    _refuse(conn, bursts.BURST_REFUSALS_MIN - 1)
    _refuse(conn, 1000, reason="body_refused")
    _refuse(conn, 1000, minutes_ago=60)
    assert bursts.run_once(conn)["bursts"] == 0


def test_a_closed_case_is_not_reopened_by_the_refusals_it_was_about(conn: Connection) -> None:
    """Only what is refused after somebody closed it counts again."""
    _refuse(conn, bursts.BURST_REFUSALS_MIN, minutes_ago=2)
    bursts.run_once(conn)
    (case,) = conn.execute("SELECT id FROM cases").fetchall()
    cases.resolve(conn, case["id"], who="pia", reason="the secret was rolled")
    assert bursts.run_once(conn)["bursts"] == 0
