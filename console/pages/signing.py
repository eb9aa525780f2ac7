"""Signing in and out, the account page, and the people page of administrators."""

import hmac
from typing import Any
from urllib.parse import quote

from console import problems
from console.access import browsers, entering, links, oidc, passwords, provider, rights, sessions, tokens, users
from console.pages.page import Answer, Go, Page, Shown, Visit
from counterfoil import database

#: What roles are for, as people say it.
ROLES = {
    "viewer": "sees everything but personal data",
    "operator": "works on cases, events and writes; sees personal data; labels",
    "approver": "says yes or no to writes; sees personal data",
    "owner": "an operator who also controls rollout, pauses and the roster",
    "admin": "lets people in, gives and takes roles; sees no personal data and moves no money",
}


def sign_in(visit: Visit) -> Answer:
    """The form; whoever is signed in already goes on."""
    to = _inside(visit.query.get("next", "") or visit.form.get("next", ""))
    if visit.session is not None:
        return Go(to)
    return Shown(
        "signing/sign_in.html", "Sign in", {"to": to, "login": visit.form.get("name", ""), "oidc": provider.is_on()}
    )


def signed_in(visit: Visit) -> Answer:
    token = entering.with_password(
        visit.form.get("name", "")[:254],
        visit.form.get("password", ""),
        address=visit.address,
        agent=visit.agent,
        known=visit.known,
        before=visit.session,
    )
    return Go(_inside(visit.form.get("next", "")), session=token, known=browsers.remember(token, visit.known))


def sign_out(visit: Visit) -> Answer:
    """Anybody may, whatever they may besides; only by a form of their own session."""
    if visit.session is not None:
        if not hmac.compare_digest(visit.form.get("csrf", "").encode(), visit.session.csrf.encode()):
            raise problems.NotAllowed("this page is from an earlier sign-in: load it again")
        entering.leave(visit.session, everywhere="everywhere" in visit.form)
    return Go("/sign-in", "You are signed out.", session="")


def link(visit: Visit) -> Answer:
    """What a one-time link is for. Looking at it does not use it up."""
    with database.transaction() as conn:
        found = links.find(conn, visit.path["token"])
    return Shown(
        "signing/link.html",
        "Welcome",
        {"link": found, "token": visit.path["token"], "least": passwords.CHARACTERS_MIN},
    )


def link_used(visit: Visit) -> Answer:
    password = visit.form.get("password")
    if password is not None and password != visit.form.get("again"):
        raise problems.NotAcceptable("the two passwords are not the same")
    token = entering.by_link(visit.path["token"], password, agent=visit.agent, before=visit.session)
    return Go("/", "Welcome.", session=token, known=browsers.remember(token, visit.known))


def to_provider(visit: Visit) -> Answer:
    if not provider.is_on():
        raise problems.NotFound("no identity provider is configured")
    away = oidc.leave_for(_inside(visit.query.get("next", "")), visit.session, agent=visit.agent)
    return Go(away.url, session=away.token)


def from_provider(visit: Visit) -> Answer:
    if not provider.is_on():
        raise problems.NotFound("no identity provider is configured")
    back = oidc.come_back(visit.token, dict(visit.query), agent=visit.agent)
    return Go(back.to, session=back.token)


def again(visit: Visit) -> Answer:
    """Who approves much shows once more who they are."""
    to = _inside(visit.query.get("next", "") or visit.form.get("next", ""))
    with database.transaction() as conn:
        user = users.by_id(conn, _user_id(visit))
    data = {"to": to, "has_password": user["password_hash"] is not None, "oidc": provider.is_on() and user["issuer"]}
    return Shown("signing/again.html", "Show once more who you are", data)


def proven(visit: Visit) -> Answer:
    assert visit.session is not None, "Bug: a right without a session"
    token = entering.again(visit.session, visit.form.get("password", ""), agent=visit.agent)
    return Go(_inside(visit.form.get("next", "")), "Thank you. You may approve for the next five minutes.", token)


def account(visit: Visit) -> Answer:
    """Who one is here, what one may, and where one is signed in."""
    assert visit.session is not None, "Bug: a right without a session"
    with database.transaction() as conn:
        user = users.by_id(conn, _user_id(visit))
        where = sessions.of_user(conn, user["id"])
    data = {
        "user": user,
        "grants": _in_words(user["grants"]),
        "where": where,
        "here": visit.session.id,
        "least": passwords.CHARACTERS_MIN,
    }
    return Shown("signing/account.html", "My account", data)


def password_changed(visit: Visit) -> Answer:
    assert visit.session is not None, "Bug: a right without a session"
    if visit.form.get("password") != visit.form.get("again"):
        raise problems.NotAcceptable("the two new passwords are not the same")
    token = entering.change_password(
        visit.session,
        visit.form.get("old", ""),
        visit.form.get("password", ""),
        agent=visit.agent,
    )
    return Go("/account", "Your password is another one now; you are signed out everywhere else.", token)


def people(visit: Visit) -> Answer:
    """Everybody who may sign in, and every token."""
    with database.transaction() as conn:
        everybody, every_token = users.every(conn), tokens.every(conn)
    rows = [{**user, "words": _in_words(user["grants"])} for user in everybody]
    data = {"people": rows, "tokens": every_token, "roles": ROLES}
    return Shown("signing/people.html", "People", data)


def added(visit: Visit) -> Answer:
    name = visit.form.get("name", "").strip().lower()
    grants = visit.form.get("grants", "").replace(",", " ").split()
    with database.transaction() as conn:
        email, title = visit.form.get("email", ""), visit.form.get("title") or None
        user = users.add(conn, visit.person.name, name=name, email=email, grants=grants, title=title)
        token = links.make(conn, visit.person.name, user)
    return _one_link(user, token)


def link_made(visit: Visit) -> Answer:
    with database.transaction() as conn:
        user = users.get(conn, visit.named)
        token = links.make(conn, visit.person.name, user)
    return _one_link(user, token)


def granted(visit: Visit) -> Answer:
    """Roles given or taken. Nobody gives themselves any: a second administrator does."""
    _is_another(visit)
    grants = visit.form.get("grants", "").replace(",", " ").split()
    if not grants:
        raise problems.NotAcceptable("name a role")
    change = users.grant if visit.form.get("how") == "give" else users.revoke
    with database.transaction() as conn:
        now = change(conn, visit.person.name, visit.named, grants)
    return Go("/people", f"{visit.named} has now: {', '.join(now) or 'nothing'}.")


def switched(visit: Visit) -> Answer:
    """Disabled, or enabled again."""
    _is_another(visit)
    change, word = (
        (users.disable, "disabled; sessions, links and tokens are ended for good")
        if visit.path["to"] == "off"
        else (users.enable, "enabled; tokens of before stay revoked")
    )
    with database.transaction() as conn:
        change(conn, visit.person.name, visit.named)
    return Go("/people", f"{visit.named} is {word}.")


def token_revoked(visit: Visit) -> Answer:
    with database.transaction() as conn:
        tokens.revoke(conn, visit.person.name, visit.named)
    return Go("/people", f"The token {visit.named} is revoked.")


def _one_link(user: dict[str, Any], token: str) -> Shown:
    return Shown("signing/one_link.html", "A one-time link", {"user": user, "url": links.url(token)})


def _is_another(visit: Visit) -> None:
    if visit.named == visit.person.name:
        raise problems.NotAcceptable("nobody changes what they may themselves: ask another administrator")


def _user_id(visit: Visit) -> Any:
    return visit.person.user_id


def _in_words(grants: list[str]) -> list[str]:
    """`approver of stripe, only invoice_paid`"""
    found = []
    for grant in grants:
        try:
            one = rights.grant(grant)
        except rights.GrantUnknown:
            continue
        place = (f" of {one.source}" if one.source else "") + (f", only {one.handler}" if one.handler else "")
        found.append(f"{one.what}{place}")
    return found


def _inside(path: str) -> str:
    """A page of ours; anything else is the desk. No host, no scheme, nothing that a browser reads as one."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and len(path) <= 2000
    if not is_path or not path.isprintable() or path.startswith("/sign-"):
        return "/"
    return quote(path, safe="/?=&%:+,;@!$'()*~-._")


PAGES: tuple[Page, ...] = (
    Page("GET", "/sign-in", sign_in, None),
    Page("POST", "/sign-in", signed_in, None, on="/sign-in"),
    Page("POST", "/sign-out", sign_out, None),
    Page("GET", "/sign-in/link/{token}", link, None),
    Page("POST", "/sign-in/link/{token}", link_used, None, on="/sign-in/link/{token}"),
    Page("GET", "/sign-in/oidc", to_provider, None),
    Page("GET", "/sign-in/oidc/callback", from_provider, None),
    Page("GET", "/sign-in/again", again, "look"),
    Page("POST", "/sign-in/again", proven, "look", on="/sign-in/again"),
    Page("GET", "/account", account, "look", own=True),
    Page("POST", "/account/password", password_changed, "look", on="/account", own=True),
    Page("GET", "/people", people, "administer"),
    Page("POST", "/people", added, "administer", on="/people"),
    Page("POST", "/people/{name}/link", link_made, "administer", on="/people"),
    Page("POST", "/people/{name}/grants", granted, "administer", on="/people"),
    Page("POST", "/people/{name}/off", switched, "administer", on="/people", fixed={"to": "off"}),
    Page("POST", "/people/{name}/on", switched, "administer", on="/people", fixed={"to": "on"}),
    Page("POST", "/tokens/{name}/revoke", token_revoked, "administer", on="/people"),
)
