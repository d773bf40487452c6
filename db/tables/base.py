"""Column forms every table shares, so that an id, an instant or a word means the same everywhere."""

import enum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

TextArray = postgresql.ARRAY(sa.Text)


def key() -> sa.Column[object]:
    """A random 128-bit id: safe to show, impossible to guess."""
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()"))


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def stamped(name: str) -> sa.Column[object]:
    """An instant that is set to the transaction's start when the row is made."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def text(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Text, nullable=nullable, server_default=default)


def count(name: str, *, default: int = 0) -> sa.Column[object]:
    """A quantity in units of sale; never negative."""
    return sa.Column(name, sa.Integer, nullable=False, server_default=str(default))


def amount(name: str) -> sa.Column[object]:
    """Money in minor units of the order's currency."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def words(column: str, kind: type[enum.StrEnum], name: str | None = None) -> sa.CheckConstraint:
    """Only the words of `kind` may stand in `column`."""
    listed = ", ".join(f"'{member.value}'" for member in kind)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name or f"{column}_known")


def words_in_array(column: str, kind: type[enum.StrEnum]) -> sa.CheckConstraint:
    """Only the words of `kind` may stand in the array `column`."""
    listed = ", ".join(f"'{member.value}'" for member in kind)
    return sa.CheckConstraint(f"{column} <@ ARRAY[{listed}]", name=f"{column}_known")


def not_negative(*columns: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(" AND ".join(f"{column} >= 0" for column in columns), name="not_negative")


def reference(name: str, target: str, *, nullable: bool = False, ondelete: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, sa.ForeignKey(target, ondelete=ondelete), nullable=nullable)
