"""Refused requests are counted and sampled, never queued, and cost no commit of their own."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


@pytest.fixture
def counts(running: Any) -> Callable[[], dict[tuple[str, str], int]]:
    """Reads what was counted per source and reason."""

    def read() -> dict[tuple[str, str], int]:
        rows = running.rows("SELECT source, reason, sum(count)::int AS count FROM rejection_counts GROUP BY 1, 2")
        return {(row["source"], row["reason"]): row["count"] for row in rows}

    return read


def test_a_refused_request_is_counted_with_its_reason(running: Any, counts: Any, wait_until: Any) -> None:
    """Within two seconds it stands by source and reason, with a sample that tells when, why and from where."""
    running.post("/webhooks/stripe", b'{"secret":"4111111111111111"}', {"Stripe-Signature": "t=1,v1=00"})
    running.post("/webhooks/stripe", b"{}", {})
    running.post("/webhooks/nobody", b"{}", {})
    running.raw(b"GARBAGE\r\n\r\n")
    wait_until(lambda: sum(counts().values()) == 4, 3)
    assert counts()[("unknown", "source_unknown")] == 1
    assert counts()[("unknown", "not_http")] == 1
    assert counts()[("stripe", "signature_missing")] == 1
    samples = running.rows("SELECT * FROM rejections ORDER BY id")
    assert sorted(sample["status"] for sample in samples) == [400, 401, 401, 404]
    assert {sample["client"] for sample in samples} == {"127.0.0.1"}
    assert {sample["body_bytes"] for sample in samples} == {29, 2, None}
    assert "4111" not in str(samples)
    assert running.rows("SELECT 1 FROM events") == []


def test_an_attack_costs_no_commit_per_request(running: Any, counts: Any, wait_until: Any) -> None:
    """A thousand wrong signatures: a handful of transactions, every one of them counted, a few kept as samples."""
    before = running.rows("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    with ThreadPoolExecutor(8) as senders:
        statuses = set(senders.map(lambda _: running.post("/webhooks/stripe", b"{}", {}).status, range(1000)))
    assert statuses == {401}
    wait_until(lambda: sum(counts().values()) == 1000, 5)
    time.sleep(1.2)
    after = running.rows("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    assert after[0]["xact_commit"] - before[0]["xact_commit"] < 200
    [kept] = running.rows("SELECT count(*) FROM rejections")
    assert 0 < kept["count"] < 1000


def test_no_more_than_a_thousand_samples_are_kept(running: Any, wait_until: Any, counts: Any) -> None:
    """The oldest go; the counters remember."""
    running.rows(
        "INSERT INTO rejections (id, source, status, reason) SELECT"
        " ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'old', 401, 'x'"
        " FROM generate_series(1, 1500) AS n RETURNING id"
    )
    running.post("/webhooks/stripe", b"{}", {})
    wait_until(lambda: bool(counts()), 3)
    [kept] = running.rows("SELECT count(*), min(id::text) AS oldest, max(source) AS newest FROM rejections")
    assert kept["count"] == 1000
    assert kept["newest"] == "stripe"
    assert kept["oldest"].endswith("000000000502")


def test_counts_survive_a_table_that_cannot_be_written(
    running: Any, counts: Any, wait_until: Any, holding: Any, a_stripe_event: Any
) -> None:
    """While the counters are locked events still pass, delayed by half a second at most; then the counts arrive."""
    with holding(running.url, "rejection_counts"):
        running.post("/webhooks/stripe", b"{}", {})
        time.sleep(0.3)
        began = time.monotonic()
        for number in range(10):
            assert running.stripe(a_stripe_event(f"evt_{number}r")).status == 200
        assert time.monotonic() - began < 3
    wait_until(lambda: counts() == {("stripe", "signature_missing"): 1}, 4)


def test_what_was_refused_last_is_written_when_the_door_stops(database_url: str, door_over: Any) -> None:
    """Nothing is forgotten in between two writes."""
    with door_over(database_url) as running:
        running.post("/webhooks/stripe", b"{}", {})
        running.post("/webhooks/stripe", b"{}", {})
        running.stop()
        assert running.rows("SELECT sum(count)::int AS count FROM rejection_counts") == [{"count": 2}]
