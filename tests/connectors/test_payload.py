"""A vendor's JSON read field by field: what is wrong is named by its path, what is new is not looked at."""

import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadPayload
from connectors.payload import Node
from domain.status import ShipmentStatus

ORDER = Node({"id": 7, "lines": [{"sku": "A", "quantity": 2}, {"sku": None, "quantity": "many"}], "extra": object()})


def test_a_path_leads_to_what_is_missing() -> None:
    with pytest.raises(BadPayload) as caught:
        list(ORDER["lines"])[1]["sku"].text()
    assert caught.value.path == "lines.1.sku"
    assert str(caught.value) == "lines.1.sku should be a text and is nothing. Has the vendor changed its API?"


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda: list(ORDER["lines"])[1]["quantity"].integer(), "lines.1.quantity"),
        (lambda: ORDER["id"].text(), "id"),
        (lambda: ORDER["lines"]["sku"], "lines"),
        (lambda: list(ORDER["id"]), "id"),
        (lambda: ORDER["nobody"]["knows"].instant(), "nobody.knows"),
        (lambda: ORDER["missing"].items(), "missing"),
        (lambda: Node(True, "n").integer(), "n"),
        (lambda: Node(2.5, "n").integer(), "n"),
        (lambda: Node("NaN", "n").number(), "n"),
        (lambda: Node("2026-11-23T09:00:00", "at").instant(), "at"),
        (lambda: Node("soon", "at").day(), "at"),
        (lambda: Node("", "id").id(), "id"),
    ],
)
def test_the_wrong_kind_is_refused_by_its_path(read: Callable[[], object], path: str) -> None:
    with pytest.raises(BadPayload) as caught:
        read()
    assert caught.value.path == path


def test_values_are_never_quoted() -> None:
    """They may be personal data."""
    with pytest.raises(BadPayload) as caught:
        Node("jane@example.com", "email").integer()
    assert "jane" not in str(caught.value)


def test_absent_is_null_all_the_way_down() -> None:
    assert not ORDER["a"]["b"]["c"]
    assert list(ORDER["a"]["b"]) == []
    assert ORDER["a"]["b"].maybe_text() is None


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("19.99", "EUR", 1999), ("19.995", "EUR", 2000), (1500, "JPY", 1500), ("1.234", "KWD", 1234), (0.1, "USD", 10)],
)
def test_money_becomes_minor_units(amount: object, currency: str, minor: int) -> None:
    assert Node(amount).money(currency) == minor


@given(st.integers(-(10**12), 10**12))
def test_minor_units_survive_the_way_through_major_ones(minor: int) -> None:
    sign = "-" if minor < 0 else ""
    assert Node(f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}").money("EUR") == minor


def test_instants_are_utc() -> None:
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert Node("2026-11-23T10:00:00+01:00").instant() == dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
    assert Node("2026-11-23T10:00:00").instant(berlin) == dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def test_a_word_that_is_new_is_unknown() -> None:
    words = {"in_transit": ShipmentStatus.IN_TRANSIT}
    assert Node("in_transit").word(words, ShipmentStatus.UNKNOWN) is ShipmentStatus.IN_TRANSIT
    assert Node("teleported").word(words, ShipmentStatus.UNKNOWN) is ShipmentStatus.UNKNOWN
