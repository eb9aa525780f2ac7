"""What the self-check looks at where people sign in: whether anybody can, and whether the way there is whole."""

from console.doctor.finding import Finding
from counterfoil import database
from counterfoil.settings import settings


def people() -> Finding:
    """Who can use console and API; in production that must be somebody."""
    counts = _counted()
    wrong = list(_wrong(counts))
    ways = [
        f"{counts['users']} users" + (f", {counts['admins']} of them administrators" if counts["users"] else ""),
        f"{counts['tokens']} tokens",
        *(["an identity provider"] if settings().oidc_issuer else []),
        *(["the setup token, with all rights"] if settings().api_token else []),
    ]
    return Finding(name="people", verdict="wrong" if wrong else "ok", detail="; ".join(ways), items=wrong)


def _wrong(counts: dict[str, int]) -> list[str]:
    config, found = settings(), []
    if config.is_production and not counts["users"] and config.oidc_domain is None:
        found.append("nobody can sign in: `counterfoil user add NAME --email … --role admin`")
    if config.is_production and config.api_token is None and not counts["users"] and not counts["tokens"]:
        found.append("nobody can use the API either: `counterfoil token create`, or COUNTERFOIL_API_TOKEN")
    if config.oidc_issuer and not config.oidc_client_id:
        found.append("COUNTERFOIL_OIDC_CLIENT_ID is not set: the identity provider is not asked")
    if config.oidc_issuer and not config.console_url:
        found.append("COUNTERFOIL_CONSOLE_URL is not set: the identity provider cannot send anybody back")
    if config.is_production:
        for name in ("oidc_issuer", "console_url"):
            if (getattr(config, name) or "https://").startswith("http://"):
                found.append(f"COUNTERFOIL_{name.upper()} begins with http://: passwords and sessions need TLS")
    return found


def _counted() -> dict[str, int]:
    with database.transaction() as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM users WHERE disabled_at IS NULL) AS users,"
            " (SELECT count(*) FROM users WHERE disabled_at IS NULL AND 'admin' = ANY(grants)) AS admins,"
            " (SELECT count(*) FROM api_tokens WHERE revoked_at IS NULL AND expires_at > now()) AS tokens"
        ).fetchone()
    assert row is not None, "Bug: a count is a row"
    return dict(row)
