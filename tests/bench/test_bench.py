"""The bench measures what it says: genuine deliveries that get booked, and verdicts that judge the right way round."""

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from contracts.base import find
from contracts.hubspot import ObjectCreated
from engine.outcomes import Plan
from handlers.invoice_paid import invoice_paid
from ingest.providers import find as find_providers
from ingest.providers.base import Rejected, Request


def the_module(name: str) -> ModuleType:
    """A file of the bench, which is a program beside the tests and no package."""
    spec = importlib.util.spec_from_file_location(
        f"bench_{name.replace('/', '_')}", Path(__file__).parent / f"{name}.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bodies = the_module("bodies")
report = the_module("report")
seen = the_module("seen")
records = the_module("workflows_of_the_bench/records")


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


def test_writes_of_the_bench_are_planned_one_per_event() -> None:
    """The destinations' own checks take them, and each event has a key of its own: nothing is measured twice."""
    created = [ObjectCreated(portalId=1, objectId=number, occurredAt=1_795_000_000_000) for number in range(20)]
    plans = [handler(event) for handler in (records.makes_a_customer, records.sets_a_company) for event in created]
    assert all(isinstance(plan, Plan) and len(plan.effects) == 1 for plan in plans)
    assert len({plan.effects[0].key for plan in plans}) == len(plans)


def test_writes_are_compared_with_the_bare_calls_of_their_own_round() -> None:
    """The median of the rounds' quotients: here 0.5 and 0.9."""
    rounds = {"writes": [{"rate": 50.0}, {"rate": 180.0}], "calls": [{"rate": 100.0}, {"rate": 200.0}]}
    (figure,) = [one for one in report.figures(rounds, {}) if "bare" in one.name and one.measured is not None]
    assert (round(figure.measured, 3), figure.verdict) == (0.7, "reached")


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


@pytest.mark.parametrize(
    ("slowest", "weight", "more", "verdict"),
    [
        (99.0, 149_000, {"is_page": True}, "reached"),
        (101.0, 149_000, {"is_page": True}, "missed"),
        (99.0, 151_000, {"is_page": True}, "missed"),
        (99.0, 151_000, {}, "reached"),
        (999.0, 999_000, {"is_file": True}, ""),
        (9.0, 9_000, {"is_page": True, "status": 500}, "answered 500"),
    ],
)
def test_a_page_is_judged_by_its_slowest_twentieth_and_its_weight(
    slowest: float, weight: int, more: dict[str, object], verdict: str
) -> None:
    """Of lists only the time counts, of files neither; an error is no fast page."""
    ms = [1.0] * 37 + [slowest] * 3
    one = seen.Seen("page", "/", "/", **{"status": 200, "bytes": weight, "ms": ms, **more})
    assert one.verdict() == verdict
    assert seen.Seen("page", "/", "/", status=200, ms=[1.0] * 39 + [slowest]).at(0.95) == 1.0
