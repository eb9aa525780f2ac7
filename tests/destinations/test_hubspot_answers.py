"""HubSpot's answers, one by one: each row of the table has an answer that meets it; what meets none is no success."""

from typing import Any

import pytest

from destinations.http import Answer, NoAnswer, NotConfigured, NotSent, ReadOnly
from destinations.hubspot.answers import (
    MOVING_SECONDS,
    MOVING_SECONDS_MAX,
    ROWS,
    NotRead,
    before_writing,
    classify,
    classify_row,
    existing_in,
    of_failure,
    receipt,
    record_id,
)

#: status, body, meaning, whether HubSpot as a whole is down, seconds
ANSWERS: list[tuple[int, Any, str, bool, Any]] = [
    (400, {"status": "error", "category": "VALIDATION_ERROR"}, "refused", False, None),
    (400, {}, "refused", False, None),
    (401, {"category": "INVALID_AUTHENTICATION"}, "retry", True, None),
    (401, None, "retry", True, None),
    (403, {"category": "MISSING_SCOPES"}, "retry", True, None),
    (403, {"category": "BANNED"}, "retry", True, None),
    (404, {"category": "OBJECT_NOT_FOUND"}, "refused", False, None),
    (408, None, "unknown", False, None),
    (409, {"category": "CONFLICT"}, "refused", False, None),
    (414, {}, "refused", False, None),
    (423, {"category": "LOCKED"}, "retry", False, 5.0),
    (429, {"errorType": "RATE_LIMIT", "policyName": "DAILY"}, "retry", True, "midnight"),
    (429, {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}, "retry", False, 10.0),
    (429, {}, "retry", False, 10.0),
    (429, None, "retry", False, 10.0),
    (477, {"category": "MIGRATION_IN_PROGRESS"}, "retry", True, MOVING_SECONDS),
    (499, None, "unknown", False, None),
    *((status, None, "unknown", True, None) for status in (500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 599)),
    (200, [], "unknown", False, None),
    (204, None, "unknown", False, None),
    (302, None, "unknown", False, None),
]
ROWS_OF_A_207: list[tuple[Any, str]] = [
    ({"category": "VALIDATION_ERROR"}, "refused"),
    ({"category": "CONFLICT"}, "refused"),
    ({"category": "OBJECT_NOT_FOUND"}, "refused"),
    ({"category": "RATE_LIMITS"}, "retry"),
    ({"category": "SOMETHING_NEW"}, "unknown"),
    ({}, "unknown"),
    (None, "unknown"),
    ("no object", "unknown"),
]


@pytest.mark.parametrize(("status", "body", "meaning", "down", "after"), ANSWERS)
def test_an_answer_means_one_thing(status: int, body: Any, meaning: str, down: bool, after: Any) -> None:
    """By status and category, with whatever else is absent."""
    verdict = classify(Answer(status, {}, body))
    assert (verdict.meaning, verdict.row.down, verdict.after) == (meaning, down, after)
    assert str(status) in verdict.detail


@pytest.mark.parametrize(("error", "meaning"), ROWS_OF_A_207)
def test_an_error_inside_a_207_means_one_thing(error: Any, meaning: str) -> None:
    """It has a category and no status; what is not known is not known."""
    assert classify_row(error).meaning == meaning


def test_every_row_of_the_table_is_met() -> None:
    """A row that no answer meets is a row that nobody tested."""
    met = {id(classify(Answer(status, {}, body)).row) for status, body, *_ in ANSWERS}
    met |= {id(classify_row(error).row) for error, _ in ROWS_OF_A_207}
    assert {id(row) for row in ROWS} <= met


def test_no_row_calls_a_request_done() -> None:
    """Only an answer that holds what was asked for does."""
    assert {row.meaning for row in ROWS} == {"refused", "retry", "unknown"}


def test_the_properties_at_fault_are_named_and_what_somebody_wrote_is_not() -> None:
    """Messages hold values; codes and names of properties do not."""
    errors = [
        {"message": "Email address ada@example.com is invalid", "context": {"propertyName": ["email"]}},
        {"message": "x", "context": {"properties": ["hs_timestamp", "Ada Example", 7]}},
        {"context": "no object"},
        "no object",
    ]
    body = {"message": "ada@example.com", "category": "ada@example.com", "policyName": "Ada", "errors": errors}
    told = classify(Answer(400, {}, body)).detail
    assert told == "HubSpot does not take the request (400), because of email, hs_timestamp"


@pytest.mark.parametrize(
    ("message", "id"),
    [
        ("Contact already exists. Existing ID: 20000000001", "20000000001"),
        ("Existing ID: 1. Existing ID: 1", "1"),
        ("Existing ID: 1. Existing ID: 2", None),
        ("Existing ID: 12x", None),
        ("Existing ID: ١٢", None),
        ("Existing ID: 123456789012345678901", None),
        ("Existing ID: ../../2", None),
        ("", None),
        (None, None),
    ],
)
def test_the_record_in_the_way_is_read_strictly(message: Any, id: str | None) -> None:
    """Digits, and one of them; everything else is no id."""
    assert existing_in({"message": message}) == id


@pytest.mark.parametrize("value", ["", "1a", "-1", 12, None, True, "²", "1" * 21])
def test_what_is_no_id_is_none(value: Any) -> None:
    """Ids are digits in text."""
    assert record_id(value) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("999999", MOVING_SECONDS_MAX),
        ("soon", MOVING_SECONDS),
        ("-1", MOVING_SECONDS),
        ("", MOVING_SECONDS),
    ],
)
def test_a_moving_account_says_how_long(header: str, seconds: float) -> None:
    """As long as it is a number, and up to a day."""
    assert classify(Answer(477, {"retry-after": header}, None)).after == seconds


def test_a_call_without_an_answer_means_what_is_known_of_it() -> None:
    """Sent: nobody knows. Never connected, or before anything was sent: certainly not done."""
    assert of_failure(NoAnswer("POST /x: ReadTimeout")).meaning == "unknown"
    assert of_failure(NotSent("POST /x: ConnectError")).meaning == "retry"
    assert of_failure(NotConfigured("HUBSPOT_ACCESS_TOKEN is not set")).detail == "HUBSPOT_ACCESS_TOKEN is not set"
    assert of_failure(ReadOnly("POST /x: this client only reads")).meaning == "refused"
    assert before_writing(NoAnswer("GET /x: ReadTimeout")).meaning == "retry"
    limited = before_writing(NotRead(classify(Answer(429, {}, {}))))
    assert (limited.meaning, limited.after_seconds, limited.down) == ("retry", 10.0, False)


def test_a_receipt_holds_what_proves_it_and_nothing_else() -> None:
    """The number under which HubSpot finds the request, if it is one."""
    body = {"correlationId": "ada@example.com", "properties": {"email": "ada@example.com"}}
    assert receipt(Answer(200, {}, body), id="1") == {"http_status": 200, "id": "1"}
    assert receipt(Answer(200, {"x-hubspot-correlation-id": "ab-12"}, body)) == {
        "http_status": 200,
        "correlation_id": "ab-12",
    }
