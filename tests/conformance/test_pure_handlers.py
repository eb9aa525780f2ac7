"""What no handler may do, whoever wrote it: import what acts, or touch the world while it plans."""

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import contracts
import handlers
from contracts.base import find as find_contract
from engine.registry import HandlerSpec, find

FOLDER = Path(handlers.__file__).parent
SAMPLES = Path(contracts.__file__).parent / "samples"

#: What a handler is made of: contracts in, effects and outcomes out.
OURS = {"contracts", "destinations", "engine", "handlers"}
#: Of the standard library: what computes. No clock, chance, file, process, thread or wire.
COMPUTES = {
    *("__future__", "abc", "bisect", "collections", "dataclasses", "decimal", "enum", "fractions", "functools"),
    *("hashlib", "itertools", "json", "math", "operator", "re", "string", "textwrap", "types", "typing"),
    "datetime",  # for what events carry; `now` and `today` are looked for below
    "unicodedata",
}
#: Calls that read a clock through what may be imported.
CLOCKS = {"now", "utcnow", "today"}
#: Audit events of the interpreter that mean the world outside.
OUTSIDE = ("socket.", "subprocess.", "os.", "open", "shutil.", "sqlite3.", "urllib.", "http.", "ftplib.", "smtplib.")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_a_handler_imports_nothing_that_acts(path: Path) -> None:
    """P7: no session, broker, client, clock or setting within reach. Import `counterfoil.database` and this fails."""
    tree = ast.parse(path.read_text())
    assert {name for name in _imported(tree) if name.split(".")[0] not in OURS | COMPUTES} == set()
    assert {name for name in _imported(tree) if name.startswith(("engine.", "destinations."))} <= {
        *("engine.outcomes", "engine.registry", "destinations.base"),
        *_destinations(),
    }
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert called & CLOCKS == set()


def _destinations() -> set[str]:
    folder = Path(importlib.import_module("destinations").__file__ or "").parent
    paths = (path.relative_to(folder.parent).with_suffix("") for path in folder.rglob("*.py"))
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a handler names what it imports in full"
            yield node.module or ""


class Touched(Exception):
    """Something reached for the world outside while a handler planned."""


_watching = False


def _watch(event: str, _: tuple[Any, ...]) -> None:
    if _watching and event.startswith(OUTSIDE):
        raise Touched(event)


@contextmanager
def nothing_may_be_touched() -> Iterator[None]:
    """Files, connections and processes raise inside this block; a hook of the interpreter cannot be taken off again."""
    global _watching
    if not hasattr(sys, "_counterfoil_watch"):
        sys.addaudithook(_watch)
        sys._counterfoil_watch = True  # type: ignore[attr-defined]
    _watching = True
    try:
        yield
    finally:
        _watching = False


def _cases() -> Iterator[Any]:
    for spec in find("handlers").every():
        for kind in sorted(spec.types):
            for path in sorted((SAMPLES / spec.source).glob(f"{kind}*.json")):
                if path.stem.split("@")[0] == kind:
                    yield pytest.param(spec, path, id=f"{spec.name}-{path.stem}")


@pytest.mark.parametrize(("spec", "path"), list(_cases()))
def test_planning_touches_nothing(spec: HandlerSpec, path: Path) -> None:
    """P7: no file is opened, no connection made, no process started. Open a socket in a handler and this fails."""
    body = path.read_bytes()
    kind = path.stem.split("@")[0]
    contract = find_contract(spec.source, kind, json.loads(body).get("api_version"), body).check(body)
    arguments = (contract, {}) if spec.takes_context else (contract,)
    spec.function(*arguments)  # what is read once per process, as the chart of accounts, is read now
    with nothing_may_be_touched():
        spec.function(*arguments)


def test_the_watch_sees_what_it_must() -> None:
    """It notices a connection, a file and a process; otherwise the test above would prove nothing."""
    import socket
    import subprocess

    with pytest.raises(Touched), nothing_may_be_touched():
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(Touched), nothing_may_be_touched():
        Path(__file__).read_text()
    with pytest.raises(Touched), nothing_may_be_touched():
        subprocess.run(["true"])
