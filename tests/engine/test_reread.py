"""Handlers that read a state anew: of one second the later reader wins, what is older than applied is not written.

Beside them what a plan may contain for destinations that this installation does without.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from both_accounts import NOON, Both, both_accounts

import destinations
from contracts.hubspot import PropertyChanged
from counterfoil.database import Connection
from counterfoil.settings import settings
from destinations import hubspot
from engine import Outcome, Plan, handles
from engine.pipeline import Pipeline
from engine.registry import HandlerSpec, Registry, _Handles
from engine.worker import Worker

#: What the state is when it is read; the company that it is written to has the same customer for all tickets.
STATE = {"plan": "first"}


def state(_: PropertyChanged, __: Mapping[str, Any]) -> str:
    """The state now."""
    return STATE["plan"]


@handles(source="hubspot", types=["ticket.propertyChange"], contract=PropertyChanged, ordering="reread",
         reads={"state": state})  # fmt: skip
def state_read(event: PropertyChanged, context: Mapping[str, Any]) -> Outcome:
    """Writes the state that was read, under the name of the customer that all tickets share."""
    written = hubspot.upsert_company(
        key=f"hubspot:state:{event.objectId}:{event.propertyValue}",
        subject="stripe:cus_1",
        by=("stripe_customer_id", "cus_1"),
        properties={"plan": context["state"]},
    )
    return Plan((written,))


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    with both_accounts(conn, monkeypatch, tmp_path) as made:
        said: _Handles = state_read.__counterfoil_handles__  # type: ignore[attr-defined]
        spec = HandlerSpec(
            "state_read", "1", said.source, said.types, said.contract, state_read, said.ordering, said.echoes,
            said.time_limit_seconds, "reads", said.reads, said.asks,
        )  # fmt: skip
        registry = Registry({("hubspot", "ticket.propertyChange"): spec})
        made.worker.close()
        made.worker = Worker(Pipeline(registry, destinations.find(), crashes_max=5), settings())
        yield made


def _changed(both: Both, ticket: int, value: str, *, at: float, plan: str) -> UUID:
    """A ticket's event of a moment, worked on (not yet sent) while the state is `plan`."""
    STATE["plan"] = plan
    event = {
        "portalId": 62515, "objectId": ticket, "occurredAt": int((NOON + at) * 1000), "changeSource": "CRM_UI",
        "subscriptionType": "ticket.propertyChange", "propertyName": "subject", "propertyValue": value,
    }  # fmt: skip
    (id,) = both.record("hubspot", [event])
    both.run()
    return id


def _shown(both: Both) -> list[str]:
    both.send()
    return [row["plan"] for row in both.records("companies")]


@pytest.mark.parametrize("sent_between", [True, False])
@pytest.mark.parametrize("values", [("a", "b"), ("b", "a")])
def test_of_one_second_the_later_reader_is_believed(both: Both, values: tuple[str, str], sent_between: bool) -> None:
    """Whichever event has the greater key. Break it: let `order_key` be the event's key."""
    _changed(both, 1, values[0], at=0, plan="first")
    if sent_between:
        both.send()
    _changed(both, 1, values[1], at=0, plan="second")
    assert _shown(both) == ["second"]
    expected = "confirmed" if sent_between else "superseded"
    assert list(both.writes().values()) == [expected, "confirmed"]


def test_what_is_older_than_what_was_applied_is_not_written(both: Both) -> None:
    """Also when it is about another ticket of the same customer: what was applied was read after it."""
    _changed(both, 1, "newer", at=10, plan="second")
    older = _changed(both, 2, "older", at=5, plan="read too early")
    assert _shown(both) == ["second"]
    assert both.event(older)["status"] == "superseded"


def test_the_newest_replaces_what_was_not_sent_yet(both: Both) -> None:
    """Of another ticket too: one write goes out, and the older event ends with the reason."""
    older = _changed(both, 1, "older", at=5, plan="first")
    _changed(both, 2, "newer", at=10, plan="second")
    assert _shown(both) == ["second"]
    assert both.event(older)["status"] == "superseded"
    assert [entry.method for entry in both.at_hubspot.journal if entry.path.endswith("upsert")] == ["POST"]
