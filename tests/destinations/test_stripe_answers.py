"""Every answer of Stripe's to a write means one thing; what nobody expected never means that it was done."""

from typing import Any

import pytest

from destinations.http import Answer, NoAnswer, NotSent, ReadOnly
from destinations.stripe.answers import ROWS, WAIT_SECONDS_MAX, read, unanswered
from destinations.stripe.wire import form


def an_answer(status: int, *, headers: dict[str, str] | None = None, **error: Any) -> Answer:
    """As it comes from Stripe, with its error's members."""
    import httpx

    return Answer(status, httpx.Headers(headers or {}), {"error": error} if error else {"id": "x"})


@pytest.mark.parametrize(
    ("status", "error", "meaning", "down"),
    [
        (200, {}, "done", False),
        (201, {}, "done", False),
        (302, {}, "unknown", False),
        (400, {"type": "invalid_request_error", "param": "amount"}, "refused", False),
        (400, {"type": "idempotency_error"}, "unknown", False),
        (401, {}, "retry", True),
        (402, {"type": "card_error", "code": "card_declined"}, "refused", False),
        (403, {"code": "more_permissions_required"}, "retry", True),
        (404, {"code": "resource_missing"}, "refused", False),
        (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, "unknown", False),
        (409, {}, "unknown", False),
        (424, {}, "unknown", False),
        (429, {"code": "lock_timeout"}, "retry", False),
        (429, {"code": "rate_limit"}, "retry", False),
        (499, {}, "refused", False),
        (500, {"type": "api_error"}, "unknown", True),
        (503, {}, "unknown", True),
        (599, {}, "unknown", True),
        (101, {}, "unknown", False),
        (600, {}, "unknown", False),
    ],
)
def test_an_answer_means_one_thing(status: int, error: dict[str, str], meaning: str, down: bool) -> None:
    """The table, row by row. Take one away and its line here fails."""
    reply = read(an_answer(status, **error))
    assert (reply.meaning, reply.down) == (meaning, down)
    assert f"HTTP {status}" in reply.detail


def test_only_a_2xx_means_done_and_no_5xx_means_anything_certain() -> None:
    """Closed by default, over every status that there is."""
    for status in range(100, 700):
        meaning = read(an_answer(status, type="anything_new", code="never_seen")).meaning
        assert (meaning == "done") == (200 <= status < 300)
        if status >= 500 or status < 200:
            assert meaning == "unknown"
    assert {row.meaning for row in ROWS} == {"done", "refused", "retry", "unknown"}


def test_prose_stays_out() -> None:
    """Messages quote what people typed: neither detail nor receipt holds a word of them."""
    error = {"type": "invalid_request_error", "code": "email invalid: ada@customer.example"}
    reply = read(an_answer(400, **error, message="No such person: ada@customer.example", param="email"))
    assert "ada@" not in reply.detail + str(reply.receipt)
    assert "param" in reply.receipt


def test_a_replayed_answer_is_known_as_one() -> None:
    """A failure that is replayed says nothing of Stripe's health now, and only looking settles it."""
    replayed = {"Idempotent-Replayed": "true"}
    done, failed = read(an_answer(200, headers=replayed)), read(an_answer(500, headers=replayed))
    assert (done.meaning, done.replayed, done.used_up) == ("done", True, False)
    assert (failed.meaning, failed.used_up, failed.down) == ("unknown", True, False)


def test_stripes_own_advice_is_obeyed_within_what_is_certain() -> None:
    """Retry what it says can be retried, later what it says not to retry at once; an unknown stays unknown."""
    told = {"Stripe-Should-Retry": "true"}
    assert read(an_answer(400, headers=told)).meaning == "retry"
    assert read(an_answer(500, headers=told)).meaning == "unknown"
    assert read(an_answer(409, headers=told)).meaning == "unknown"
    later = read(an_answer(429, headers={"Stripe-Should-Retry": "false"}))
    assert (later.meaning, later.after_seconds) == ("retry", 60.0)
    assert read(an_answer(500, headers={"Stripe-Should-Retry": "false"})).meaning == "unknown"


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("99999999", WAIT_SECONDS_MAX), ("-1", None), ("soon", None), ("1e9", None)]
)
def test_a_wait_is_obeyed_up_to_a_day(header: str, seconds: float | None) -> None:
    """Whole seconds; nothing that a broken proxy says parks a write for ever."""
    assert read(an_answer(429, headers={"Retry-After": header})).after_seconds == seconds


def test_a_wrong_credential_is_told_by_its_setting() -> None:
    """It is the whole destination's trouble, and one knows where to look."""
    assert "STRIPE_API_KEY" in read(an_answer(401)).detail
    assert "STRIPE_READ_API_KEY" in read(an_answer(403), "STRIPE_READ_API_KEY").detail


def test_what_was_never_sent_is_certain_and_what_was_not_answered_is_not() -> None:
    """The three ways in which there is no answer."""
    assert unanswered(NotSent("x")).meaning == "retry"
    assert unanswered(NoAnswer("x")).meaning == "unknown"
    assert unanswered(ReadOnly("x")).meaning == "refused"


def test_a_form_is_always_the_same_bytes() -> None:
    """Nested members by their names, nothing for None, an empty text to take away; a float is a bug."""
    params = {"a": {"b": [{"c": 1}, {"c": True}]}, "d": None, "e": "", "f": ["x"]}
    assert list(form(params).items()) == [("a[b][0][c]", "1"), ("a[b][1][c]", "true"), ("e", ""), ("f[0]", "x")]
    with pytest.raises(TypeError, match="Bug"):
        form({"amount": 10.5})
