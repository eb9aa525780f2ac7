"""The command line that every stand-in has: `python -m sandbox.<provider> --port 0 …` prints its address and serves."""

import argparse
import sys

from sandbox.standin.post import Address
from sandbox.standin.serve import Make, put_together, run


def arguments(provider: str) -> argparse.ArgumentParser:
    """What every stand-in can be told; a provider adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m sandbox.{provider}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--seed", type=int, default=0, help="what decides ids and faults dealt by chance")
    parser.add_argument("--webhook-url", help="where to post events; without it none are posted")
    parser.add_argument("--webhook-secret", default="", help="what to sign them with")
    parser.add_argument("--double", type=float, default=0.0, help="share of webhooks posted twice")
    parser.add_argument("--shuffle", action="store_true", help="post what is due together in any order")
    return parser


def serve(make: Make, told: argparse.Namespace) -> None:
    """Serve until stopped; the first line of output is the address."""
    address = None
    if told.webhook_url:
        address = Address(told.webhook_url, told.webhook_secret, double=told.double, shuffle=told.shuffle)
    run(put_together(make, seed=told.seed, address=address), told.host, told.port, _say)


def _say(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
