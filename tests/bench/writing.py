"""The turn of writes behind a network: a worker with a backlog against the sandbox, then its own calls once more, bare.

What the worker sent stands in the journals of the stand-ins, so the anchor makes the very same calls: as many threads,
the same library, new idempotency keys. What is left of its rate is what planning, intent, proof and audit cost.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from machine import HERE, ROOT, Machine, Process, await_port, cpu_seconds, free_port

HANDLERS = "workflows_of_the_bench"
#: The sender's default, and what the bare loop has.
THREADS = 8
#: No answer is wrong because this was too short.
PATIENCE_SECONDS = 180.0
POLICY = ROOT / "exceptions_queue/policy.toml"
SECRETS = {"stripe": "sk_test_bench", "hubspot": "pat-bench"}
#: What the caps of the policy count to here: being counted belongs to what is measured, being stopped does not.
NEVER = 1_000_000

_EVENTS = """
WITH made AS (
    INSERT INTO events (id, source, provider, key, type, subject, occurred_at, due_at)
    SELECT gen_random_uuid(), 'hubspot', 'hubspot', 'bench/' || n, kind || '.creation',
           'hubspot:1:' || kind || ':' || n, now(), now() + interval '1 hour'
    FROM generate_series(1, %s) n, LATERAL (SELECT CASE n %% 2 WHEN 0 THEN 'contact' ELSE 'company' END AS kind) k
    RETURNING id, type, split_part(key, '/', 2)::bigint AS number)
INSERT INTO payloads (event_id, version, body)
SELECT id, 0, json_build_object('portalId', 1, 'objectId', number, 'subscriptionType', type,
                                'occurredAt', (extract(epoch FROM now()) * 1000)::bigint)::text FROM made
"""


@contextmanager
def standins(machine: Machine) -> Iterator[dict[str, Process]]:
    """Stripe and HubSpot, each a process that is named for its port."""
    made: dict[str, Process] = {}
    more: dict[str, list[str]] = {
        "stripe": [],
        "hubspot": ["--searches", "0", "--unique", "companies.stripe_customer_id"],
    }
    try:
        for name, words in more.items():
            port = free_port()
            command = [sys.executable, "-m", f"sandbox.{name}", "--port", str(port), *words]
            made[name] = Process(
                f"http://127.0.0.1:{port}".replace("/", "_"), command, machine.env("postgres"), machine.logs
            )
            await_port(port, made[name])
        yield made
    finally:
        for process in made.values():
            process.stop()


def address(standin: Process) -> str:
    """Where it listens."""
    return f"http://127.0.0.1:{standin.name.rpartition(':')[2]}"


def turn(machine: Machine, database: str, writes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Confirmed writes a second of the worker, and of a bare loop of the very calls that it made.

    Raises: RuntimeError when not all were confirmed, or a bare call was answered otherwise than the first time.
    """
    with standins(machine) as up:
        product = _product(machine, database, up, writes)
        calls = _calls(up)
        bare = _bare(machine, calls)
    if bare["answered"] != len(calls):
        raise RuntimeError(f"of {len(calls)} bare calls {len(calls) - bare['answered']} were answered otherwise")
    each_us = {name: spent * 1e6 / writes for name, spent in product["cpu"].items()}
    return (
        {"rate": writes / product["seconds"], "cpu_us": each_us, "calls_per_write": len(calls) / writes},
        {"rate": writes / bare["seconds"], "cpu_us": {"loop": bare["cpu_seconds"] * 1e6 / writes}},
    )


def _product(machine: Machine, database: str, up: dict[str, Process], writes: int) -> dict[str, Any]:
    policy = machine.folder / "policy.toml"
    policy.write_text(re.sub(r"(count_max|accounts_max) = \d+", rf"\1 = {NEVER}", POLICY.read_text()))
    env = machine.env(database) | {
        "COUNTERFOIL_HANDLERS": HANDLERS,
        "COUNTERFOIL_POLICY": str(policy),
        "COUNTERFOIL_SENDER_THREADS": str(THREADS),
        "STRIPE_API_KEY": SECRETS["stripe"],
        "STRIPE_API_BASE": address(up["stripe"]),
        "HUBSPOT_ACCESS_TOKEN": SECRETS["hubspot"],
        "HUBSPOT_API_BASE": address(up["hubspot"]),
    }
    with machine.admin(database) as conn:
        conn.execute(_EVENTS, (writes,))
        worker = Process("sender", [sys.executable, "-m", "unlimited"], env, machine.logs)
        try:
            time.sleep(2.5)  # the first seconds of a process are not its life
            before = _costs(machine, worker, up)
            began = time.time()
            conn.execute("UPDATE events SET due_at = now() WHERE source = 'hubspot'")
            ended = _await_confirmed(conn, worker, writes)
            cpu = {name: after - before[name] for name, after in _costs(machine, worker, up).items()}
        finally:
            worker.stop()
    return {"seconds": ended - began, "cpu": cpu}


def _await_confirmed(conn: Any, worker: Process, writes: int) -> float:
    until = time.time() + PATIENCE_SECONDS
    while time.time() < until:
        worker.check()
        time.sleep(0.3)
        # Cheap while it runs; the whole truth once nothing is left.
        [(left,)] = conn.execute("SELECT count(*) FROM writes WHERE confirmed_at IS NULL").fetchall()
        if left:
            continue
        [(confirmed, last)] = conn.execute(
            "SELECT count(*), extract(epoch FROM max(confirmed_at))::float8 FROM writes w JOIN events e"
            " ON e.id = w.event_id WHERE e.source = 'hubspot' AND w.status = 'confirmed'"
        ).fetchall()
        if confirmed == writes:
            return float(last)
    raise RuntimeError(f"not all of {writes} writes were confirmed in {PATIENCE_SECONDS:g} s; see {worker.log}")


def _costs(machine: Machine, worker: Process, up: dict[str, Process]) -> dict[str, float]:
    spent = {"worker": cpu_seconds(worker.pid), "postgres": cpu_seconds(machine.postmaster)}
    return spent | {"sandbox": sum(cpu_seconds(one.pid) for one in up.values())}


def _calls(up: dict[str, Process]) -> list[dict[str, Any]]:
    """Every call that the stand-ins have seen, in the order in which it came."""
    seen = []
    for name, standin in up.items():
        items = httpx.get(f"{address(standin)}/_sandbox/journal", timeout=60, trust_env=False).json()["items"]
        seen += [(item["at"], _call(name, address(standin), item)) for item in items]
    return [call for _, call in sorted(seen, key=lambda each: each[0])]


def _call(name: str, base: str, item: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {SECRETS[name]}"}
    if item["key"]:
        headers["Idempotency-Key"] = f"{item['key']}~bare"
    if item["body"]:
        headers["Content-Type"] = "application/json" if name == "hubspot" else "application/x-www-form-urlencoded"
    url = str(httpx.URL(base + item["path"], params=item["query"] or None))
    return {"method": item["method"], "url": url, "headers": headers, "body": item["body"], "status": item["status"]}


def _bare(machine: Machine, calls: list[dict[str, Any]]) -> dict[str, Any]:
    listed = machine.folder / "calls.jsonl"
    listed.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    command = [sys.executable, str(HERE / "anchors/bare_calls.py"), str(listed), str(THREADS)]
    done = subprocess.run(
        command, env=machine.env("postgres"), capture_output=True, text=True, check=True, cwd=Path(machine.folder)
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
