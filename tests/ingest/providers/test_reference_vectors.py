"""The reference vectors of the facts: requests whose verdict is known."""

import hashlib
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ingest.providers import find
from ingest.providers.base import Rejected, Request

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data/reference_vectors.json").read_text())

PREFIXES = {"stripe-": "stripe", "hubspot-": "hubspot", "standard-webhooks-": "standard_webhooks"}


def _provider_of(scheme: str) -> str:
    return next((name for prefix, name in PREFIXES.items() if scheme.startswith(prefix)), scheme)


def _request(vector: dict[str, Any]) -> Request:
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    return Request(vector["method"], vector["url"], headers, vector["body"].encode())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_a_reference_vector_gets_its_verdict(vector: dict[str, Any]) -> None:
    """Accepted or rejected, as the vector says."""
    assert hashlib.sha256(vector["body"].encode()).hexdigest() == vector["body_sha256"]
    provider = find()[_provider_of(vector["scheme"])]
    verdict = pytest.raises(Rejected) if vector["expect"] == "reject" else nullcontext()
    with verdict:
        provider.verify(_request(vector), ["some other secret", vector["secret"]], vector["now"])


def test_the_vectors_are_all_there() -> None:
    """Twenty-five of them, over twelve providers: an emptied file would let the test above pass."""
    assert len(VECTORS) == 25
    assert len({_provider_of(vector["scheme"]) for vector in VECTORS}) == 12
