"""The destination over a real connection to the stand-in: closed, reset, hanging and broken off for real."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from stripe_account import D, a_customer, a_draft

from counterfoil.settings import settings
from destinations.http import Http
from destinations.remote import Attempt
from sandbox.standin.faults import Fault
from sandbox.standin.serve import Served, serving
from sandbox.stripe.core import Stripe


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Stripe, listening."""
    with serving(Stripe) as served:
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_secretsecret")
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        monkeypatch.setenv("COUNTERFOIL_ANSWER_SECONDS", "0.6")
        settings.cache_clear()
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[Http]:
    """A client that may write."""
    client = D.connect(write=True)
    yield client
    client.close()


def test_it_writes_over_a_real_connection(served: Served, client: Http) -> None:
    """A customer and a draft for it, read back, with version and credential in their headers."""
    sent = D.send(client, a_customer(), "stripe:customer:1", None)
    draft = a_draft(str(sent.reference))
    done = D.send(client, draft, draft.key, None)
    assert (done.meaning, D.read_back(client, draft, done)) == ("done", [])
    assert D.ping(client)


@pytest.mark.parametrize(
    ("kind", "meaning", "outcome"),
    [
        ("drop_after", "unknown", "happened"),
        ("reset_after", "unknown", "happened"),
        ("hang_after", "unknown", "happened"),
        ("truncated", "unknown", "happened"),
        ("garbled", "unknown", "happened"),
        ("drop_before", "unknown", "did_not_happen"),
        ("reset_before", "unknown", "did_not_happen"),
        ("hang_before", "unknown", "did_not_happen"),
    ],
)
def test_a_broken_connection_leaves_a_doubt_that_is_settled(
    served: Served, client: Http, kind: str, meaning: str, outcome: str
) -> None:
    """Whether it took effect before it broke off is found by looking, whatever kept the answer from us."""
    effect = a_customer()
    served.exchange.faults.add(Fault(kind, method="POST"))
    assert D.send(client, effect, effect.key, None).meaning == meaning
    now = datetime.fromtimestamp(served.clock(), UTC)
    assert D.probe(client, effect, Attempt(effect.key, now, now, now, None)).outcome == outcome


def test_where_nobody_listens_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is certain: later, and the destination is down."""
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_secretsecret")
    monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{_closed_port()}")
    client = D.connect(write=True)
    sent = D.send(client, a_customer(), "stripe:customer:1", None)
    assert (sent.meaning, sent.down, D.ping(client)) == ("retry", True, False)
    client.close()


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
