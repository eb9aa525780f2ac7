"""HubSpot's stand-in answers whatever it is asked: nonsense is a 4xx, never an exception."""

import json
from typing import Any

from hubspot_portal import UNIQUE, Portal, a_portal
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.standin.base import Ask

_WORDS = st.sampled_from(
    ["crm", "v3", "v4", "objects", "deals", "contact", "tasks", "0-2", "batch", "upsert", "create", "update", "read",
     "archive", "search", "merge", "associations", "default", "associate", "properties", "owners", "20000000001", "",
     "details", "account-info", "ghosts"]
)  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=6)
_VALUES = _SCALARS | st.sampled_from(
    ["EQ", "IN", "20000000001", "email", UNIQUE, "a@example.com", "dealname", "amount", 204, "9" * 30]
)
_NAMES = st.sampled_from(
    ["inputs", "id", "idProperty", "properties", "associations", "to", "from", "types", "associationTypeId",
     "filterGroups", "filters", "propertyName", "operator", "value", "values", "highValue", "sorts", "limit", "after",
     "objectWriteTraceId", "primaryObjectId", "objectIdToMerge", "dealname", "amount", "closedate", "email", UNIQUE]
)  # fmt: skip
_BODIES = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)
_QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["idProperty", "properties", "propertiesWithHistory", "associations", "limit", "after"]),
        st.sampled_from(["", "email", UNIQUE, "contacts", "ghosts", "5", "-1", "x"]),
    ),
    max_size=3,
)

_FORMS: dict[str, list[str]] = {
    "POST": ["/crm/v3/objects/{}", "/crm/v3/objects/{}/search", "/crm/v3/objects/{}/merge",
             "/crm/v3/objects/{}/batch/upsert", "/crm/v3/objects/{}/batch/update", "/crm/v3/objects/{}/batch/create",
             "/crm/v3/objects/{}/batch/read", "/crm/v3/objects/{}/batch/archive", "/crm/v3/properties/{}",
             "/crm/v4/associations/{}/contacts/batch/associate/default", "/crm/v4/associations/{}/contacts/batch/read"],
    "PATCH": ["/crm/v3/objects/{}/20000000001"],
}  # fmt: skip


def _furnished() -> Portal:
    portal = a_portal(searches_per_second=None)
    portal.create("contacts", email="a@example.com", **{UNIQUE: "k1"})
    portal.create("deals", dealname="A", closedate="2026-01-01")
    return portal


_PORTAL = _furnished()


def _ask(method: str, path: str, query: list[tuple[str, str]], body: bytes) -> None:
    ask = Ask(method, path, query, {"authorization": "Bearer pat-all", "content-type": "application/json"}, body)
    answer = _PORTAL.hubspot.answer(ask)
    assert 200 <= answer.status < 500
    if answer.status >= 400:
        assert json.loads(answer.body)["status"] == "error"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]), st.lists(_WORDS, max_size=9), _QUERIES,
    st.binary(max_size=8) | _BODIES.map(lambda body: json.dumps(body).encode()),
)  # fmt: skip
def test_no_path_and_no_body_breaks_it(
    method: str, words: list[str], query: list[tuple[str, str]], body: bytes
) -> None:
    """Any method, any path of known words, any body."""
    _ask(method, "/" + "/".join(words), query, body)


@settings(max_examples=500, deadline=None)
@given(st.data(), st.dictionaries(_NAMES, _BODIES, max_size=5), _QUERIES)
def test_no_body_breaks_a_route_that_exists(data: st.DataObject, body: dict[str, Any], query: list[Any]) -> None:
    """Members of the right names with values of any shape."""
    method = data.draw(st.sampled_from(sorted(_FORMS)))
    path = data.draw(st.sampled_from(_FORMS[method])).format(data.draw(st.sampled_from(["deals", "contacts", "tasks"])))
    _ask(method, path, query, json.dumps(body).encode())


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["amount", "closedate", "dealname", "dealstage", "hubspot_owner_id", "createdate"]),
    st.sampled_from(["EQ", "NEQ", "GT", "LTE", "IN", "NOT_IN", "BETWEEN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"]),
    st.dictionaries(st.sampled_from(["value", "highValue"]), _VALUES, max_size=2),
    st.lists(_VALUES, max_size=2),
)
def test_no_filter_breaks_a_search(name: str, operator: str, value: dict[str, Any], values: list[Any]) -> None:
    """Operators with values of any kind."""
    wish = {"propertyName": name, "operator": operator, **value, **({"values": values} if values else {})}
    body = {"filterGroups": [{"filters": [wish]}], "sorts": [name]}
    _ask("POST", "/crm/v3/objects/deals/search", [], json.dumps(body).encode())


def test_odd_bodies_are_refused() -> None:
    """No JSON, not an object, deeper than anybody looks, another media type."""
    for body in (b"", b"\xff", b"[]", b"null", b"1", b'{"properties":' * 5000):
        answer = _PORTAL.http.post("/crm/v3/objects/deals", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body[:20]
    form = _PORTAL.http.post("/crm/v3/objects/deals", data={"dealname": "A"})
    assert form.status_code == 415
