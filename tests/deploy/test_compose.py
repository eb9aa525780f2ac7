"""compose.yaml: the same processes, names and habits as on Fly."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = {"door", "worker", "sweeper", "console"}
#: What a service of the compose specification may say, as far as this file uses it.
KEYS = {
    "build", "image", "init", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "env_file", "environment",
    "depends_on", "stop_grace_period", "command", "ports", "volumes", "healthcheck",
}  # fmt: skip
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
#: Read by compose itself to make the URLs of, and by nothing of ours.
OF_COMPOSE = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_the_file_says_only_what_compose_understands(compose: dict[str, Any]) -> None:
    """Unknown keys, services that nobody defines and volumes that nobody declares are refused by compose."""
    assert set(compose) <= {"name", "services", "volumes", "x-counterfoil"}
    for name, service in compose["services"].items():
        assert set(service) <= KEYS, name
        for other, how in service.get("depends_on", {}).items():
            assert other in compose["services"]
            assert how["condition"] in CONDITIONS
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_every_process_is_there_under_its_own_name(compose: dict[str, Any], commands: set[str]) -> None:
    """A process has one name everywhere: service, command, module."""
    for name in OURS | {"migrate"}:
        assert compose["services"][name]["command"] == ["counterfoil", name]
        assert name in commands
    assert set(compose["services"]) == OURS | {"migrate", "postgres", "redis"}


def test_nothing_starts_before_the_schema_is_there(compose: dict[str, Any]) -> None:
    """One migration runs, once, after Postgres is up; everybody else waits for its success."""
    services = compose["services"]
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in OURS:
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_what_waits_for_health_waits_for_something_that_is_asked(compose: dict[str, Any]) -> None:
    """`service_healthy` on a service without a health check would wait for ever."""
    for service in compose["services"].values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in compose["services"][other]["healthcheck"]


def test_health_is_asked_where_the_process_answers(
    compose: dict[str, Any], health_paths: dict[str, set[str]], is_setting: Callable[[str], bool]
) -> None:
    """Ports come from the settings that the same file sets, paths exist in the application."""
    for name, setting in (("door", "COUNTERFOIL_PORT"), ("console", "COUNTERFOIL_CONSOLE_PORT")):
        service = compose["services"][name]
        port = service["environment"][setting]
        asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", str(service["healthcheck"]["test"]))
        assert asked is not None
        assert is_setting(setting)
        assert asked.group(1) == port
        assert asked.group(2) in health_paths[name]
        assert [published.split(":")[-1] for published in service["ports"]] == [port]


def test_only_settings_are_set_and_no_secret_is_written_down(
    compose: dict[str, Any], is_setting: Callable[[str], bool], root: Path
) -> None:
    """Values that are secret come from .env, and compose refuses to start without them."""
    for name in OURS | {"migrate"}:
        assert [key for key in compose["services"][name]["environment"] if not is_setting(key)] == []
    text = (root / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == OF_COMPOSE
    assert len(re.findall(r"\$\{\w+:\?", text)) == len(re.findall(r"\$\{", text))


def test_nothing_listens_beyond_this_machine(compose: dict[str, Any]) -> None:
    """TLS is somebody else's business, so plain ports stay on loopback; Postgres and Redis have none at all."""
    published = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert published["postgres"] == published["redis"] == []


def test_redis_neither_evicts_nor_forgets_at_a_restart(compose: dict[str, Any]) -> None:
    """An evicting Redis loses rings silently; `noeviction` says so to whoever rings."""
    command = " ".join(compose["services"]["redis"]["command"])
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command
    assert "--requirepass" in command


def test_postgres_is_the_version_that_the_tests_run_on(compose: dict[str, Any], postgres: str) -> None:
    """One dialect, tested as shipped: image and embedded server are of one major version."""
    import psycopg

    with psycopg.connect(postgres) as conn:
        major = conn.info.server_version // 10_000
    assert compose["services"]["postgres"]["image"] == f"postgres:{major}"
