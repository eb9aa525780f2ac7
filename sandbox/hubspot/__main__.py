"""Serves the stand-in: `python -m sandbox.hubspot --port 0 --webhook-url … --webhook-secret …` prints its address."""

import argparse
import random
from collections.abc import Callable

from sandbox.hubspot.account import Account
from sandbox.hubspot.core import HubSpot
from sandbox.hubspot.kinds import Kind, find_kind
from sandbox.hubspot.properties import Property
from sandbox.standin.command import arguments, serve


def main() -> None:
    """Serve until stopped."""
    usual = Account()
    parser = arguments("hubspot")
    parser.add_argument("--portal", type=int, default=usual.portal_id, help="the account's number")
    parser.add_argument("--app", type=int, default=usual.app_id, help="the app's number; marks what we changed")
    parser.add_argument("--search-lag", type=float, default=usual.search_lag_seconds, help="seconds")
    parser.add_argument("--searches", type=int, default=usual.searches_per_second, help="per second; 0: unlimited")
    parser.add_argument("--rate", type=int, help="requests per ten seconds; without it unlimited")
    parser.add_argument("--daily", type=int, help="requests per day; without it unlimited")
    parser.add_argument("--retry", type=float, default=usual.hook_retry_seconds, help="seconds until a webhook returns")
    parser.add_argument("--unique", action="append", default=[], type=_unique, metavar="KIND.NAME",
                        help="a property with unique values that the account has added")  # fmt: skip
    told = parser.parse_args()
    account = Account(
        portal_id=told.portal,
        app_id=told.app,
        properties=tuple(told.unique),
        search_lag_seconds=told.search_lag,
        searches_per_second=told.searches or None,
        per_ten_seconds=told.rate,
        per_day=told.daily,
        hook_retry_seconds=told.retry,
        posts_webhooks=told.webhook_url is not None,
    )

    def make(now: Callable[[], float], rng: random.Random) -> HubSpot:
        return HubSpot(now, rng, account)

    serve(make, told)


def _unique(text: str) -> tuple[Kind, Property]:
    kind_name, _, name = text.partition(".")
    kind = find_kind(kind_name)
    if kind is None or not name:
        raise argparse.ArgumentTypeError("such as deals.external_key")
    return kind, Property(name, unique=True, hubspot_defined=False)


if __name__ == "__main__":
    main()
