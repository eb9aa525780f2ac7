"""Every setting, read once from the environment and `.env`; the only reader of either."""

import ipaddress
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: The highest that TCP knows; a listener beyond it would never listen.
PORT_MAX = 65_535

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _named(name: str) -> AliasChoices:
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """The whole configuration; secrets are `SecretStr` and print as stars.

    Secrets of sources are not listed here: each provider names the variable that holds its own
    (`ingest.sources` reads them through `secret`).
    """

    # Not by field name: HOME, HOST and ENVIRONMENT mean something else in most shells. Empty is as good as absent.
    # Errors do not quote what was given: it may be a secret.
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    environment: Literal["production", "development", "test"] = Field(
        "production", validation_alias=_named("COUNTERFOIL_ENV"), description="which rules apply"
    )
    home: Path = Field(Path(".counterfoil"), validation_alias=_named("COUNTERFOIL_HOME"), description="data folder")
    database_url: SecretStr | None = Field(
        None,
        validation_alias=_named("DATABASE_URL"),
        description="Postgres; unset: the embedded one under home",
    )
    redis_url: SecretStr | None = Field(
        None, validation_alias=_named("REDIS_URL"), description="Redis broker; unset: in-process"
    )
    broker_url: SecretStr | None = Field(
        None, validation_alias=_named("BROKER_URL"), description="another broker: amqp://… or redis://…"
    )
    public_url: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_PUBLIC_URL"),
        description="the URL that providers call, without the path; HubSpot signatures cover it",
    )
    console_url: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_CONSOLE_URL"),
        description="the URL under which people reach the console; links to it and sign-in elsewhere need it",
    )
    oidc_issuer: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_OIDC_ISSUER"),
        description="OpenID Connect provider that people sign in with; unset: local accounts only",
    )
    oidc_client_id: str | None = Field(
        None, validation_alias=_named("COUNTERFOIL_OIDC_CLIENT_ID"), description="what we are called there"
    )
    oidc_client_secret: SecretStr | None = Field(
        None, validation_alias=_named("COUNTERFOIL_OIDC_CLIENT_SECRET"), description="… and how we prove it"
    )
    oidc_domain: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_OIDC_DOMAIN"),
        description="people of this e-mail domain become users at their first sign-in, as viewers; unset: nobody does",
    )
    trusted_proxies: str = Field(
        "127.0.0.1, ::1",
        validation_alias=_named("COUNTERFOIL_TRUSTED_PROXIES"),
        description="networks of the proxies in front of the console, whose word for a visitor's address counts",
    )
    address_header: str = Field(
        "X-Forwarded-For",
        validation_alias=_named("COUNTERFOIL_ADDRESS_HEADER"),
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        description="where they say it",
    )
    api_token: SecretStr | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_API_TOKEN"),
        description="a first API token with all rights",
    )
    sentry_dsn: SecretStr | None = Field(
        None, validation_alias=_named("SENTRY_DSN"), description="error reports; unset: none"
    )
    approval_minor: int = Field(
        1_000_000,
        ge=0,
        validation_alias=_named("COUNTERFOIL_APPROVAL_MINOR"),
        description="amount in minor units from which a write needs a person",
    )
    reauth_minor: int | None = Field(
        None,
        ge=0,
        validation_alias=_named("COUNTERFOIL_REAUTH_MINOR"),
        description="amount in minor units from which whoever approves proves who they are again (unset: tenfold)",
    )
    max_body_bytes: int = Field(
        1_048_576,
        ge=1024,
        validation_alias=_named("COUNTERFOIL_MAX_BODY_BYTES"),
        description="largest request body in bytes",
    )
    failpoint: str | None = Field(
        None, validation_alias=_named("COUNTERFOIL_FAILPOINT"), description="tests only: NAME@N"
    )
    host: str = Field("127.0.0.1", validation_alias=_named("COUNTERFOIL_HOST"), description="listening address")
    port: int = Field(
        8000,
        ge=1,
        le=PORT_MAX,
        validation_alias=AliasChoices("COUNTERFOIL_PORT", "PORT"),
        description="the door's port",
    )
    console_port: int = Field(
        8001,
        ge=1,
        le=PORT_MAX,
        validation_alias=_named("COUNTERFOIL_CONSOLE_PORT"),
        description="the console's and the API's port",
    )
    console_on_door: bool | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_CONSOLE_ON_DOOR"),
        description="API and console on the door's listener too (unset: yes in `serve` outside production)",
    )
    metrics_token: SecretStr | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_METRICS_TOKEN"),
        description="bearer token for /metrics; unset: open",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=PORT_MAX,
        validation_alias=_named("COUNTERFOIL_METRICS_PORT"),
        description="port for the metrics of worker and sweeper, which have no other listener; for a private network",
    )
    sources_file: Path | None = Field(
        None, validation_alias=_named("COUNTERFOIL_SOURCES"), description="TOML file with further sources"
    )
    owners_file: Path | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_OWNERS"),
        description="owners file; unset: the one in the tree",
    )
    policy_file: Path | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_POLICY"),
        description="approval policy; unset: the one in the tree",
    )
    handlers_package: str = Field(
        "handlers",
        validation_alias=_named("COUNTERFOIL_HANDLERS"),
        description="package that is walked for handlers",
    )
    worker_threads: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias=_named("COUNTERFOIL_WORKER_THREADS"),
        description="threads of one worker",
    )
    sender_threads: int = Field(
        8,
        ge=1,
        le=64,
        validation_alias=_named("COUNTERFOIL_SENDER_THREADS"),
        description="requests to destinations that one worker has under way at a time",
    )
    answer_seconds: float = Field(
        25.0,
        gt=0,
        le=120,
        validation_alias=_named("COUNTERFOIL_ANSWER_SECONDS"),
        description="how long a destination may take to answer before a write is in doubt",
    )
    model: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_MODEL"),
        pattern=r"^(anthropic|openai):\S+$",
        description="hosted model, as anthropic:NAME or openai:NAME; unset: questions are judged here or by people",
    )
    model_price: str | None = Field(
        None,
        validation_alias=_named("COUNTERFOIL_MODEL_PRICE"),
        pattern=r"^\d+(\.\d+)?,\d+(\.\d+)?$",
        description="US dollars per million tokens, IN,OUT, of a model whose price is not known",
    )
    model_seconds: float = Field(
        20.0,
        gt=0,
        le=120,
        validation_alias=_named("COUNTERFOIL_MODEL_SECONDS"),
        description="how long the hosted model may take, the second attempt included",
    )
    model_usd_per_call: float = Field(
        0.05,
        ge=0,
        validation_alias=_named("COUNTERFOIL_MODEL_USD_PER_CALL"),
        description="the most that one question may cost at the hosted model",
    )
    model_usd_per_event: float = Field(
        0.25, ge=0, validation_alias=_named("COUNTERFOIL_MODEL_USD_PER_EVENT"), description="… all of one event"
    )
    model_usd_per_hour: float = Field(
        2.0, ge=0, validation_alias=_named("COUNTERFOIL_MODEL_USD_PER_HOUR"), description="… all in an hour"
    )
    model_usd_per_day: float = Field(
        20.0, ge=0, validation_alias=_named("COUNTERFOIL_MODEL_USD_PER_DAY"), description="… all in a day"
    )
    model_usd_per_question_day: float = Field(
        10.0,
        ge=0,
        validation_alias=_named("COUNTERFOIL_MODEL_USD_PER_QUESTION_DAY"),
        description="… all of one kind of question in a day",
    )
    lease_seconds: float = Field(
        6.0,
        gt=0.5,
        validation_alias=_named("COUNTERFOIL_LEASE_SECONDS"),
        description="how long a claim holds without a heartbeat",
    )
    crashes_max: int = Field(
        5,
        ge=1,
        validation_alias=_named("COUNTERFOIL_CRASHES_MAX"),
        description="crashes after which an event is a case",
    )
    log_format: Literal["json", "text"] = Field(
        "json",
        validation_alias=_named("COUNTERFOIL_LOG_FORMAT"),
        description="one JSON object a line, or text",
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("DATABASE_URL must begin with postgresql://")
        return value

    @field_validator("public_url", "console_url", "oidc_issuer")
    @classmethod
    def _no_trailing_slash(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if not value.startswith(("https://", "http://")):
            raise ValueError(
                f"COUNTERFOIL_{str(info.field_name).upper()} must begin with https:// (or http:// for tests)"
            )
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        try:
            _networks(value)
        except ValueError as wrong:
            raise ValueError(f"COUNTERFOIL_TRUSTED_PROXIES: {wrong}") from None
        return value

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Whose word for a visitor's address counts."""
        return _networks(self.trusted_proxies)

    @property
    def proof_minor(self) -> int:
        """Amount from which whoever approves proves who they are again."""
        return self.approval_minor * 10 if self.reauth_minor is None else self.reauth_minor

    @property
    def is_production(self) -> bool:
        """True where the strict rules hold."""
        return self.environment == "production"

    @property
    def console_address(self) -> str:
        """Under which people reach the console, as far as we were told; in production it has to be said."""
        on_door = not self.is_production if self.console_on_door is None else self.console_on_door
        return self.console_url or f"http://{self.host}:{self.port if on_door else self.console_port}"


@lru_cache(maxsize=8)
def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read at the first call. Tests call `settings.cache_clear()`."""
    return Settings()


class _Anything(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="allow")


def secret(name: str) -> str | None:
    """One environment value by name, from the environment or `.env`; how sources find their secrets."""
    value = os.environ.get(name)
    if value is None:
        value = _written(*_state_of_file()).get(name.lower())
    return value or None


def _state_of_file() -> tuple[str, tuple[int, int] | None]:
    """Which `.env` that is, and what tells one state of it from the next."""
    file = os.path.abspath(".env")
    try:
        found = os.stat(file)
    except OSError:
        return file, None
    return file, (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _written(file: str, state: tuple[int, int] | None) -> dict[str, Any]:
    """What `.env` says beside our own settings; read again when it changes, because a page asks for many names."""
    return (_Anything().model_extra or {}) if state is not None else {}
