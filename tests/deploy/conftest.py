"""The files that ship Counterfoil, parsed once, and the names that they must agree with."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from counterfoil.settings import Settings

ROOT = Path(__file__).parents[2]


class Instruction(NamedTuple):
    """One instruction of a Dockerfile and the stage that it belongs to (0 is the first)."""

    stage: int
    name: str
    text: str

    def words(self) -> list[str]:
        """The arguments; a JSON array (the exec form) as its elements."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the tree."""
    return ROOT


@pytest.fixture(scope="session")
def dockerfile() -> list[Instruction]:
    """The Dockerfile's instructions, continued lines joined and comments gone."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    found: list[Instruction] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, text = line.strip().partition(" ")
            stage = sum(each.name == "FROM" for each in found) - (name != "FROM")
            found.append(Instruction(stage, name, text.strip()))
    return found


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """compose.yaml."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return parsed


@pytest.fixture(scope="session")
def fly() -> dict[str, Any]:
    """fly.toml."""
    return tomllib.loads((ROOT / "fly.toml").read_text())


@pytest.fixture(scope="session")
def pyproject() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def is_setting() -> Callable[[str], bool]:
    """Whether the code reads an environment variable of this name."""
    names: set[str] = set()
    for field in Settings.model_fields.values():
        choices = field.validation_alias
        names.update(str(choice) for choice in getattr(choices, "choices", [choices]))
    return names.__contains__


@pytest.fixture(scope="session")
def commands() -> set[str]:
    """The commands of `counterfoil`."""
    import typer

    from console.cli import app

    group = typer.main.get_command(app)
    return set(getattr(group, "commands", {}))


@pytest.fixture
def health_paths() -> dict[str, set[str]]:
    """The paths that door and console answer without a login, by process."""
    from console.app import console_app
    from counterfoil.settings import settings
    from ingest.health import health_routes

    async def never_asked() -> str | None:
        raise AssertionError

    return {
        "door": {route.path for route in health_routes(settings(), never_asked)},
        "console": {getattr(route, "path", "") for route in console_app().routes},
    }
