"""Anchor: a bare loop of HTTP calls: as many threads as the product has, one client, nothing kept, nothing checked.

Reads one call a line, {"method", "url", "headers", "body", "status"}, and prints how many seconds all of them took,
of wall clock and of CPU, and how many were answered as the first time, well or not.
"""

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import httpx


class Calls:
    """Calls in their order, for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._left: Iterator[Any] = iter([json.loads(line) for line in path.read_text().splitlines()])
        self._lock = Lock()

    def make(self, client: httpx.Client) -> int:
        """Make the next one until none is left; returns how many were answered as they should be."""
        answered = 0
        while True:
            with self._lock:
                call = next(self._left, None)
            if call is None:
                return answered
            answer = client.request(call["method"], call["url"], headers=call["headers"], content=call["body"])
            answer.json()
            answered += answer.is_success == (call["status"] < 400)


def main(path: Path, threads: int) -> None:
    """All calls, once."""
    calls = Calls(path)
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=30)
    with httpx.Client(limits=limits, timeout=30, trust_env=False) as client, ThreadPoolExecutor(threads) as pool:
        began, spent = time.perf_counter(), time.process_time()
        made = [pool.submit(calls.make, client) for _ in range(threads)]
        answered = sum(one.result() for one in made)
        took, cpu = time.perf_counter() - began, time.process_time() - spent
        print(json.dumps({"seconds": took, "cpu_seconds": cpu, "answered": answered}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
