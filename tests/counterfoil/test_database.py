"""Transactions that do not wait: all or nothing, and whoever refuses is heard, wherever in the row of statements."""

from collections.abc import Iterator

import psycopg
import pytest

from counterfoil import database

Connection = database.Connection

FAILS = "INSERT INTO kept SELECT 1 / (n - n) FROM generate_series(1, 10) AS n"
WORKS = "INSERT INTO kept SELECT n FROM generate_series(1, 10) AS n"
#: More than fits between two processes at once, so that answers arrive while statements still leave.
LONG = f"SELECT '{'x' * 100_000}'"


@pytest.fixture
def loop(database_url: str) -> Iterator[Connection]:
    """A loop's connection, and a table that refuses some rows at once and others at the end."""
    conn = database.connect(autocommit=True)
    conn.execute("CREATE TABLE kept (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
    yield conn
    conn.close()


def _together(conn: Connection, *statements: str) -> None:
    with database.transacting(conn), database.together(conn):
        for statement in ("BEGIN", *statements, "COMMIT"):
            conn.execute(statement)


def _kept(conn: Connection) -> int:
    (row,) = conn.execute("SELECT count(*) AS n FROM kept").fetchall()
    return int(row["n"])


def test_it_is_one_transaction(loop: Connection) -> None:
    """What was sent is there afterwards, and rows can be fetched on the way."""
    with database.transacting(loop), database.together(loop):
        loop.execute("BEGIN")
        loop.execute(WORKS)
        assert _kept(loop) == 10
        loop.execute("INSERT INTO kept VALUES (11)")
        loop.execute("COMMIT")
    with database.connect() as other:
        assert _kept(other) == 11


@pytest.mark.parametrize("before", [0, 1, 60])
@pytest.mark.parametrize("after", [0, 1, 60])
def test_the_first_error_is_the_one_that_is_raised(
    loop: Connection, before: int, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Not "the pipeline is aborted", which is what becomes of the others and reads like a lost connection."""
    with pytest.raises(psycopg.errors.DivisionByZero):
        _together(loop, *[LONG] * before, FAILS, *[LONG] * after)
    assert _kept(loop) == 0
    _together(loop, WORKS)
    assert _kept(loop) == 10
    assert caplog.messages == []


def test_the_first_error_is_raised_when_the_driver_names_another(loop: Connection) -> None:
    """The driver's end of a pipeline is a `try … finally` of which both halves may raise; only the first one says why.

    Raise what comes instead of `_first` and this fails: a refused row would be taken for a lost connection, for ever.
    """

    def end_like_the_driver() -> None:
        with database.transacting(loop), database.together(loop):
            loop.execute("BEGIN")
            try:
                loop.execute(FAILS).fetchall()
            finally:
                raise psycopg.errors.PipelineAborted

    with pytest.raises(psycopg.errors.DivisionByZero):
        end_like_the_driver()
    assert _kept(loop) == 0


def test_an_error_comes_up_at_the_next_fetch(loop: Connection) -> None:
    """Nobody goes on with rows of a transaction that cannot end well."""
    reached: list[bool] = []

    def go_on() -> None:
        with database.transacting(loop), database.together(loop):
            loop.execute("BEGIN")
            loop.execute(FAILS)
            loop.execute("SELECT 1 AS n").fetchall()
            reached.append(True)

    with pytest.raises(psycopg.errors.DivisionByZero):
        go_on()
    assert not reached


def test_what_is_judged_at_the_end_is_heard_as_well(loop: Connection) -> None:
    """A deferred constraint speaks at the commit."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        _together(loop, WORKS, WORKS)
    assert _kept(loop) == 0


def test_whatever_happens_in_between_leaves_nothing(loop: Connection) -> None:
    """An exception of ours is a rollback, and the connection goes on."""

    def stumble() -> None:
        with database.transacting(loop), database.together(loop):
            loop.execute("BEGIN")
            loop.execute(WORKS)
            raise KeyError

    with pytest.raises(KeyError):
        stumble()
    assert _kept(loop) == 0


def test_a_server_that_goes_away_is_told_as_such(loop: Connection) -> None:
    """It is an `OperationalError`, after which callers make a new connection; nothing stands."""

    def lose_it() -> None:
        with database.transacting(loop), database.together(loop), database.connect(autocommit=True) as other:
            loop.execute("BEGIN")
            loop.execute(WORKS)
            other.execute("SELECT pg_terminate_backend(%s)", (loop.info.backend_pid,))

    with pytest.raises(psycopg.OperationalError):
        lose_it()
    assert loop.closed
    with database.connect() as other:
        assert _kept(other) == 0


def test_a_kept_connection_is_made_anew_when_the_server_ended_it(
    loop: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks after a while gets one that works, with what each new one is told first."""
    monkeypatch.setattr(database, "PLANS_SECONDS", 0.0)
    kept = database.Kept(autocommit=True, first="SET application_name = 'kept'")
    before = kept.get().info.backend_pid
    assert kept.get().info.backend_pid == before
    loop.execute("SELECT pg_terminate_backend(%s)", (before,))
    assert kept.get().info.backend_pid != before
    assert kept.get().execute("SHOW application_name").fetchone() == {"application_name": "kept"}
    kept.drop()


def test_it_does_not_end_somebody_elses_transaction(loop: Connection) -> None:
    """Inside another one its COMMIT would make halves of it."""
    with pytest.raises(AssertionError, match="somebody else"), loop.transaction(), database.transacting(loop):
        pass
