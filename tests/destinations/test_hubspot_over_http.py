"""HubSpot's stand-in over real connections: what breaks on a wire breaks here as it does in-process."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hubspot_company import MARKERS, OWN, START, a_company_effect, a_contact_effect, a_task_effect

from destinations.base import Effect
from destinations.http import Http
from destinations.hubspot import DESTINATION
from destinations.remote import Attempt, Image
from sandbox.hubspot.account import Account
from sandbox.hubspot.core import HubSpot
from sandbox.standin.faults import Fault
from sandbox.standin.serve import Served, serving

FAULTS = ("drop_after", "reset_after", "hang_after", "truncated", "garbled", "drop_before", "status", "slow")


def _make(now: Callable[[], float], rng: random.Random) -> HubSpot:
    assert now() > START
    return HubSpot(now, rng, Account(properties=OWN + MARKERS, searches_per_second=None))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The stand-in on a port, and the settings that lead there."""
    with serving(_make) as served:
        monkeypatch.setenv("HUBSPOT_API_BASE", served.url)
        monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", "pat-over-http")
        yield served


def _impatient(http: Http) -> Http:
    # Hanging is waited for in earnest here; a second is as good as half a minute.
    http.wait_for(1.0)
    return http


def _count(served: Served, kind: str) -> int:
    return len(served.exchange.locked(served.exchange.standin.state)[kind])


def _company(served: Served) -> str:
    made = served.exchange.locked(
        lambda: served.exchange.standin.do({"action": "create", "kind": "companies", "properties": {"name": "E"}})
    )
    return str(made["id"])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["companies", "contacts", "tasks"])
def test_one_effect_over_a_real_connection(served: Served, kind: str, fault: str) -> None:
    """The answer to the write itself is lost or spoilt; it is found, or sent again, and stands once."""
    effect: Effect = {
        "companies": a_company_effect,
        "contacts": a_contact_effect,
        "tasks": lambda: a_task_effect(_company(served)),
    }[kind]()
    path = "/crm/v3/objects/companies/batch/upsert" if kind == "companies" else f"/crm/v3/objects/{kind}"
    http = _impatient(DESTINATION.connect(write=True))
    image: Image | None = None
    served.exchange.faults.add(Fault(fault, method="POST", path=path, seconds=0.05 if fault == "slow" else 0.0))
    for _ in range(4):
        image = DESTINATION.look(http, effect)
        at = served_now(served)
        sent = DESTINATION.send(http, effect, effect.key, image)
        if sent.meaning == "unknown":
            served.clock.advance(60)
            attempt = Attempt(effect.key, at, at, served_now(served), image)
            if DESTINATION.probe(http, effect, attempt).outcome == "happened":
                break
        if sent.meaning == "done":
            assert DESTINATION.read_back(http, effect, sent) == []
            break
    else:
        raise AssertionError(sent)
    http.close()
    assert _count(served, kind) == 1


def served_now(served: Served) -> datetime:
    """The stand-in's time."""
    return datetime.fromtimestamp(served.clock(), UTC)


def test_when_nobody_listens_it_was_certainly_not_sent(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections: later again, and the destination as a whole is down."""
    effect = a_company_effect()
    http = DESTINATION.connect(write=True)
    image = DESTINATION.look(http, effect)
    monkeypatch.setenv("HUBSPOT_API_BASE", "http://127.0.0.1:1")
    nowhere = DESTINATION.connect(write=True)
    sent = DESTINATION.send(nowhere, effect, effect.key, image)
    assert (sent.meaning, sent.down) == ("retry", True)
    assert not DESTINATION.ping(nowhere)
    assert DESTINATION.ping(http)
