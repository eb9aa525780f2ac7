"""Who may ask Stripe's stand-in, how often, and how it answers what it does not understand."""

from base64 import b64encode

import pytest
from stripe_api import Api


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer pk_test_1", "Bearer sk_prod_1", "Basic !!", "Bearer nonsense"]
)
def test_without_a_secret_key_nobody_is_answered(api: Api, given: str) -> None:
    """401, whatever is wrong about it."""
    body = api.ask("GET", "customers", status=401, Authorization=given)
    assert body["error"]["type"] == "invalid_request_error"


def test_a_key_may_come_as_basic_authentication(api: Api) -> None:
    """As curl sends it."""
    api.ask("GET", "customers", Authorization="Basic " + b64encode(b"sk_test_1:").decode())


def test_only_keys_that_exist_are_taken_when_they_are_named() -> None:
    """A revoked key is a 401."""
    api = Api(keys=frozenset({"sk_test_mine"}))
    api.ask("GET", "customers", status=401)
    api.ask("GET", "customers", Authorization="Bearer sk_test_mine")


def test_a_read_only_key_cannot_write(api: Api) -> None:
    """Neither create nor change nor delete; reading goes on. What shadow mode stands on."""
    made = api.a_customer()
    readonly = {"Authorization": "Bearer rk_test_shadow_ro"}
    for method, path in (
        ("POST", "customers"),
        ("POST", f"customers/{made['id']}"),
        ("DELETE", f"customers/{made['id']}"),
    ):
        assert api.ask(method, path, status=403, **readonly)["error"]["code"] == "more_permissions_required"
    assert api.ask("GET", f"customers/{made['id']}", **readonly) == made
    assert api.count("customer") == 1


def test_a_refused_write_leaves_its_key_free(api: Api) -> None:
    """403 is not remembered."""
    api.ask("POST", "customers", status=403, key="k", Authorization="Bearer rk_test_shadow_ro")
    api.post("customers", key="k")
    assert "Idempotent-Replayed" not in api.last.headers


def test_modes_and_accounts_are_worlds_of_their_own(api: Api) -> None:
    """What is made in one is not found in another."""
    made = api.a_customer()
    assert made["livemode"] is False
    api.ask("GET", f"customers/{made['id']}", status=404, Authorization="Bearer sk_live_1")
    api.ask("GET", f"customers/{made['id']}", status=404, **{"Stripe-Account": "acct_other"})
    assert api.get("account")["id"] == "acct_sandbox"
    assert api.ask("GET", "account", **{"Stripe-Account": "acct_other"})["id"] == "acct_other"
    assert api.last.headers["Stripe-Account"] == "acct_other"


def test_the_version_asked_for_is_said_back(api: Api) -> None:
    """And without one the account's own."""
    api.ask("GET", "customers", **{"Stripe-Version": "2026-10-28.endive"})
    assert api.last.headers["Stripe-Version"] == "2026-10-28.endive"
    api.get("customers")
    assert api.last.headers["Stripe-Version"]
    assert api.last.headers["Request-Id"].startswith("req_")


def test_too_many_requests_are_refused_until_time_passes() -> None:
    """A second's worth at once, then evenly; no Retry-After, only which limit it was."""
    api = Api(rate_per_second=25)
    for _ in range(25):
        api.get("customers")
    assert api.ask("GET", "customers", status=429)["error"]["code"] == "rate_limit"
    assert api.last.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in api.last.headers
    api.clock.advance(0.05)
    api.get("customers")
    api.ask("GET", "customers", status=429)
    api.ask("GET", "customers", Authorization="Bearer sk_live_1")


def test_one_subscription_gets_ten_invoices_a_minute_and_twenty_a_day(api: Api) -> None:
    """Its own first one counts."""
    made = api.a_subscription()
    wish = {"customer": made["customer"], "subscription": made["id"]}
    for _ in range(9):
        api.post("invoices", **wish)
    api.post("invoices", 429, **wish)
    assert api.last.headers["Stripe-Rate-Limited-Reason"] == "resource-specific"
    api.clock.advance(60)
    for _ in range(10):
        api.post("invoices", **wish)
    api.clock.advance(60)
    api.post("invoices", 429, **wish)
    api.clock.advance(86_400)
    api.post("invoices", **wish)


def test_an_error_names_its_parameter(api: Api) -> None:
    """Unknown, missing, not a number, not one of the words, not there."""
    customer = api.a_customer()["id"]
    assert api.error("customers", colour="red")["code"] == "parameter_unknown"
    assert api.error("invoices")["param"] == "customer"
    for wrong in ("ten", "1.5", "", "١"):
        error = api.error("invoiceitems", customer=customer, currency="eur", amount=wrong)
        assert (error["param"], error["type"]) == ("amount", "invalid_request_error")
    assert api.error("refunds", charge="ch_1", reason="boredom")["param"] == "reason"
    assert api.error("refunds", charge="ch_1")["code"] == "resource_missing"
    assert api.get("customers/cus_1", 404)["error"]["code"] == "resource_missing"
    assert api.get("unicorns", 404)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("form", ["a[=1", "metadata=x&metadata[a]=1", "metadata[a][b]=1", "[x]=1", "email[a]=1",
                                  "metadata[a]=1&metadata=x", "a[b][c][d][e][f][g]=1", "%ff=1", "\xff=1"])  # fmt: skip
def test_a_form_that_makes_no_sense_is_a_400(api: Api, form: str) -> None:
    """Never a failure of the stand-in."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = api.client.post("/v1/customers", content=form.encode("latin-1"), headers=headers)
    assert answer.status_code == 400, answer.text


def test_metadata_has_limits(api: Api) -> None:
    """50 keys, 40 characters, 500 characters; an update counts what is there already."""
    api.a_customer(metadata={"k" * 40: "v" * 500})
    api.error("customers", metadata={"k" * 41: "v"})
    api.error("customers", metadata={"k": "v" * 501})
    made = api.a_customer(metadata={f"k{n}": "v" for n in range(50)})
    api.error("customers", metadata={f"k{n}": "v" for n in range(51)})
    api.error(f"customers/{made['id']}", metadata={"one_more": "v"})
    api.post(f"customers/{made['id']}", metadata={"k0": "", "one_more": "v"})


def test_metadata_is_merged_and_cleared(api: Api) -> None:
    """A key given an empty text goes, the others stay; an empty text for all clears all."""
    made = api.a_customer(metadata={"a": "1", "b": "2"})
    assert api.post(f"customers/{made['id']}", metadata={"a": "", "c": 3})["metadata"] == {"b": "2", "c": "3"}
    assert api.post(f"customers/{made['id']}", metadata="")["metadata"] == {}
