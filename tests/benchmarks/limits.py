"""CPU to refuse hostile documents, and to count one that passes.

.venv/bin/python -m tests.benchmarks.limits
"""

import time

import graphql

from domain.errors import QueryTooComplex
from gateway.limits import Limits, check_source
from gateway.weights import check_document

LIMITS = Limits()
ROUNDS = 30
DOCUMENTS = {
    "{o{o{id}}} x 300 in one set": "{" + "o{o{id}}" * 300 + "}",
    "{o{o{id}}} x 300 operations": "{o{o{id}}}" * 300,
    "o{id} x 500": "{" + "o{id}" * 500 + "}",
    "300 aliases below": "{o{" + " ".join(f"a{i}:o{{id}}" for i in range(300)) + "}}",
    "1,000 @include": "{a" + " @include(if:true)" * 1000 + "}",
    "60 crossed fragments": "{" + " ".join(f"...F{i}" for i in range(60)) + "}"
    + "".join(f"fragment F{i} on Q{{o{{...F{(i * 7 + 1) % 60}}}}}" for i in range(60)),
    "2^20 by fragments": "{...F0}" + "".join(f"fragment F{i} on T{{...F{i + 1} ...F{i + 1}}}" for i in range(20))
    + "fragment F20 on T{a}",
    "5,000 deep": "{a" * 5000 + "}" * 5000,
    "10,000 comments": "#\n" * 10_000 + "{a}",
    "32 KiB of blanks (passes)": " " * 32_700 + "{a}",
    "GraphiQL's introspection (passes)": graphql.get_introspection_query(),
}  # fmt: skip


def refuse(document: str) -> str:
    """What an operation that is not in the plan cache goes through before validation."""
    try:
        check_source(document, LIMITS)
        check_document(graphql.parse(document, no_location=True), LIMITS)
    except QueryTooComplex as error:
        return error.message.partition("ORDERGRAPH_LIMIT_")[2].partition(")")[0]
    return "passes"


def main() -> None:
    for name, document in DOCUMENTS.items():
        best, outcome = float("inf"), ""
        for _ in range(ROUNDS):
            began = time.process_time()
            outcome = refuse(document)
            best = min(best, time.process_time() - began)
        print(f"{name:36} {len(document):6} bytes {best * 1e3:7.3f} ms CPU  {outcome}")


if __name__ == "__main__":
    main()
