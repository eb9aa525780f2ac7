"""Real processes: they start together or alone, carry an event through, stop when told, and refuse what cannot work."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from console import parts, processes

from .conftest import free_port

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "console.cli"]
TOKEN = "a-token-for-tests"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What a process gets: the test's database, two sources, a token, ports of its own."""
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        "PYTHONPATH": str(ROOT),
        "COUNTERFOIL_ENV": "test",
        "COUNTERFOIL_HOME": str(tmp_path / "home"),
        "DATABASE_URL": database_url,
        "STRIPE_WEBHOOK_SECRET": "whsec_for_tests",
        "HUBSPOT_CLIENT_SECRET": "client-secret-for-tests",
        "COUNTERFOIL_API_TOKEN": TOKEN,
        "COUNTERFOIL_PORT": str(free_port()),
        "COUNTERFOIL_CONSOLE_PORT": str(free_port()),
    }


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts a process and waits for its line; ends what is left at the end."""
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=tmp_path,
            env={**environment, **more},
            stdout=subprocess.PIPE,
            stderr=(tmp_path / f"{words[0]}.log").open("w"),
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        process.line = process.stdout.readline()  # type: ignore[attr-defined]
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def command(environment: dict[str, str], *words: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run(
        [*COMMAND, *words, "--json"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true answer. Raises: AssertionError when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = condition()
        except httpx.HTTPError:
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def listening(port: str) -> bool:
    return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == 200


def carried_through(environment: dict[str, str]) -> None:
    """One invoice, delivered twice, and one with a changed byte: one entry in the books."""
    until(lambda: listening(environment["COUNTERFOIL_PORT"]))
    sent = command(environment, "send", "stripe", "invoice.paid", "--duplicate", "1")["items"]
    assert [(one["status"], one["answer"]["duplicates"]) for one in sent] == [(200, 0), (200, 1)]
    refused = command(environment, "send", "stripe", "invoice.paid", "--tamper")["items"]
    assert [one["status"] for one in refused] == [401]
    hubspot = command(environment, "send", "hubspot", "deal.propertyChange")["items"]
    assert [one["status"] for one in hubspot] == [200]
    until(lambda: [one for one in command(environment, "writes")["items"] if one["status"] == "confirmed"])
    assert [one["deliveries"] for one in command(environment, "events", "--source", "stripe")["items"]] == [2]


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """The exit code after a signal, in bounded time."""
    process.send_signal(number)
    return process.wait(25)


@pytest.mark.chaos
def test_serve_is_everything_in_one_process(start: Start, environment: dict[str, str]) -> None:
    """It migrates, accepts, works, answers people on the same listener outside production, and stops cleanly."""
    process = start("serve")
    door = f"http://127.0.0.1:{environment['COUNTERFOIL_PORT']}"
    assert door in process.line  # type: ignore[attr-defined]
    carried_through(environment)
    assert httpx.get(f"{door}/", trust_env=False).headers["location"] == "/sign-in?next=%2F"
    listed = httpx.get(f"{door}/api/v1/events", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert len(listed.json()["items"]) == 2
    assert httpx.get(f"{door}/api/v1/events", trust_env=False).status_code == 401
    nowhere = httpx.get(f"{door}/no/such/page", headers={"Accept": "text/html"}, trust_env=False)
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for path in ("/api/v1/nothing", "/webhooks/nobody"):
        problem = httpx.get(f"{door}{path}", headers={"Accept": "text/html"}, trust_env=False)
        assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
    assert command(environment, "doctor")["healthy"] is True
    assert stopped(process) == 0


@pytest.mark.chaos
@pytest.mark.parametrize("process", ["serve", "door", "worker", "sweeper", "console"])
def test_production_starts_nothing_on_the_embedded_postgres(environment: dict[str, str], process: str) -> None:
    """P1: what a machine accepts on its own disk is lost with the machine."""
    done = failed(environment, process, COUNTERFOIL_ENV="production", DATABASE_URL="")
    assert "DATABASE_URL is not set" in done


def test_in_production_people_do_not_come_through_the_door(start: Start, environment: dict[str, str]) -> None:
    """The door's listener has no API; the console's has it, and no webhooks."""
    process = start("serve", COUNTERFOIL_ENV="production", COUNTERFOIL_PUBLIC_URL="https://hooks.example.com")
    door, console = (f"http://127.0.0.1:{environment[f'COUNTERFOIL_{name}']}" for name in ("PORT", "CONSOLE_PORT"))
    until(lambda: listening(environment["COUNTERFOIL_CONSOLE_PORT"]))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{door}/api/v1/events", headers=headers, trust_env=False).status_code == 404
    assert httpx.get(f"{console}/api/v1/events", headers=headers, trust_env=False).status_code == 200
    assert httpx.post(f"{console}/webhooks/stripe", trust_env=False).status_code == 404
    assert stopped(process, signal.SIGINT) == 0


@pytest.mark.chaos
def test_four_processes_share_the_work(start: Start, environment: dict[str, str]) -> None:
    """Door, worker, sweeper and console, with nothing between them but the database."""
    processes = [start(name) for name in ("door", "worker", "sweeper", "console")]
    carried_through(environment)
    until(lambda: listening(environment["COUNTERFOIL_CONSOLE_PORT"]))
    assert [stopped(process) for process in processes] == [0, 0, 0, 0]


@pytest.mark.chaos
@pytest.mark.parametrize("name", ["worker", "sweeper"])
def test_a_process_whose_parent_is_gone_ends_itself(environment: dict[str, str], tmp_path: Path, name: str) -> None:
    """Asked to, since an orphan would go on beside its successor (remove `leave_with_parent`)."""
    command = [*COMMAND, name, "--with-parent"]
    script = f"import subprocess, sys; p = subprocess.Popen({command!r}); print(p.pid, flush=True); p.wait()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    parent.stdout.readline()
    parent.kill()
    parent.wait(10)
    try:
        until(lambda: not _lives(orphan), seconds=15)
    finally:
        if _lives(orphan):
            os.kill(orphan, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def failed(environment: dict[str, str], *words: str, **more: str) -> str:
    """What a process says that does not start."""
    done = subprocess.run(
        [*COMMAND, *words],
        env={**environment, **more},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.chaos
def test_a_configuration_that_cannot_work_does_not_start(environment: dict[str, str], tmp_path: Path) -> None:
    """P9 and the door: every problem at once, for every process that it concerns."""
    owners = tmp_path / "owners.toml"
    owners.write_text('fallback = "log://"\n[people.a]\nname = "A"\ncontact = "a@example.com"\nchannels = ["log://"]\n')
    broken = {
        "COUNTERFOIL_OWNERS": str(owners),
        "COUNTERFOIL_HANDLERS": "no_such_package",
        "STRIPE_WEBHOOK_SECRET": " , ",
        "COUNTERFOIL_SOURCES": str(tmp_path / "missing.toml"),
    }
    said = failed(environment, "serve", **broken)
    for word in ("roles", "no_such_package", "missing.toml"):
        assert word in said
    assert "roles" in failed(environment, "door", **broken)
    gone = str(tmp_path / "no-owners.toml")
    assert f"{gone}: cannot be read" in failed(environment, "door", COUNTERFOIL_OWNERS=gone)
    assert "no_such_package" in failed(environment, "worker", **broken)
    assert "roles" in failed(environment, "sweeper", **broken)
    assert "roles" in failed(environment, "console", **broken)
    armed = failed(environment, "worker", COUNTERFOIL_FAILPOINT="write.sent@1", COUNTERFOIL_ENV="production")
    assert "COUNTERFOIL_FAILPOINT" in armed


@pytest.mark.chaos
def test_a_port_that_is_taken_ends_the_process(start: Start, environment: dict[str, str]) -> None:
    """Not a process that lives and does not listen."""
    start("console")
    until(lambda: listening(environment["COUNTERFOIL_CONSOLE_PORT"]))
    taken = environment["COUNTERFOIL_CONSOLE_PORT"]
    for words in (("console",), ("door", "--port", taken), ("serve", "--port", taken)):
        second = start(*words)
        assert second.wait(25) != 0, words
        assert second.line == "", "it said where it listens and does not"  # type: ignore[attr-defined]


@pytest.mark.chaos
@pytest.mark.parametrize("process", ["serve", "door", "worker"])
def test_a_key_that_cannot_be_used_keeps_a_process_from_starting(environment: dict[str, str], process: str) -> None:
    """Not the first write, hours later, but the start says so; without a word of the key."""
    said = failed(environment, process, STRIPE_API_KEY="pk_live_51Abc", HUBSPOT_ACCESS_TOKEN="51Abc")
    assert "STRIPE_API_KEY is a publishable key" in said
    assert "HUBSPOT_ACCESS_TOKEN has a form that is not known" in said
    assert "51Abc" not in said


NOBODY = {"STRIPE_WEBHOOK_SECRET": "", "HUBSPOT_CLIENT_SECRET": ""}


@pytest.mark.chaos
@pytest.mark.parametrize("process", ["serve", "door"])
def test_in_production_a_door_without_a_source_does_not_start(environment: dict[str, str], process: str) -> None:
    """It would look healthy and accept nothing; what to set is named, and what else is wrong too."""
    said = failed(environment, process, COUNTERFOIL_ENV="production", **NOBODY)
    for word in ("STRIPE_WEBHOOK_SECRET", "HUBSPOT_CLIENT_SECRET", "COUNTERFOIL_SOURCES"):
        assert word in said


@pytest.mark.chaos
def test_elsewhere_a_door_without_a_source_says_that_it_has_none(start: Start) -> None:
    """On the line that everybody reads; it is there for looking around, and it stops like any other."""
    process = start("door", **NOBODY)
    assert parts.NO_SOURCE in process.line  # type: ignore[attr-defined]
    assert stopped(process) == 0


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that is never asked."""


def test_a_stop_that_comes_while_a_listener_begins_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """It leaves at once and says nothing of listening (remove `stop.is_set()` from `_listen`: it runs for ever)."""
    server = uvicorn.Server(uvicorn.Config(_nothing, port=free_port(), log_config=None, lifespan="off"))
    stop = threading.Event()
    stop.set()
    thread = threading.Thread(target=processes._listen, args=(server, stop, "here I am"), daemon=True)
    thread.start()
    thread.join(10)
    ended = not thread.is_alive()
    server.should_exit = True
    thread.join(10)
    assert ended
    assert "here I am" not in capsys.readouterr().out


def test_the_doors_process_stays_small(environment: dict[str, str]) -> None:
    """Nothing of the tables, the engine, the notifications or the console's pages is loaded into it."""
    script = (
        "import sys\nfrom console import parts, processes\n"
        "parts.arm(); parts.owners(); parts.door()\n"
        "heavy = {'sqlalchemy', 'sqlmodel', 'alembic', 'apprise', 'httpx', 'engine', 'counterfoil.tables'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
