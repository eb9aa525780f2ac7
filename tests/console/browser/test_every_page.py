"""Every page that can be reached, seen in a browser: accessible, on a phone, light and dark, without script."""

import re
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import NARROW, Desk
from hostile_world import a_hostile_world

from console.pages.table import PAGES
from counterfoil.database import Connection

#: What axe finds and people who need it trip over.
SERIOUS = {"serious", "critical"}
PATTERNS = {
    page.path: re.compile(re.sub(r"\{\w+(:path)?\}", lambda m: ".+" if m[1] else "[^/]+", page.path))
    for page in PAGES
    if page.method == "GET" and page.right is not None
}


def reached(desk: Desk) -> dict[str, str]:
    """One address of every kind of page that links lead to from the desk, by its path in the table.

    And one with a question in it, by the path and a question mark: pages look different when they are asked for more.
    """
    found: dict[str, str] = {}
    waiting = deque(["/"])
    while waiting:
        url = waiting.popleft()
        path = url.split("?")[0]
        kind = next((name for name, one in PATTERNS.items() if one.fullmatch(path)), None)
        if kind is None:
            continue
        pattern = kind + "?" * ("?" in url)
        if pattern in found:
            continue
        found[pattern] = url
        answer = desk.context.request.get(url)
        if "text/html" in answer.headers.get("content-type", ""):
            waiting.extend(re.findall(r'<a[^>]+href="(/[^"#]*)"', answer.text().replace("&amp;", "&")))
        else:
            del found[pattern]
    return found


def problems(found: dict[str, Any]) -> list[str]:
    """What axe complains of, one line each, with the first place."""
    return [
        f"{one['id']}: {one['help']} at {one['nodes'][0]['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


def test_every_page_can_be_used_by_everybody(
    sit_down: Callable[..., Desk], conn: Connection, subtests: pytest.Subtests
) -> None:
    """In a ledger full of hostile text: nothing serious for axe in light or dark, nothing sticks out on a phone.

    Nothing is asked of another host, the browser has nothing to complain of, and no script of a payload ran.
    """
    a_hostile_world(conn)
    axe = Axe()
    wide = sit_down("fiona", "owner", "approver", "admin")
    narrow = sit_down("fiona", "owner", "approver", "admin", viewport=NARROW, color_scheme="dark")
    wide.page.on("dialog", lambda dialog: wide.complaints.append(f"a dialog: {dialog.message}") or dialog.dismiss())
    urls = reached(wide)
    assert len(urls) >= 15, sorted(urls)
    for pattern, url in urls.items():
        with subtests.test(pattern, url=url):
            narrow.go(url)
            assert narrow.overflow() <= 0, f"{narrow.overflow()} px stick out of a phone's screen"
            if pattern.endswith("?") and pattern[:-1] in urls:
                continue
            wide.go(url)
            assert problems(axe.run(wide.page).response) == []
            contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
            assert problems(axe.run(narrow.page, options=contrast).response) == [], "in the dark"
            assert (wide.elsewhere, narrow.elsewhere) == ([], [])
            assert (wide.complaints, narrow.complaints) == ([], [])


def test_a_page_does_not_jump_while_it_loads(sit_down: Callable[..., Desk], conn: Connection) -> None:
    """Layout shift of the desk, a list and the day: none that anybody would notice."""
    a_hostile_world(conn)
    desk = sit_down()
    desk.page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) window.moved +="
        " one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    for path in ("/", "/cases", "/today"):
        desk.go(path)
        desk.page.wait_for_load_state("networkidle")
        assert desk.page.evaluate("window.moved") < 0.02, path
