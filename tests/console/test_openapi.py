"""The description and the server are one: made from one table, and held together by a fuzz test."""

import os
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from console.api import openapi
from console.api.route import PREFIX, Route
from console.api.routes import ROUTES
from counterfoil import keys

TOKEN = "a-token-for-tests"
#: Per route and mode: enough to meet every parameter, few enough for every commit. `make fuzz` draws more, anew.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
IS_DRAWN_ANEW = "FUZZ_EXAMPLES" in os.environ
PATIENCE_SECONDS = 560 if EXAMPLES <= 8 else 7200


def test_the_description_is_valid_openapi() -> None:
    """By the specification's own schema."""
    validate(openapi.document(), cls=OpenAPIV31SpecValidator)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described_with_its_refusals(route: Route) -> None:
    """Parameters, body, answer, problems."""
    operation = openapi.document()["paths"][PREFIX + route.path][route.method.lower()]
    assert {"200", "400", "401", "503"} <= operation["responses"].keys()
    assert ("requestBody" in operation) == (route.method in ("POST", "PUT"))
    if "{id}" in route.path or "{name}" in route.path:
        assert "404" in operation["responses"]
    for status, answer in operation["responses"].items():
        kind = "application/json" if status == "200" else "application/problem+json"
        assert answer["content"][kind]["schema"]


@pytest.mark.timeout(PATIENCE_SECONDS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
def test_no_request_that_can_be_generated_breaks_the_api(listener: str, mode: GenerationMode) -> None:
    """Bounded fuzzing: no 5xx, only described statuses and types, answers as described, nothing wrong accepted."""
    operations = _operations(listener)
    assert len(operations) == len(ROUTES)
    for operation in operations:
        _fuzz(operation.as_strategy(generation_mode=mode))


@pytest.mark.timeout(PATIENCE_SECONDS)
def test_no_change_of_real_things_breaks_the_api(listener: str, story: Any, rows: Any) -> None:
    """The same with ids that exist, so that changes happen and refusals have their reasons."""
    replay = httpx.post(
        f"{listener}{PREFIX}/replays",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"reason": "fuzz", "filter": {"source": "stripe"}, "dry_run": True},
    ).json()["id"]
    reversal = httpx.post(
        f"{listener}{PREFIX}/reversals",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"reason": "fuzz", "filter": {"destination": "books"}, "dry_run": True},
    ).json()["id"]
    write = rows("SELECT id FROM writes")[0]["id"]
    run = rows("SELECT id FROM runs")[0]["id"]
    known = {
        "events": story.failed,
        "cases": story.case,
        "replays": replay,
        "writes": write,
        "runs": run,
        "reversals": reversal,
        "fixes": keys.new_id(),  # what two people say of a rule is tested where rules are made
        "classifications": keys.new_id(),  # what people say of decisions is fuzzed where decisions are made
    }
    for operation in _operations(listener):
        if "{id}" in operation.path:
            kind = operation.path.removeprefix(PREFIX).split("/")[1]
            _fuzz(operation.as_strategy(path_parameters={"id": str(known[kind])}))
        elif "{name}" in operation.path:
            _fuzz(operation.as_strategy(path_parameters={"name": "invoice_paid"}))


def _operations(listener: str) -> list[Any]:
    schema = schemathesis.openapi.from_url(f"{listener}{PREFIX}/openapi.json")
    return [found.ok() for found in schema.get_all_operations()]


def _parameters(operation: Any) -> set[str]:
    """The names that the description has for a query."""
    described = openapi.document()["paths"][operation.path][operation.method.lower()]["parameters"]
    return {one["name"] for one in described if one["in"] == "query"}


def _fuzz(strategy: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=not IS_DRAWN_ANEW,  # a commit is judged by what it holds, not by the luck of a draw
    )
    @given(case=strategy)
    def check(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        # 422 is for what no schema can say (a moment that has passed); its form is checked like any other's.
        beyond = [positive_data_acceptance] if response.status_code == 422 else []
        sent = {name for name, _ in parse_qsl(urlsplit(response.request.url).query, keep_blank_values=True)}
        if (case.query or {}).keys() - sent and sent <= _parameters(case.operation):
            # A parameter whose value is an empty list is none on the wire: what arrived is as described.
            beyond.append(negative_data_rejection)
        case.validate_response(response, excluded_checks=beyond)

    check()
