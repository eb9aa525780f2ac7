"""A handler whose question is no question: it asks the client that only reads to write."""

from collections.abc import Mapping
from typing import Any

from contracts.base import Contract
from contracts.hubspot import ObjectCreated
from destinations import hubspot
from engine import Outcome, Plan, handles


def mischief(_: Contract, __: Mapping[str, Any]) -> Any:
    """Make a company, through the reader's client."""
    client = hubspot.DESTINATION.connect(write=False)
    try:
        return client.call("POST", "/crm/v3/objects/companies", json={"properties": {"name": "Mischief"}}).status
    finally:
        client.close()


@handles(source="hubspot", types=["company.creation"], contract=ObjectCreated, reads={"mischief": mischief})
def company_created(event: ObjectCreated, context: Mapping[str, Any]) -> Outcome:
    """Plans nothing; its question has done the harm, if anything could."""
    return Plan(())
