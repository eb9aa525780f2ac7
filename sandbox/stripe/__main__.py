"""Serves the stand-in: `python -m sandbox.stripe --port 0 --webhook-url … --webhook-secret …` prints its address."""

import random
from collections.abc import Callable

from sandbox.standin.command import arguments, serve
from sandbox.stripe.core import Stripe
from sandbox.stripe.world import Terms


def main() -> None:
    """Serve until stopped."""
    parser = arguments("stripe")
    parser.add_argument("--rate", type=float, help="requests per second and account; without it unlimited")
    parser.add_argument("--search-lag", type=float, default=Terms.search_lag_seconds, help="seconds")
    parser.add_argument("--retry", type=float, default=Terms.retry_seconds, help="seconds until a webhook comes again")
    parser.add_argument("--hook-form", choices=("snapshot", "thin", "both"), default="snapshot")
    told = parser.parse_args()
    terms = Terms(
        rate_per_second=told.rate,
        search_lag_seconds=told.search_lag,
        retry_seconds=told.retry,
        hook_form=told.hook_form,
        posts=told.webhook_url is not None,
    )

    def make(now: Callable[[], float], rng: random.Random) -> Stripe:
        return Stripe(now, rng, terms)

    serve(make, told)


if __name__ == "__main__":
    main()
