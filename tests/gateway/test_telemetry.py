"""Logs: one line each, and what never stands in them. (What metrics count is in test_http_wire and test_http_app.)"""

import json
import logging
from collections.abc import Iterator

import asyncpg
import pytest
import structlog

from gateway import telemetry


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    token = "a-secret-local"  # noqa: F841  # a local variable of the frame, which must not be printed
    error = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
    error.detail = "Key (email)=(ada@example.com) already exists."
    raise error


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_and_row_values_never_reach_a_log(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    telemetry.configure_logging("INFO", as_json=as_json)
    log = structlog.get_logger("test")
    log.info("asked", token="eyJ-canary", variables={"email": "ada@example.com"}, operation_name="Order")
    try:
        fail()
    except asyncpg.UniqueViolationError:
        log.exception("request_failed", error_id="e-1")
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    text = capsys.readouterr().err
    for canary in ("eyJ-canary", "ada@example.com", "a-secret-local\n"):
        assert canary not in text
    assert "UniqueViolationError: duplicate key" in text
    assert "DETAIL:  [redacted]" in text.replace("\\n", "\n")
    if as_json:
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line["event"] for line in lines] == ["asked", "request_failed", "Exception in ASGI application"]
        assert lines[0]["operation_name"] == "Order"
        assert lines[0]["token"] == lines[0]["variables"] == "[redacted]"
        assert lines[1]["error_id"] == "e-1"


def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("WARNING")
    structlog.get_logger("test").info("quiet")
    logging.getLogger("some.library").info("quiet")
    structlog.get_logger("test").warning("loud")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]
