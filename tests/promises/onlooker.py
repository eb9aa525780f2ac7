"""A pytest plugin inside the copy: tells how each test ended, and lends the Postgres that runs already.

It refuses to look on when the code under test is not the copy's: then nothing was removed.
"""

import importlib.util
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, str] = {}
_LENT = {"postgres": "LENT_POSTGRES", "template": "LENT_TEMPLATE"}


def pytest_sessionstart() -> None:
    """Make sure that what is tested is the copy."""
    settings = tomllib.loads(Path("pyproject.toml").read_text())
    for name in settings["tool"]["importlinter"]["root_packages"]:
        found = importlib.util.find_spec(name)
        if found is None or not found.origin or not Path(found.origin).is_relative_to(Path.cwd()):
            raise pytest.UsageError(f"the code under test is {found}, not the copy in {Path.cwd()}")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> str | None:
    """Lend what another session started; what is not lent is set up as ever."""
    lent = os.environ.get(_LENT.get(fixturedef.argname, ""))
    if lent is not None:
        fixturedef.cached_result = (lent, fixturedef.cache_key(request), None)
    return lent


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test fails in its call; one that cannot even begin is an error and proves nothing."""
    if report.when == "call":
        _outcomes[report.nodeid] = report.outcome
    elif report.failed:
        _outcomes.setdefault(report.nodeid, f"error in {report.when}")


def pytest_sessionfinish() -> None:
    """Tell."""
    Path(os.environ["ONLOOKER_FILE"]).write_text(json.dumps(_outcomes))
