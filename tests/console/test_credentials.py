"""Who may ask, and under which name."""

import httpx
import pytest

from console.api.route import PREFIX
from console.api.routes import ROUTES
from counterfoil.settings import settings

SOME_ID = "01a1fd7a-e2d8-7988-9f63-f692e65eb518"


def test_no_route_answers_without_a_token(stranger: httpx.Client) -> None:
    """401 before anything else is looked at: not 404, not 400."""
    for route in ROUTES:
        path = PREFIX + route.path.replace("{id}", SOME_ID)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            answer = stranger.request(route.method, path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_unset_token_lets_nobody_in_and_says_what_to_set(
    stranger: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not an empty one."""
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("COUNTERFOIL_API_TOKEN")
        else:
            monkeypatch.setenv("COUNTERFOIL_API_TOKEN", value)
        settings.cache_clear()
        for token in ("None", "x"):
            answer = stranger.get(f"{PREFIX}/stats", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401
    monkeypatch.delenv("COUNTERFOIL_API_TOKEN")
    settings.cache_clear()
    assert "set COUNTERFOIL_API_TOKEN" in stranger.get(f"{PREFIX}/stats").json()["detail"]


@pytest.mark.parametrize(
    "value", [b"Bearer \xff\xfe", b"Bearer " + b"\xc3\xa9" * 20, b"Bearer", b"bearer x y", b"\xe9"]
)
def test_a_strange_credential_is_wrong_and_nothing_worse(stranger: httpx.Client, value: bytes) -> None:
    """Bytes beyond ASCII compare unequal; they do not raise."""
    assert stranger.get(f"{PREFIX}/stats", headers={b"Authorization": value}).status_code == 401


@pytest.mark.parametrize("name", ["", "x" * 81, "a\tb"])
def test_a_name_that_is_none_is_refused(api: httpx.Client, name: str) -> None:
    """1 to 80 visible characters."""
    answer = api.get("/stats", headers={"X-Counterfoil-Actor": name})
    assert answer.status_code == 400
    assert "X-Counterfoil-Actor" in answer.json()["detail"]


def test_health_and_description_need_no_token(stranger: httpx.Client) -> None:
    """Machines look at these; nothing in them is anybody's business data."""
    assert stranger.get("/healthz").status_code == 200
    assert stranger.get("/readyz").status_code == 200
    assert stranger.get(f"{PREFIX}/openapi.json").json()["openapi"] == "3.1.0"
    assert "/api/v1/openapi.json" in stranger.get("/sign-in").text
    assert "counterfoil_" in stranger.get("/metrics").text


def test_readiness_says_what_is_missing(stranger: httpx.Client, conn: object) -> None:
    """A database without tables cannot take an event."""
    conn.execute("ALTER TABLE events RENAME TO gone")  # type: ignore[attr-defined]
    conn.commit()  # type: ignore[attr-defined]
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert "counterfoil migrate" in answer.json()["detail"]


def test_metrics_may_have_a_token_of_their_own(
    database_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """With COUNTERFOIL_METRICS_TOKEN the page asks for it."""
    monkeypatch.setenv("COUNTERFOIL_METRICS_TOKEN", "look")
    stranger = request.getfixturevalue("stranger")
    assert stranger.get("/metrics").status_code == 401
    assert stranger.get("/metrics", headers={"Authorization": "Bearer look"}).status_code == 200
