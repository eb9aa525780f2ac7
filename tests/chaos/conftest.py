"""A Postgres and a Redis that belong to the chaos tests, and a company of real processes over them.

The processes live as long as one test file; within it every test asks about its own invoices only.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness stands beside the tests, and has no package

from company import Company, Founding, staffed
from servers import Postgres, Redis
from stripe_side import Sender


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder kills processes."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.chaos)


@pytest.fixture(scope="session")
def chaos_postgres() -> Iterator[Postgres]:
    """A server that tests may stop."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="module")
def chaos_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A server that tests may empty, freeze and kill."""
    server = Redis(tmp_path_factory.mktemp("chaos_redis"))
    yield server
    server.thaw()
    server.kill()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, chaos_postgres: Postgres, chaos_redis: Redis) -> Iterator[Founding]:
    """Makes companies with settings of one's own; none outlives the file."""
    made: list[tuple[Company, Sender]] = []

    def make(**settings: str) -> tuple[Company, Sender]:
        made.append(staffed(tmp_path_factory.mktemp("company"), chaos_postgres, chaos_redis, **settings))
        return made[-1]

    yield make
    for company, sender in made:
        sender.close()
        company.close()
