"""The OpenAPI 3.1 document, made from the table of routes and the types that validate."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from console import asks, auth, idempotency, problems
from console.api import dispatch
from console.api.route import PREFIX, Route
from console.api.routes import ROUTES

_REF = "#/components/schemas/{model}"

#: What each refusal means; the texts of single problems say more.
REFUSALS = {
    400: "The request cannot be understood: parameters, body or headers",
    401: "No valid credential",
    403: "The credential does not carry the right, or not here",
    404: "There is no such thing",
    405: "The route has other methods",
    409: "Its present state does not allow it",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "Understood, and refused by a rule",
    503: "A dependency is away; try again after `Retry-After` seconds",
}


_REVEAL = {
    "name": dispatch.REVEAL,
    "in": "query",
    "required": False,
    "description": "show personal data too: takes the right to reveal, and the audit keeps it; else it is masked"
    " (the setup token is shown it unless it says false)",
    "schema": {"type": "boolean"},
}
TOKENS = "COUNTERFOIL_API_TOKEN, with all rights, or one made with `counterfoil token create`"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas()
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Counterfoil",
            "version": "1",
            "description": "Every webhook becomes one correct write, or an item on a named person's desk. "
            "Errors are `application/problem+json` (RFC 9457), times RFC 3339 in UTC, money whole minor units.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": TOKENS}},
        },
    }


class _Schemas:
    """Every model of the table, once, each for the side on which it is used."""

    def __init__(self) -> None:
        wanted = [(model, "validation") for route in ROUTES for model in (route.body, route.query) if model]
        shown = [(model, "serialization") for route in ROUTES for model in _models(route.answer)]
        pairs = list(dict.fromkeys([*wanted, *shown, (problems.ProblemDetails, "serialization")]))
        self._by_pair, definitions = models_json_schema(pairs, ref_template=_REF)  # type: ignore[arg-type]
        self.components = definitions["$defs"]

    def of(self, model: type[BaseModel], mode: str) -> dict[str, Any]:
        """A reference to a model's schema."""
        return self._by_pair[model, mode]  # type: ignore[index]

    def inside(self, model: type[BaseModel], mode: str) -> dict[str, Any]:
        """A model's schema itself."""
        reference: str = self.of(model, mode)["$ref"]
        found: dict[str, Any] = self.components[reference.rsplit("/", 1)[-1]]
        return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return list(annotation.__args__)


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "parameters": list(_parameters(route, schemas)),
        "responses": _responses(route, schemas),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.of(route.body, "validation")}},
        }
    return operation


def _parameters(route: Route, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    if route.has_id:
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    if route.has_name:
        yield {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if route.query is not None:
        for name, schema in schemas.inside(route.query, "validation")["properties"].items():
            yield {
                "name": name,
                "in": "query",
                "required": False,
                "description": schema.get("description", ""),
                "schema": _without_null(schema),
            }
    if not route.changes:
        yield _REVEAL
    if route.changes:
        yield _header(
            "Idempotency-Key",
            "the same key with the same request changes nothing again and gets the same answer",
            rf"^[!-~]{{1,{idempotency.KEY_MAX}}}$",
        )
    yield _header(
        auth.ACTOR_HEADER,
        "with the setup token only: who does it, for the audit (`setup-token` without it)",
        auth.ACTOR_PATTERN,
    )


def _header(name: str, description: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent or has a value; a URL cannot say null."""
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "title", "description", "default")}
    if "default" in schema and schema["default"] is not None:
        kept["default"] = schema["default"]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    statuses = {400, 401, 403, 503, *route.refusals}
    if route.has_id or route.has_name:
        statuses.add(404)
    if route.body is not None:
        statuses |= {413, 415, 422}
    if route.query is not None and issubclass(route.query, asks.FilteredAsk):
        statuses.add(422)
    found = [schemas.of(model, "serialization") for model in _models(route.answer)]
    content = {"application/json": {"schema": found[0] if len(found) == 1 else {"oneOf": found}}}
    problem = {"application/problem+json": {"schema": schemas.of(problems.ProblemDetails, "serialization")}}
    return {"200": {"description": "Done", "content": content}} | {
        str(status): {"description": REFUSALS[status], "content": problem} for status in sorted(statuses)
    }
