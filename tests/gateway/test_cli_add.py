"""`ordergraph add` as a process: what is added, what stays, what is refused."""

from pathlib import Path

import pytest

import db.pool
from tests.gateway.test_cli_connector import FILE, command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "connectors.toml"
    made.write_text(FILE.format(url="http://127.0.0.1:9"))
    return made


async def test_a_channel_and_a_location_are_added_once(database: str, pool: db.pool.Pool, file: Path) -> None:
    web = ("add", "channel", "web", "--currency", "EUR", "--time-zone", "Europe/Berlin")
    replay = "What was refused for lack of it: ordergraph replay --dead."
    assert await command(database, file, *web) == (0, f"Channel web is added. {replay}\n", "")
    _, listed, _ = await command(database, file, "connector", "list")
    assert "  missing: location HAM; ordergraph add location HAM --country … --channel …" in listed.splitlines()
    ham = ("add", "location", "HAM", "--country", "DE", "--channel", "web", "--kind", "STORE")
    assert await command(database, file, *ham) == (0, f"Location HAM is added. {replay}\n", "")
    again = await command(database, file, "add", "location", "HAM", "--country", "FR")
    assert again == (0, "Location HAM was there already and stays as it is.\n", "")
    row = await pool.fetchrow(
        "SELECT c.code AS channel, c.currency, c.time_zone, l.code, l.name, l.kind, l.country FROM location_channels"
        " JOIN channels c ON c.id = channel_id JOIN locations l ON l.id = location_id"
    )
    assert row is not None
    assert tuple(row) == ("web", "EUR", "Europe/Berlin", "HAM", "HAM", "STORE", "DE")
    _, listed, _ = await command(database, file, "connector", "list")
    assert "missing" not in listed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("channel", "web", "--currency", "euro"), "--currency euro is not right: give three capital letters"),
        (("channel", " ", "--currency", "EUR"), "A code is not empty"),
        (("location", "HAM", "--country", "DE", "--time-zone", "Berlin"), "--time-zone Berlin is no time zone."),
        (("location", "HAM", "--country", "DE", "--channel", "web"), "There is no channel web: ordergraph add channel"),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_added(
    database: str, pool: db.pool.Pool, file: Path, words: tuple[str, ...], message: str
) -> None:
    code, out, err = await command(database, file, "add", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"ordergraph: {message}")
    assert await pool.fetchval("SELECT (SELECT count(*) FROM channels) + (SELECT count(*) FROM locations)") == 0
