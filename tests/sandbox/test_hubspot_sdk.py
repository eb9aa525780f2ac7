"""The official hubspot-api-client works against the stand-in over real HTTP, and so do faults and webhooks there."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import hubspot
import pytest
import urllib3
from hubspot.crm.associations.v4 import BatchInputPublicDefaultAssociationMultiPost
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.deals import BatchReadInputSimplePublicObjectId
from hubspot.crm.properties import PropertyCreate
from hubspot_portal import UNIQUE, an_account

from ingest.providers.base import Request
from ingest.providers.hubspot import PROVIDER
from sandbox.hubspot.core import HubSpot
from sandbox.standin.faults import Fault
from sandbox.standin.post import Address
from sandbox.standin.serve import Served, serving

ROOT = Path(__file__).parents[2]
SECRET = "22222222-3333-4444-5555-666666666666"


def _make(now: Callable[[], float], rng: random.Random) -> HubSpot:
    return HubSpot(now, rng, an_account())


@pytest.fixture
def served() -> Iterator[Served]:
    """The stand-in over HTTP."""
    with serving(_make) as served:
        yield served


@pytest.fixture
def client(served: Served) -> hubspot.Client:
    """The official client, pointed at it; without retries of its own."""
    return hubspot.Client.create(access_token="pat-all", host=served.url, retry=urllib3.Retry(0, redirect=False))


def _count(served: Served, kind: str) -> int:
    return len(served.standin.state()[kind])


def test_a_contact_lives_its_life(client: hubspot.Client) -> None:
    """Created, refused a second time, read by email, changed, found, archived."""
    api = client.crm.contacts
    made = api.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": "jane@example.com"}))
    with pytest.raises(ApiException) as conflict:
        api.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": "JANE@example.com"}))
    assert (conflict.value.status, made.id in conflict.value.body) == (409, True)
    read = api.basic_api.get_by_id(
        "jane@example.com", id_property="email", properties=["email", "phone"], properties_with_history=["email"]
    )
    assert (read.id, read.properties["phone"]) == (made.id, None)
    assert read.properties_with_history["email"][0].source_type == "INTEGRATION"
    changed = api.basic_api.update(made.id, SimplePublicObjectInput(properties={"phone": "1"}))
    assert changed.properties["phone"] == "1"
    api.basic_api.archive(made.id)
    with pytest.raises(ApiException) as gone:
        api.basic_api.get_by_id(made.id)
    assert gone.value.status == 404


def test_an_upsert_and_its_partial_failure(client: hubspot.Client) -> None:
    """The client has a model for either."""
    rows = [
        {"id": f"k{at}", "idProperty": UNIQUE, "properties": {"firstname": "A"}, "objectWriteTraceId": f"t{at}"}
        for at in range(2)
    ]
    upsert = client.crm.contacts.batch_api.upsert
    done = upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=rows))
    assert [row.new for row in done.results] == [True, True]
    rows[0]["properties"] = {"nonsense": "1"}
    partly = upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=rows))
    assert partly.status == "COMPLETE"
    assert [row.new for row in partly.results] == [False]


def test_a_search_lags_until_time_has_passed(client: hubspot.Client, served: Served) -> None:
    """The clock of the stand-in can be moved from outside."""
    client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": "jane@example.com"}))
    wish = {"propertyName": "email", "operator": "EQ", "value": "jane@example.com"}
    search = PublicObjectSearchRequest(filter_groups=[{"filters": [wish]}], properties=["email"], limit=1)
    assert client.crm.contacts.search_api.do_search(search).total == 0
    assert httpx.post(f"{served.url}/_sandbox/advance", json={"seconds": 5}).status_code == 200
    assert client.crm.contacts.search_api.do_search(search).results[0].properties["email"] == "jane@example.com"


def test_deals_line_items_and_tasks_are_associated(client: hubspot.Client) -> None:
    """By default, in a batch, and at creation."""
    crm = client.crm
    deal = crm.deals.basic_api.create({"properties": {"dealname": "A"}}).id
    company = crm.companies.basic_api.create({"properties": {"name": "A"}}).id
    item = crm.line_items.basic_api.create({"properties": {"name": "Seat", "price": "5", "quantity": "2"}}).id
    link = {"to": {"id": deal}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}]}
    task = {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z"}, "associations": [link]}
    crm.objects.basic_api.create("tasks", task)
    made = crm.associations.v4.basic_api.create_default("deals", deal, "companies", company)
    assert {each.association_spec.association_type_id for each in made.results} == {341, 342}
    pairs = BatchInputPublicDefaultAssociationMultiPost(inputs=[{"from": {"id": deal}, "to": {"id": item}}])
    crm.associations.v4.batch_api.create_default("deals", "line_items", pairs)
    page = crm.associations.v4.basic_api.get_page("deals", deal, "line_items")
    assert [each.to_object_id for each in page.results] in ([item], [int(item)])
    read = crm.deals.basic_api.get_by_id(deal, associations=["companies", "tasks", "line_items"])
    assert set(read.associations) == {"companies", "tasks", "line_items"}
    crm.associations.v4.basic_api.archive("deals", deal, "companies", company)
    assert crm.associations.v4.basic_api.get_page("deals", deal, "companies").results == []
    batch = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": deal}], properties=["dealname"], properties_with_history=[]
    )
    assert crm.deals.batch_api.read(batch).results[0].properties["dealname"] == "A"


def test_properties_and_owners_can_be_asked_for(client: hubspot.Client) -> None:
    """A unique property is made, an owner found by email."""
    wish = PropertyCreate(name="our_key", label="Key", type="string", field_type="text",
                          group_name="ticketinformation", has_unique_value=True)  # fmt: skip
    assert client.crm.properties.core_api.create("tickets", wish).has_unique_value is True
    assert client.crm.properties.core_api.get_by_name("tickets", "our_key").name == "our_key"
    assert client.crm.owners.owners_api.get_page(email="ada@example.com").results[0].id == "9001"


def test_a_read_only_token_is_told_so(served: Served) -> None:
    """403 for the write, and nothing is there."""
    client = hubspot.Client.create(access_token="pat-ro", host=served.url)
    with pytest.raises(ApiException) as refused:
        client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": "a@example.com"}))
    assert (refused.value.status, json.loads(refused.value.body)["category"]) == (403, "MISSING_SCOPES")
    assert _count(served, "contacts") == 0


@pytest.mark.parametrize("kind", ["drop_after", "reset_after", "truncated"])
def test_an_answer_that_is_lost_leaves_the_write_done(client: hubspot.Client, served: Served, kind: str) -> None:
    """The client sees its connection break, and repeating creates a second deal: that is what the product prevents."""
    served.exchange.faults.add(Fault(kind))
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.crm.deals.basic_api.create({"properties": {"dealname": "A"}})
    assert _count(served, "deals") == 1
    client.crm.deals.basic_api.create({"properties": {"dealname": "A"}})
    assert _count(served, "deals") == 2


class _Door:
    """A receiver that refuses the first request and takes the others, if their signatures are right."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refused = 0


@contextmanager
def _a_door() -> Iterator[tuple[str, _Door]]:
    door = _Door()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            PROVIDER.verify(Request("POST", url, headers, body), [SECRET], time.time())
            if door.refused == 0:
                door.refused += 1
                self.send_response(503)
            else:
                door.taken += json.loads(body)
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhooks/hubspot", door
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_webhooks_arrive_signed_and_come_again_when_they_are_refused() -> None:
    """Every event arrives, the refused ones counted as a second attempt."""
    with _a_door() as (url, door), serving(_make, address=Address(url, SECRET)) as served:
        client = hubspot.Client.create(access_token="pat-all", host=served.url)
        client.crm.contacts.basic_api.create(SimplePublicObjectInputForCreate(properties={"email": "a@example.com"}))
        _until(lambda: door.refused == 1)
        served.clock.advance(10)
        _until(lambda: len(door.taken) >= 2)
        assert {each["subscriptionType"] for each in door.taken} == {"contact.creation", "contact.propertyChange"}
        assert 1 in {each["attemptNumber"] for each in door.taken}


def test_it_can_be_started_by_command() -> None:
    """The first line is its address; what people do by hand goes in over its control routes."""
    command = [
        sys.executable,
        "-m",
        "sandbox.hubspot",
        "--port",
        "0",
        "--unique",
        f"deals.{UNIQUE}",
        "--search-lag",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            action = {"action": "create", "kind": "deal", "properties": {"dealname": "A", UNIQUE: "k1"}}
            made = httpx.post(f"{url}/_sandbox/do", json=action).json()
            headers = {"Authorization": "Bearer pat-ro"}
            read = httpx.get(f"{url}/crm/v3/objects/deals/k1", params={"idProperty": UNIQUE}, headers=headers)
            assert read.json()["id"] == made["id"]
            assert httpx.post(f"{url}/_sandbox/do", json={"action": "dance"}).status_code == 400
        finally:
            process.terminate()
