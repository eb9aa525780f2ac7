"""`make demo`: plays the day against a fresh Counterfoil and tells on one screen what became of it.

Everything happens through the front door: signed requests over HTTP, the API with a token, the commands. Then it keeps
serving; with DEMO_EXIT=1 it stops. Its data lives in a folder of its own and is made anew each time.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from ingest.providers import find
from sandbox.day import Delivery, the_day

HOME = Path(".counterfoil") / "demo"
HOST, PORT = "127.0.0.1", 8000
#: How long the day may take to settle on a slow machine.
PATIENCE_SECONDS = 60

screen = Console(width=max(100, min(Console().width, 120)), record=True)


class DemoStopped(Exception):
    """The demo cannot go on; the message says why and what to do."""


def environment() -> dict[str, str]:
    """Settings of the demo's own Counterfoil: made-up secrets, its own data folder, nothing of the shell's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERFOIL_", "STRIPE_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SENTRY_DSN", "HUBSPOT_CLIENT_SECRET", "PORT"):
        ours.pop(name, None)
    return ours | {
        "COUNTERFOIL_ENV": "development",
        "COUNTERFOIL_HOME": str(HOME),
        "COUNTERFOIL_PUBLIC_URL": f"http://{HOST}:{PORT}",
        "COUNTERFOIL_PORT": str(PORT),
        "COUNTERFOIL_API_TOKEN": secrets.token_urlsafe(24),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_MODE": "live",
        "HUBSPOT_CLIENT_SECRET": secrets.token_hex(16),
    }


class Company:
    """A running Counterfoil and the ways to talk to it."""

    def __init__(self) -> None:
        self.env = environment()
        self.base = f"http://{HOST}:{PORT}"
        self.api = httpx.Client(
            base_url=f"http://{HOST}:{PORT}/api/v1",
            headers={"Authorization": f"Bearer {self.env['COUNTERFOIL_API_TOKEN']}", "X-Counterfoil-Actor": "demo"},
            timeout=30,
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start `counterfoil serve` on empty data and wait until it could record; returns the seconds that took."""
        began = time.monotonic()
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        log = (HOME / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "serve"], env=self.env, stdout=log, stderr=log, start_new_session=True
        )
        while time.monotonic() - began < PATIENCE_SECONDS:
            if self.process.poll() is not None:
                said = (HOME / "serve.log").read_text().strip().splitlines()
                raise DemoStopped("Counterfoil did not start:\n" + "\n".join(said[-8:]))
            try:
                if httpx.get(f"{self.base}/readyz", timeout=2).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise DemoStopped(f"Counterfoil was not ready within {PATIENCE_SECONDS} s; see {HOME / 'serve.log'}")

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

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """One API call that must succeed."""
        answer = self.api.request(method, path, **more)
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

    def settle(self) -> list[dict[str, Any]]:
        """Wait until nothing moves any more but what waits for a time."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            events = self.every("/events")
            if not any(event["status"] in ("queued", "running") for event in events):
                return events
            time.sleep(0.2)
        raise DemoStopped("the day did not settle in time; `counterfoil doctor` says what still moves")


def tell(company: Company) -> None:
    """The whole story."""
    with screen.status("Starting Postgres, door, worker and console …"):
        took = company.start()
    screen.print(f"[green]✓[/] Postgres, door, worker and console started in {took:.1f} s\n")
    _deliver(company)
    with screen.status("The worker is busy …"):
        events = company.settle()
    _results(company, events)
    _mend(company)
    _replay_everything(company)
    screen.rule("Trial balance", align="left")
    screen.print(company.command("books").rstrip(), highlight=False)
    screen.rule()
    screen.print(company.command("doctor").strip().splitlines()[-1])


def _deliver(company: Company) -> None:
    deliveries = the_day(int(time.time()))
    told: dict[str, Counter[str]] = {}
    with screen.status("Posting the day …"):
        for delivery in deliveries:
            answer = company.post(delivery)
            row = told.setdefault(f"{delivery.source}: {delivery.story}", Counter())
            row["requests"] += 1
            if answer.status_code == 200:
                row["new"] += answer.json()["accepted"]
                row["known"] += answer.json()["duplicates"]
            else:
                row[str(answer.status_code)] += 1
    table = Table(title=f"In at the door: {len(deliveries)} deliveries", title_justify="left")
    for name in ("delivery", "requests", "new events", "known already", "refused"):
        table.add_column(name, justify="left" if name == "delivery" else "right")
    for story, row in told.items():
        refused = sum(count for name, count in row.items() if name.isdigit())
        table.add_row(story, *(str(n) if n else "·" for n in (row["requests"], row["new"], row["known"], refused)))
    screen.print(table)


def _results(company: Company, events: list[dict[str, Any]]) -> None:
    writes = company.every("/writes")
    by_status = Counter(event["status"] for event in events)
    screen.print(
        f"\n[bold]{len(events)}[/] events recorded once each, "
        f"{sum(event['deliveries'] - 1 for event in events)} repeats folded into them.  "
        + "  ".join(f"{status}: [bold]{count}[/]" for status, count in sorted(by_status.items()))
        + f"\n[bold]{len(writes)}[/] entries in the books, one per paid invoice.\n"
    )
    _cases(company)


def _cases(company: Company) -> None:
    table = Table(title="On somebody's desk", title_justify="left")
    for name in ("class", "what", "owner", "events", "at stake"):
        table.add_column(name, justify="right" if name in ("events", "at stake") else "left", overflow="fold")
    for case in company.every("/cases", status="open"):
        table.add_row(case["class"], case["title"], case["owner"], str(case["count"]), _money(case["at_stake"]))
    screen.print(table)


def _money(amounts: list[dict[str, Any]]) -> str:
    from contracts.money import Money

    return ", ".join(str(Money(one["amount_minor"], one["currency"])) for one in amounts) or "–"


def _mend(company: Company) -> None:
    """The owner corrects one payload, looks at the difference, and replays."""
    case = next(
        case
        for case in company.every("/cases", status="open")
        if case["class"] == "contract_violation" and case["handler"] == "invoice_paid" and case["count"] == 1
    )
    event = company.ask("GET", f"/events/{case['events'][0]}")
    payload = event["payload"]
    if payload["data"]["object"]["customer"] is None:
        payload["data"]["object"]["customer"] = "cus_demojuniper"
    else:
        payload["data"]["object"]["currency"] = "usd"
        for line in payload["data"]["object"]["lines"]["data"]:
            line["currency"] = "usd"
    reason = {"reason": "corrected from the provider's record"}
    company.ask("POST", f"/cases/{case['id']}/acknowledge", json={"reason": "looking at it"})
    company.ask("POST", f"/cases/{case['id']}/edit", json={"event_id": event["id"], "payload": payload, **reason})
    company.settle()
    after = company.ask("GET", f"/events/{event['id']}")
    case = company.ask("GET", f"/cases/{case['id']}")
    screen.print(
        f"\n[bold]A fix and a replay.[/] The owner corrected {event['key']}: now [green]{after['status']}[/], its "
        f"case [green]{case['status']}[/]; the original stays beside the corrected copy."
    )


def _replay_everything(company: Company) -> None:
    """The whole day once more: nothing may be written twice."""
    before = len(company.every("/writes"))
    some = next(event for event in company.every("/events", status="done") if event["type"] == "invoice.paid")
    dry = company.ask("POST", f"/events/{some['id']}/replay", json={"dry_run": True, "from": "start", "reason": "demo"})
    job = company.ask("POST", "/replays", json={"filter": {"status": "done"}, "reason": "demo: the day once more"})
    until = time.monotonic() + PATIENCE_SECONDS
    while job["status"] not in ("finished", "cancelled") and time.monotonic() < until:
        time.sleep(0.3)
        job = company.ask("GET", f"/replays/{job['id']}")
    after = len(company.every("/writes"))
    changes = Counter(change["change"] for change in dry["difference"])
    screen.print(
        f"[bold]The whole day replayed.[/] One dry run first: {changes['same']} of {changes.total()} writes the same, "
        f"{dry['outbound_calls']} outbound calls. Then all: {job['progress']['done']} events replayed: "
        f"{before} entries before, [bold]{after}[/] after.\n"
    )


def main() -> int:
    """Tell the story, then serve until interrupted (or stop, with DEMO_EXIT=1)."""
    signal.signal(signal.SIGTERM, _interrupted)
    company = Company()
    try:
        tell(company)
        if picture := os.environ.get("DEMO_PICTURE"):
            # The picture in the README; without the fonts that it would fetch from elsewhere.
            svg = screen.export_svg(title="make demo")
            Path(picture).write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))
        if os.environ.get("DEMO_EXIT") == "1":
            return 0
        screen.print(
            f"\nStill serving: door http://{HOST}:{PORT}, API http://{HOST}:{PORT}/api/v1 "
            f"(token {company.env['COUNTERFOIL_API_TOKEN']}). Ctrl-C ends it."
        )
        assert company.process is not None
        company.process.wait()
    except KeyboardInterrupt:
        screen.print("\nStopping …")
    except (DemoStopped, httpx.HTTPError) as stopped:
        screen.print(f"[red]The demo stopped:[/] {stopped}")
        return 1
    finally:
        company.stop()
    return 0


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
