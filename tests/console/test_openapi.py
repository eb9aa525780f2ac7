"""The description and the server are one: made from one table, and held together by a fuzz test."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from console.api import openapi
from console.api.route import PREFIX, Route
from console.api.routes import ROUTES

from .conftest import TOKEN


def test_the_description_is_valid_openapi() -> None:
    """By the specification's own schema."""
    validate(openapi.document(), cls=OpenAPIV31SpecValidator)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described_with_its_refusals(route: Route) -> None:
    """Parameters, body, answer, problems."""
    operation = openapi.document()["paths"][PREFIX + route.path][route.method.lower()]
    assert {"200", "400", "401", "503"} <= operation["responses"].keys()
    assert ("requestBody" in operation) == (route.method == "POST")
    if "{id}" in route.path:
        assert "404" in operation["responses"]
    for status, answer in operation["responses"].items():
        kind = "application/json" if status == "200" else "application/problem+json"
        assert answer["content"][kind]["schema"]


@pytest.mark.timeout(280)
def test_no_request_that_can_be_generated_breaks_the_api(listener: str, story: object) -> None:
    """Bounded fuzzing: no 5xx, only described statuses and content types, answers as described, 401 without a token."""
    schema = schemathesis.openapi.from_url(f"{listener}{PREFIX}/openapi.json")
    for operation in (found.ok() for found in schema.get_all_operations()):

        @schema.include(path=operation.path, method=operation.method).given()
        @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})

        check()
