"""`.ci/venv.py`: what makes the environment, as far as it can be tried without making one."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def venv(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, over a tree of this test's own whose `.venv` runs but holds nothing."""
    spec = importlib.util.spec_from_file_location("venv_script", root / ".ci" / "venv.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    # A wrapper and not a link: through a link Python would look for its library beside it.
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(script, "STAMP", tmp_path / ".venv" / "stamp")
    return script


@pytest.fixture
def version() -> tuple[int, int]:
    """The Python that the environment of `venv` is made of."""
    return (sys.version_info.major, sys.version_info.minor)


def test_an_environment_without_a_stamp_is_not_ready(venv: ModuleType, version: tuple[int, int]) -> None:
    """An installation that was interrupted leaves no stamp."""
    assert not venv.is_ready("runtime", version)


def test_the_development_packages_serve_both(venv: ModuleType, version: tuple[int, int]) -> None:
    """`make demo` after `make test` installs nothing; the other way round it does."""
    venv.STAMP.write_text(f"dev {venv.digest_of('dev')}\n")
    assert venv.is_ready("dev", version)
    assert venv.is_ready("runtime", version)
    venv.STAMP.write_text(f"runtime {venv.digest_of('runtime')}\n")
    assert venv.is_ready("runtime", version)
    assert not venv.is_ready("dev", version)


@pytest.mark.parametrize("changed", ["requirements-dev.lock", "pyproject.toml"])
def test_a_changed_lock_is_noticed_by_its_content(venv: ModuleType, version: tuple[int, int], changed: str) -> None:
    """A checkout changes dates, not contents: only the latter count."""
    venv.STAMP.write_text(f"dev {venv.digest_of('dev')}\n")
    os.utime(venv.ROOT / changed)
    assert venv.is_ready("dev", version)
    (venv.ROOT / changed).write_text("something else")
    assert not venv.is_ready("dev", version)


def test_another_python_or_a_broken_one_is_noticed(venv: ModuleType, version: tuple[int, int]) -> None:
    """After `make PYTHON=…`, and when the interpreter that the environment was made of is gone."""
    venv.STAMP.write_text(f"dev {venv.digest_of('dev')}\n")
    assert not venv.is_ready("dev", (3, 99))
    (venv.VENV / "bin" / "python").unlink()
    assert not venv.is_ready("dev", version)


def test_an_environment_that_was_moved_is_made_anew(
    venv: ModuleType, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its scripts name the folder that it was made in."""
    venv.STAMP.write_text(f"dev {venv.digest_of('dev')}\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (elsewhere / name).write_text(name)
    monkeypatch.setattr(venv, "ROOT", elsewhere)
    assert not venv.is_ready("dev", version)


def test_too_old_a_python_is_told_in_one_sentence(venv: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing better on the PATH; with something better that one is taken."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(venv.SetupFailed, match=r"needs Python 3\.11 or newer.*make PYTHON="):
        venv.newer_python()
    better = venv.VENV / "bin" / "python3.12"
    better.symlink_to(venv.VENV / "bin" / "python")
    monkeypatch.setenv("PATH", f"{better.parent}:/bin")
    assert venv.newer_python() == str(better)


def test_a_failed_installation_says_why_and_leaves_no_stamp(
    venv: ModuleType, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]
) -> None:
    """pip's own last words are shown, and the next call tries again."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (venv.ROOT / "requirements.lock").write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(venv.SetupFailed, match="no-such-package"):
        venv.main("runtime")
    assert not venv.is_ready("runtime", version)


def test_a_wrong_word_is_wrong_usage(root: Path) -> None:
    """The script has two levels."""
    done = subprocess.run([sys.executable, root / ".ci" / "venv.py", "all"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "runtime|dev" in done.stderr


def test_continuous_integration_runs_what_people_run(root: Path) -> None:
    """`.ci/run` can be executed, stops at the first error and needs no standard input."""
    text = (root / ".ci" / "run").read_text()
    assert os.access(root / ".ci" / "run", os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("exec make test </dev/null")
