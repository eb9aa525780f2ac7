"""Samples of Stripe's, changed where a test says so, walked through contract and handler without an engine."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import find as find_contract
from engine.outcomes import Outcome
from engine.registry import find

STRIPE = Path(contracts.__file__).parent / "samples" / "stripe"
HANDLERS = find("handlers")


def _changed(sample: str, **members: Any) -> dict[str, Any]:
    event: dict[str, Any] = copy.deepcopy(json.loads((STRIPE / f"{sample}.json").read_text("utf-8")))
    event["data"]["object"].update(members)
    return event


def _planned(event: dict[str, Any], context: dict[str, Any] | None = None) -> Outcome:
    kind = event["type"].removeprefix("v1.")
    spec = HANDLERS.find("stripe", kind)
    if spec is None:
        raise LookupError(f"nobody handles {kind}")
    contract = find_contract("stripe", kind, event.get("api_version"), event).check(event)
    return spec.function(contract, context or {}) if spec.takes_context else spec.function(contract)


@pytest.fixture(scope="session")
def a_stripe_event() -> Callable[..., dict[str, Any]]:
    """The sample of this name, its object changed by the keywords."""
    return _changed


@pytest.fixture(scope="session")
def planned() -> Callable[..., Outcome]:
    """What the handler of an event wants."""
    return _planned
