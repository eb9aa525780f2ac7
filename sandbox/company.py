"""A running Counterfoil as its users meet it: its door, its API, its commands. What the demo plays on."""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from ingest.providers import find
from sandbox.day import Delivery

HOST, PORT = "127.0.0.1", int(os.environ.get("DEMO_PORT", "8000"))
#: How long anything of the demo may take on a slow machine.
PATIENCE_SECONDS = 60
#: Writes in these states move by themselves; what waits for a person does not.
MOVING = ("planned", "approved", "sending", "in_doubt")


class DemoStopped(Exception):
    """The demo cannot go on; the message says why and what to do."""


def environment(home: Path, outside: Mapping[str, str]) -> dict[str, str]:
    """Settings of the demo's own Counterfoil: made-up secrets, its own data folder, nothing of the shell's.

    `outside`: where Stripe and HubSpot are, and what lets us in.
    """
    foreign = ("COUNTERFOIL_", "STRIPE_", "HUBSPOT_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SENTRY_DSN", "PORT"):
        ours.pop(name, None)
    return {
        **ours,
        **outside,
        "COUNTERFOIL_ENV": "development",
        "COUNTERFOIL_HOME": str(home),
        "COUNTERFOIL_PUBLIC_URL": f"http://{HOST}:{PORT}",
        "COUNTERFOIL_PORT": str(PORT),
        "COUNTERFOIL_API_TOKEN": secrets.token_urlsafe(24),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_MODE": "live",
        "HUBSPOT_CLIENT_SECRET": secrets.token_hex(16),
    }


class Company:
    """A running Counterfoil and the ways to talk to it."""

    def __init__(self, home: Path, outside: Mapping[str, str]) -> None:
        self.home = home
        self.env = environment(home, outside)
        self.base = f"http://{HOST}:{PORT}"
        self.api = httpx.Client(
            base_url=f"http://{HOST}:{PORT}/api/v1",
            headers={"Authorization": f"Bearer {self.env['COUNTERFOIL_API_TOKEN']}"},
            timeout=30,
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start `counterfoil serve` on empty data and wait until it could record; returns the seconds that took."""
        began = time.monotonic()
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        log = (self.home / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "serve"], env=self.env, stdout=log, stderr=log, start_new_session=True
        )
        while time.monotonic() - began < PATIENCE_SECONDS:
            if self.process.poll() is not None:
                said = (self.home / "serve.log").read_text().strip().splitlines()
                raise DemoStopped("Counterfoil did not start:\n" + "\n".join(said[-8:]))
            try:
                if httpx.get(f"{self.base}/readyz", timeout=2).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise DemoStopped(f"Counterfoil was not ready within {PATIENCE_SECONDS} s; see {self.home / 'serve.log'}")

    def stop(self) -> None:
        """End the process and everything it started."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def post(self, delivery: Delivery) -> httpx.Response:
        """One signed request, as the provider would make it."""
        provider = find()[delivery.source]
        secret = self.env[provider.secret_env]
        url = f"{self.base}/webhooks/{delivery.source}"
        headers = provider.sign(delivery.body, secret, time.time(), url)
        body = delivery.body[:-2] + b" }" if delivery.tampered else delivery.body
        return httpx.post(url, content=body, headers={**headers, "Content-Type": "application/json"}, timeout=10)

    def every(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.ask("GET", path, params={"limit": 500, **query, **({"cursor": cursor} if cursor else {})})
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def ask(self, method: str, path: str, *, who: str = "demo", **more: Any) -> dict[str, Any]:
        """One API call that must succeed; `who`: in whose name."""
        answer = self.api.request(method, path, headers={"X-Counterfoil-Actor": who}, **more)
        if answer.is_error:
            raise DemoStopped(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        found: dict[str, Any] = answer.json()
        return found

    def command(self, *words: str) -> str:
        """What a `counterfoil` command prints."""
        done = subprocess.run(  # noqa: S603 - our own command, our own words
            [sys.executable, "-m", "console.cli", *words],
            env=self.env | {"COLUMNS": "96"},
            capture_output=True,
            check=False,
        )
        return done.stdout.decode()

    def invite(self) -> str:
        """Let the demo's people in; a link with which fiona opens the console, once."""
        done = subprocess.run([sys.executable, "-m", "sandbox.people"], env=self.env, capture_output=True, check=False)
        if done.returncode:
            raise DemoStopped(f"nobody could be let in: {done.stderr.decode()[-300:]}")
        return done.stdout.decode().strip()

    def settle(self) -> list[dict[str, Any]]:
        """Wait until nothing moves any more but what waits for a person or a time; all events."""
        self.wait_until(lambda: not self._moves(), "not everything settled")
        return self.every("/events")

    def _moves(self) -> bool:
        if any(event["status"] in ("queued", "running") for event in self.every("/events")):
            return True
        return any(self.ask("GET", "/writes", params={"status": state, "limit": 1})["items"] for state in MOVING)

    def wait_until(self, holds: Callable[[], Any], otherwise: str) -> Any:
        """What `holds` answers once it is something. Raises: DemoStopped."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if found := holds():
                return found
            time.sleep(0.2)
        raise DemoStopped(f"{otherwise} within {PATIENCE_SECONDS} s; `counterfoil doctor` says what still moves")
