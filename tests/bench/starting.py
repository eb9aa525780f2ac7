"""Everything in one process: how long from the start to the first 2xx, and how much memory it takes at rest."""

import socket
import time
from statistics import median

from bodies import Batch, build
from machine import Machine, Process, free_port, resident_mb
from turns import COUNTERFOIL

#: How long a first start may take: it creates the embedded Postgres.
FIRST_SECONDS = 60.0
#: Between two attempts to deliver.
POLL_SECONDS = 0.01


def one_process(machine: Machine, starts: int) -> dict[str, float]:
    """Start `counterfoil serve` on an embedded Postgres of its own, several times; the first start sets it up."""
    home = machine.folder / "serve"
    machine.homes.append(home)
    env = machine.env("postgres")
    for name in ("DATABASE_URL", "REDIS_URL"):
        del env[name]
    env["COUNTERFOIL_HOME"] = str(home)
    env["COUNTERFOIL_ENV"] = "development"  # production does not run on the embedded Postgres
    took: list[float] = []
    rest: list[float] = []
    for number in range(starts + 1):
        seconds, resident = _one_start(machine, env, number)
        if number:
            took.append(seconds)
            rest.append(resident)
    return {"start_seconds": median(took), "serve_mb": median(rest)}


def _one_start(machine: Machine, env: dict[str, str], number: int) -> tuple[float, float]:
    port, console_port = free_port(), free_port()
    requests = build(Batch(f"5e{number:04x}", int(time.time()), 4000), "/webhooks/stripe")
    began = time.perf_counter()
    serve = Process(
        "serve",
        [*COUNTERFOIL, "serve"],
        env | {"COUNTERFOIL_PORT": str(port), "COUNTERFOIL_CONSOLE_PORT": str(console_port)},
        machine.logs,
    )
    try:
        for request in requests:
            serve.check()
            if _deliver(port, request):
                break
            if time.perf_counter() - began > FIRST_SECONDS:
                raise RuntimeError(f"serve accepted nothing for {FIRST_SECONDS:g} s; see {serve.log}")
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        time.sleep(2.0)
        return seconds, resident_mb(serve.pid)
    finally:
        serve.stop()


def _deliver(port: int, request: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(request)
            return client.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
