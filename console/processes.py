"""The processes: door, worker, sweeper, console, and `serve`, which is all of them in one; how they begin and end."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from console import parts
from counterfoil import garbage, telemetry
from counterfoil.settings import Settings

if TYPE_CHECKING:
    import socket

    import dramatiq
    import uvicorn

    from ingest.app import Door

#: How long a stopping process finishes what it has in hand; supervisors kill after 25 s or more (fly.toml).
STOP_SECONDS = 20.0
#: How often a worker looks whether the process that started it is still there.
PARENT_SECONDS = 1.0
#: A connection that is idle this long is closed by us; longer than common proxies keep theirs.
KEEP_ALIVE_SECONDS = 75


def run_door(config: Settings) -> None:
    """Accept events until told to stop. Owners are checked here too: without them nobody would hear of a failure."""
    # First, so that a stop during the start is one too; and uvicorn raises a signal again once it has stopped, which
    # ends nothing but the wait when the handler is ours.
    stop = stop_on_signals()
    door = parts.checked_door()
    telemetry.configure("door")
    from ingest.server import run_door as listen

    listen(door, config.host, config.port, run=lambda server: _listen(server, stop, _door_line(config, door)))


def run_worker(config: Settings, *, with_parent: bool = False) -> None:
    """Work until told to stop."""
    worker = parts.checked_worker(config)
    telemetry.configure("worker")
    stop = stop_on_signals()
    if with_parent:
        leave_with_parent(stop)
    _show_metrics(config)
    _say("worker is listening")
    _work(worker, stop)


def run_sweeper(config: Settings, *, with_parent: bool = False) -> None:
    """Sweep until told to stop."""
    from engine import sweeper, tending

    parts.checked(parts.arm, parts.placed, parts.owners)
    telemetry.configure("sweeper")
    stop = stop_on_signals()
    if with_parent:
        leave_with_parent(stop)
    _show_metrics(config)
    _thread("tending", lambda: tending.run(stop))
    _say("sweeper is sweeping")
    sweeper.run(stop)


def run_console(config: Settings) -> None:
    """Answer people until told to stop."""
    stop = stop_on_signals()
    parts.checked(parts.placed, parts.owners, parts.policy, parts.handlers)
    telemetry.configure("console")
    server = console_server(config)
    garbage.settle()
    _listen(server, stop, f"console on http://{config.host}:{config.console_port}/")


def run_serve(config: Settings) -> None:
    """Everything in one process: migrate, then door, worker, sweeper and console."""
    from counterfoil import database
    from engine import sweeper, tending
    from ingest.server import make_server

    shared = config.console_on_door if config.console_on_door is not None else not config.is_production
    door, worker = parts.checked_all(config, with_console=shared)
    telemetry.configure("serve")
    database.migrate()
    stop = stop_on_signals()
    servers: list[uvicorn.Server] = [make_server(door, config.host, config.port)]
    if not shared:
        servers.append(console_server(config))
    threads = [
        _thread("sweeper", lambda: sweeper.run(stop)),
        _thread("tending", lambda: tending.run(stop)),
        _thread("worker", lambda: _work(worker, stop)),
    ]
    threads += [_thread(f"listener-{number}", server.run) for number, server in enumerate(servers)]
    if _all_listening(servers, threads):
        where = config.port if shared else config.console_port
        _say(f"{_door_line(config, door)}, console on http://{config.host}:{where}/")
    _until_stopped(stop, servers, threads)


def _show_metrics(config: Settings) -> None:
    """What worker and sweeper count, on a port of its own when one is configured."""
    if config.metrics_port is not None:
        from prometheus_client import start_http_server

        start_http_server(config.metrics_port, addr=config.host)


def console_server(config: Settings) -> "uvicorn.Server":
    """The console's listener."""
    import uvicorn

    from console.app import console_app

    return uvicorn.Server(
        uvicorn.Config(
            console_app(),
            host=config.host,
            port=config.console_port,
            log_config=None,
            access_log=False,
            server_header=False,
            # Whose word counts for an address is a setting of ours (console/access/whence.py).
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(STOP_SECONDS),
        )
    )


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; the second signal ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _: Any) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop


def leave_with_parent(stop: threading.Event) -> None:
    """Stop when the process that started us is gone: an orphan would work beside its successor, unsupervised."""
    parent = os.getppid()
    if parent == 1:
        return  # started by the system's first process, or already alone in a container

    def watch() -> None:
        while not stop.wait(PARENT_SECONDS):
            if os.getppid() != parent:
                telemetry.log.warning("process.orphaned")
                stop.set()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _listen(server: "uvicorn.Server", stop: threading.Event, line: str) -> None:
    """Run a listener to its end; the line is said when it answers, and never when it could not listen."""
    begin = server.startup

    async def startup(sockets: "list[socket.socket] | None" = None) -> None:
        await begin(sockets)
        server.should_exit = server.should_exit or stop.is_set()
        if not server.should_exit:
            _say(line)

    server.startup = startup  # type: ignore[method-assign]
    server.run()


def _all_listening(servers: "list[uvicorn.Server]", threads: list[threading.Thread]) -> bool:
    """Wait until every listener answers, or a part has ended; whoever reads the line after it may call at once."""
    while not all(server.started for server in servers) and all(thread.is_alive() for thread in threads):
        time.sleep(0.01)
    return all(server.started for server in servers)


def _door_line(config: Settings, door: "Door") -> str:
    line = f"door on http://{config.host}:{config.port}/webhooks/"
    return line if door.endpoints else f"{line} ({parts.NO_SOURCE})"


def _until_stopped(stop: threading.Event, servers: "list[uvicorn.Server]", threads: list[threading.Thread]) -> None:
    """Wait for a signal or for a part that ended; then end all parts in the order of the flow."""
    while not stop.wait(0.2):
        if not all(thread.is_alive() for thread in threads):
            telemetry.log.error("serve.part_ended", parts=[t.name for t in threads if not t.is_alive()])
            stop.set()
            failed = True
            break
    else:
        failed = False
    for server in servers:
        server.should_exit = True
    for thread in threads:
        thread.join(STOP_SECONDS)
    if failed:
        raise parts.NotStarted(["a part of the process ended by itself; its log lines above say why"])


def _work(worker: Any, stop: threading.Event) -> None:
    from engine.worker import listen

    consumer: dramatiq.Worker = listen(worker)
    try:
        worker.run(stop)
    finally:
        consumer.stop(timeout=int(STOP_SECONDS * 1000))


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the one line that a person at the terminal waits for
