"""Faults do over a real connection exactly what they do in-process, and the journal tells what took effect."""

import random

import httpx
import pytest
from toy_standin import Way

from sandbox.standin.faults import KINDS, Fault, Faults, FaultUnknown

#: What a client sees of each kind, and how many effects one request then has.
SEEN: dict[str, tuple[type[Exception] | int, int]] = {
    "drop_before": (httpx.RemoteProtocolError, 0),
    "drop_after": (httpx.RemoteProtocolError, 1),
    "reset_before": (httpx.ReadError, 0),
    "reset_after": (httpx.ReadError, 1),
    "hang_before": (httpx.ReadTimeout, 0),
    "hang_after": (httpx.ReadTimeout, 1),
    "late": (httpx.ReadTimeout, 0),
    "truncated": (httpx.RemoteProtocolError, 1),
    "garbled": (200, 1),
    "slow": (200, 1),
    "status": (503, 0),
    "status_after": (503, 1),
    "status_kept": (503, 0),
    "rate_limited": (429, 0),
    "moody": (503, 0),
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_fault_is_the_same_both_ways(way: Way, kind: str) -> None:
    """The client sees what it sees over a real connection, and the effect happened or did not, as the kind says."""
    seen, effects = SEEN[kind]
    way.exchange.faults.add(Fault(kind, seconds=0.05 if kind == "slow" else 0.0))
    if isinstance(seen, int):
        answer = way.client.post("/things", content=b"{}")
        assert answer.status_code == seen
        assert kind != "garbled" or answer.content != b'{"count": 1}'
    else:
        with pytest.raises(seen):
            way.client.post("/things", content=b"{}")
    assert way.counter.count == effects
    [entry] = way.exchange.journal
    assert (entry.fault, entry.executed) == (kind, bool(effects))
    assert way.client.get("/things").json() == {"count": effects}, "the fault befalls once"


def test_every_kind_is_known_to_the_test_above() -> None:
    """A new kind must show what it does. `refused` cannot be acted out by a server that listens; see the next test."""
    assert set(SEEN) | {"refused"} == {*KINDS, "moody"}


def test_a_provider_off_the_net_gets_nothing_until_it_is_back(way: Way) -> None:
    """Nothing is executed while it is down, and everything works afterwards."""
    way.exchange.faults.down()
    for _ in range(3):
        with pytest.raises(httpx.TransportError):
            way.client.post("/things")
    way.exchange.faults.down(False)
    assert way.client.post("/things").json() == {"count": 1}


def test_a_late_request_takes_effect_after_its_client_gave_up(way: Way) -> None:
    """Who asks right afterwards sees nothing; later the effect is there, once."""
    way.exchange.faults.add(Fault("late", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        way.client.post("/things")
    assert way.client.get("/things").json() == {"count": 0}
    way.clock.advance(30)
    assert way.client.get("/things").json() == {"count": 1}
    way.clock.advance(30)
    assert way.client.get("/things").json() == {"count": 1}
    assert way.exchange.journal[0].executed


def test_who_waits_long_enough_gets_a_slow_answer(way: Way) -> None:
    """A slow answer is an answer; slower than the client's patience it is a timeout, and took effect anyway."""
    way.exchange.faults.add(Fault("slow", seconds=0.1))
    assert way.client.post("/things").json() == {"count": 1}
    way.exchange.faults.add(Fault("slow", seconds=5))
    with pytest.raises(httpx.ReadTimeout):
        way.client.post("/things")
    assert way.counter.count == 2


def test_the_journal_says_what_was_sent(way: Way) -> None:
    """Method, path, query, body and the idempotency key, in order."""
    way.client.post("/a%20b", params={"x": "1"}, content=b"body", headers={"Idempotency-Key": "k1"})
    way.client.get("/b")
    first, second = way.exchange.journal
    assert (first.method, first.path, first.query, first.body, first.key) == (
        "POST",
        "/a b",
        [("x", "1")],
        "body",
        "k1",
    )
    assert (second.method, second.path, second.key, second.status) == ("GET", "/b", None, 200)
    assert (first.number, second.number) == (1, 2)


def _dealt(seed: int) -> list[str | None]:
    faults = Faults(random.Random(seed))
    faults.seed(0.3, ["drop_after", "status", "reset_before"])
    dealt = [faults.take("POST", "/v1/refunds") for _ in range(400)]
    return [fault.kind if fault else None for fault in dealt]


def test_a_seed_repeats_its_faults() -> None:
    """The same seed, the same faults; another seed, others; about the share that was asked for."""
    assert _dealt(7) == _dealt(7) != _dealt(8)
    assert 80 < 400 - _dealt(7).count(None) < 160
    assert {*_dealt(7)} == {None, "drop_after", "status", "reset_before"}


def test_a_fault_waits_for_its_request() -> None:
    """Method, path pattern, how many go well first, and how often it comes."""
    faults = Faults(random.Random(1))
    faults.add(Fault("status", method="POST", path="/v1/refunds*", skip=1, times=2))
    asked = [("GET", "/v1/refunds"), ("POST", "/v1/customers")] + [("POST", "/v1/refunds/re_1")] * 4
    assert [bool(faults.take(*each)) for each in asked] == [False, False, False, True, True, False]


def test_a_fault_without_end_stays_until_it_is_taken_away() -> None:
    """`times: null` is for outages."""
    faults = Faults(random.Random(1))
    faults.add(Fault("status", times=None))
    assert all(faults.take("GET", "/") for _ in range(50))
    faults.clear()
    assert faults.take("GET", "/") is None


def test_an_unknown_fault_is_refused() -> None:
    """A misspelt fault that never comes would make its test pass."""
    with pytest.raises(FaultUnknown, match="drop_afterwards"):
        Faults(random.Random(1)).add(Fault("drop_afterwards"))
    with pytest.raises(FaultUnknown):
        Faults(random.Random(1)).seed(0.1, ["moody"])
    Faults(random.Random(1), frozenset({"moody"})).seed(0.1, ["moody"])
