"""What the processes say about themselves: one wide log line per unit of work, metrics, error reports; all redacted."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from counterfoil.settings import Settings, settings

#: Field names whose values never leave the process, wherever they turn up.
PRIVATE_NAMES = re.compile(
    r"(secret|token|password|passwd|authorization|signature|api_?key|query_string|cookie|dsn|payload|body"
    r"|email|phone|name$|address)",
    re.IGNORECASE,
)
#: Values that look like credentials or e-mail addresses inside longer texts.
PRIVATE_VALUES = re.compile(
    r"(whsec_\w+|whpk_\w+|[sr]k_(?:live|test)_\w+|pat-\w+-[\w-]+|[\w.+-]+@[\w-]+\.[\w.-]+|://[^/\s:@]*:[^@\s/]+@)"
)
STARS = "***"
#: Names that the pattern above would catch although they say nothing private.
PUBLIC_NAMES = frozenset({"name", "handler_name", "event_name", "process_name", "key_name", "body_bytes"})

log: structlog.stdlib.BoundLogger = structlog.get_logger("counterfoil")


def redact(value: Any, name: str = "") -> Any:
    """The same value without secrets and personal data, to any depth."""
    if name and name not in PUBLIC_NAMES and PRIVATE_NAMES.search(name):
        return STARS
    if isinstance(value, str):
        return PRIVATE_VALUES.sub(STARS, value)
    if isinstance(value, Mapping):
        return {key: redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def _redacted(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(item, key) if key != "event" else item for key, item in line.items()}


def configure(process: str, config: Settings | None = None) -> None:
    """Set up logging and, when SENTRY_DSN is set, error reports for one process."""
    config = config or settings()
    last: Any = (
        structlog.processors.JSONRenderer()
        if config.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    if config.sentry_dsn is not None:
        _configure_sentry(process, config)


def _configure_sentry(process: str, config: Settings) -> None:
    import sentry_sdk
    from sentry_sdk.integrations.dramatiq import DramatiqIntegration
    from sentry_sdk.integrations.starlette import StarletteIntegration

    assert config.sentry_dsn is not None
    sentry_sdk.init(
        dsn=config.sentry_dsn.get_secret_value(),
        environment=config.environment,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,  # locals hold payloads and secrets
        before_send=lambda report, _: redact(report),
        before_breadcrumb=lambda crumb, _: redact(crumb),
        integrations=[StarletteIntegration(), DramatiqIntegration()],
    )
    sentry_sdk.set_tag("process", process)


def wide(name: str, **fields: Any) -> None:
    """One line about one unit of work, named `thing.past_participle`."""
    log.info(name, **fields)


def report_failure(
    failure: BaseException,
    *,
    failure_class: str,
    owner: str | None,
    handler: str | None,
    event_id: str | None,
) -> None:
    """Send an exception to Sentry (when configured) with the four tags that people search by."""
    import sentry_sdk

    if not sentry_sdk.is_initialized():
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("failure_class", failure_class)
        scope.set_tag("owner", owner or "unknown")
        scope.set_tag("handler", handler or "none")
        scope.set_tag("event_id", event_id or "none")
        scope.capture_exception(failure)


class metrics:  # noqa: N801 - reads as a namespace: telemetry.metrics.events_received
    """Every Prometheus series; labels are bounded sets, never ids."""

    deliveries = Counter("counterfoil_deliveries", "Requests at the door by answer", ["source", "status"])
    events_received = Counter("counterfoil_events_received", "Events recorded", ["source"])
    events_duplicate = Counter("counterfoil_events_duplicate", "Events that were known already", ["source"])
    rejections = Counter("counterfoil_rejections", "Requests refused", ["source", "reason"])
    admission_group = Histogram(
        "counterfoil_admission_group_size", "Events per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
    )
    admission_seconds = Histogram("counterfoil_admission_seconds", "From verified to committed")
    admission_waiting = Gauge("counterfoil_admission_waiting", "Events that wait for a commit")
    rings_failed = Counter("counterfoil_rings_failed", "Rings that the broker did not take")
    runs = Counter("counterfoil_runs", "Runs by handler and result", ["handler", "status"])
    run_group = Histogram("counterfoil_run_group_size", "Events per claim", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
    cases_opened = Counter("counterfoil_cases_opened", "Cases opened", ["failure_class"])
    writes = Counter("counterfoil_writes", "Writes by destination and result", ["destination", "status"])
    decisions = Counter("counterfoil_decisions", "Items judged, by what code made of it", ["question", "status"])
    model_spent = Counter("counterfoil_model_spent_usd", "What hosted models cost", ["question"])
    notifications = Counter("counterfoil_notifications", "Notifications by result", ["status"])
    events_due = Gauge("counterfoil_events_due", "Events that could be claimed now")
    oldest_due_seconds = Gauge("counterfoil_oldest_due_seconds", "Age of the oldest event that could be claimed")
    writes_waiting = Gauge("counterfoil_writes_waiting", "Writes on their way", ["destination"])
    oldest_write_seconds = Gauge(
        "counterfoil_oldest_write_seconds", "Age of the oldest write on its way", ["destination"]
    )
    destination_away = Gauge("counterfoil_destination_away", "1 while a destination does not answer", ["destination"])
    pauses = Gauge("counterfoil_pauses", "Pauses in force", ["scope"])
