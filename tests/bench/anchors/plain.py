"""Anchor: the pattern that everybody writes first. A SQLModel session and a `send()` per request; an actor that books.

    python plain.py web PORT       verify, one row, commit, send its id
    dramatiq plain:broker          load the row, insert an entry and its lines, mark the row done, commit

It has no guard, no audit, no cases, no lease, and loses what falls between commit and send: that is the pattern.
"""

import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from datetime import UTC, date, datetime

import dramatiq
import uvicorn
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import JSON, BigInteger, Column, DateTime, create_engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(broker)
engine = create_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1), pool_size=20, max_overflow=20
)
SECRET = os.environ["STRIPE_WEBHOOK_SECRET"].encode()


class PlainEvent(SQLModel, table=True):
    """One received event."""

    __tablename__ = "bench_plain_events"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    key: str = Field(unique=True)
    type: str
    payload: dict = Field(sa_column=Column(JSON))
    status: str = "received"
    received_at: datetime = Field(
        default_factory=lambda: datetime.now(UTC), sa_column=Column(DateTime(timezone=True), nullable=False)
    )
    finished_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class PlainEntry(SQLModel, table=True):
    """One journal entry."""

    __tablename__ = "bench_plain_entries"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    invoice: str = Field(unique=True)
    entry_date: date
    currency: str


class PlainLine(SQLModel, table=True):
    """One line of an entry."""

    __tablename__ = "bench_plain_lines"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    entry_id: uuid.UUID = Field(foreign_key="bench_plain_entries.id")
    account: str
    amount_minor: int = Field(sa_type=BigInteger)


@dramatiq.actor
def book(event_id: str) -> None:
    """Book one event."""
    with Session(engine) as session:
        event = session.get(PlainEvent, uuid.UUID(event_id))
        if event is None or event.status == "done":
            return
        invoice = event.payload["data"]["object"]
        entry = PlainEntry(
            invoice=invoice["id"],
            entry_date=datetime.fromtimestamp(event.payload["created"], UTC).date(),
            currency=invoice["currency"].upper(),
        )
        session.add(entry)
        session.flush()
        amounts = [("Clearing", invoice["amount_paid"])]
        amounts += [("Revenue", -line["amount"]) for line in invoice["lines"]["data"]]
        amounts += [("Tax", -tax["amount"]) for tax in invoice["total_taxes"]]
        session.add_all(PlainLine(entry_id=entry.id, account=name, amount_minor=minor) for name, minor in amounts)
        event.status, event.finished_at = "done", datetime.now(UTC)
        session.add(event)
        session.commit()


def receive(header: str, body: bytes) -> dict[str, int]:
    """Verify, record, send."""
    fields = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(SECRET, fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, fields["v1"])
    assert abs(time.time() - int(fields["t"])) < 300
    payload = json.loads(body)
    with Session(engine) as session:
        event = PlainEvent(key=payload["id"], type=payload["type"], payload=payload)
        session.add(event)
        try:
            session.commit()
        except IntegrityError:
            return {"accepted": 0, "duplicates": 1}
        book.send(str(event.id))
    return {"accepted": 1, "duplicates": 0}


async def webhook(request: Request) -> JSONResponse:
    """Hand the request to a thread, since the session blocks."""
    body = await request.body()
    return JSONResponse(await run_in_threadpool(receive, request.headers["stripe-signature"], body))


app = Starlette(routes=[Route("/webhooks/{source}", webhook, methods=["POST"])])

if __name__ == "__main__":
    SQLModel.metadata.create_all(engine)
    uvicorn.run(app, port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
