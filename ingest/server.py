"""The listener: uvicorn on uvloop, behind the guard."""

import asyncio
import resource
import socket
from collections.abc import Callable

import uvicorn

from counterfoil import garbage
from counterfoil.telemetry import log
from ingest.answers import Problem
from ingest.app import Door
from ingest.guard import guarded, watch
from ingest.rejections import UNKNOWN

#: Connections that the kernel holds for us while we are busy.
BACKLOG = 2048
#: Files that the process needs besides its connections.
OTHER_FILES = 100


class DoorServer(uvicorn.Server):
    """A listener that watches its connections' deadlines."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and begin to watch."""
        await super().startup(sockets)
        log.info("door.opened", host=self.config.host, port=self.config.port)
        self._watching = asyncio.create_task(watch(self.server_state.connections))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer what is in flight, stop watching."""
        await super().shutdown(sockets)
        self._watching.cancel()


def make_server(app: Door, host: str, port: int, *, backlog: int = BACKLOG) -> DoorServer:
    """A server for the door; `run()` blocks until `should_exit` is set or a signal comes. For threads and tests."""
    _allow_files(app.limits.connections_max + OTHER_FILES)

    def refused(problem: Problem, client: str | None) -> None:
        app.rejections.add(UNKNOWN, problem, client=client)

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=guarded(app.limits, refused, {path.encode(): endpoint for path, endpoint in app.endpoints.items()}),
        ws="none",
        loop="auto",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=backlog,
        timeout_graceful_shutdown=int(app.limits.stop_seconds),
    )
    return DoorServer(config)


def run_door(app: Door, host: str, port: int, *, run: Callable[[DoorServer], None] = DoorServer.run) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); then answer what is in flight and leave."""
    server = make_server(app, host, port)
    garbage.settle()
    run(server)
    log.info("door.closed")


def _allow_files(wanted: int) -> None:
    """Raise the soft limit of open files to what the connections need, where the hard one allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
