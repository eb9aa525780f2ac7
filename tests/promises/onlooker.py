"""A pytest plugin inside the copy: tells how each test ended, and lends the Postgres that runs already.

It refuses to look on when the code under test is not the copy's: then nothing was removed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, str] = {}
_LENT = {"postgres": "LENT_POSTGRES", "template": "LENT_TEMPLATE"}


def pytest_sessionstart() -> None:
    """Make sure that what is tested is the copy."""
    import counterfoil

    if not Path(counterfoil.__file__).is_relative_to(Path.cwd()):
        raise pytest.UsageError(f"the code under test is {counterfoil.__file__}, not the copy in {Path.cwd()}")


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
