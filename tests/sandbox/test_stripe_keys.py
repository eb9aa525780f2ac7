"""Idempotency keys keep Stripe's promises, and only those."""

import httpx
import pytest
from stripe_api import Api

DAY_SECONDS = 86_400


def test_a_repeated_key_gives_the_first_answer_and_no_second_effect(api: Api) -> None:
    """The same object, marked as replayed, with the first request's id beside its own."""
    first = api.post("customers", key="k", email="a@example.com")
    request_id = api.last.headers["Request-Id"]
    assert "Idempotent-Replayed" not in api.last.headers
    assert api.post("customers", key="k", email="a@example.com") == first
    assert api.last.headers["Idempotent-Replayed"] == "true"
    assert api.last.headers["Original-Request"] == request_id != api.last.headers["Request-Id"]
    assert api.count("customer") == 1


def test_without_a_key_everything_happens_again(api: Api) -> None:
    """The danger that keys are for."""
    api.a_customer()
    api.a_customer()
    assert api.count("customer") == 2


def test_a_key_with_other_parameters_is_refused(api: Api) -> None:
    """Other values, other endpoint; the first answer stays."""
    first = api.post("customers", key="k", email="a@example.com")
    assert api.error("customers", key="k", email="b@example.com")["type"] == "idempotency_error"
    assert api.error("products", key="k", email="a@example.com")["type"] == "idempotency_error"
    assert api.post("customers", key="k", email="a@example.com") == first


def test_the_order_of_parameters_does_not_matter(api: Api) -> None:
    """A client may write its form in any order."""
    first = api.post("customers", key="k", email="a@example.com", metadata={"x": 1, "y": 2})
    assert api.post("customers", key="k", metadata={"y": 2, "x": 1}, email="a@example.com") == first


def test_a_key_lives_for_a_day_and_is_new_afterwards(api: Api) -> None:
    """Up to the last second the answer is replayed; then the same key writes again: why nothing is sent so late."""
    api.post("customers", key="k", email="a@example.com")
    api.clock.advance(DAY_SECONDS - 1)
    api.post("customers", key="k", email="a@example.com")
    assert api.count("customer") == 1
    api.clock.advance(1)
    api.post("customers", key="k", email="a@example.com")
    assert api.count("customer") == 2


def test_a_key_still_running_is_a_conflict(api: Api) -> None:
    """Who gave up too early and repeats meets the first request at work; later it is replayed."""
    api.fault("slow", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        api.post("customers", key="k", email="a@example.com")
    error = api.error("customers", 409, key="k", email="a@example.com")
    assert error["code"] == "idempotency_key_in_use"
    assert api.last.headers["Stripe-Should-Retry"] == "true"
    api.clock.advance(60)
    api.post("customers", key="k", email="a@example.com")
    assert api.last.headers["Idempotent-Replayed"] == "true"
    assert api.count("customer") == 1


def test_an_answer_lost_after_the_effect_is_found_by_its_key(api: Api) -> None:
    """Dropped, reset, cut in half, garbled: one effect whatever the client saw."""
    for number, kind in enumerate(("drop_after", "reset_after", "hang_after", "truncated")):
        api.fault(kind)
        with pytest.raises(httpx.TransportError):
            api.post("customers", key=f"k{number}")
        api.post("customers", key=f"k{number}")
        assert api.last.headers["Idempotent-Replayed"] == "true"
        assert api.count("customer") == number + 1


def test_a_failure_is_remembered_like_a_success(api: Api) -> None:
    """What was refused in execution is refused again, even when it could be done by now."""
    charge = api.a_charge(5000)
    assert api.error("refunds", key="k", charge=charge["id"], amount=6000)["param"] == "amount"
    api.error("refunds", key="k", charge=charge["id"], amount=6000)
    assert api.last.headers["Idempotent-Replayed"] == "true"


def test_a_500_after_the_effect_is_replayed_as_a_500(api: Api) -> None:
    """A 500 means unknown: here it happened, and the key will never say so."""
    api.fault("status_after", status=500)
    api.post("customers", 500, key="k")
    assert api.last.headers["Stripe-Should-Retry"] == "false"
    api.post("customers", 500, key="k")
    assert api.last.headers["Idempotent-Replayed"] == "true"
    assert api.count("customer") == 1


def test_a_500_without_effect_is_replayed_as_well(api: Api) -> None:
    """The same answer, and nothing happened: only looking tells the two apart."""
    api.fault("status_kept", status=500)
    api.post("customers", 500, key="k")
    api.post("customers", 500, key="k")
    assert api.last.headers["Idempotent-Replayed"] == "true"
    assert api.count("customer") == 0


def test_a_replay_that_is_spoilt_on_its_way_leaves_the_first_answer(api: Api) -> None:
    """The key stands for what was executed, not for what a proxy made of a later copy."""
    first = api.post("customers", key="k")
    for kind in ("status_after", "status_kept"):
        api.fault(kind, status=500)
        api.post("customers", 500, key="k")
        assert api.post("customers", key="k") == first


def test_a_500_instead_of_a_refusal_is_not_remembered(api: Api) -> None:
    """What never began is not kept, whatever its answer turned into."""
    api.fault("status_after", status=500)
    api.post("customers", 500, key="k", colour="red")
    api.post("customers", key="k")
    assert "Idempotent-Replayed" not in api.last.headers


def test_a_503_before_anything_began_is_not_remembered(api: Api) -> None:
    """The request never arrived; the repeat is the first."""
    api.fault("status", status=503)
    api.post("customers", 503, key="k")
    api.post("customers", key="k")
    assert "Idempotent-Replayed" not in api.last.headers


@pytest.mark.parametrize("kind", ["rate_limited", "lock_timeout"])
def test_a_429_is_not_remembered(api: Api, kind: str) -> None:
    """And says nothing about an earlier attempt."""
    api.fault(kind)
    api.post("customers", 429, key="k")
    assert "Retry-After" not in api.last.headers
    assert api.last.headers["Stripe-Rate-Limited-Reason"]
    api.post("customers", key="k")
    assert "Idempotent-Replayed" not in api.last.headers
    api.fault(kind)
    api.post("customers", 429, key="k")
    assert api.count("customer") == 1


def test_parameters_that_never_began_are_not_remembered(api: Api) -> None:
    """The corrected request may have the same key."""
    api.error("customers", key="k", colour="red")
    api.post("customers", key="k", email="a@example.com")
    assert "Idempotent-Replayed" not in api.last.headers


def test_a_read_uses_no_key(api: Api) -> None:
    """A GET with a key sees the present."""
    made = api.a_customer()
    api.ask("GET", f"customers/{made['id']}", key="k")
    api.post(f"customers/{made['id']}", name="Ada")
    assert api.ask("GET", f"customers/{made['id']}", key="k")["name"] == "Ada"


def test_accounts_and_modes_have_their_own_keys(api: Api) -> None:
    """One key in two accounts makes two effects."""
    one = api.ask("POST", "customers", key="k")
    two = api.ask("POST", "customers", key="k", **{"Stripe-Account": "acct_other"})
    three = api.ask("POST", "customers", key="k", Authorization="Bearer sk_live_sandbox")
    assert len({one["id"], two["id"], three["id"]}) == 3
    assert three["livemode"] is True


def test_a_key_has_at_most_255_characters(api: Api) -> None:
    """One more is refused."""
    api.post("customers", key="k" * 255)
    api.error("customers", key="k" * 256)


def test_a_late_request_takes_effect_once_with_its_key(api: Api) -> None:
    """It overtakes the question whether it happened; the repeat with the same key cannot double it."""
    api.fault("late", seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        api.post("customers", key="k")
    assert api.get("customers")["data"] == []
    api.post("customers", key="k")
    api.clock.advance(30)
    api.get("customers")
    assert api.count("customer") == 1
