"""What goes into a case: storable whatever it is made of, bounded, without secrets."""

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import database, keys
from exceptions_queue import cases
from exceptions_queue.cases.incident import plain

Connection = database.Connection


def an_incident(event_id: UUID | None, **more: Any) -> cases.Incident:
    """An incident like many others, unless said otherwise."""
    given = {"failure_class": "contract_violation", "source": "stripe", "handler": "invoice_paid", "rule": "sums"}
    return cases.Incident(event_id=event_id, **{**given, **more})


def rows_of(conn: Connection, table: str) -> list[dict[str, Any]]:
    """Everything in a table, oldest first."""
    return conn.execute(f"SELECT * FROM {table}").fetchall()


HOSTILE = st.text(st.characters(), max_size=8) | st.sampled_from(["\x00", "\ud800", "a\udfffb", "é", "x" * 5000])
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | st.binary(max_size=4) | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    detail=st.dictionaries(HOSTILE, JSONISH, max_size=4),
    rule=HOSTILE,
    handler=st.none() | HOSTILE,
    currency=HOSTILE,
    amount=st.integers(-(10**30), 10**30),
)
def test_nothing_in_a_payload_can_fail_the_commit_of_a_group(
    conn: Connection, detail: dict[str, Any], rule: str, handler: str | None, currency: str, amount: int
) -> None:
    """NULs, half surrogates, NaN, huge numbers, foreign types, a key `told`: everything is stored as something."""
    with conn.transaction(force_rollback=True):
        incident = an_incident(
            keys.new_id(),
            detail={**detail, "told": "x"},
            rule=rule,
            handler=handler,
            currency=currency,
            amount_minor=amount,
        )
        opened = cases.open_many(conn, [incident, incident])

        assert len(opened) == 1


def test_what_goes_into_a_case_carries_no_secrets() -> None:
    """P12: addresses and credentials inside a failure's detail are starred out."""
    incident = an_incident(
        keys.new_id(), detail={"sentence": "refused for kim@example.com", "api_key": "sk_live_abc", "field": "total"}
    )

    assert incident.detail == {"sentence": "refused for ***", "api_key": "***", "field": "total"}


def test_a_bottomless_detail_is_cut() -> None:
    """Nesting is bounded; what lies deeper is text."""
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]

    cut, depth = plain(deep), 0
    while isinstance(cut, list):
        cut, depth = cut[0], depth + 1

    assert (depth, type(cut)) == (8, str)
