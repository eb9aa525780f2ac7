"""`make demo`: plays the day against a fresh Counterfoil and tells on one screen what became of it.

Everything happens through the front door: signed requests over HTTP, the API with a token, the commands; Stripe and
HubSpot are played by the sandbox. Then it keeps serving; with DEMO_EXIT=1 it stops. Its data lives in a folder of its
own and is made anew each time.
"""

import os
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from sandbox.company import Company, DemoStopped
from sandbox.day import the_day
from sandbox.outside import Outside, outside
from sandbox.story import Story

HOME = Path(".counterfoil") / "demo"

screen = Console(width=max(100, min(Console().width, 120)), record=True)


def tell(company: Company, outside: Outside) -> None:
    """The whole story."""
    with screen.status("Starting Postgres, door, worker and console …"):
        took = company.start()
    screen.print(f"[green]✓[/] Postgres, door, worker and console started in {took:.1f} s\n")
    _deliver(company)
    with screen.status("The worker is busy …"):
        events = company.settle()
    _results(company, events)
    _mend(company)
    Story(company, outside, screen).tell()
    _replay_everything(company, outside)
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
    booked = sum(write["destination"] == "books" for write in writes)
    by_status = Counter(event["status"] for event in events)
    screen.print(
        f"\n[bold]{len(events)}[/] events recorded once each, "
        f"{sum(event['deliveries'] - 1 for event in events)} repeats folded into them.  "
        + "  ".join(f"{status}: [bold]{count}[/]" for status, count in sorted(by_status.items()))
        + f"\n[bold]{booked}[/] entries in the books, one per paid invoice; "
        f"[bold]{len(writes) - booked}[/] writes to HubSpot: the last payment at its contact.\n"
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


def _replay_everything(company: Company, outside: Outside) -> None:
    """The whole day once more: nothing may be written twice."""
    before, asked = len(company.every("/writes")), outside.changes_asked()
    some = next(event for event in company.every("/events", status="done") if event["type"] == "invoice.paid")
    dry = company.ask("POST", f"/events/{some['id']}/replay", json={"dry_run": True, "from": "start", "reason": "demo"})
    job = company.ask("POST", "/replays", json={"filter": {"status": "done"}, "reason": "demo: the day once more"})
    job = company.wait_until(lambda: _ended(company, job["id"]), "the replay did not end")
    company.settle()
    after = len(company.every("/writes"))
    changes = Counter(change["change"] for change in dry["difference"])
    screen.print(
        f"[bold]The whole day replayed.[/] One dry run first: {changes['same']} of {changes.total()} writes the same, "
        f"{dry['outbound_calls']} outbound calls. Then all: {job['progress']['done']} events replayed: "
        f"{before} writes before, [bold]{after}[/] after; Stripe and HubSpot were asked to change something "
        f"[bold]{outside.changes_asked() - asked}[/] times.\n"
    )


def _ended(company: Company, id: str) -> dict[str, Any] | None:
    job = company.ask("GET", f"/replays/{id}")
    return job if job["status"] in ("finished", "cancelled") else None


def main() -> int:
    """Tell the story, then serve until interrupted (or stop, with DEMO_EXIT=1)."""
    signal.signal(signal.SIGTERM, _interrupted)
    with outside() as world:
        company = Company(HOME, world.settings())
        try:
            return _play(company, world)
        except KeyboardInterrupt:
            screen.print("\nStopping …")
        except (DemoStopped, httpx.HTTPError) as stopped:
            screen.print(f"[red]The demo stopped:[/] {stopped}")
            return 1
        finally:
            company.stop()
    return 0


def _play(company: Company, world: Outside) -> int:
    tell(company, world)
    if picture := os.environ.get("DEMO_PICTURE"):
        # The picture in the README; without the fonts that it would fetch from elsewhere.
        svg = screen.export_svg(title="make demo")
        Path(picture).write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))
    if os.environ.get("DEMO_EXIT") == "1":
        return 0
    screen.print(
        f"\nStill serving: door {company.base}, API {company.base}/api/v1 "
        f"(token {company.env['COUNTERFOIL_API_TOKEN']}). Ctrl-C ends it.\n"
        f"The console, as Fiona from finance (opens once; another: `counterfoil user link fiona --enter`):\n",
        end="",
    )
    screen.print(company.invite(), soft_wrap=True)
    assert company.process is not None
    company.process.wait()
    return 0


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
