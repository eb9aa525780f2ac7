"""People and tokens: seeing who is in, and shutting out. Letting in takes a person at the console, or the machine."""

from console import answers, asks, problems
from console.access import tokens, users
from console.api import act
from console.api.route import NOT_THERE_OR_NOT_NOW, Asking, Reply, Route
from counterfoil import database
from counterfoil.database import Connection


def list_people(_: Asking) -> answers.Page[answers.User]:
    with database.transaction() as conn:
        return answers.Page(items=[_user(row) for row in users.every(conn)], next_cursor=None)


def list_tokens(_: Asking) -> answers.Page[answers.Token]:
    with database.transaction() as conn:
        found = [answers.Token.model_validate(row) for row in tokens.every(conn)]
    return answers.Page(items=found, next_cursor=None)


def shut_out(asking: Asking) -> Reply:
    ask: asks.Change = asking.body
    if asking.named == asking.actor.name:
        raise problems.NotAcceptable("nobody changes what they may themselves: ask another administrator")

    def end(conn: Connection) -> act.Done:
        users.disable(conn, asking.actor.name, asking.named, ask.reason)
        return _user(users.get(conn, asking.named)).model_dump(mode="json")

    return act.once(asking, "shut_out", end, answers.User.model_validate)


def revoke(asking: Asking) -> Reply:
    ask: asks.Change = asking.body

    def end(conn: Connection) -> act.Done:
        tokens.revoke(conn, asking.actor.name, asking.named, ask.reason)
        (one,) = (row for row in tokens.every(conn) if row["name"] == asking.named)
        return answers.Token.model_validate(one).model_dump(mode="json")

    return act.once(asking, "revoke_token", end, answers.Token.model_validate)


def _user(row: dict[str, object]) -> answers.User:
    return answers.User.model_validate({name: row[name] for name in answers.User.model_fields})


ROUTES: tuple[Route, ...] = (
    Route("GET", "/people", list_people, "Who may sign in", answers.Page[answers.User], right="administer"),
    Route(
        "POST",
        "/people/{name}/off",
        shut_out,
        "Shut somebody out: sessions, links and tokens end now, for good",
        answers.User,
        body=asks.Change,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="administer",
    ),
    Route("GET", "/tokens", list_tokens, "API tokens", answers.Page[answers.Token], right="administer"),
    Route(
        "POST",
        "/tokens/{name}/revoke",
        revoke,
        "End a token now",
        answers.Token,
        body=asks.Change,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="administer",
    ),
)
