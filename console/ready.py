"""Whether an event could be committed now: what `/readyz` of the console and `doctor` ask."""

import psycopg

from counterfoil import database


def missing() -> list[str]:
    """What stands in the way, in words; empty when nothing does."""
    try:
        with database.connect(autocommit=True) as conn:
            return missing_in(conn)
    except psycopg.Error as away:
        return [f"Postgres cannot be reached ({type(away).__name__})"]


def missing_in(conn: database.Connection) -> list[str]:
    """As `missing`, of a database that was reached already: a connection of its own costs more than a page."""
    row = conn.execute(
        "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS frozen,"
        " to_regclass('events') IS NULL AS empty"
    ).fetchone()
    assert row is not None
    if row["frozen"]:
        return ["Postgres takes no writes now (it is read-only or a standby)"]
    if row["empty"]:
        return ["the database has no tables yet: run `counterfoil migrate`"]
    return []
