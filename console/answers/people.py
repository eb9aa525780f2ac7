"""Who may sign in, and what acts for whom; nothing of it is a secret."""

from pydantic import Field

from console.fields import Moment, Shown


class User(Shown):
    """Somebody who may sign in."""

    name: str
    title: str
    email: str
    grants: list[str] = Field(description="roles, each with `@source` and `:handler` where it has a place")
    created_at: Moment
    created_by: str
    signed_in_at: Moment | None
    disabled_at: Moment | None


class Token(Shown):
    """A stored API token, without what is secret of it."""

    name: str
    scopes: list[str]
    user_name: str | None = Field(description="in whose name it acts; null: in its own")
    state: str = Field(description="`valid`, `expired` or `revoked`")
    created_at: Moment
    created_by: str
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None
