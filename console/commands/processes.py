"""The processes: door, worker, sweeper, console, and all of them in one."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.commands import shared

if TYPE_CHECKING:
    from counterfoil.settings import Settings

Host = Annotated[str | None, typer.Option(help="listening address (COUNTERFOIL_HOST)")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="the door's port (COUNTERFOIL_PORT or PORT)")]
ConsolePort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="the console's port (COUNTERFOIL_CONSOLE_PORT)")
]
WithParent = Annotated[
    bool, typer.Option("--with-parent", help="stop when the process that started this one is gone (Procfile runners)")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (serve, door, worker, sweeper, console):
        app.command()(command)


def serve(host: Host = None, port: Port = None, console_port: ConsolePort = None) -> None:
    """All processes in one."""
    from console import processes

    processes.run_serve(_config(host, port, console_port))


def door(host: Host = None, port: Port = None) -> None:
    """Accept events."""
    from console import processes

    processes.run_door(_config(host, port))


def worker(with_parent: WithParent = False) -> None:
    """Work on events."""
    from console import processes

    processes.run_worker(_config(), with_parent=with_parent)


def sweeper(with_parent: WithParent = False) -> None:
    """Retry, escalate, notify, replay on time."""
    from console import processes

    processes.run_sweeper(_config(), with_parent=with_parent)


def console(host: Host = None, console_port: ConsolePort = None) -> None:
    """Answer people: the pages and the API."""
    from console import processes

    processes.run_console(_config(host, None, console_port))


def _config(host: str | None = None, port: int | None = None, console_port: int | None = None) -> "Settings":
    given = {"host": host, "port": port, "console_port": console_port}
    return shared.config().model_copy(update={name: value for name, value in given.items() if value is not None})
