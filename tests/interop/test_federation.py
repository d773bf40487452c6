"""The schema composes with others: The Guild's composer, with a subgraph that adds reviews to our orders."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schema import build

HERE = Path(__file__).parent
NODE = shutil.which("node")
WHY_NOT = (
    "no Node here"
    if NODE is None
    else ""
    if HERE.joinpath("node_modules", "@theguild", "federation-composition").exists()
    else "npm ci was not run in tests/interop"
)
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]
REVIEWS = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@requires"])
type Query { latestReviews: [Review!]! }
type Review { id: ID! text: String! order: Order! item: Item! }
type Order @key(fields: "id") { id: ID! number: String! @external reviews: [Review!]! @requires(fields: "number") }
type Item @key(fields: "sku") { sku: String! stars: Float }
"""


def composed(folder: Path, **subgraphs: str) -> dict[str, Any]:
    assert NODE is not None
    arguments = []
    for name, sdl in subgraphs.items():
        file = folder / f"{name}.graphql"
        file.write_text(sdl, "utf-8")
        arguments.append(f"{name}={file}")
    done = subprocess.run(
        [NODE, "compose.mjs", *arguments], cwd=HERE, capture_output=True, timeout=60, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def type_of(supergraph: str, name: str) -> str:
    """The text of one type of a supergraph."""
    found = re.search(rf"^type {name}\b.*?^}}$", supergraph, re.MULTILINE | re.DOTALL)
    assert found, f"the supergraph has no type {name}"
    return found[0]


def test_the_schema_composes_alone(tmp_path: Path) -> None:
    assert "errors" not in composed(tmp_path, ordergraph=build.sdl(build.build()))


def test_another_subgraph_adds_to_orders_and_items(tmp_path: Path) -> None:
    found = composed(tmp_path, ordergraph=build.sdl(build.build()), reviews=REVIEWS)
    assert "errors" not in found
    order = type_of(found["supergraph"], "Order")
    assert '@join__type(graph: ORDERGRAPH, key: "id")' in order
    assert '@join__type(graph: ORDERGRAPH, key: "number channel { code }")' in order
    assert 'reviews: [Review!]! @join__field(graph: REVIEWS, requires: "number")' in order
    item = type_of(found["supergraph"], "Item")
    assert '@join__type(graph: REVIEWS, key: "sku")' in item
    assert "stars: Float @join__field(graph: REVIEWS)" in item


def test_a_router_in_front_enforces_the_same_scopes(tmp_path: Path) -> None:
    supergraph = composed(tmp_path, ordergraph=build.sdl(build.build()), reviews=REVIEWS)["supergraph"]
    assert "https://specs.apollo.dev/requiresScopes/v0.1" in supergraph
    query, item = type_of(supergraph, "Query"), type_of(supergraph, "Item")
    assert re.search(r'^  orders\(.*@requiresScopes\(scopes: \[\["orders:read"\]\]\)', query, re.MULTILINE | re.DOTALL)
    assert re.search(r'stockLevels: .*@requiresScopes\(scopes: \[\["stock:read"\]\]\)', item)
    ours = build.sdl(build.build()).count("@requiresScopes(")
    assert supergraph.count("@requiresScopes(scopes:") >= ours


def test_sizes_of_lists_reach_the_router(tmp_path: Path) -> None:
    supergraph = composed(tmp_path, ordergraph=build.sdl(build.build()))["supergraph"]
    assert "lines: [OrderLine!]! @listSize(requireOneSlicingArgument: false, assumedSize: 3)" in supergraph
    assert re.search(r'slicingArguments: \["first"\]\s+sizedFields: \["edges", "nodes"\]', supergraph)


def test_a_subgraph_that_contradicts_us_does_not_compose(tmp_path: Path) -> None:
    """The composer looks: a proof that its silence above means something."""
    wrong = REVIEWS.replace('type Item @key(fields: "sku") { sku: String!', 'type Item @key(fields: "sku") { sku: Int!')
    found = composed(tmp_path, ordergraph=build.sdl(build.build()), reviews=wrong)
    assert "Item.sku" in " ".join(found["errors"])
