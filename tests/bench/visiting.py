"""The turn of the pages: every page and every list of the API, over HTTP, at one console, in random order.

What counts is how long the console takes until the last byte, seen from the same machine. Where others use the
processors too, look at what each answer costs in CPU of the console and of Postgres.
"""

import http.client
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import company
import psycopg
from company import Things
from machine import ROOT, TICKS, Machine, Process, await_port, descendants, free_port
from psycopg.rows import dict_row
from seen import RIGHT, Seen
from turns import COUNTERFOIL

sys.path.append(str(ROOT / "tests/fixtures"))

#: Of every address, after as many that do not count.
REQUESTS, WARM = 40, 3
TOKEN = "bench-only-0123456789abcdef0123456789abcdef"
#: Pages that look different, or cost more, when they are asked for more.
MORE = (
    "/cases?status=",
    "/cases?status=resolved",
    "/cases?status=&owner=fiona",
    "/cases?status=&q=total_adds_up",
    "/cases?status=&q=no-such-word",
    "/cases?status=&q=amount>5000",
    "/cases?status=&q=type:nothing",
    "/cases/{small_case}",
    "/cases/{case}?edit=1",
    "/cases/{small_case}?try=1",
    "/events?status=exception",
    "/events?status=waiting",
    "/events?source=hubspot",
    "/events?q=class:write_refused source:stripe",
    "/events?q=customer:cus_77",
    "/events?q=amount>8999",
    "/events?q=no-such-thing",
    "/events?q=handler:deal_closed_won status:ignored",
    "/events?q=class:contract_violation source:hubspot status:done",
    "/events?q=customer:customer type:nothing",
    "/events?q=destination:nowhere",
    "/events/{booked}",
    "/events/{booked}?try=1",
    "/writes?status=refused",
    "/writes?status=reversed",
    "/writes?q=amount:42.00",
    "/writes?q=type:charge.succeeded",
    "/writes/{write}?undo=1",
    "/search?q=cus_77",
    "/search?q=customer 77",
    "/search?q=no-such-thing",
    "/search?q=class:contract_violation source:stripe amount>1000",
    "/today?window=1h",
    "/today?window=7d",
    "/audit?actor=nobody",
    "/audit?thing=case:{case}",
    "/replays/new?status=exception",
    "/reversals/new?destination=hubspot",
)


def addresses(things: Things) -> list[Seen]:
    """Every page of the table, those with more, and every list and thing of the API."""
    from addresses import address

    from console.api.route import PREFIX
    from console.api.routes import ROUTES
    from console.pages.table import PAGES

    def filled(path: str) -> str:
        named = re.sub(r"\{(\w+)\}", lambda m: getattr(things, m[1]), path)
        head, mark, query = named.partition("?")
        return head + mark + quote(query, safe="=&:")

    pages = [Seen("page", page.path, address(page.path, things)) for page in PAGES if page.method == "GET"]
    more = [Seen("page", path, filled(path)) for path in MORE]
    api = [route.path for route in ROUTES if route.method == "GET"]
    return [*pages, *more, *(Seen("API", PREFIX + path, PREFIX + address(path, things)) for path in api)]


@contextmanager
def console(machine: Machine, database: str) -> Iterator[tuple[Process, int]]:
    """One process that serves the pages."""
    port = free_port()
    env = machine.env(database) | {"COUNTERFOIL_CONSOLE_PORT": str(port)}
    process = Process("console", [*COUNTERFOIL, "console"], env, machine.logs)
    try:
        await_port(port, process)
        yield process, port
    finally:
        process.stop()


def signed_in(url: str) -> dict[str, str]:
    """Somebody with every right; the headers of their browser."""
    from console.access import sessions
    from counterfoil import keys

    with psycopg.connect(url, row_factory=dict_row, autocommit=True) as conn:
        row = conn.execute(
            "INSERT INTO users (id, name, title, email, grants, created_by) VALUES (%s, 'fiona', 'Fiona',"
            " 'fiona@example.com', '{owner,approver,admin}', 'bench') ON CONFLICT (name) DO UPDATE SET name = 'fiona'"
            " RETURNING id",
            (keys.new_id(),),
        ).fetchone()
        assert row is not None
        token = sessions.begin(conn, row["id"])
    return {"Cookie": f"{sessions.SESSION_COOKIE}={token}", "Accept": "text/html"}


def turn(
    machine: Machine, database: str, things: Things, requests: int, tell: Callable[[str], None], only: str = ""
) -> list[Seen]:
    """Visit everything whose address holds `only`."""
    headers = {"page": signed_in(machine.url(database)), "API": {"Authorization": f"Bearer {TOKEN}"}}
    found = [one for one in addresses(things) if only in one.shown]
    order = [one for one in found for _ in range(requests)]
    random.Random(5).shuffle(order)
    with console(machine, database) as (process, port):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        static = _static(client, headers["page"])
        for one in found:
            for _ in range(WARM):
                _ask(client, one, headers[one.kind])
            if one.status not in RIGHT:
                tell(f"{one.shown}: {one.status}; see {process.log}")
        tell(f"{len(found)} addresses are warm; {static:,} bytes of style and script are part of each page")
        for number, one in enumerate(order):
            before = _spent(machine, process)
            one.ms.append(_ask(client, one, headers[one.kind]))
            for name, spent in _spent(machine, process).items():
                one.cpu_ms[name].append((spent - before[name]) * 1000)
            if number % 500 == 499:
                tell(f"{number + 1:,} of {len(order):,} requests")
        client.close()
    for one in found:
        one.bytes += static if one.is_page else 0
    return found


def _ask(client: http.client.HTTPConnection, one: Seen, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    client.request("GET", one.path, headers=dict(headers))
    answer = client.getresponse()
    body = answer.read()
    took = (time.perf_counter() - began) * 1000
    one.status, one.bytes = answer.status, len(body)
    one.is_file = "attachment" in (answer.headers["content-disposition"] or "")
    one.is_page = not one.is_file and (answer.headers["content-type"] or "").startswith("text/html")
    return took


def _static(client: http.client.HTTPConnection, headers: Mapping[str, str]) -> int:
    """What a page loads beside itself, in bytes."""
    total = 0
    client.request("GET", "/account", headers=dict(headers))
    html = client.getresponse().read().decode()
    for path in sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))):
        client.request("GET", path)
        total += len(client.getresponse().read())
    return total


def _spent(machine: Machine, console: Process) -> dict[str, float]:
    """CPU seconds so far, to the microsecond; of backends that have ended as well as the kernel keeps them."""
    fields = Path(f"/proc/{machine.postmaster}/stat").read_text().rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / TICKS
    return {
        "console": _run(console.pid),
        "postgres": ended + sum(map(_run, descendants(machine.postmaster))),
    }


def _run(pid: int) -> float:
    total = 0
    with suppress(OSError):  # it, or a thread of it, has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def run(
    machine: Machine, database: str, seed: tuple[str, str], events: int, tell: Callable[[str], None], only: str = ""
) -> list[Seen]:
    """A company's past, then a visit to everything."""
    with machine.admin(database) as conn:
        things = company.make(conn, seed, events, tell)
    return turn(machine, database, things, REQUESTS, tell, only)
