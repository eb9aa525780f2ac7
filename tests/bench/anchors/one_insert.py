"""Anchor: the door without its groups. The same verification and identity, then one INSERT and commit per request.

Everything else that the door does (guards, audit, ring, metrics) is left out, in the anchor's favour.
"""

import sys
import time
from contextlib import asynccontextmanager

import asyncpg
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from counterfoil import keys
from counterfoil.database import url
from counterfoil.settings import secret
from ingest.providers import find
from ingest.providers.base import Received, Request

#: Measured from 4 to 32: this many let Postgres flush several commits at once without crowding two cores.
CONNECTIONS = 16
TABLE = """
CREATE TABLE IF NOT EXISTS bench_one_insert (
    id uuid PRIMARY KEY, source text NOT NULL, key text NOT NULL, type text NOT NULL, subject text,
    occurred_at timestamptz, received_at timestamptz NOT NULL DEFAULT now(), api_version text, content_hash bytea,
    body text NOT NULL, deliveries int NOT NULL DEFAULT 1, UNIQUE (source, key))
"""
INSERT = """
INSERT INTO bench_one_insert AS b (id, source, key, type, subject, occurred_at, api_version, content_hash, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (source, key) DO UPDATE SET deliveries = b.deliveries + 1 RETURNING id
"""
PROVIDER = find()["stripe"]
SECRETS = [secret("STRIPE_WEBHOOK_SECRET") or ""]


class Door:
    """A bare ASGI endpoint, as the door's."""

    async def __call__(self, scope, receive, send) -> None:
        """Verify, insert, answer."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request("POST", f"http://127.0.0.1{scope['path']}", headers, body)
        PROVIDER.verify(request, SECRETS, time.time())
        [event] = PROVIDER.split(request)
        assert isinstance(event, Received)
        answer = msgspec.json.encode(await insert(scope["app"].state.pool, event))
        start = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": answer})


async def insert(pool: asyncpg.Pool, event: Received) -> dict[str, object]:
    """Record one event in a transaction of its own."""
    proposed = keys.new_id()
    found = await pool.fetchval(
        INSERT, proposed, "stripe", event.key, event.type, event.subject, event.occurred_at, event.api_version,
        event.content_hash, event.payload.decode(),
    )  # fmt: skip
    known = found != proposed
    told = {"id": str(found), "key": event.key, "duplicate": known}
    return {"accepted": int(not known), "duplicates": int(known), "events": [told]}


@asynccontextmanager
async def lifespan(app: Starlette):
    """Open the pool."""
    async with asyncpg.create_pool(url(), min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/webhooks/{source}", Door(), methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
