"""People and tokens: who may sign in, as what, and which programs may ask; as the people page does it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.commands import shared
from console.commands.shared import As, Json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from counterfoil.database import Connection

user = typer.Typer(help="People who may sign in at the console.", no_args_is_help=True)
token = typer.Typer(help="Credentials of programs for the API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="name, as in the owners file if they are there")]
Roles = Annotated[
    list[str],
    typer.Option("--role", help="viewer, operator, approver, owner, admin; approver@stripe, operator:invoice_paid"),
]
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="what it is for; the audit remembers it")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(user, name="user")
    app.add_typer(token, name="token")


@user.command("add")
def add(
    name: Name,
    email: Annotated[str, typer.Option(help="e-mail address; sign-in elsewhere finds them by it")],
    role: Roles,
    title: Annotated[str | None, typer.Option(help="what people call them (as in the owners file)")] = None,
    as_: As = None,
    json: Json = False,
) -> None:
    """Let somebody in, and print a one-time link with which they choose a password."""
    from console.access import links, users

    who = shared.actor(as_)
    with _doing() as conn:
        made = users.add(conn, who, name=name, email=email, grants=role, title=title)
        link = links.url(links.make(conn, who, made))
    _put_link(made, link, json=json)


@user.command("link")
def link(
    name: Name,
    enter: Annotated[
        bool, typer.Option("--enter", help="it signs in by itself, without a password; never in production")
    ] = False,
    as_: As = None,
    json: Json = False,
) -> None:
    """Print a new one-time link; earlier ones are void."""
    from console.access import links, users

    with _doing() as conn:
        found = users.get(conn, name)
        url = links.url(links.make(conn, shared.actor(as_), found, enter=enter))
    _put_link(found, url, json=json)


@user.command("list")
def list_users(json: Json = False) -> None:
    """Who may sign in, as what, and when they last did."""
    from console.access import users
    from counterfoil import database

    with database.transaction() as conn:
        found = users.every(conn)
    if json:
        return shared.put_json([_shown(one) for one in found])
    rows = [
        (one["name"], one["title"], one["email"], one["grants"], one["signed_in_at"], one["disabled_at"])
        for one in found
    ]
    titles = ("name", "title", "e-mail", "roles", "signed in", "disabled")
    shared.put_table(titles, rows, empty="Nobody. `counterfoil user add NAME --email … --role admin` adds the first.")


@user.command("grant")
def grant(name: Name, role: Roles, as_: As = None, json: Json = False) -> None:
    """Give roles; the person signs in again."""
    from console.access import users

    with _doing() as conn:
        now = users.grant(conn, shared.actor(as_), name, role)
    _put_grants(name, now, json=json)


@user.command("revoke")
def revoke(name: Name, role: Roles, as_: As = None, json: Json = False) -> None:
    """Take roles away, as they were given; the person signs in again."""
    from console.access import users

    with _doing() as conn:
        now = users.revoke(conn, shared.actor(as_), name, role)
    _put_grants(name, now, json=json)


@user.command("disable")
def disable(name: Name, as_: As = None, json: Json = False) -> None:
    """Let nobody in by this name; sessions, links and tokens end now, for good."""
    from console.access import users

    with _doing() as conn:
        users.disable(conn, shared.actor(as_), name)
    _put(
        {"name": name, "disabled": True},
        f"{name} is disabled; sessions, links and tokens are ended for good",
        json=json,
    )


@user.command("enable")
def enable(name: Name, as_: As = None, json: Json = False) -> None:
    """Let somebody in again who was disabled, by their password; what ended then stays ended."""
    from console.access import users

    with _doing() as conn:
        users.enable(conn, shared.actor(as_), name)
    _put({"name": name, "disabled": False}, f"{name} may sign in again; tokens of before stay revoked", json=json)


@token.command("create")
def create(
    name: TokenName,
    scope: Annotated[
        list[str], typer.Option("--scope", help="a right or a role, e.g. look, act@stripe, operator:invoice_paid")
    ],
    for_: Annotated[
        str | None, typer.Option("--for", metavar="USER", help="in whose name it acts, and never more than they may")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it lives")] = 90,
    as_: As = None,
    json: Json = False,
) -> None:
    """Make a token and print it, once."""
    from console.access import tokens
    from counterfoil import clock

    with _doing() as conn:
        made = tokens.make(conn, shared.actor(as_), name=name, scopes=scope, days=days, owner=for_)
    if json:
        return shared.put_json({"name": name, "token": made.text, "expires_at": clock.rfc3339(made.expires_at)})
    shared.put(f"{made.text}\nIt ends on {made.expires_at:%Y-%m-%d}. It is shown this once: keep it where secrets are.")


@token.command("list")
def list_tokens(json: Json = False) -> None:
    """Tokens, what they may, and when they were last used."""
    from console.access import tokens
    from counterfoil import database

    with database.transaction() as conn:
        found = tokens.every(conn)
    if json:
        return shared.put_json([_shown(one) for one in found])
    rows = [
        (one["name"], one["user_name"], one["scopes"], one["state"], one["last_used_at"], one["expires_at"])
        for one in found
    ]
    titles = ("name", "of", "may", "state", "last used", "ends")
    shared.put_table(titles, rows, empty="None. `counterfoil token create NAME --scope look` makes one.")


@token.command("revoke")
def revoke_token(name: TokenName, as_: As = None, json: Json = False) -> None:
    """End a token now."""
    from console.access import tokens

    with _doing() as conn:
        tokens.revoke(conn, shared.actor(as_), name)
    _put({"name": name, "state": "revoked"}, f"the token {name} is revoked", json=json)


def _doing() -> "AbstractContextManager[Connection]":
    from counterfoil import database

    return database.transaction()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is nobody's business, times as everywhere."""
    from datetime import datetime

    from counterfoil import clock

    public = {name: value for name, value in row.items() if name not in ("id", "password_hash", "issuer")}
    return {name: clock.rfc3339(value) if isinstance(value, datetime) else value for name, value in public.items()}


def _put_link(made: dict[str, Any], link: str, *, json: bool) -> None:
    _put({"name": made["name"], "link": link}, f"{link}\nIt works once, for a day, for {made['name']} only.", json=json)


def _put_grants(name: str, now: list[str], *, json: bool) -> None:
    _put({"name": name, "grants": now}, f"{name} has now: {', '.join(now) or 'nothing'}", json=json)


def _put(answer: dict[str, Any], text: str, *, json: bool) -> None:
    if json:
        return shared.put_json(answer)
    shared.put(text)
