"""Every route and every page, with every role: one table says who gets in, and each of its cells is asked.

Whoever adds a route or a page puts it here, under the right that it takes; until then this file fails.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from console.access import rights, sessions, tokens, users
from console.api.route import PREFIX
from console.api.routes import ROUTES
from console.app import console_app
from console.pages.table import PAGES
from counterfoil import database

#: Who may what; the program has its own table, in `console/access/rights.py`.
ROLES = {
    "viewer": {"look"},
    "operator": {"look", "reveal", "act", "judge"},
    "approver": {"look", "reveal", "approve"},
    "owner": {"look", "reveal", "act", "judge", "control", "roster"},
    "admin": {"look", "roster", "administer"},
    # Somebody who was let in and given nothing.
    "": set(),
}

#: What it takes, in the API.
API = {
    "look": """
        GET /events
        GET /events/{id}/explain
        GET /runs
        GET /runs/{id}
        GET /writes
        GET /approvals
        GET /cases
        GET /cases/{id}
        GET /replays
        GET /replays/{id}
        GET /reversals
        GET /reversals/{id}
        GET /fixes
        GET /fixes/{id}
        GET /pauses
        GET /handlers/{name}/rollout
        GET /destinations
        GET /questions
        GET /questions/{name}
        GET /questions/{name}/trial
        GET /classifications
        GET /owners
        GET /handlers
        GET /reports/weekly
        GET /audit
        GET /coverage
        GET /stats
        GET /events/{id}
        GET /writes/{id}/approval
        GET /handlers/{name}/shadow
        GET /classifications/{id}
    """,
    "reveal": """
        GET /writes/{id}/stub
    """,
    "act": """
        POST /events/{id}/replay
        POST /writes/{id}/reverse
        POST /writes/{id}/probe
        POST /writes/{id}/settle
        POST /cases/{id}/acknowledge
        POST /cases/{id}/assign
        POST /cases/{id}/snooze
        POST /cases/{id}/resolve
        POST /cases/{id}/dismiss
        POST /cases/{id}/edit
        POST /cases/{id}/accept
        POST /cases/{id}/replay
        POST /replays
        POST /replays/{id}/start
        POST /replays/{id}/pause
        POST /replays/{id}/resume
        POST /replays/{id}/cancel
        POST /fixes
        POST /fixes/{id}/withdraw
    """,
    "approve": """
        POST /writes/{id}/approve
        POST /writes/{id}/reject
        POST /writes/{id}/edit
        POST /approvals/batch
        POST /fixes/{id}/approve
    """,
    "control": """
        POST /reversals
        POST /reversals/{id}/start
        POST /reversals/{id}/pause
        POST /reversals/{id}/resume
        POST /reversals/{id}/cancel
        POST /pauses
        POST /pauses/lift
        PUT /handlers/{name}/rollout
        POST /questions/{name}/mode
        POST /questions/{name}/rollback
        POST /questions/{name}/trial
        POST /questions/{name}/trial/stop
    """,
    "judge": """
        POST /writes/{id}/review
        POST /classifications/{id}/correct
    """,
    "administer": """
        GET /people
        POST /people/{name}/off
        GET /tokens
        POST /tokens/{name}/revoke
    """,
}

#: What it takes, on pages; under `nobody` stands what people do who are not signed in.
ON_PAGES = {
    "nobody": """
        GET /sign-in
        POST /sign-in
        POST /sign-out
        GET /sign-in/link/{token}
        POST /sign-in/link/{token}
        GET /told/{token}
        POST /told/{token}
        GET /sign-in/oidc
        GET /sign-in/oidc/callback
    """,
    "look": """
        GET /sign-in/again
        POST /sign-in/again
        GET /account
        POST /account/password
        GET /
        GET /desk/{name}
        GET /cases
        GET /cases/{id}
        GET /approvals
        GET /approvals/{id}
        GET /today
        GET /today/coverage
        GET /today/week
        GET /today/week.json
        GET /handlers
        GET /handlers/{name}
        GET /sources
        GET /owners
        GET /events
        GET /events/{id}
        GET /runs/{id}
        GET /writes
        GET /writes/{id}
        GET /subjects/{name:path}
        GET /search
        GET /replays
        GET /replays/{id}
        GET /reversals
        GET /reversals/{id}
        GET /rules
        GET /rules/{id}
        GET /audit
        GET /audit/list.csv
        POST /audit/verify
        GET /judgement
        GET /judgement/{name}
    """,
    "reveal": """
        GET /audit/chain.jsonl
        POST /events/{id}/reveal
        POST /writes/{id}/stub
        GET /classifications/{id}
    """,
    "act": """
        POST /cases/many
        POST /cases/{id}/acknowledge
        POST /cases/{id}/assign
        POST /cases/{id}/resolve
        POST /cases/{id}/dismiss
        POST /cases/{id}/accept
        POST /cases/{id}/snooze
        POST /cases/{id}/edit
        POST /cases/{id}/replay
        POST /events/{id}/replay
        POST /writes/{id}/reverse
        POST /writes/{id}/probe
        POST /writes/{id}/settle
        GET /replays/new
        POST /replays
        POST /replays/{id}/start
        POST /replays/{id}/pause
        POST /replays/{id}/resume
        POST /replays/{id}/cancel
        GET /rules/new
        POST /rules/new
        POST /rules/{id}/withdraw
    """,
    "approve": """
        POST /approvals/{id}/approve
        POST /approvals/{id}/reject
        POST /approvals/{id}/edit
        POST /rules/{id}/approve
    """,
    "control": """
        GET /reversals/new
        POST /reversals
        POST /reversals/{id}/start
        POST /reversals/{id}/pause
        POST /reversals/{id}/resume
        POST /reversals/{id}/cancel
        POST /handlers/{name}/rollout
        POST /handlers/{name}/pause
        POST /handlers/{name}/resume
        POST /destinations/{name}/pause
        POST /destinations/{name}/resume
        POST /actions/pause
        POST /actions/resume
        POST /sources/{name}/pause
        POST /sources/{name}/resume
        POST /judgement/{name}/mode
        POST /judgement/{name}/rollback
        POST /judgement/{name}/trial
        POST /judgement/{name}/trial/stop
    """,
    "judge": """
        POST /cases/{id}/answer
        POST /writes/{id}/review
        POST /classifications/{id}/correct
    """,
    "administer": """
        GET /people
        POST /people
        POST /people/{name}/link
        POST /people/{name}/grants
        POST /people/{name}/off
        POST /people/{name}/on
        POST /tokens/{name}/revoke
    """,
}

SOME_ID = "01a1fd7a-e2d8-7988-9f63-f692e65eb518"


def _listed(table: Mapping[str, str]) -> dict[str, str]:
    return {line.strip(): right for right, lines in table.items() for line in lines.strip().splitlines()}


def _path(template: str) -> str:
    """An address that fits, of something that does not exist."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda match: SOME_ID if match[1].endswith("id") else "nothing", template)


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    """The application, over a database with nothing in it."""
    with TestClient(console_app(), follow_redirects=False) as found:
        yield found


def test_the_table_of_roles_is_the_programs() -> None:
    """Nothing more, nothing less; nobody has all rights."""
    assert {role: set(found) for role, found in rights.OF_ROLE.items()} | {"": set()} == ROLES
    assert all(found < set(rights.RIGHTS) for found in ROLES.values())


def test_the_page_about_rights_says_the_same() -> None:
    """Whoever gives roles reads docs/access.md, not a program."""
    page = (Path(__file__).parents[3] / "docs/access.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    [start] = [number for number, row in enumerate(rows) if row[0] == "right"]
    roles = rows[start][1:]
    told: dict[str, set[str]] = {role: set() for role in roles}
    for right, *cells in rows[start + 2 :]:
        name = right.split("`")[1]
        for role, cell in zip(roles, cells, strict=True):
            assert cell in ("yes", "")
            told[role] |= {name} if cell else set()
    assert told | {"": set()} == ROLES


def test_every_route_and_every_page_is_in_the_table() -> None:
    """With its right. One that is missing here has no right that anybody agreed on."""
    assert {f"{route.method} {route.path}": route.right for route in ROUTES} == _listed(API)
    assert {f"{page.method} {page.path}": page.right or "nobody" for page in PAGES} == _listed(ON_PAGES)


def test_a_page_asks_for_what_its_route_asks() -> None:
    """Whoever may not do a thing through the API may not do it at the console either, and the other way round."""
    routes, pages = _listed(API), _listed(ON_PAGES)
    same = {name for name in routes.keys() & pages.keys() if not name.startswith("GET ")}
    assert same
    assert {name: pages[name] for name in same} == {name: routes[name] for name in same}


@pytest.mark.parametrize("role", ROLES)
def test_the_api_lets_in_whom_the_table_says(client: TestClient, role: str) -> None:
    """A token of somebody with that role: 403 `forbidden` where the table says no, anything else where it says yes."""
    with database.transaction() as conn:
        users.add(conn, "test", name="somebody", email="somebody@example.com", grants=[role] if role else [])
        made = tokens.make(conn, "test", name="one", scopes=list(rights.ROLES), owner="somebody")
    headers = {"Authorization": f"Bearer {made.text}", "Content-Type": "application/json"}
    for route, right in _listed(API).items():
        method, path = route.split()
        content = None if method == "GET" else b"{}"
        answer = client.request(method, PREFIX + _path(path), headers=headers, content=content)
        forbidden = answer.status_code == 403 and answer.json()["type"].endswith(":forbidden")
        assert forbidden == (right not in ROLES[role]), (role, route, answer.text)
        assert answer.status_code not in (401, 405, 500), (role, route, answer.text)


@pytest.mark.parametrize("role", ROLES)
def test_pages_let_in_whom_the_table_says(client: TestClient, role: str) -> None:
    """A session of somebody with that role; whoever is refused reads which right it takes."""
    with database.transaction() as conn:
        user = users.add(conn, "test", name="somebody", email="somebody@example.com", grants=[role] if role else [])
        token = sessions.begin(conn, user["id"])
    client.cookies.set(sessions.cookie_name(), token)
    for page, right in _listed(ON_PAGES).items():
        method, path = page.split()
        if right == "nobody":
            continue
        data = {"csrf": sessions.csrf_of(token)} if method == "POST" else None
        answer = client.request(method, _path(path), data=data)
        refused = answer.status_code == 403 and "does not have the right to" in answer.text
        assert refused == (right not in ROLES[role]), (role, page, answer.status_code, answer.text[-2500:])
        assert answer.status_code not in (401, 405, 500), (role, page, answer.text[-2500:])
        assert not answer.headers.get("location", "").startswith("/sign-in?"), (role, page)


def test_a_page_without_a_session_leads_to_the_sign_in(client: TestClient) -> None:
    """Every page that takes a right, for looking and for changing; and back to what was looked at."""
    for page, right in _listed(ON_PAGES).items():
        method, path = page.split()
        if right != "nobody":
            answer = client.request(method, _path(path), data={"csrf": "x"} if method == "POST" else None)
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in"), page


def test_a_form_without_its_proof_changes_nothing(client: TestClient) -> None:
    """Every form of every page: without the session's token, with another's, or from another site."""
    with database.transaction() as conn:
        everything = list(rights.ROLES)
        user = users.add(conn, "test", name="somebody", email="somebody@example.com", grants=everything)
        token, other = sessions.begin(conn, user["id"]), sessions.begin(conn, user["id"])
    client.cookies.set(sessions.cookie_name(), token)
    for page, right in _listed(ON_PAGES).items():
        method, path = page.split()
        if method == "GET" or right == "nobody":
            continue
        for data, headers in (
            ({"other": "field"}, {}),
            ({"csrf": sessions.csrf_of(other)}, {}),
            ({"csrf": sessions.csrf_of(token)}, {"Sec-Fetch-Site": "cross-site"}),
            ({"csrf": sessions.csrf_of(token)}, {"Sec-Fetch-Site": "same-site"}),
            ({"csrf": sessions.csrf_of(token)}, {"Origin": "https://evil.example.com"}),
            ({"csrf": sessions.csrf_of(token)}, {"Origin": "null"}),
        ):
            answer = client.post(_path(path), data=data, headers=headers)
            assert answer.status_code == 403, (page, data, headers, answer.text[-2500:])
