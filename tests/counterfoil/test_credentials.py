"""API keys: told by how they are written, refused when they are something else, never repeated."""

import pytest

from counterfoil.credentials import Key, keys_of, problems, read


@pytest.mark.parametrize(
    ("provider", "value", "kind", "mode"),
    [
        ("stripe", "sk_live_51Abc", "a secret key", "live"),
        ("stripe", "sk_test_51Abc", "a secret key", "test"),
        ("stripe", "rk_live_51Abc", "a restricted key", "live"),
        ("stripe", "rk_test_51Abc", "a restricted key", "test"),
        ("hubspot", "pat-eu1-0190f2c4-aaaa-bbbb-cccc-0123456789ab", "a private app's token", None),
    ],
)
def test_a_key_says_what_it_is(provider: str, value: str, kind: str, mode: str | None) -> None:
    """Its kind and, at Stripe, its mode."""
    assert read(provider, value) == Key(kind, mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("provider", "value", "word"),
    [
        ("stripe", "pk_live_51Abc", "publishable"),
        ("stripe", "pk_test_51Abc", "publishable"),
        ("stripe", "whsec_51Abc", "STRIPE_WEBHOOK_SECRET"),
        ("stripe", "sk_org_live_51Abc", "organisation"),
        ("stripe", "sk_live_", "not known"),
        ("stripe", "sk_life_51Abc", "not known"),
        ("stripe", " sk_live_51Abc", "not known"),
        ("stripe", "sk_live_51Abc\n", "not known"),
        ("stripe", "sk_live_51Abc,sk_live_51Xyz", "not known"),
        ("stripe", "SK_LIVE_51ABC", "not known"),
        ("hubspot", "0190f2c4-aaaa-bbbb-cccc-0123456789ab", "old kind"),
        ("hubspot", "sk_live_51Abc", "not known"),
        ("hubspot", "Bearer pat-eu1-51Abc", "not known"),
    ],
)
def test_what_is_no_key_is_refused_with_what_it_is(provider: str, value: str, word: str) -> None:
    """And without a word of it."""
    said = read(provider, value)
    assert isinstance(said, str)
    assert word in said
    assert "51" not in said
    assert "0190f2c4" not in said


@pytest.mark.parametrize(
    ("env", "count"),
    [
        ({}, 0),
        ({"STRIPE_API_KEY": "sk_live_a", "STRIPE_READ_API_KEY": "rk_live_a", "STRIPE_MODE": "live"}, 0),
        ({"STRIPE_API_KEY": "sk_live_a", "STRIPE_MODE": "any"}, 0),
        ({"STRIPE_MODE": "live"}, 0),
        ({"STRIPE_API_KEY": "sk_live_a", "STRIPE_READ_API_KEY": "rk_test_a"}, 1),
        ({"STRIPE_API_KEY": "sk_test_a", "STRIPE_MODE": "live"}, 1),
        ({"STRIPE_API_KEY": "x", "STRIPE_READ_API_KEY": "pk_live_a", "HUBSPOT_READ_ACCESS_TOKEN": "x"}, 3),
    ],
)
def test_all_that_is_wrong_is_told_at_once(env: dict[str, str], count: int) -> None:
    """Keys of one account are of one mode; each problem names its variable."""
    found = problems(env.get)
    assert len(found) == count
    assert all("STRIPE_" in problem or "HUBSPOT_" in problem for problem in found)


def test_a_provider_without_keys_has_none() -> None:
    """Adyen's events are only received."""
    assert keys_of("adyen", "ADYEN", {"ADYEN_API_KEY": "x"}.get) == {}
