"""What the process is told from outside: environment variables ORDERGRAPH_*, read once, by the command line."""

import difflib
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import BadInput
from domain.precedence import Precedence
from gateway.errors import StatusStyle
from gateway.limits import WORDS, Limits
from gateway.ranking import Ranking

PREFIX = "ORDERGRAPH_"
# Read by make, CI and the tests, not by the process.
OTHERS = frozenset({"ORDERGRAPH_FAIL_ON_SKIP"})
Words = Annotated[frozenset[str], NoDecode]


class Settings(BaseSettings):
    """Every setting with its default; the variable is ORDERGRAPH_ and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # For `limit`, the only setting with parts: ORDERGRAPH_LIMIT_META_DEPTH is limit.meta_depth.
        env_nested_delimiter="_",
        env_nested_max_split=1,
        # Compose files pass a variable on as empty when it is not set.
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        # An error must not show the value: it may be a password.
        hide_input_in_errors=True,
        validate_default=False,
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")

    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 15 or newer, postgresql://…; unset: an embedded one in the data folder."
    )
    data_dir: Path = Field(
        default=Path(".ordergraph"), description="Folder of the embedded database and of the secret made for it."
    )
    pg_bin: Path | None = Field(
        default=None, description="bin folder of the PostgreSQL to run as the embedded one; unset: the bundled one."
    )
    pg_port: int | None = Field(
        default=None, ge=1, le=65535, description="Also offer the embedded database on this port of 127.0.0.1."
    )
    pool_min: int = Field(default=2, ge=1, description="Database connections kept open.")
    pool_max: int = Field(default=10, ge=1, description="Database connections at most.")
    statement_seconds: float = Field(default=2.0, gt=0, description="A database statement is ended after this long.")

    bus_url: SecretStr | None = Field(
        default=None, description="Bus for wake-up calls, redis:// or kafka://; unset: PostgreSQL itself."
    )

    log_days: int = Field(
        default=7, ge=1, description="Days for which a client may go on from a cursor: the event log is kept that long."
    )

    token_secret: SecretStr | None = Field(
        default=None,
        description="Signs our own tokens, 32 characters or more; unset: made once for the embedded database.",
    )
    token_secret_before: SecretStr | None = Field(
        default=None, description="The secret before the current one, still accepted while rotating."
    )
    cors_origins: Words = Field(
        default=frozenset(), description="Web origins that may call from a browser, with commas between; * for all."
    )
    status_style: StatusStyle = Field(
        default=StatusStyle.DEPLOYED,
        description="HTTP status of errors: deployed (400, 200) or draft (422, 294) as in GraphQL over HTTP of 2026.",
    )
    persisted_queries: bool = Field(default=True, description="Accept the hash of a document in place of it (APQ).")
    graphiql: bool = Field(default=True, description="Show GraphiQL to a browser that opens /graphql.")
    longest_body: int = Field(default=1024 * 1024, ge=1024, description="Bytes of a request's body at most.")
    body_seconds: float = Field(default=10.0, gt=0, description="A request's body must have arrived after this long.")
    operation_seconds: float = Field(default=5.0, gt=0, description="An operation is ended after this long.")
    operations_at_once: int = Field(default=256, ge=1, description="Operations that run at the same time at most.")
    operations_waiting: int = Field(default=256, ge=0, description="Operations that may wait for a place to run.")
    waiting_seconds: float = Field(default=0.25, gt=0, description="An operation waits this long for a place at most.")

    connections: int = Field(default=15_000, ge=1, description="Streaming connections (sockets, SSE …) at most.")
    connections_per_caller: int = Field(default=10, ge=1, description="Of these, one caller's at most.")
    connections_per_staff: int = Field(
        default=100, ge=1, description="The same for support, operators, integrators and admins."
    )
    operations_per_socket: int = Field(default=20, ge=1, description="Operations on one socket at most.")
    messages_per_minute: int = Field(default=100, ge=1, description="Messages a client may send on one socket.")
    callback_hosts: Words = Field(
        default=frozenset(),
        description="Routers that subscribe by HTTP callback: host, host:port or network, with commas between.",
    )

    webhook_hosts: Words = Field(
        default=frozenset(),
        description="Receivers of webhooks: host, host:port or network, with commas between; unset: no webhooks.",
    )
    webhook_key: SecretStr | None = Field(
        default=None,
        description="Encrypts secrets of webhooks, 32 characters or more; unset: the secret of our own tokens does.",
    )
    webhook_key_before: SecretStr | None = Field(
        default=None, description="The key before the current one, still read with while rotating."
    )
    webhook_seconds: float = Field(
        default=10.0, gt=0, le=60, description="A receiver must have answered after this long."
    )
    webhook_hours: float = Field(
        default=24.0, gt=0, description="An endpoint that fails for so long is disabled, and the event given up."
    )

    source_precedence: Ranking = Field(
        default=(), description="Systems that tell whole orders, with commas between, the one to trust first."
    )
    status_precedence: Ranking = Field(
        default=(), description="The same for what they say of its status; unset: as for the order."
    )
    estimated_delivery_precedence: Ranking = Field(
        default=(), description="For when a parcel will arrive; unset: carriers before those who sent it."
    )
    stock_precedence: Ranking = Field(default=(), description="For counts of stock; unset: the newest count.")

    connectors_file: Path | None = Field(
        default=None, description="TOML file with a table per outside system; docs/connectors.md. Unset: none."
    )
    connectors_run: bool = Field(
        default=True,
        description="Whether `serve` also pulls from outside systems; else `ordergraph connector run` does.",
    )
    connector_sync_seconds: float = Field(
        default=300.0, ge=1, description="Each outside system is asked for changes this often."
    )
    connector_overlap_seconds: float = Field(
        default=300.0, ge=0, description="And asked again for this long before; more than its clock is behind ours."
    )
    connector_reconcile_hours: float = Field(
        default=24.0, gt=0, description="This often, and this far back, is looked for what webhooks lost."
    )

    connector_raw_days: float = Field(
        default=7.0, gt=0, description="What outside systems sent is kept as it came for this long."
    )

    oidc_issuer: str | None = Field(default=None, description="Issuer (iss) of an OpenID Connect provider's tokens.")
    oidc_audience: str | None = Field(default=None, description="Audience (aud) its tokens must have for us.")
    oidc_jwks_url: str | None = Field(default=None, description="https address of its key set.")
    oidc_roles: dict[str, str] = Field(
        default={}, description='What its role claim may say, to our roles: {"om-staff": "support+pii:read"}.'
    )
    oidc_role_claim: str = Field(default="role", description="Claim that holds the role; a path has dots.")
    oidc_customer_claim: str = Field(default="customer_id", description="Claim that holds the customer's id.")

    log_level: str = Field(default="INFO", description="Least level of what is logged.")
    log_json: bool = Field(default=True, description="Log JSON, one object per line; else text for people.")

    limit: Limits = Field(default=Limits(), description="How much one document may ask for.")

    @field_validator("cors_origins", "callback_hosts", "webhook_hosts", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("token_secret", "token_secret_before", "webhook_key", "webhook_key_before")
    @classmethod
    def long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value) < 32:
            raise ValueError("should have 32 characters or more; make one with: openssl rand -hex 32")
        return value

    @field_validator("database_url")
    @classmethod
    def for_the_driver(cls, value: SecretStr | None) -> SecretStr | None:
        """asyncpg wants the plain scheme; other tools of a deployment may need the long one in the same variable."""
        if value is None or not value.get_secret_value():
            return None
        scheme, separator, rest = value.get_secret_value().partition("://")
        if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
            raise ValueError("should begin with postgresql://")
        return SecretStr(f"postgresql://{rest}")

    @field_validator("oidc_jwks_url")
    @classmethod
    def unforgeable(cls, value: str | None) -> str | None:
        """Who can change the key set on its way can sign tokens."""
        parts = urllib.parse.urlsplit(value or "")
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and (parts.scheme != "https" and not (parts.scheme == "http" and local)):
            raise ValueError("should begin with https://")
        return value or None

    @model_validator(mode="after")
    def oidc_is_whole(self) -> Self:
        given = (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url, self.oidc_roles)
        if any(given) and not all(given):
            raise ValueError("issuer, audience, key set and roles of OIDC go together: give all four or none")
        return self

    @property
    def precedence(self) -> Precedence:
        return Precedence(
            self.source_precedence, self.status_precedence, self.estimated_delivery_precedence, self.stock_precedence
        )

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """The keys to read secrets of webhooks with, the one to encrypt with first."""
        given = tuple(key.get_secret_value() for key in (self.webhook_key, self.webhook_key_before) if key is not None)
        return given or self.token_secrets

    @property
    def token_secrets(self) -> tuple[str, ...]:
        """The secrets to verify our own tokens with, the one to sign with first."""
        given = (self.token_secret, self.token_secret_before)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    def changed(self, **values: object) -> Self:
        """A copy with the values that are not None, checked again: for options of the command line."""
        given = {name: value for name, value in values.items() if value is not None}
        return type(self)(**{**self.model_dump(), **given}) if given else self


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable; `path` leads to its value in Settings."""

    name: str
    path: tuple[str, ...]
    meaning: str

    def shown(self, settings: Settings) -> str:
        value: object = settings
        for step in self.path:
            value = getattr(value, step)
        if value is None or value in (frozenset(), ()):
            return ""
        if isinstance(value, SecretStr):
            return "(hidden)"
        if isinstance(value, tuple):
            return ",".join(value)
        return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def load(**options: object) -> Settings:
    """The settings of this process, with the options that are not None on top; BadInput names what is wrong."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = (f"{_concerned(one['loc'])}: {_lower(one['msg'])}" for one in error.errors())
        raise BadInput(f"{'; '.join(wrong)}. `ordergraph settings` lists the settings.") from None


def variables() -> list[Variable]:
    """All of them, in the order of Settings."""
    return [variable for name, field in Settings.model_fields.items() for variable in _variables(name, field)]


def unknown(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable with our prefix that means nothing to us, most likely a slip of the pen."""
    known = [variable.name for variable in variables()]
    strange = sorted(name for name in environment if name.startswith(PREFIX) and name not in {*known, *OTHERS})
    return [f"{name} is no setting of Ordergraph.{_guess(name, known)}" for name in strange]


def _variables(name: str, field: FieldInfo) -> list[Variable]:
    meaning = field.description or ""
    if not isinstance(field.default, Limits):
        return [Variable(f"{PREFIX}{name.upper()}", (name,), meaning)]
    return [
        Variable(f"{PREFIX}{name.upper()}_{part.upper()}", (name, part), f"{meaning} Most {WORDS[part]}.")
        for part in Limits.__dataclass_fields__
    ]


def _guess(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Is {near[0]} meant?" if near else ""


def _concerned(place: tuple[int | str, ...]) -> str:
    """A check of several settings together has no place; there is one, of OIDC."""
    return PREFIX + "_".join(map(str, place or ("OIDC_*",))).upper()


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
