"""The image, as far as a machine without Docker can look at it."""

import fnmatch
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

#: What a Dockerfile may contain; anything else is a typing mistake.
KNOWN = {
    "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "CMD", "ENTRYPOINT", "ARG", "LABEL"
}  # fmt: skip
#: Environment variables of the image that belong to Python and the shell.
NOT_OURS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"}


def _environment(dockerfile: list[Any]) -> dict[str, str]:
    pairs = [pair for each in dockerfile if each.name == "ENV" for pair in each.words()]
    return dict(pair.split("=", 1) for pair in pairs)


def _copied(dockerfile: list[Any]) -> list[str]:
    """What is copied from the tree (not from another stage)."""
    copies = [each.words() for each in dockerfile if each.name == "COPY"]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def _is_sent(path: str, ignore: list[str]) -> bool:
    """Whether .dockerignore lets a path into the build: the last line that matches decides."""
    sent = True
    for line in ignore:
        pattern = line.removeprefix("!")
        parts = [path, *(str(parent) for parent in Path(path).parents)]
        names = [path.rsplit("/", 1)[-1]] if pattern.startswith("**/") else parts
        if any(fnmatch.fnmatch(name, pattern.removeprefix("**/")) for name in names):
            sent = line.startswith("!")
    return sent


@pytest.fixture(scope="module")
def ignore(root: Path) -> list[str]:
    """The lines of .dockerignore that say something."""
    lines = (root / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_every_instruction_is_one_that_docker_knows(dockerfile: list[Any]) -> None:
    """A misspelt instruction would be found only by building."""
    assert {each.name for each in dockerfile} <= KNOWN
    assert dockerfile[0].name == "FROM"


def test_every_source_of_a_copy_exists_and_is_let_in(dockerfile: list[Any], root: Path, ignore: list[str]) -> None:
    """A file that is missing or excluded breaks the build; this finds it without one."""
    for source in _copied(dockerfile):
        assert (root / source).exists(), source
        assert _is_sent(source, ignore), f"{source} is excluded by .dockerignore"


def test_every_package_is_copied(dockerfile: list[Any], root: Path, pyproject: dict[str, Any]) -> None:
    """A package that pyproject.toml lists and the image lacks would fail at the first import."""
    patterns = pyproject["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {pattern.rstrip("*") for pattern in patterns}
    packages.discard("sandbox")  # plays the world outside; it has no place beside the real one
    assert packages <= set(_copied(dockerfile))
    assert all((root / package / "__init__.py").exists() for package in packages)


@pytest.mark.parametrize(
    "path",
    [".env", ".env.production", "contracts/.env", ".git/config", ".counterfoil/postgres/PG_VERSION", "tests/a.py"],
)
def test_nothing_private_is_sent_to_the_build(path: str, ignore: list[str]) -> None:
    """Secrets, history and data folders are no part of an image."""
    assert not _is_sent(path, ignore)


def test_only_locked_packages_are_installed(dockerfile: list[Any]) -> None:
    """Every pip call either checks hashes or installs nothing but the project itself."""
    calls = [
        call for each in dockerfile if each.name == "RUN" for call in re.findall(r"pip install ([^&]*)", each.text)
    ]
    assert len(calls) == 2
    assert "--require-hashes" in calls[0]
    assert "requirements-production.lock" in calls[0]
    assert calls[1].split() == ["--no-deps", "--no-build-isolation", "."]


def test_the_process_is_not_root(dockerfile: list[Any]) -> None:
    """The last stage switches to a numbered user, and does so after the last thing that needs more."""
    last = [each for each in dockerfile if each.stage == 1]
    names = [each.name for each in last]
    assert last[names.index("USER")].text.isdigit()
    assert last[names.index("USER")].text != "0"
    assert "RUN" not in names[names.index("USER") :]


def test_the_image_speaks_the_language_of_the_settings(
    dockerfile: list[Any], is_setting: Callable[[str], bool], pyproject: dict[str, Any]
) -> None:
    """Its variables are settings, none of them a secret, and its Python is new enough."""
    names = set(_environment(dockerfile)) - NOT_OURS
    assert [name for name in names if not is_setting(name)] == []
    assert not [name for name in names if re.search("SECRET|TOKEN|PASSWORD|KEY|URL|DSN", name)]
    oldest = tuple(int(part) for part in re.findall(r"\d+", pyproject["project"]["requires-python"]))
    images = [each.text for each in dockerfile if each.name == "FROM"]
    for image in images:
        version = re.match(r"python:(\d+)\.(\d+)-slim", image)
        assert version is not None
        assert tuple(int(part) for part in version.groups()) >= oldest


def test_the_image_starts_the_door_and_asks_it_whether_it_is_ready(
    dockerfile: list[Any], commands: set[str], health_paths: dict[str, set[str]]
) -> None:
    """Command, port and path are those of the code."""
    [command] = [each for each in dockerfile if each.name == "CMD"]
    assert command.words()[0] == "counterfoil"
    assert command.words()[1] in commands
    [check] = [each for each in dockerfile if each.name == "HEALTHCHECK"]
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", check.text)
    assert asked is not None
    assert asked.group(1) == _environment(dockerfile)["COUNTERFOIL_PORT"]
    assert asked.group(2) in health_paths["door"]


def test_the_installed_package_holds_every_file_of_the_tree(root: Path, tmp_path: Path) -> None:
    """What the image installs is complete: migrations, samples, owners and all. Break it: drop a suffix from
    `package-data` in pyproject.toml."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    tree = tmp_path / "tree"
    tree.mkdir()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, capture_output=True, text=True)
    wanted = set()
    for name in listed.stdout.splitlines():
        packaged = "/" in name and (root / name.split("/", 1)[0] / "__init__.py").exists()
        if (packaged or name in ("pyproject.toml", "README.md")) and (root / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((root / name).read_bytes())
            wanted |= {name} if packaged and not name.startswith(("sandbox/", "tests/")) else set()
    (tree / "README.md").touch()
    subprocess.run([*build, "--wheel-dir", tmp_path, "."], cwd=tree, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        missing = wanted - set(archive.namelist())
    assert len(wanted) > 50
    assert missing == set()
