"""What holds for every handler: found by walking the configured package, fed with every sample it answers for."""

import json
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import find as find_contract
from destinations import find as find_destinations
from destinations.base import Effect
from engine.outcomes import Outcome, Plan
from engine.registry import HandlerSpec, find

HANDLERS = find("handlers").every()
SAMPLES = Path(contracts.__file__).parent / "samples"


def _samples(spec: HandlerSpec) -> list[Path]:
    return [path for kind in sorted(spec.types) for path in sorted((SAMPLES / spec.source).glob(f"{kind}*.json"))
            if path.stem.split("@")[0] == kind]  # fmt: skip


CASES = [pytest.param(spec, path, id=f"{spec.name}-{path.stem}") for spec in HANDLERS for path in _samples(spec)]


def _outcome(spec: HandlerSpec, path: Path) -> Outcome:
    body = path.read_bytes()
    kind = path.stem.split("@")[0]
    contract = find_contract(spec.source, kind, json.loads(body).get("api_version"), body).check(body)
    return spec.function(contract, {}) if spec.takes_context else spec.function(contract)


@pytest.mark.parametrize("spec", HANDLERS, ids=lambda spec: spec.name)
def test_a_handler_has_a_sample_for_every_type(spec: HandlerSpec) -> None:
    """What it was never tried with it does not handle; the file is named for what happened."""
    for kind in spec.types:
        assert (SAMPLES / spec.source / f"{kind}.json").exists()
    assert spec.function.__module__.rsplit(".", 1)[-1] == spec.name


@pytest.mark.parametrize(("spec", "path"), CASES)
def test_same_sample_twice_same_plan(spec: HandlerSpec, path: Path) -> None:
    """Planning is pure: nothing but the event decides."""
    assert _outcome(spec, path) == _outcome(spec, path)
    assert _effects(_outcome(spec, path)) == _effects(_outcome(spec, path))


@pytest.mark.parametrize(("spec", "path"), CASES)
def test_a_plan_is_plain_data(spec: HandlerSpec, path: Path) -> None:
    """Written down and read back it is the same plan with the same digests; no float is in it."""
    for effect in _effects(_outcome(spec, path)):
        text = json.dumps(effect.as_json(), allow_nan=False)
        again = Effect.from_json(json.loads(text, parse_float=_no_float))
        assert again == effect
        assert again.digest == effect.digest


@pytest.mark.parametrize(("spec", "path"), CASES)
def test_a_plan_is_accepted_by_its_destinations(spec: HandlerSpec, path: Path) -> None:
    """Every effect names a destination there is and passes its check; its key names the destination first."""
    for effect in _effects(_outcome(spec, path)):
        find_destinations()[effect.destination].check(effect)
        assert effect.key.startswith(f"{effect.destination}:")


def _effects(outcome: Any) -> tuple[Effect, ...]:
    """All that is planned where every destination is configured."""
    return outcome.whole(lambda _: True) if isinstance(outcome, Plan) else ()


def _no_float(text: str) -> float:
    raise AssertionError(f"{text} is a float; amounts are whole and decimals are text")
