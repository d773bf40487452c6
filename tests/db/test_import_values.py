"""Cells as values: exact or refused."""

import dataclasses
import datetime
from decimal import Decimal
from typing import Any

import pytest

from db.importing.mapping import Field
from db.importing.targets import Kind, Target
from db.importing.values import Refused, UnknownWord, converter, minor_units
from domain.reasons import CancelReason
from tests.db.import_files import GENERIC

UTC = datetime.UTC


def read(kind: Kind, text: str, *, field: dict[str, Any] | None = None, **mapping: Any) -> object:
    target = Target(kind, words=CancelReason if kind is Kind.WORD else None)
    return converter(target, Field((), **(field or {})), dataclasses.replace(GENERIC, **mapping))(text)


@pytest.mark.parametrize(
    ("text", "forms", "zone", "expected"),
    [
        ("10/2/2017 10:56", "%m/%d/%Y %H:%M", "America/Sao_Paulo", datetime.datetime(2017, 10, 2, 13, 56, tzinfo=UTC)),
        ("12/2/2017 10:56", "%m/%d/%Y %H:%M", "America/Sao_Paulo", datetime.datetime(2017, 12, 2, 12, 56, tzinfo=UTC)),
        (
            "2025-10-07 09:50:26 +0200",
            "%Y-%m-%d %H:%M:%S %z",
            "UTC",
            datetime.datetime(2025, 10, 7, 7, 50, 26, tzinfo=UTC),
        ),
        ("2025-10-07T09:50:26Z", "iso", "Asia/Tokyo", datetime.datetime(2025, 10, 7, 9, 50, 26, tzinfo=UTC)),
        ("2025-10-07", "iso", "Asia/Tokyo", datetime.datetime(2025, 10, 6, 15, tzinfo=UTC)),
        # Clocks went back: it was 2:30 twice, the first is meant.
        ("2025-10-26 02:30", "iso", "Europe/Berlin", datetime.datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        # Clocks went forward: it was never 2:30; read as if they had not.
        ("2025-03-30 02:30", "iso", "Europe/Berlin", datetime.datetime(2025, 3, 30, 1, 30, tzinfo=UTC)),
    ],
)
def test_instants_are_utc_from_the_zone_of_the_mapping_unless_they_carry_their_own(
    text: str, forms: str, zone: str, expected: datetime.datetime
) -> None:
    found = read(Kind.INSTANT, text, instants=(forms,), time_zone=zone)
    assert found == expected
    assert isinstance(found, datetime.datetime)
    assert found.tzinfo is UTC


def test_days_are_local_and_the_first_form_that_fits_is_taken() -> None:
    assert read(Kind.DAY, "10/18/2017 0:00", instants=("%m/%d/%Y %H:%M",)) == datetime.date(2017, 10, 18)
    late = read(Kind.DAY, "2025-10-07T23:30:00Z", time_zone="Europe/Berlin")
    assert late == datetime.date(2025, 10, 8)
    forms = {"formats": ("%d.%m.%Y", "%Y-%m-%d")}
    assert read(Kind.DAY, "2025-01-02", field=forms) == read(Kind.DAY, "02.01.2025", field=forms)


@pytest.mark.parametrize(
    "text", ["2025-02-30", "soon", "2025-13-01 10:00", "0001-01-01", "9999-12-31", "20250101T", "１"]
)
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read(Kind.INSTANT, text)


@pytest.mark.parametrize(
    ("text", "mapping", "expected"),
    [
        ("109.9", {}, Decimal("109.9")),
        ("+7", {}, Decimal(7)),
        ("1.234,56", {"decimal_mark": ",", "thousands_mark": "."}, Decimal("1234.56")),
        ("1'234.50", {"thousands_mark": "'"}, Decimal("1234.50")),
        ("0.1", {}, Decimal("0.1")),
    ],
)
def test_amounts_are_exact_decimals(text: str, mapping: dict[str, Any], expected: Decimal) -> None:
    assert read(Kind.AMOUNT, text, **mapping) == expected


@pytest.mark.parametrize("text", ["-1", "1,5", "1.5.0", "12 EUR", "NaN", "inf", "1e3", "", "٣", "1" * 16, "0x10"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read(Kind.AMOUNT, text)


def test_a_decimal_comma_refuses_points() -> None:
    with pytest.raises(Refused, match="no number"):
        read(Kind.AMOUNT, "1.5", decimal_mark=",")


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("109.9", "BRL", 10990),
        ("0.10", "EUR", 10),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("10.500", "EUR", 1050),
    ],
)
def test_minor_units_have_the_digits_of_their_currency(amount: str, currency: str, expected: int) -> None:
    assert minor_units(Decimal(amount), currency) == expected


@pytest.mark.parametrize(("amount", "currency"), [("0.005", "EUR"), ("1.5", "JPY"), ("0.0001", "BHD")])
def test_nothing_is_rounded(amount: str, currency: str) -> None:
    with pytest.raises(Refused, match=f"is not exact in {currency}"):
        minor_units(Decimal(amount), currency)


def test_counts_are_whole_and_scaled() -> None:
    assert read(Kind.COUNT, "16", field={"scale": Decimal(10)}) == 160
    assert read(Kind.COUNT, "1.5", field={"scale": Decimal(1000)}) == 1500
    assert read(Kind.COUNT, "2.0") == 2
    for text in ("1.5", "-1", "1000001", "two"):
        with pytest.raises(Refused):
            read(Kind.COUNT, text)


def test_text_is_stripped_padded_and_bounded() -> None:
    assert read(Kind.TEXT, "'75008", field={"strip": "'"}) == "75008"
    assert read(Kind.TEXT, "3149", field={"pad": 5}) == "03149"
    with pytest.raises(Refused, match="longer than 255"):
        read(Kind.NAME, "x" * 256)
    with pytest.raises(Refused, match="longer than 10000"):
        read(Kind.TEXT, "x" * 10_001)


def test_words_are_translated_whatever_their_case_and_unknown_ones_are_told_apart() -> None:
    words = {"words": {"kein bestand": "INVENTORY"}}
    assert read(Kind.WORD, "Kein Bestand", field=words) is CancelReason.INVENTORY
    assert read(Kind.WORD, "fraud") is CancelReason.FRAUD
    with pytest.raises(UnknownWord, match="a word the mapping does not know"):
        read(Kind.WORD, "fraud", field=words)
    with pytest.raises(UnknownWord, match="is none of CUSTOMER"):
        read(Kind.WORD, "whim")
    assert [read(Kind.FLAG, text) for text in ("true", "No", "1")] == [True, False, True]
    with pytest.raises(UnknownWord):
        read(Kind.FLAG, "maybe")


def test_codes_are_checked() -> None:
    assert read(Kind.COUNTRY, "br") == "BR"
    assert read(Kind.CURRENCY, "Eur") == "EUR"
    assert read(Kind.ZONE, "America/Sao_Paulo") == "America/Sao_Paulo"
    for kind, text in ((Kind.COUNTRY, "BRA"), (Kind.COUNTRY, "Ä1"), (Kind.CURRENCY, "€"), (Kind.ZONE, "Sao Paulo")):
        with pytest.raises(Refused):
            read(kind, text)
