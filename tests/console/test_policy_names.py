"""A policy that names what there is not does not start: it would match nothing, and nobody would notice."""

from pathlib import Path

import pytest

from console import parts
from counterfoil.settings import settings
from exceptions_queue import policy


@pytest.mark.parametrize("table", ["rule", "cap"])
def test_a_misspelt_destination_stops_the_start(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8: what was meant for HubSpot would otherwise go out unasked."""
    bound = {"rule": "people = 1", "cap": "window_seconds = 60\ncount_max = 5"}[table]
    file = tmp_path / "policy.toml"
    file.write_text(f'[[{table}]]\nname = "outside"\ndestination = ["hubpsot", "stripe"]\n{bound}\n')
    monkeypatch.setenv("COUNTERFOIL_POLICY", str(file))
    settings.cache_clear()
    policy.policy.cache_clear()
    with pytest.raises(parts.NotStarted, match="hubpsot"):
        parts.checked(parts.policy)
    file.write_text(file.read_text().replace("hubpsot", "hubspot"))
    policy.policy.cache_clear()
    parts.checked(parts.policy)
    policy.policy.cache_clear()
