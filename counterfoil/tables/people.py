"""People who sign in: who they are, their sessions, tokens, one-time links, and what slows guessing down.

Of every secret only a hash is here: whoever reads these rows can be nobody.
"""

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, moment, number, one_of

#: What a link lets its holder do: choose a password, or come in once (never in production).
LINK_PURPOSES = ("password", "enter")


class User(SQLModel, table=True):
    """Somebody who may sign in. `name` is a key of the owners file, or free; the audit remembers it, so it stays."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_email", "email", unique=True),
        Index("users_provider", "issuer", "subject", unique=True),
        CheckConstraint("name = lower(name) AND email = lower(email)", name="users_lower"),
    )

    id: UUID = Field(primary_key=True)
    name: str = Field(unique=True)
    title: str
    email: str
    #: `role`, `role@source`, `role:handler`, `role@source:handler`
    grants: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})
    #: argon2id; null: signs in elsewhere, or has not chosen one yet.
    password_hash: str | None = Field(default=None, sa_type=Text)
    #: Who they are at the identity provider, since the first time they came from there; an address can change hands.
    issuer: str | None = Field(default=None, sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    created_at: Moment = moment(default_now=True)
    created_by: str
    signed_in_at: Moment = moment()
    disabled_at: Moment = moment()


class SignedIn(SQLModel, table=True):
    """One browser of one person. Without a person: one that has been sent to the identity provider."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_token", "token_hash", unique=True),
        Index("sessions_user", "user_id"),
        Index("sessions_expires", "expires_at"),
    )

    id: UUID = Field(primary_key=True)
    #: sha256 of what the cookie holds.
    token_hash: bytes = Field(sa_type=LargeBinary)
    user_id: UUID | None = Field(default=None, foreign_key="users.id")
    created_at: Moment = moment(default_now=True)
    last_seen_at: Moment = moment(default_now=True)
    #: Not after this, whatever happens; how long it may be idle is added to `last_seen_at`.
    expires_at: Moment = moment(nullable=False)
    #: When the person last proved who they are.
    reauthenticated_at: Moment = moment()
    how: str = Field(default="password", sa_column_kwargs={"server_default": "password"})
    #: What the browser calls itself; shown to the person it belongs to.
    agent: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


class KnownBrowser(SQLModel, table=True):
    """A browser in which somebody signed in before; its guesses are counted apart from those of strangers."""

    __tablename__ = "known_browsers"
    __table_args__ = (Index("known_browsers_expires", "expires_at"),)

    #: sha256 of what its cookie holds.
    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    created_at: Moment = moment(default_now=True)
    expires_at: Moment = moment(nullable=False)


class ProviderVisit(SQLModel, table=True):
    """One journey to the identity provider and back: used once, by the browser that began it."""

    __tablename__ = "provider_visits"

    #: sha256 of `state`.
    state_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    session_id: UUID = Field(foreign_key="sessions.id", ondelete="CASCADE")
    nonce: str
    verifier: str
    back_to: str = Field(sa_type=Text)
    #: Of a person who is here already and proves it again.
    again: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    expires_at: Moment = moment(nullable=False)


class ApiToken(SQLModel, table=True):
    """A credential of a program, or of a person's script: shown once, hashed, bounded in rights and in time."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index("api_tokens_hash", "token_hash", unique=True),)

    id: UUID = Field(primary_key=True)
    name: str = Field(unique=True)
    token_hash: bytes = Field(sa_type=LargeBinary)
    #: The person who acts through it; it never may more than they do.
    user_id: UUID | None = Field(default=None, foreign_key="users.id")
    #: Rights or roles, each with an optional `@source` and `:handler`.
    scopes: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": text("'{}'")})
    created_at: Moment = moment(default_now=True)
    created_by: str
    expires_at: Moment = moment(nullable=False)
    last_used_at: Moment = moment()
    revoked_at: Moment = moment()


class SignInLink(SQLModel, table=True):
    """A way in that works once."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        one_of("purpose", LINK_PURPOSES, "sign_in_links_purpose"),
        Index("sign_in_links_user", "user_id"),
    )

    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    user_id: UUID = Field(foreign_key="users.id")
    purpose: str
    created_at: Moment = moment(default_now=True)
    created_by: str
    expires_at: Moment = moment(nullable=False)
    used_at: Moment = moment()


class Throttle(SQLModel, table=True):
    """How often somebody guessed wrong for an account or from an address, and when the next guess is looked at."""

    __tablename__ = "throttles"
    __table_args__ = (Index("throttles_last", "last_at"),)

    #: `account:`, `address:`, `browser:` or `session:`, and a hash: no name that was typed by mistake is kept.
    key: str = Field(primary_key=True)
    failures: int = number(0)
    last_at: Moment = moment(default_now=True)
    #: Until then nothing is looked at.
    until: Moment = moment()
