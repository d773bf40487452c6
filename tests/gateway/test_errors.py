"""The table of codes: complete, and the same in docs/errors.md."""

import re
from pathlib import Path

import domain.errors
from domain.errors import OrdergraphError
from gateway.errors import STATUS, Refused

PAGE = Path(__file__).parents[2].joinpath("docs", "errors.md").read_text(encoding="utf-8")
# A heading of a code, and what stands first below it: Status 400 / 422.
ENTRY = re.compile(r"^### ([A-Z_]+)\nStatus (\d{3})(?: / (\d{3}))?", re.MULTILINE)


def below(kind: type[OrdergraphError]) -> set[type[OrdergraphError]]:
    return {kind}.union(*(below(one) for one in kind.__subclasses__()))


def test_every_code_is_explained_with_its_status() -> None:
    documented = {code: (int(first), int(second or first)) for code, first, second in ENTRY.findall(PAGE)}
    assert documented == dict(STATUS)


def test_every_error_has_a_code_of_the_table() -> None:
    codes = {
        error.code
        for error in below(OrdergraphError)
        if error.__module__ in (domain.errors.__name__, Refused.__module__)
    }
    assert codes - set(STATUS) == set()
