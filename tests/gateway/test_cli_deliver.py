"""`ordergraph connector deliver`: Amazon's notifications from a file, as they lie in a queue."""

import json
from pathlib import Path

import db.pool
from tests.gateway.test_cli_connector import command
from tests.resolvers.commands.house import PLACES
from tests.simulators.amazon import MARKETPLACE, REFRESH, Server, changed, enveloped

FILE = """
[amazon]
connector = "amazon"
private = true
options = {{url = "{url}", login_url = "{url}", marketplaces = "{market}", seller = "A3TH9S8BH6GOGM"}}
channels = {{{market} = "web"}}
locations = {{DEFAULT = "HAM", FBA = "PAR"}}
[amazon.secrets]
client_id = "file:{folder}/id"
client_secret = "file:{folder}/secret"
refresh_token = "file:{folder}/refresh"
"""


def configured(folder: Path, url: str) -> Path:
    for name, text in (("id", "amzn1.client"), ("secret", "client-secret-simulated"), ("refresh", REFRESH)):
        (folder / name).write_text(text)
    file = folder / "connectors.toml"
    file.write_text(FILE.format(url=url, market=MARKETPLACE, folder=folder))
    return file


async def test_messages_of_a_queue_in_a_file_become_orders_once(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    async with Server().running() as server:
        config = configured(tmp_path, server.url)
        first, second = server.add({"MUG": 2}), server.add({"LAMP": 1})
        notes = tmp_path / "notes.jsonl"
        told = [enveloped(changed(first["orderId"])), changed(second["orderId"])]
        notes.write_text("\n".join(json.dumps(one) for one in told) + "\n")
        ended = await command(database, config, "connector", "deliver", "amazon", str(notes))
        assert ended[:2] == (0, "amazon: 2 deliveries taken, 0 known before; 0 wait, 0 given up.\n"), ended
        numbers = [row["number"] for row in await pool.fetch("SELECT number FROM orders ORDER BY number")]
        assert numbers == [first["orderId"], second["orderId"]]
        ended = await command(database, config, "connector", "deliver", "amazon", str(notes))
        assert ended[1] == "amazon: 0 deliveries taken, 2 known before; 0 wait, 0 given up.\n"


async def test_a_file_with_a_bad_line_is_refused_whole_and_what_is_no_notification_says_why(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    async with Server().running() as server:
        config = configured(tmp_path, server.url)
        notes = tmp_path / "notes.jsonl"
        notes.write_text(json.dumps(changed("250-1")) + "\n{cut")
        code, _, err = await command(database, config, "connector", "deliver", "amazon", str(notes))
        assert (code != 0, f"Line 2 of {notes} is not JSON. Nothing of the file was taken." in err) == (True, True)
        assert await pool.fetchval("SELECT count(*) FROM connector_deliveries") == 0
        notes.write_text('{"hello": 1}')
        code, said, _ = await command(database, config, "connector", "deliver", "amazon", str(notes))
        assert "amazon: 1 deliveries taken, 0 known before; 0 wait, 1 given up: CONNECTOR_BAD_PAYLOAD" in said
        code, _, err = await command(database, config, "connector", "deliver", "nobody", str(notes))
        assert (code != 0, "No outside system called nobody sends deliveries." in err) == (True, True)
