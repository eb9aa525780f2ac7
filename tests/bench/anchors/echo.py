"""Anchor: a bare Starlette endpoint that reads the body and sends it back; the most that this server stack can do."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def echo(request: Request) -> Response:
    """Read and give back."""
    return Response(await request.body(), media_type="application/json")


app = Starlette(routes=[Route("/webhooks/{source}", echo, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
