"""Which senders exist, and what a configuration that cannot work says."""

from pathlib import Path
from typing import Any

import pytest

from counterfoil.settings import Settings
from ingest.providers import find
from ingest.sources import Source, SourcesUnusable, find_sources


def sources_of(
    env: dict[str, str], tmp_path: Path | None = None, toml: str | None = None, **changes: Any
) -> dict[str, Source]:
    """The sources of an environment given as a dict, and perhaps of a file."""
    config = Settings().model_copy(update=changes)
    if toml is not None:
        assert tmp_path is not None
        path = tmp_path / "sources.toml"
        path.write_text(toml)
        config = config.model_copy(update={"sources_file": path})
    return find_sources(config, env.get)


def test_a_provider_with_a_secret_is_a_source_and_the_others_are_not() -> None:
    """The name is the provider's; several secrets may stand side by side while one is rolled."""
    found = sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a, whsec_b", "HUBSPOT_CLIENT_SECRET": ""})
    assert list(found) == ["stripe"]
    assert found["stripe"].secrets == ("whsec_a", "whsec_b")
    assert (found["stripe"].mode, found["stripe"].accounts) == ("any", frozenset())


def test_no_secret_is_shown_when_a_source_is_printed() -> None:
    """Sources turn up in logs and tracebacks."""
    assert "whsec" not in repr(sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a"}))


def test_every_provider_can_be_a_source() -> None:
    """Whatever file is added, its variable makes it one."""
    secrets = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ab" * 32, "user:password")
    for name, provider in find().items():
        secret = next(secret for secret in secrets if provider.check_secret(secret) is None)
        assert list(sources_of({provider.secret_env: secret})) == [name]


def test_further_sources_stand_in_a_file(tmp_path: Path) -> None:
    """A second account of a provider, with its own secret, mode and accounts."""
    toml = """
        [[source]]
        name = "stripe-eu"
        provider = "stripe"
        secret_env = "STRIPE_EU_SECRET"
        mode = "live"
        accounts = ["acct_1"]
    """
    found = sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a", "STRIPE_EU_SECRET": "whsec_eu"}, tmp_path, toml)
    assert list(found) == ["stripe", "stripe-eu"]
    european = found["stripe-eu"]
    assert (european.provider.name, european.mode, european.accounts) == ("stripe", "live", frozenset({"acct_1"}))


def test_a_source_of_the_file_reads_its_own_environment(tmp_path: Path) -> None:
    """What the file leaves out, `<SOURCE>_MODE`, `<SOURCE>_API_KEY` and `<SOURCE>_ACCOUNT_IDS` may say."""
    toml = '[[source]]\nname="stripe-eu"\nprovider="stripe"\nsecret_env="S"'
    env = {"S": "whsec_eu", "STRIPE_EU_API_KEY": "rk_live_x", "STRIPE_EU_ACCOUNT_IDS": "acct_1, acct_2"}
    european = sources_of(env, tmp_path, toml)["stripe-eu"]
    assert (european.mode, european.accounts) == ("live", frozenset({"acct_1", "acct_2"}))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[[source]]\nname="eu"\nprovider="stripe"\nsecret_env="NOT_SET"', ["source eu", "NOT_SET is not set"]),
        ('[[source]]\nname="Eu!"\nprovider="stripe"\nsecret_env="S"', ["'Eu!'"]),
        ('[[source]]\nname="stripe"\nprovider="stripe"\nsecret_env="S"', ["source stripe", "declared twice"]),
        ('[[source]]\nname="eu"\nprovider="strype"\nsecret_env="S"', ["no provider 'strype'"]),
        ('[[source]]\nname="eu"\nprovider="stripe"', ["secret_env"]),
        ('[[source]]\nname="eu"\nprovider="stripe"\nsecret_env="S"\nmode="prod"', ["mode is 'prod'"]),
        ('[[source]]\nname="eu"\nprovider="stripe"\nsecret_env="S"\naccounts="a"', ["accounts"]),
        ('[[source]]\nname="eu"\nprovider="stripe"\nsecret_env="S"\nsecret="oops"', ["unknown member secret"]),
        ("[source]\nname='x'", ["[[source]]"]),
        ("what = 1", ["[[source]]"]),
        ("[[source", ["cannot be read"]),
    ],
)
def test_a_file_that_cannot_work_does_not_start(tmp_path: Path, toml: str, words: list[str]) -> None:
    """The error names the source and what to do; no value of a secret is in it."""
    with pytest.raises(SourcesUnusable) as raised:
        sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a", "S": "whsec_hidden"}, tmp_path, toml)
    for word in words:
        assert word in str(raised.value)
    assert "whsec" not in str(raised.value)
    assert "oops" not in str(raised.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Three mistakes, one error."""
    toml = '[[source]]\nname="a"\nprovider="x"\nsecret_env="S"\n[[source]]\nname="b"\nprovider="stripe"\nsecret_env="T"'
    with pytest.raises(SourcesUnusable) as raised:
        sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a", "STRIPE_MODE": "prod"}, tmp_path, toml)
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"STRIPE_API_KEY": "pk_live_abc123"}, "STRIPE_API_KEY is a publishable key"),
        ({"STRIPE_API_KEY": "abc123"}, "STRIPE_API_KEY has a form that is not known"),
        ({"STRIPE_API_KEY": "sk_live_a", "STRIPE_MODE": "test"}, "test and live are mixed"),
    ],
)
def test_a_key_that_is_none_does_not_pass_for_any_mode(env: dict[str, str], words: str) -> None:
    """It would leave the door open to live and test events alike; what was given is not repeated."""
    with pytest.raises(SourcesUnusable, match=words) as raised:
        sources_of({"STRIPE_WEBHOOK_SECRET": "whsec_a", **env})
    assert "abc123" not in str(raised.value)


def test_the_keys_of_a_further_account_are_looked_at_too(tmp_path: Path) -> None:
    """By the name of its source."""
    toml = '[[source]]\nname="stripe-eu"\nprovider="stripe"\nsecret_env="S"'
    with pytest.raises(SourcesUnusable, match="STRIPE_EU_API_KEY is a publishable key"):
        sources_of({"S": "whsec_eu", "STRIPE_EU_API_KEY": "pk_live_x"}, tmp_path, toml)


def test_hubspot_needs_its_public_url_in_production() -> None:
    """Its signatures cover the URL; a Host header is not to be believed."""
    with pytest.raises(SourcesUnusable, match="COUNTERFOIL_PUBLIC_URL"):
        sources_of({"HUBSPOT_CLIENT_SECRET": "s"}, environment="production")
    url = "https://hooks.example.test"
    assert sources_of({"HUBSPOT_CLIENT_SECRET": "s"}, environment="production", public_url=url)
    assert sources_of({"STRIPE_WEBHOOK_SECRET": "s"}, environment="production")


def test_a_secret_of_the_wrong_form_does_not_start() -> None:
    """What the provider can tell about a secret is told at the start, not at the first delivery."""
    with pytest.raises(SourcesUnusable, match="ADYEN"):
        sources_of({find()["adyen"].secret_env: "not hex"})
