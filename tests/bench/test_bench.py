"""The bench measures what it says: genuine deliveries that get booked, and verdicts that judge the right way round."""

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from contracts.base import find
from engine.outcomes import Plan
from handlers.invoice_paid import invoice_paid
from ingest.providers import find as find_providers
from ingest.providers.base import Rejected, Request


def the_module(name: str) -> ModuleType:
    """A file of the bench, which is a program beside the tests and no package."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bodies = the_module("bodies")
report = the_module("report")


def a_delivery(number: int = 0) -> tuple[dict[str, str], bytes]:
    """Headers and body of one delivery of the bench."""
    [sent] = bodies.build(bodies.Batch("7e57ab1e", int(time.time()), 1, first=number), "/webhooks/stripe")
    head, body = sent.split(b"\r\n\r\n", 1)
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return {name.lower(): value for name, value in pairs}, body


def test_a_delivery_of_the_bench_is_genuine() -> None:
    """The door's own verification accepts it, and refuses it with one byte changed."""
    headers, body = a_delivery()
    stripe = find_providers()["stripe"]
    stripe.verify(Request("POST", "", headers, body), [bodies.SECRET], time.time())
    with pytest.raises(Rejected):
        stripe.verify(Request("POST", "", headers, body + b" "), [bodies.SECRET], time.time())
    assert int(headers["content-length"]) == len(body)


def test_a_delivery_of_the_bench_is_booked() -> None:
    """It keeps its contract and becomes an entry; a bench that counted refusals would be fast and worthless."""
    _, body = a_delivery()
    contract = find("stripe", "invoice.paid", bodies.API_VERSION, body)
    outcome = invoice_paid(contract.check(body))
    assert isinstance(outcome, Plan)
    assert 1400 <= len(body) <= 1800, "about 1.5 KB, as the figures to reach assume"


def test_deliveries_of_one_batch_differ_and_the_same_batch_repeats() -> None:
    """A duplicate is the same body again; two numbers are two events."""
    assert a_delivery(1)[1] == a_delivery(1)[1]
    keys = {a_delivery(number)[1][:40] for number in range(200)}
    assert len(keys) == 200


@pytest.mark.parametrize(
    ("measured", "ceiling", "verdict"),
    [
        (3.0, False, "aim"),
        (2.0, False, "reached"),
        (0.5, False, "missed"),
        (0.5, True, "aim"),
        (2.5, True, "missed"),
        (None, False, "not measured"),
    ],
)
def test_a_verdict_knows_whether_more_is_better(measured: float | None, ceiling: bool, verdict: str) -> None:
    """For a rate more is better, for a latency less."""
    at_least, aim = (2.0, 1.0) if ceiling else (1.0, 3.0)
    assert report.Figure("it", measured, at_least, aim, ceiling=ceiling).verdict == verdict
