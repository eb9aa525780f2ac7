"""The other side of the door: invoices that get paid, and a sender that comes back until it hears 2xx."""

import copy
import hashlib
import hmac
import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

SECRET = "whsec_" + "chaos" * 8
SAMPLE = json.loads((Path(__file__).parents[2] / "contracts/samples/stripe/invoice.paid.json").read_text())
#: What every invoice made from the sample adds to the clearing account.
DUE_MINOR: int = SAMPLE["data"]["object"]["amount_due"]

#: Requests under way at once; enough for groups of several at the door.
SENDERS = 8
#: A sender that hears nothing for this long takes it for a failure. Stripe waits longer.
ANSWER_SECONDS = 6.0
#: Between two tries. Stripe waits minutes; a test cannot.
AGAIN_SECONDS = 0.1

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Paid:
    """One event: this invoice was paid."""

    event: str
    invoice: str
    body: bytes

    @property
    def write_key(self) -> str:
        """The key under which the books may hold it, once."""
        return f"books:invoice:{self.invoice}:paid"


def an_invoice_paid(*, invoice: str | None = None, number: str = "CHAOS") -> Paid:
    """A new event; about a new invoice, or about one that another event told of already."""
    mark = f"{next(_numbers):05d}{uuid.uuid4().hex[:10]}"
    event = copy.deepcopy(SAMPLE)
    event["id"] = f"evt_{mark}"
    paid: dict[str, Any] = event["data"]["object"]
    paid["id"] = invoice or f"in_{mark}"
    paid["number"] = f"{number}-{paid['id']}"
    return Paid(event["id"], paid["id"], json.dumps(event).encode())


def invoices_paid(count: int, *, number: str = "CHAOS") -> list[Paid]:
    """New events about new invoices."""
    return [an_invoice_paid(number=number) for _ in range(count)]


def signed(body: bytes) -> dict[str, str]:
    """Stripe's signature, made here from its description and not by the code under test."""
    at = int(time.time())
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={mac}", "content-type": "application/json"}


@dataclass
class Try:
    """One request and what came back: a status, or 0 for no answer at all."""

    status: int
    began: float
    ended: float
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass
class Delivery:
    """One event and every try at delivering it."""

    paid: Paid
    tries: list[Try] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        """Whether the door took it, and thereby answers for it."""
        return bool(self.tries) and self.tries[-1].status == 200


class Sender:
    """Delivers over real HTTP. What is not answered 2xx is sent again, as every provider does."""

    def __init__(self, *ports: int) -> None:
        self.port = ports[0]
        self._urls = [f"http://127.0.0.1:{port}/webhooks/stripe" for port in ports]
        self._turns = itertools.cycle(self._urls)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=SENDERS)
        self._client = httpx.Client(timeout=ANSWER_SECONDS, limits=limits, trust_env=False)
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="sender")
        self._closed = False

    def close(self) -> None:
        """No more tries."""
        self._closed = True
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def post(self, paid: Paid, url: str | None = None) -> Try:
        """One try."""
        began = time.monotonic()
        try:
            answer = self._client.post(url or next(self._turns), content=paid.body, headers=signed(paid.body))
        except httpx.HTTPError:
            return Try(0, began, time.monotonic())
        return Try(answer.status_code, began, time.monotonic(), answer.json())

    def deliver(self, paid: Paid, wait_seconds: float = 0.0) -> Delivery:
        """Try until it is accepted."""
        time.sleep(wait_seconds)
        delivery = Delivery(paid)
        while not delivery.is_accepted and not self._closed:
            if delivery.tries:
                time.sleep(AGAIN_SECONDS)
            delivery.tries.append(self.post(paid))
        return delivery

    def start(self, events: Iterable[Paid], *, every_seconds: float = 0.0) -> list[Future[Delivery]]:
        """Deliver in the background, `SENDERS` at a time; with a pause before each it is a steady stream."""
        return [self._pool.submit(self.deliver, paid, every_seconds * SENDERS) for paid in events]

    def at_one_instant(self, events: Sequence[Paid]) -> list[Try]:
        """All at once, one try each, spread over the doors."""
        together = threading.Barrier(len(events))

        def go(paid: Paid, url: str) -> Try:
            together.wait(10)
            return self.post(paid, url)

        with ThreadPoolExecutor(len(events)) as crowd:
            return list(crowd.map(go, events, itertools.cycle(self._urls)))
