"""P12: nothing private leaves the process, and what Sentry is told can be searched by its four tags."""

import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sentry_sdk

from counterfoil import telemetry
from counterfoil.settings import settings


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What arrives at a Sentry of our own."""
    arrived: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.append((gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SENTRY_DSN", f"http://key@127.0.0.1:{server.server_port}/1")
    settings.cache_clear()
    telemetry.configure("test")
    yield arrived
    sentry_sdk.get_client().close()
    sentry_sdk.init()
    server.shutdown()
    settings.cache_clear()


def test_a_reported_failure_carries_its_four_tags(reports: list[str]) -> None:
    """Class, owner, handler and event id; remove a `set_tag` and this fails."""
    try:
        raise ZeroDivisionError("of whsec_verysecret for ada@example.com")
    except ZeroDivisionError as bug:
        telemetry.report_failure(
            bug, failure_class="handler_bug", owner="pia", handler="invoice_paid", event_id="01a1fd7a"
        )
    sentry_sdk.flush(5)
    (report,) = [text for text in reports if "ZeroDivisionError" in text]
    event = next(json.loads(line) for line in report.splitlines() if '"exception"' in line)
    assert event["tags"] == {
        "process": "test",
        "failure_class": "handler_bug",
        "owner": "pia",
        "handler": "invoice_paid",
        "event_id": "01a1fd7a",
    }
    assert "whsec_verysecret" not in report
    assert "ada@example.com" not in report


def test_what_a_variable_held_is_not_reported(reports: list[str]) -> None:
    """Locals hold payloads, and no pattern knows every name or street in one."""

    def handles(invoice: dict[str, str]) -> None:
        raise ZeroDivisionError(len(invoice))

    try:
        handles({"line": "Consulting for Lovelace and Sons, Ockham Park"})
    except ZeroDivisionError as bug:
        telemetry.report_failure(bug, failure_class="handler_bug", owner=None, handler=None, event_id=None)
    sentry_sdk.flush(5)
    (report,) = [text for text in reports if "ZeroDivisionError" in text]
    held = next(json.loads(line) for line in report.splitlines() if '"exception"' in line)
    frames = held["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"].endswith("handles")
    assert all("vars" not in frame for frame in frames)


def test_what_a_request_brought_is_not_reported(reports: list[str]) -> None:
    """A bug in a route is told without the body and the token of whoever met it."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def breaks(request: Request) -> None:
        await request.json()
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/cases", breaks, methods=["POST"])])
    client = TestClient(app, raise_server_exceptions=False)
    # By chance, because reports do quote the source around a frame, and this file is the source.
    line, token, typed = uuid.uuid4().hex, uuid.uuid4().hex, uuid.uuid4().hex
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post(f"/cases?q={typed}", json={"line": line}, headers=headers).status_code == 500
    sentry_sdk.flush(5)
    (report,) = [text for text in reports if "ZeroDivisionError" in text]
    assert "/cases" in report
    assert line not in report
    assert token not in report
    assert typed not in report


def test_the_integrations_for_starlette_and_dramatiq_are_on(reports: list[str]) -> None:
    """Both are wired by name, not left to chance."""
    client = sentry_sdk.get_client()
    assert client.get_integration("starlette") is not None
    assert client.get_integration("dramatiq") is not None


def test_without_a_dsn_nothing_is_reported() -> None:
    """Sentry is optional: no DSN, no client, no error."""
    telemetry.configure("test")
    telemetry.report_failure(ValueError(), failure_class="x", owner=None, handler=None, event_id=None)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"api_token": "t0p"}, {"api_token": "***"}),
        ({"deep": [{"password": "p"}]}, {"deep": [{"password": "***"}]}),
        ("key sk_live_abc123 here", "key *** here"),
        ("to ada@example.com", "to ***"),
        ("redis://user:pass@host/0", "redis***host/0"),
        ({"handler": "invoice_paid", "count": 3}, {"handler": "invoice_paid", "count": 3}),
        ({"customer_name": "Ada"}, {"customer_name": "***"}),
    ],
)
def test_redaction_goes_to_any_depth_and_leaves_the_rest(given: Any, shown: Any) -> None:
    """Names that say private are starred, texts lose what looks like a credential or an address."""
    assert telemetry.redact(given) == shown


def test_a_log_line_is_one_json_object_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    """One wide line per unit of work, ready for a log store."""
    telemetry.configure("test")
    telemetry.wide("run.failed", event_id="1", signature="v1=abc", note="whsec_abc")
    line = json.loads(capfd.readouterr().err.strip().splitlines()[-1])
    assert (line["event"], line["process"]) == ("run.failed", "test")
    assert (line["signature"], line["note"]) == ("***", "***")
