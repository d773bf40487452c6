"""What the process is told from outside: environment variables ORDERGRAPH_*, read once, by the command line."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import BadInput
from gateway.limits import Limits

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
    limit: Limits = Field(default=Limits(), description="How much one document may ask for.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("token_secret", "token_secret_before")
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

    @property
    def token_secrets(self) -> tuple[str, ...]:
        """The secrets to verify our own tokens with, the one to sign with first."""
        given = (self.token_secret, self.token_secret_before)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    def changed(self, **values: object) -> Self:
        """A copy with the values that are not None, checked again: for options of the command line."""
        given = {name: value for name, value in values.items() if value is not None}
        return type(self)(**{**self.model_dump(), **given}) if given else self


def load() -> Settings:
    """The settings of this process; BadInput names each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = (
            f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        )
        raise BadInput(f"{'; '.join(wrong)}. See `ordergraph settings`.") from None


def variables() -> list[str]:
    """The names of all variables."""
    plain = [name for name in Settings.model_fields if name != "limit"]
    parts = [f"limit_{name}" for name in Limits.__dataclass_fields__]
    return [f"{PREFIX}{name.upper()}" for name in (*plain, *parts)]


def unknown(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable with our prefix that means nothing to us, most likely a slip of the pen."""
    known = variables()
    strange = sorted(name for name in environment if name.startswith(PREFIX) and name not in {*known, *OTHERS})
    return [f"{name} is no setting of Ordergraph.{_guess(name, known)}" for name in strange]


def _guess(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" {near[0]} is." if near else ""
