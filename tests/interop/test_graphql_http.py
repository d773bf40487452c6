"""The audits of graphql-http, the reference for GraphQL over HTTP in JavaScript, against the composed gateway."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

import db.pool
from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.serving import served

HERE = Path(__file__).parent
NODE = shutil.which("node")
WHY_NOT = (
    "no Node here"
    if NODE is None
    else ""
    if HERE.joinpath("node_modules", "graphql-http").exists()
    else "npm ci was not run in tests/interop"
)
# The audits ask for 200 when a document is wrong and the client accepts application/json only, as an older draft of
# the specification did. The current draft has one rule for both types, and so do Apollo's servers.
OLDER_DRAFT = {"572B", "FDE2", "7B9B"}


@pytest.mark.interop
@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
async def test_every_audit_passes_but_the_three_of_an_older_draft(pool: db.pool.Pool) -> None:
    assert NODE is not None
    app = create_app(Settings(token_secret=SecretStr("a-secret-for-tests-" * 2)), pool)
    async with asyncio.timeout(60), served(app) as url:
        process = await asyncio.create_subprocess_exec(
            NODE, "graphql_http_audits.mjs", f"{url}/graphql", cwd=HERE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    audits = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0
    assert len(audits) == 61
    assert {audit["id"]: audit for audit in audits if audit["status"] != "ok" and audit["id"] not in OLDER_DRAFT} == {}
    assert {audit["status"] for audit in audits if audit["id"] in OLDER_DRAFT} == {"warn"}
