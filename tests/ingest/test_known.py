"""A copy that the door knows by its bytes: cheaper than a new delivery, and never believed without its row."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from counterfoil import keys
from ingest.known import Known, mark_of
from ingest.providers import find
from ingest.providers.base import Request, Sample
from ingest.providers.stripe import Stripe

SAMPLES = [
    pytest.param(provider, sample, id=f"{provider.name}-{sample.type}")
    for provider in find().values()
    if provider.body_tells_all
    for sample in provider.samples
]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that were read."""
    read: list[bytes] = []
    split = Stripe.split

    def noted(self: Stripe, request: Request) -> Any:
        read.append(request.body)
        return split(self, request)

    monkeypatch.setattr(Stripe, "split", noted)
    return read


def test_a_copy_is_counted_without_being_read(running: Any, a_stripe_event: Any, readings: list[bytes]) -> None:
    """The same bytes again: the answer names the first row, which counts them; the body is parsed once."""
    body = a_stripe_event("evt_again")
    first = running.stripe(body).json["events"][0]
    for _ in range(3):
        assert running.stripe(body).json == {"accepted": 0, "duplicates": 1, "events": [{**first, "duplicate": True}]}
    assert len(readings) == 1
    [row] = running.rows("SELECT deliveries, delivered_at > received_at AS later FROM events")
    assert row == {"deliveries": 4, "later": True}
    assert len(running.rows("SELECT 1 FROM audit_entries")) == 1


def test_a_copy_needs_its_signature_all_the_same(running: Any, a_stripe_event: Any) -> None:
    """Bytes that are known open nothing to a stranger."""
    body = a_stripe_event("evt_again")
    assert running.stripe(body).status == 200
    assert running.post("/webhooks/stripe", body, {"Stripe-Signature": "t=1,v1=00"}).status == 401
    assert running.rows("SELECT deliveries FROM events") == [{"deliveries": 1}]


def test_a_copy_whose_row_is_gone_is_not_called_recorded(running: Any, a_stripe_event: Any, wait_until: Any) -> None:
    """As after a fail-over that lost the latest: 503, the door forgets, and the next copy is recorded as new."""
    body = a_stripe_event("evt_lost")
    running.stripe(body)
    running.rows("DELETE FROM events RETURNING id")
    assert running.stripe(body).status == 503
    answers: list[Any] = []

    def is_taken() -> bool:
        answers.append(running.stripe(body))
        return bool(answers[-1].status == 200)

    wait_until(is_taken, 5)
    assert answers[-1].json["accepted"] == 1
    assert running.rows("SELECT deliveries FROM events") == [{"deliveries": 1}]


def test_another_connection_means_that_nothing_is_known(
    running: Any, a_stripe_event: Any, readings: list[bytes], wait_until: Any
) -> None:
    """Behind a new connection may be another Postgres: every body is read anew, and is still a duplicate."""
    body = a_stripe_event("evt_again")
    running.stripe(body)
    running.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'counterfoil door'")
    wait_until(lambda: running.stripe(body).status == 200, 5)
    readings.clear()
    assert running.stripe(body).json["duplicates"] == 1
    assert readings == [body]
    assert len(running.rows("SELECT 1 FROM events")) == 1


def test_one_body_at_two_sources_is_two_events(
    open_door: Callable[..., Any], a_stripe_event: Any, tmp_path: Any
) -> None:
    """What one source has sent says nothing about another one."""
    sources = tmp_path / "sources.toml"
    sources.write_text('[[source]]\nname = "stripe-eu"\nprovider = "stripe"\nsecret_env = "STRIPE_WEBHOOK_SECRET"\n')
    running = open_door(COUNTERFOIL_SOURCES=str(sources))
    body = a_stripe_event("evt_shared")
    assert running.stripe(body).json["accepted"] == 1
    signed = find()["stripe"].sign(body, "whsec_door_test_1", time.time(), "")
    assert running.post("/webhooks/stripe-eu", body, signed).json["accepted"] == 1
    assert len(running.rows("SELECT 1 FROM events")) == 2


def test_a_body_that_brought_other_content_is_judged_every_time(running: Any, a_stripe_event: Any) -> None:
    """The copy of a conflicting delivery is no plain duplicate: both its rows count it."""
    running.stripe(a_stripe_event("evt_two"))
    other = a_stripe_event("evt_two", data={"object": {"id": "in_1", "object": "invoice", "amount_paid": 9900}})
    for _ in range(2):
        assert running.stripe(other).json["duplicates"] == 1
    rows = running.rows("SELECT deliveries FROM events ORDER BY key")
    assert rows == [{"deliveries": 3}, {"deliveries": 2}]


def test_the_oldest_make_room() -> None:
    """However many distinct bodies come, what is kept of them is bounded, and it is the newest."""
    known = Known(entries_max=20)
    marks = [mark_of("stripe", b"%d" % number) for number in range(100)]
    for mark in marks:
        known.keep(mark, keys.new_id(), "evt")
    found = [known.find("stripe", mark) is not None for mark in marks]
    assert 10 <= sum(found) <= 20
    assert all(found[-10:])


@pytest.mark.parametrize(("provider", "sample"), SAMPLES)
def test_the_body_tells_all_where_a_provider_says_so(provider: Any, sample: Sample) -> None:
    """Neither the headers nor the address change what is found, so that equal bytes are equal events."""
    with_all = Request("POST", "https://d/webhooks/x?a=b", {"x": "y", **sample.headers}, sample.body)
    alone = Request("POST", "", {}, sample.body)
    assert provider.split(with_all) == provider.split(alone)
    assert provider.challenge(with_all) == provider.challenge(alone) is None
