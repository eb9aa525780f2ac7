"""The door stays small: what it does not need is not loaded."""

import subprocess
import sys

#: What belongs to other processes: the tables and their mapper, migrations, the engine, the desk.
FOREIGN = [
    "sqlalchemy",
    "sqlmodel",
    "alembic",
    "counterfoil.tables",
    "engine",
    "handlers",
    "contracts",
    "destinations",
    "exceptions_queue",
    "console",
    "apprise",
    "typer",
]

PROGRAM = f"""
import sys
from ingest.app import door
from ingest.server import make_server
make_server(door(), "127.0.0.1", 0).config.load()
found = sorted(name for name in {FOREIGN!r} if name in sys.modules)
print(",".join(found))
"""


def test_the_door_loads_nothing_of_the_mapper_and_nothing_above_it() -> None:
    """A door process with its application and listener ready has none of these modules."""
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""
