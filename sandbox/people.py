"""The people of the demo: each with the roles that the story needs, and a link with which fiona comes in.

Run by itself (`python -m sandbox.people`) with the demo's settings; prints the link and nothing else.
"""

import sys

from console.access import links, users
from counterfoil import database

PEOPLE = {
    "rhea": ("Rhea Ops", ["owner"]),
    "fiona": ("Fiona Ledger", ["owner", "approver"]),
    "marek": ("Marek Books", ["approver"]),
    "vera": ("Vera Visitor", ["viewer"]),
    "dana": ("Dana Director", ["admin"]),
}


def invite() -> str:
    """Everybody, and fiona's link: it opens the console once, without a password (not in production)."""
    with database.transaction() as conn:
        made = {
            name: users.add(conn, "demo", name=name, email=f"{name}@example.com", grants=grants, title=title)
            for name, (title, grants) in PEOPLE.items()
        }
        return links.url(links.make(conn, "demo", made["fiona"], enter=True))


if __name__ == "__main__":
    sys.stdout.write(invite() + "\n")
