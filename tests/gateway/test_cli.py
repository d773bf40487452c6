"""The command line as people and scripts meet it: real processes, exit codes, sentences."""

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from gateway.cli.token import duration
from tests.processes import unhurried

ROOT = Path(__file__).resolve().parents[2]


def ordergraph(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end, with no setting but those given."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        env={**without_settings(), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a refused command."""
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.removeprefix("ordergraph: ").strip()


def test_help_is_quick_and_lists_the_commands() -> None:
    began = time.monotonic()
    shown = ordergraph("--help").stdout
    assert time.monotonic() - began < unhurried(2)
    for command in ("serve", "demo", "migrate", "token", "settings", "doctor", "export-schema"):
        assert f"\n  {command} " in shown


def test_the_token_is_the_last_line_and_its_secret_is_kept(tmp_path: Path) -> None:
    tokens = [
        ordergraph("token", "--role", "customer", "--customer", "C-1", "--ttl", "1h", "--data-dir", tmp_path / "data")
        for _ in range(2)
    ]
    secret = (tmp_path / "data" / "token-secret").read_text().strip()
    assert (tmp_path / "data" / "token-secret").stat().st_mode & 0o777 == 0o600
    for ended in tokens:
        claims = jwt.decode(ended.stdout.splitlines()[-1], secret, algorithms=["HS256"], audience="ordergraph")
        assert (claims["role"], claims["customer"]) == ("customer", "C-1")
        assert claims["exp"] - claims["iat"] == 3600


def test_a_token_for_a_database_of_ones_own_needs_the_shared_secret() -> None:
    ended = ordergraph("token", "--role", "admin", ORDERGRAPH_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert refusal(ended).startswith("ORDERGRAPH_TOKEN_SECRET is not set")


def test_a_role_nobody_knows_is_refused_and_no_folder_is_made(tmp_path: Path) -> None:
    ended = ordergraph("token", "--role", "boss", "--data-dir", tmp_path / "data")
    assert refusal(ended).startswith("boss is no role: choose one of storefront, customer")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604800)], ids=["s", "m", "h", "d"]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == datetime.timedelta(seconds=seconds)


def test_settings_are_listed_with_secrets_hidden() -> None:
    shown = ordergraph("settings", ORDERGRAPH_TOKEN_SECRET="k" * 32, ORDERGRAPH_PORT="9000").stdout
    assert "* ORDERGRAPH_PORT=9000\n" in shown
    assert "  ORDERGRAPH_HOST=127.0.0.1\n" in shown
    assert "* ORDERGRAPH_TOKEN_SECRET=(hidden)\n" in shown
    assert "kkkk" not in shown


def test_wrong_settings_are_named_without_their_values() -> None:
    ended = ordergraph("settings", ORDERGRAPH_PORT="eighty", ORDERGRAPH_TOKEN_SECRET="too-short")
    sentence = refusal(ended)
    assert "ORDERGRAPH_PORT: input should be a valid integer" in sentence
    assert "ORDERGRAPH_TOKEN_SECRET: should have 32 characters or more" in sentence
    assert "eighty" not in sentence
    assert "too-short" not in sentence


def test_an_order_of_trust_is_listed_as_given_and_names_each_system_once() -> None:
    shown = ordergraph("settings", ORDERGRAPH_STOCK_PRECEDENCE="wms, erp,,shop").stdout
    assert "* ORDERGRAPH_STOCK_PRECEDENCE=wms,erp,shop\n" in shown
    assert "  ORDERGRAPH_STATUS_PRECEDENCE=\n" in shown
    twice = ordergraph("settings", ORDERGRAPH_STATUS_PRECEDENCE="wms,erp,wms")
    assert "ORDERGRAPH_STATUS_PRECEDENCE: names wms twice; give each system one place" in refusal(twice)


def test_a_group_of_fields_that_there_is_not_is_pointed_out() -> None:
    ended = ordergraph("settings", ORDERGRAPH_STOK_PRECEDENCE="wms")
    assert "ORDERGRAPH_STOK_PRECEDENCE is no setting of Ordergraph. Is ORDERGRAPH_STOCK_PRECEDENCE meant?" in (
        ended.stderr
    )


def test_a_variable_that_is_no_setting_is_pointed_out() -> None:
    ended = ordergraph("settings", ORDERGRAPH_DATBASE_URL="postgresql://nobody@127.0.0.1/none")
    assert ended.returncode == 0
    assert "ORDERGRAPH_DATBASE_URL is no setting of Ordergraph. Is ORDERGRAPH_DATABASE_URL meant?" in ended.stderr


def test_the_committed_schema_is_what_the_code_says() -> None:
    ended = ordergraph("export-schema", "--output", "schema/schema.graphql", "--check")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ordergraph("export-schema").stdout == (ROOT / "schema" / "schema.graphql").read_text()


def test_migrate_brings_a_database_of_ones_own_to_the_newest_revision(empty_database: str) -> None:
    first = ordergraph("migrate", ORDERGRAPH_DATABASE_URL=empty_database)
    assert (first.returncode, first.stdout.partition(" ")[0]) == (0, "Applied:")
    again = ordergraph("migrate", ORDERGRAPH_DATABASE_URL=empty_database)
    assert (again.returncode, again.stdout) == (0, "Nothing to do: the database is at the newest revision.\n")


def test_serve_refuses_a_database_that_is_behind_and_names_the_command(empty_database: str) -> None:
    sentence = refusal(ordergraph("serve", "--port", "0", ORDERGRAPH_DATABASE_URL=empty_database))
    assert sentence.startswith("The database lacks ")
    assert sentence.endswith("run `ordergraph migrate` first.")


def test_serve_says_why_a_database_does_not_answer_without_its_password() -> None:
    address = "postgresql://user:hidden-word@127.0.0.1:1/none"
    sentence = refusal(ordergraph("serve", "--port", "0", ORDERGRAPH_DATABASE_URL=address))
    assert sentence.startswith("The database does not answer: ")
    assert "hidden-word" not in sentence


def test_a_taken_port_is_refused_before_anything_is_made(taken_port: int, tmp_path: Path) -> None:
    ended = ordergraph("serve", "--port", str(taken_port), "--data-dir", tmp_path / "data")
    assert refusal(ended).startswith(f"Port {taken_port} on 127.0.0.1 is taken: ")
    assert not (tmp_path / "data").exists()


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    ended = ordergraph("serve", "--host", "192.0.2.1", "--port", "8000", "--data-dir", tmp_path / "data")
    assert refusal(ended).startswith("Cannot listen on 192.0.2.1 port 8000 (")


def test_a_foreign_data_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    sentence = refusal(ordergraph("serve", "--port", "0", "--data-dir", tmp_path))
    assert sentence.startswith(f"{tmp_path} exists and is not an Ordergraph data folder; nothing was changed")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_demo_never_touches_a_database_of_ones_own() -> None:
    ended = ordergraph("demo", "--port", "0", ORDERGRAPH_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert refusal(ended).startswith("The demo fills a database with samples, so it uses only its own")


def test_doctor_finds_what_is_wrong_and_changes_nothing(taken_port: int, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ended = ordergraph("doctor", "--port", str(taken_port), "--data-dir", tmp_path)
    wrong = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith("WRONG")]
    assert (ended.returncode, wrong) == (1, ["port:", "data"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_doctor_is_content_with_a_fresh_machine(tmp_path: Path, free_port: int) -> None:
    ended = ordergraph("doctor", "--port", str(free_port), "--data-dir", tmp_path / "data")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not (tmp_path / "data").exists()


def test_doctor_looks_at_a_database_of_ones_own(database: str, empty_database: str) -> None:
    careful = f"{database}&synchronous_commit=on"
    assert "ok     database: answers" in ordergraph("doctor", ORDERGRAPH_DATABASE_URL=careful).stdout
    # That of the tests is quick and forgets.
    told = ordergraph("doctor", ORDERGRAPH_DATABASE_URL=database)
    assert (told.returncode, "set synchronous_commit to on" in told.stdout) == (1, True)
    assert "run `ordergraph migrate`" in ordergraph("doctor", ORDERGRAPH_DATABASE_URL=empty_database).stdout
