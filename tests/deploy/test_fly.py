"""fly.toml: processes, release command, checks and metrics that fit the code."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from console.access import whence
from counterfoil.settings import settings

OURS = {"door", "worker", "sweeper", "console"}
#: Tables and keys of Fly's configuration, as far as this file uses them.
KEYS = {
    "app", "primary_region", "kill_signal", "kill_timeout", "build", "deploy", "env", "processes", "http_service",
    "services", "metrics", "restart", "vm",
}  # fmt: skip


@pytest.fixture
def listeners(fly: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The service of each process that listens."""
    services = [fly["http_service"], *fly["services"]]
    return {process: service for service in services for process in service["processes"]}


def test_every_process_is_there_under_its_own_name(fly: dict[str, Any], commands: set[str]) -> None:
    """A process has one name everywhere."""
    assert fly["processes"] == {name: f"counterfoil {name}" for name in OURS}
    assert commands >= OURS
    assert set(fly) <= KEYS


def test_the_schema_is_migrated_before_any_machine_changes(fly: dict[str, Any], commands: set[str]) -> None:
    """The release command is the migration, and the deployment rolls, so that a door is always there."""
    program, command = fly["deploy"]["release_command"].split()
    assert program == "counterfoil"
    assert command == "migrate"
    assert command in commands
    assert fly["deploy"]["strategy"] == "rolling"


def test_only_settings_are_set_and_no_secret_among_them(
    fly: dict[str, Any], is_setting: Callable[[str], bool], root: Path
) -> None:
    """The file is committed: what is secret is set with `fly secrets set`."""
    assert [name for name in fly["env"] if not is_setting(name)] == []
    assert all(isinstance(value, str) for value in fly["env"].values())
    private = re.compile("SECRET|TOKEN|PASSWORD|_KEY|DSN|DATABASE|REDIS|BROKER")
    assert not [name for name in fly["env"] if private.search(name)]
    assert not re.search(r"whsec_|sk_live_|postgres(ql)?://|redis://", (root / "fly.toml").read_text())


def test_the_proxy_says_who_reached_it(fly: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind Fly's proxy each visitor is one, whatever they write themselves."""
    for name in ("COUNTERFOIL_TRUSTED_PROXIES", "COUNTERFOIL_ADDRESS_HEADER"):
        monkeypatch.setenv(name, fly["env"][name])
    settings.cache_clear()
    headers = {"fly-client-ip": "203.0.113.7", "x-forwarded-for": "198.51.100.66, 203.0.113.7, 66.241.124.1"}
    assert whence.address("172.16.4.2", Headers(headers)) == "203.0.113.7"
    assert whence.address("198.51.100.66", Headers(headers)) == "198.51.100.66"
    settings.cache_clear()


def test_each_service_goes_to_the_port_that_its_process_listens_on(
    fly: dict[str, Any], listeners: dict[str, dict[str, Any]]
) -> None:
    """The proxy reaches a machine on 0.0.0.0, at the port of the settings."""
    assert set(listeners) == {"door", "console"}
    assert fly["env"]["COUNTERFOIL_HOST"] == "0.0.0.0"
    assert str(listeners["door"]["internal_port"]) == fly["env"]["COUNTERFOIL_PORT"]
    assert str(listeners["console"]["internal_port"]) == fly["env"]["COUNTERFOIL_CONSOLE_PORT"]


def test_the_console_is_not_on_the_door(fly: dict[str, Any], listeners: dict[str, dict[str, Any]]) -> None:
    """It has its own port, with TLS, and nothing switches it on at the door's listener."""
    assert "COUNTERFOIL_CONSOLE_ON_DOOR" not in fly["env"]
    ports = listeners["console"]["ports"]
    assert all(port["port"] not in (80, 443) and "tls" in port["handlers"] for port in ports)
    assert fly["http_service"]["force_https"] is True


def test_readiness_is_asked_where_it_is_answered(
    listeners: dict[str, dict[str, Any]], health_paths: dict[str, set[str]]
) -> None:
    """A machine gets traffic only while an event could be committed there."""
    for process, checks in (
        ("door", listeners["door"]["checks"]),
        ("console", listeners["console"]["http_checks"]),
    ):
        assert [check["path"] for check in checks] == ["/readyz"]
        assert "/readyz" in health_paths[process]
        assert all(check["method"] == "GET" for check in checks)


def test_metrics_are_read_where_they_are_served(fly: dict[str, Any], health_paths: dict[str, set[str]]) -> None:
    """Every process is scraped, at its own port."""
    ports = {"door": fly["env"]["COUNTERFOIL_PORT"], "console": fly["env"]["COUNTERFOIL_CONSOLE_PORT"]}
    ports |= dict.fromkeys(("worker", "sweeper"), fly["env"]["COUNTERFOIL_METRICS_PORT"])
    scraped = {process: metrics for metrics in fly["metrics"] for process in metrics["processes"]}
    assert set(scraped) == set(ports)
    for process, metrics in scraped.items():
        assert str(metrics["port"]) == ports[process]
        # Worker and sweeper serve nothing else: prometheus_client answers every path.
        assert metrics["path"] in health_paths.get(process, {"/metrics"})


def test_a_door_is_never_put_to_sleep(listeners: dict[str, dict[str, Any]]) -> None:
    """Providers give a few seconds; a machine that has to start first costs a delivery."""
    for service in listeners.values():
        assert service["auto_stop_machines"] == "off"
        assert service["auto_start_machines"] is False


def test_every_process_has_a_size_and_comes_back(fly: dict[str, Any]) -> None:
    """Each process is in exactly one [[vm]] and in a [[restart]] that always restarts."""
    sized = sorted(process for vm in fly["vm"] for process in vm["processes"])
    assert sized == sorted(OURS)
    restarted = {
        process for restart in fly["restart"] if restart["policy"] == "always" for process in restart["processes"]
    }
    assert restarted == OURS


def test_a_stop_is_given_longer_than_it_needs(fly: dict[str, Any], compose: dict[str, Any]) -> None:
    """Both supervisors ask with SIGTERM and wait longer than a process takes to finish what is under way."""
    from console.processes import STOP_SECONDS

    assert fly["kill_signal"] == "SIGTERM"
    assert STOP_SECONDS + 5 <= fly["kill_timeout"] <= 300
    for name in OURS:
        assert int(compose["services"][name]["stop_grace_period"].removesuffix("s")) == fly["kill_timeout"]
