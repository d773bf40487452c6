"""The language of mappings: what it says is read, and each mistake is named where it stands."""

from pathlib import Path

import pytest

import db.importing.language as language
from db.importing import targets
from db.importing.errors import BadMapping
from db.importing.mapping import Column, ImportMapping

DOCS = Path(__file__).resolve().parents[2] / "docs" / "import.md"
MINIMAL = """
source = "shop"
time_zone = "Europe/Berlin"
currency = "EUR"
[channel]
code = "shop"
[tables.orders]
files = "orders*"
key = "no"
[tables.people]
files = "people*"
key = "id"
[order]
table = "orders"
joins = { people = "person" }
[order.fields]
number = "no"
placed_at = { column = "at", formats = "%d.%m.%Y %H:%M" }
customer_email = ["people.mail?", "mail?"]
cancel_reason = { column = "why", words = "why" }
[words.why]
"Kein Bestand" = "INVENTORY"
"""


def parsed(text: str) -> ImportMapping:
    return language.parse(text.encode(), "shop.toml")


def test_the_shipped_mappings_are_good() -> None:
    assert language.shipped() == ["generic", "olist", "shopify"]
    for name in language.shipped():
        assert language.load(f"{name}.toml").source == name


def test_the_example_and_the_fields_in_the_docs_are_true() -> None:
    page = DOCS.read_text(encoding="utf-8")
    example = language.parse(page.partition("```toml\n")[2].partition("```")[0].encode(), "example.toml")
    assert set(example.sections) == {"order", "line"}
    for section, fields in targets.SECTIONS.items():
        [row] = [line for line in page.splitlines() if line.startswith(f"| {section} | ")]
        listed = row.split("|")[2].replace(" ", "").split(",")
        assert sorted(listed) == sorted(f"**{name}**" if field.required else name for name, field in fields.items())


def test_a_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(MINIMAL)
    found = language.load(str(path))
    assert found.order.joins == {"people": Column("orders", "person", False)}
    assert found.order.fields["customer_email"].columns == (
        Column("people", "mail", True),
        Column("orders", "mail", True),
    )
    assert found.order.fields["cancel_reason"].words == {"kein bestand": "INVENTORY"}
    assert found.columns == {
        "orders": tuple(Column("orders", name, name == "mail") for name in ("no", "person", "at", "mail", "why")),
        "people": (Column("people", "id", False), Column("people", "mail", True)),
    }
    assert found.looked_up == {"people"}
    assert found.in_channel("other").channel.code == "other"


@pytest.mark.parametrize(
    ("change", "to", "message"),
    [
        ('source = "shop"', "", "source: is missing"),
        ('source = "shop"', 'source = "My Shop"', "source: 'My Shop' does not have the form"),
        ('time_zone = "Europe/Berlin"', 'time_zone = "Berlin"', "time_zone: Berlin is no time zone"),
        ('time_zone = "Europe/Berlin"', 'time_zone = "../x"', "is no time zone"),
        ('currency = "EUR"', 'currency = "euro"', "currency: 'euro' does not have the form"),
        ('currency = "EUR"', "curency = 'EUR'", "curency means nothing here; use one of currency"),
        (
            'code = "shop"',
            'code = "shop"\nkind = "SHOP"',
            "channel.kind: SHOP is no kind of channel; use one of STOREFR",
        ),
        ('key = "no"', "", "tables.orders.key: is missing"),
        ('key = "no"', 'key = "no"\nencoding = "utf-9"', "tables.orders.encoding: utf-9 is no encoding"),
        ('key = "no"', 'key = "no"\ndelimiter = ";;"', "tables.orders.delimiter"),
        ('table = "orders"', 'table = "order"', "order.table: there is no table order; use one of orders, people"),
        ('people = "person"', 'persons = "person"', "order.joins.persons: there is no other table persons"),
        ('number = "no"', "", "order.fields: number is missing: say which column holds it"),
        ('number = "no"', 'nr = "no"', "order.fields: nr means nothing here"),
        ('number = "no"', "number = {}", "order.fields.number: it has neither a column nor a value"),
        ('number = "no"', "number = { column = 7 }", "order.fields.number.column: should be a text or a list of texts"),
        ('number = "no"', "number = { column = 'no', scale = 2 }", "only a number has a scale"),
        ('number = "no"', "number = { column = 'no', formats = '%Y-%m-%d' }", "only a date has formats"),
        ('number = "no"', "number = { column = 'no', pad = true }", "order.fields.number.pad: should be a number"),
        ("%d.%m.%Y %H:%M", "%d.%m", "order.fields.placed_at.formats: '%d.%m' is no form of a date"),
        (
            'words = "why"',
            'words = "warum"',
            "order.fields.cancel_reason.words: there is no .words.warum.; use one of why",
        ),
        ('= "INVENTORY"', '= "EMPTY"', "order.fields.cancel_reason.words: it cannot become EMPTY; use one of CUSTOMER"),
        ("[order.fields]", "[order.felder]", "order: felder means nothing here; use one of fields"),
        ("[channel]", "[channel", "is no TOML"),
    ],
)
def test_a_mistake_is_named_where_it_stands(change: str, to: str, message: str) -> None:
    assert change in MINIMAL
    with pytest.raises(BadMapping, match=message) as caught:
        parsed(MINIMAL.replace(change, to, 1))
    assert caught.value.message.startswith("shop.toml")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[line]\ntable = "people"\n[line.fields]\nsku = "a"', "line.fields: quantity is missing"),
        ('[payment]\ntable = "orders"\n[payment.fields]\n', "table orders is used by .order. and by .payment."),
        (
            '[item]\ntable = "people"\n[item.fields]\nsku = "a"',
            "item.fields: sku should be the key of table people, id",
        ),
        (
            '[payment]\ntable = "people"\n[payment.fields]\n',
            "order.joins: people belongs to .payment. and cannot be joi",
        ),
        ('[payment]\ntable = "people"\njoins = {}\n', "payment: joins means nothing here"),
    ],
)
def test_a_table_has_one_role(more: str, message: str) -> None:
    with pytest.raises(BadMapping, match=message):
        parsed(MINIMAL + more)


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(BadMapping, match=r"There is no mapping magento: .* one of generic, olist, shopify"):
        language.load("magento")
