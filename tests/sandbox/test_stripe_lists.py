"""Lists see what was just written, searches do not; both come in pages."""

import pytest
from stripe_api import Api


def _three(api: Api) -> list[str]:
    return [api.post("customers", email=f"{name}@example.com", metadata={"crm": name})["id"] for name in "abc"]


def test_a_list_is_newest_first_and_complete_at_once(api: Api) -> None:
    """No lag: a create is in the next list."""
    made = _three(api)
    body = api.get("customers")
    assert [each["id"] for each in body["data"]] == made[::-1]
    assert (body["object"], body["has_more"], body["url"]) == ("list", False, "/v1/customers")


def test_cursors_walk_both_ways(api: Api) -> None:
    """After an id, before an id, never both."""
    a, b, c = _three(api)
    first = api.get("customers", limit=1)
    assert ([each["id"] for each in first["data"]], first["has_more"]) == ([c], True)
    rest = api.get("customers", limit=2, starting_after=c)
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([b, a], False)
    ahead = api.get("customers", limit=1, ending_before=a)
    assert ([each["id"] for each in ahead["data"]], ahead["has_more"]) == ([b], True)
    api.get("customers", 400, starting_after=a, ending_before=b)
    api.get("customers", 400, starting_after="cus_nobody")


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_page_has_one_to_a_hundred(api: Api, limit: int) -> None:
    """Anything else is refused, not cut."""
    api.get("customers", 400, limit=limit)


def test_customers_are_listed_by_address_and_time(api: Api) -> None:
    """Exact address; bounds of `created`."""
    _three(api)
    api.clock.advance(100)
    late = api.post("customers", email="late@example.com")
    assert [each["email"] for each in api.get("customers", email="b@example.com")["data"]] == ["b@example.com"]
    assert api.get("customers", email="B@example.com")["data"] == []
    newer = api.get("customers", **{"created[gte]": late["created"]})["data"]
    assert [each["id"] for each in newer] == [late["id"]]
    assert len(api.get("customers", **{"created[lt]": late["created"]})["data"]) == 3


def test_a_search_lags_behind_what_was_written(api: Api) -> None:
    """Right after a create it is not there; a settler that trusts this writes twice."""
    made = api.post("customers", metadata={"counterfoil": "w1"})
    query = "metadata['counterfoil']:'w1'"
    assert api.get("customers/search", query=query)["data"] == []
    api.clock.advance(1)
    [found] = api.get("customers/search", query=query)["data"]
    assert found["id"] == made["id"]


def test_a_search_lags_behind_changes_and_deletions_too(api: Api) -> None:
    """It finds the old value, and what is gone, for as long as it lags."""
    made = api.post("customers", metadata={"k": "old"})
    api.clock.advance(1)
    api.post(f"customers/{made['id']}", metadata={"k": "new"})
    assert api.get("customers/search", query="metadata['k']:'old'")["data"]
    api.clock.advance(1)
    assert api.get("customers/search", query="metadata['k']:'old'")["data"] == []
    assert api.get("customers/search", query="metadata['k']:'new'")["data"]
    api.ask("DELETE", f"customers/{made['id']}")
    assert api.get("customers/search", query="metadata['k']:'new'")["data"]
    api.clock.advance(1)
    assert api.get("customers/search", query="metadata['k']:'new'")["data"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("email:'a@example.com'", "a"),
        ("email:'A@EXAMPLE.COM'", "a"),
        ('email~"example"', "cba"),
        ("metadata['crm']:'b' OR metadata['crm']:'c'", "cb"),
        ("email~'example' AND -metadata['crm']:'b'", "ca"),
        ("email~'example' -metadata['crm']:'b'", "ca"),
        ("metadata['other']:null", "cba"),
        ("-metadata['crm']:null", "cba"),
        ("created>1", "cba"),
        ("created<1", ""),
        ("metadata['crm']:'b\\'c'", ""),
    ],
)
def test_the_language_of_searches(api: Api, query: str, found: str) -> None:
    """Exact, part of a text, not, and, or, null, numbers."""
    _three(api)
    api.clock.advance(1)
    assert "".join(each["metadata"]["crm"] for each in api.get("customers/search", query=query)["data"]) == found


@pytest.mark.parametrize("query", ["", "email", "email:", "a:'1' AND b:'2' OR c:'3'", "email~'ab'", "email:'x' AND"])
def test_a_query_that_cannot_be_read_is_refused(api: Api, query: str) -> None:
    """An error, never an empty result that would look like an answer."""
    api.get("customers/search", 400, query=query)


def test_a_search_comes_in_pages(api: Api) -> None:
    """`next_page` is handed back as `page`."""
    made = _three(api)
    api.clock.advance(1)
    first = api.get("customers/search", query="email~'example'", limit=2)
    assert (first["object"], first["has_more"], len(first["data"])) == ("search_result", True, 2)
    rest = api.get("customers/search", query="email~'example'", limit=2, page=first["next_page"])
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([made[0]], False)
    assert rest["next_page"] is None


def test_a_deleted_customer_says_so(api: Api) -> None:
    """A stub is left; it is in no list, cannot be changed, and nothing new is made for it."""
    made = api.a_customer()
    assert api.ask("DELETE", f"customers/{made['id']}")["deleted"] is True
    assert api.get(f"customers/{made['id']}") == {"id": made["id"], "object": "customer", "deleted": True}
    assert api.get("customers")["data"] == []
    api.post(f"customers/{made['id']}", 404, name="Ada")
    assert api.error("invoices", customer=made["id"])["code"] == "resource_missing"
