"""Watches workers as a supervisor does: whoever dies is replaced at once. Each is a real process, forked from this one
after all modules were read, so that hundreds may die in a minute; ends with its parent.

    python staff.py <folder for process ids> <seed> <how many>

A worker's credentials name its process, so that a stand-in can kill the one that asks. Some of them are armed with a
failpoint, by the seed and by how many came before.
"""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import dramatiq.brokers.redis  # noqa: F401 - like the others below, so that nobody reads it after the fork
import psycopg_pool  # noqa: F401

import console.processes  # noqa: F401
from console import cli, parts
from counterfoil.ledger import reach
from counterfoil.settings import settings
from destinations import hubspot, stripe
from engine import pipeline as _pipeline  # noqa: F401
from engine import worker
from engine.sending import sender

#: Where a worker may die by itself: before and after it sent, and when the outcome is recorded.
POINTS = ("write.intended", "write.sent", "write.recorded")
#: Of the workers, how many are armed, and after how many passages they die at the latest.
ARMED_SHARE = 0.5
PASSAGES_MAX = 25
#: How many come armed at all; later ones work in peace, so that everything ends.
ARMED_MAX = 30
#: Looks more often than in earnest: the tests move time on, and nobody should wait for a worker to see it.
LOOK_SECONDS = 0.1


def prepare() -> None:
    """What all workers share: a whole account's rate, and short waits."""
    for place in (stripe.DESTINATION, hubspot.DESTINATION):
        type(place).rate_per_second = 1e6
    # So many faults are no outage but the point of it; a breaker would only hold up what they are meant for.
    reach.FAILURES_MAX = 10**9
    sender.LOOK_SECONDS = worker.LOOK_SECONDS = LOOK_SECONDS
    # Read here once and not by each of them: most of what a start costs. Nothing of it is a thread or a connection.
    parts.checked(parts.owners, parts.policy, parts.handlers)


def begin(folder: Path, seed: str, number: int) -> int:
    """Fork one; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(2, 1)
        own = str(os.getpid())
        (folder / own).touch()
        os.environ.update(STRIPE_API_KEY=f"sk_test_{own}", HUBSPOT_ACCESS_TOKEN=f"pat-{own}")
        rng = random.Random(f"{seed}/{number}")
        if number < ARMED_MAX and rng.random() < ARMED_SHARE:
            os.environ["COUNTERFOIL_FAILPOINT"] = f"{rng.choice(POINTS)}@{rng.randint(1, PASSAGES_MAX)}"
        settings.cache_clear()
        cli.main(["worker", "--with-parent"])
    finally:
        os._exit(1)


def reap(folder: Path, alive: set[int]) -> None:
    """Forget whoever died: first the name, then the process, so that a name never stands for another process."""
    while alive and (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
        (folder / str(found.si_pid)).unlink(missing_ok=True)
        os.waitpid(found.si_pid, 0)
        alive.discard(found.si_pid)


def main() -> None:
    """Watch until told to stop, or until whoever started this is gone."""
    folder, seed, wanted = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    parent, stopping = os.getppid(), []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    prepare()
    alive: set[int] = set()
    begun = 0
    while not stopping and os.getppid() == parent:
        while len(alive) < wanted:
            alive.add(begin(folder, seed, begun))
            begun += 1
        time.sleep(0.02)
        reap(folder, alive)
    print(begun - wanted, flush=True)
    for pid in alive:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
