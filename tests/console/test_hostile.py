"""What a sender does wrong is a 4xx problem with a sentence; it is never our fault and never a change."""

import time
from typing import Any

import httpx
import pytest

JSON = {"Content-Type": "application/json"}
QUERIES = [
    "limit=0",
    "limit=501",
    "limit=99999999999999999999999",
    "limit=x",
    "limit=1&limit=2",
    "limit=",
    "limit=1.5e3",
    "cursor=%00",
    "cursor=AAAA",
    "cursor=!!!",
    "cursor=" + "A" * 200,
    "since=yesterday",
    "since=2026-02-30T00:00:00Z",
    "since=2026-01-01",
    "since=2026-01-01T00:00:00",
    "since=1767225600",
    "since=0000-12-31T00:00:00Z",
    "until=10000-01-01T00:00:00Z",
    "until=%D9%A2026-01-01T00:00:00Z",
    "status=lost",
    "status=",
    "source=%00",
    "key=" + "k" * 501,
    "q=%20",
    "q=a%00b",
    "unknown=1",
    "Status=done",
]


def test_a_wrong_parameter_is_named(api: httpx.Client) -> None:
    """400 with `errors[]` that names the parameter; a misspelt filter never means everything."""
    for query in QUERIES:
        answer = api.get(f"/events?{query}")
        assert answer.status_code == 400, (query, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["errors"][0]["field"].split(".")[0] == query.partition("=")[0]
        assert problem.keys() >= {"type", "title", "status", "detail"}


def test_hours_outside_of_all_years_are_the_first_and_the_last(api: httpx.Client, story: Any) -> None:
    """Times that RFC 3339 can say and UTC cannot: bounds as any others, in a query and in a body."""
    since, until = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
    for path in ("/events", "/stats", "/audit"):
        assert api.get(path, params={"since": since, "until": until}).status_code == 200, path
    assert len(api.get("/events", params={"since": since, "until": until}).json()["items"]) == 3
    assert api.get("/events", params={"since": until}).json()["items"] == []
    plan = {"filter": {"since": since, "until": until}, "reason": "all of them", "dry_run": True}
    for path in ("/replays", "/reversals"):
        answer = api.post(path, json=plan)
        assert answer.status_code == 200, answer.text


BODIES: list[Any] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"5",
    b'"reason"',
    b"\xff\xfe",
    b'{"reason":"\xff"}',
    b'{"reason":"a\\u0000b"}',
    b'{"reason":"\\ud800"}',
    b'{"reason":NaN}',
    b'{"reason":"x","more":NaN}',
    b'{"reason":"x","other":1}',
    b'{"reason":["x"]}',
    b'{"reason":' + b"9" * 5000 + b"}",
    b'{"reason":"' + b"x" * 2001 + b'"}',
    b'{"reason":"x"} trailing',
    b'{"reason":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'\xef\xbb\xbf{"reason":"x"}',
    b'{"reason":"x","reason":"x"}',
    b'{"reason":"x","reason":"y"}',
    b'{"reason":"x","\\u0072eason":"y"}',
    b'{"reason":"x","from":"start","from":"start"}',
]


@pytest.mark.parametrize("route", ["cases/{case}/dismiss", "events/{done}/replay", "replays"])
def test_a_wrong_body_changes_nothing(api: httpx.Client, story: Any, route: str) -> None:
    """400, whatever it is, and nothing of it hangs."""
    for body in BODIES:
        started = time.perf_counter()
        answer = api.post("/" + route.format(case=story.case, done=story.done), content=body, headers=JSON)
        assert answer.status_code == 400, (body[:40], answer.text)
        assert time.perf_counter() - started < 10
    assert api.get(f"/cases/{story.case}").json()["status"] == "open"


PAYLOADS = [
    b"[]",
    b"null",
    b'"x"',
    b'{"a":NaN}',
    b'{"a":"\\u0000"}',
    b'{"a":"\\udfff"}',
    b'{"a":' + b"1" * 4400 + b"}",
    b'{"a":1e400}',
    b'{"a":1,"a":2}',
    b'{"a":{"b":[{"c":1,"c":1}]}}',
    b'{"' + b"k" * 70_000 + b'":1}',
    b"{}",
]


def test_a_hostile_correction_is_refused_and_not_stored(api: httpx.Client, story: Any, rows: Any) -> None:
    """Neither a 5xx nor a second version."""
    for payload in PAYLOADS:
        body = b'{"reason":"x","payload":' + payload + b"}"
        answer = api.post(f"/cases/{story.case}/edit", content=body, headers=JSON)
        assert answer.status_code in (400, 422), (payload[:40], answer.text)
    assert len(rows("SELECT 1 AS one FROM payloads WHERE event_id = %s", story.failed)) == 1


def test_only_json_is_read(api: httpx.Client, story: Any) -> None:
    """415, compressed bodies included."""
    url = f"/cases/{story.case}/acknowledge"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/xml"):
        headers = {"Content-Type": kind} if kind else {}
        assert api.post(url, content=b'{"reason":"x"}', headers=headers).status_code == 415, kind
    assert api.post(url, content=b"x", headers={**JSON, "Content-Encoding": "gzip"}).status_code == 415


def test_a_body_over_the_limit_is_cut_off(api: httpx.Client, story: Any) -> None:
    """413, with a length and without one."""
    big = b'{"reason":"' + b"x" * 1_100_000 + b'"}'
    url = f"/cases/{story.case}/acknowledge"
    assert api.post(url, content=big, headers=JSON).status_code == 413
    assert api.post(url, content=iter([big]), headers=JSON).status_code == 413


def test_another_method_is_405_and_names_those_that_are(api: httpx.Client) -> None:
    """With `Allow`."""
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = api.request(method, "/events")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert api.request(method, "/replays").headers["allow"] == "GET, HEAD, POST"


def test_another_path_is_a_404_problem(api: httpx.Client) -> None:
    """No redirect, no page."""
    for path in ("", "/", "/event", "/events/", "/events//explain", "/../secrets", "/events/%2e%2e"):
        answer = api.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_key_that_is_none_is_refused(api: httpx.Client, story: Any) -> None:
    """1 to 200 visible ASCII characters."""
    for key in ("", "x" * 201, "a b", "ä".encode()):
        headers = {"Idempotency-Key": key}
        answer = api.post(f"/cases/{story.case}/acknowledge", json={"reason": "x"}, headers=headers)
        assert answer.status_code == 400, key
    assert api.get(f"/cases/{story.case}").json()["status"] == "open"


def test_a_database_that_is_away_is_a_503_in_bounded_time(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Retry-After; and it says no address and no user."""
    from counterfoil import database
    from counterfoil.settings import settings

    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:1/none")
    database.forget()
    settings.cache_clear()
    started = time.perf_counter()
    for answer in (api.get("/events"), api.post("/replays", json={"reason": "x", "filter": {"source": "s"}})):
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        assert "somebody" not in answer.text
        assert "secret" not in answer.text
    assert time.perf_counter() - started < 15


def test_no_correction_is_taken_that_nests_too_deep_to_be_shown(api: httpx.Client, story: Any) -> None:
    """Given one that was taken, a look at its event is masked, explained and answered like any other."""
    payload = api.get(f"/events/{story.failed}").json()["payload"]
    payload["data"]["object"]["subtotal"] -= 100
    for depth, status in ((400, 422), (180, 200)):
        nested: Any = {}
        for level in range(depth):
            nested = {"a": nested} if level % 2 else [nested]
        payload["nested"] = nested
        answer = api.post(f"/cases/{story.case}/edit", json={"reason": "deep", "payload": payload})
        assert answer.status_code == status, (depth, answer.text[:300])
        for path in (f"/events/{story.failed}", f"/events/{story.failed}?reveal=false", f"/cases/{story.case}"):
            assert api.get(path).status_code == 200, (depth, path)
