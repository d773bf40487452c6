"""How much a document may ask for, counted before anything expensive looks at it.

`check_source` reads the raw text in one pass, so that the parser only ever sees a short document;
`gateway.weights.check_document` counts the parsed document with its fragments expanded, so that validation (whose
field-merging rule is quadratic) only ever sees a small one. Neither needs the schema. Both raise `QueryTooComplex` at
the first limit passed.

Introspection nests deeper than data by nature (`ofType` nine times), so what stands under `__schema` and `__type` (the
*meta* part: GraphQL reserves two underscores for it) has its own depth and size; how often its lists may nest is
graphql-core's `MaxIntrospectionDepthRule`.
"""

import dataclasses
import re
from typing import Final, NoReturn

from domain.errors import QueryTooComplex

META: Final = "__"


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """The greatest count allowed of each thing; its setting is ORDERGRAPH_LIMIT_ and the name in capitals."""

    characters: int = 32_768
    tokens: int = 1000
    comments: int = 1000
    nesting: int = 32
    operations: int = 10
    depth: int = 10
    meta_depth: int = 15
    selections: int = 200
    meta_selections: int = 1000
    root_fields: int = 30
    aliases: int = 15
    same_name: int = 4
    directives: int = 50
    directives_here: int = 3


WORDS: Final = {
    "characters": "characters",
    "tokens": "tokens",
    "comments": "comments",
    "nesting": "things inside each other (brackets, fields, fragments)",
    "operations": "operations",
    "depth": "levels of fields",
    "meta_depth": "levels of introspection fields",
    "selections": "selections (fragments expanded)",
    "meta_selections": "introspection selections (fragments expanded)",
    "root_fields": "root fields",
    "aliases": "aliases (fragments expanded)",
    "same_name": "fields of the same response name in one place",
    "directives": "directives (fragments expanded)",
    "directives_here": "directives in one place",
}


def allow(limits: Limits, limit: str, count: int) -> None:
    if count > getattr(limits, limit):
        refuse(limits, limit, count)


def refuse(limits: Limits, limit: str, count: int) -> NoReturn:
    raise QueryTooComplex(
        f"The document has at least {count} {WORDS[limit]}; {getattr(limits, limit)} are allowed "
        f"(ORDERGRAPH_LIMIT_{limit.upper()}). Ask for less, or split it into several operations."
    )


# Alternatives in this order: name, comment, punctuation, value, illegal character; none at the end of the text.
# Every position matches something, and within a string no two alternatives begin alike: the time is linear in the text.
# (Possessive quantifiers would say so themselves, but Python 3.11.2, which Debian 12 has, gets them wrong on groups.)
# An unterminated string is one illegal character, else its rest would be read again from each quote in it.
TOKEN: Final = re.compile(
    r"""[\t\n\r\ ,\ufeff]*(?:
        ([_A-Za-z][_0-9A-Za-z]*)
      | (\#[^\n\r]*)
      | ([{}()\[\]:!$&=@|] | \.\.\.)
      | ( -?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?
        | "{3}[^"\\]*(?:(?: \\"{3} | \\(?!"{3}) | "(?!"") )[^"\\]*)*"{3}
        | (?!"{3})"[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*" )
      | (.)
      | \Z )""",
    re.VERBOSE | re.DOTALL,
)
NAME, COMMENT, PUNCTUATION, VALUE, ILLEGAL = range(1, 6)


class Source:
    """The state of one pass over the tokens of a document."""

    __slots__ = (
        "aliases", "before", "brackets", "directives", "here", "inline", "limits", "meta_selections", "selections",
        "sets", "subject",
    )  # fmt: skip

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.before = ""  # the token before, as far as it decides what a name means
        self.brackets = 0  # open brackets of any kind in arguments; 0 is among the selections
        self.sets: list[tuple[dict[str, int], int, bool]] = []  # open selection sets: names, depth, meta
        self.subject = ""  # whose selection set comes next: the field, or the type a fragment is on
        self.inline = False  # the next selection set is an inline fragment's
        self.selections = self.meta_selections = self.aliases = self.directives = self.here = 0

    def name(self, name: str) -> None:
        before, self.before = self.before, ""
        if before == "@":
            return
        if before == "on":
            self.subject = name
        elif before == "..." or not self.sets:
            self.inline = before == "..." and name == "on"
            self.before = "on" if name == "on" else ""
            self.here = 0
        else:
            self.subject = name
            if before != ":":
                self.field(name)

    def field(self, response_name: str) -> None:
        self.select()
        names = self.sets[-1][0]
        names[response_name] = count = names.get(response_name, 0) + 1
        allow(self.limits, "same_name", count)

    def select(self) -> None:
        self.here = 0
        self.inline = False
        if self.sets[-1][2]:
            self.meta_selections += 1
            allow(self.limits, "meta_selections", self.meta_selections)
        else:
            self.selections += 1
            allow(self.limits, "selections", self.selections)

    def punctuation(self, mark: str) -> None:
        if mark == "@":
            self.directive()
        elif self.brackets or mark in "([":
            self.argument(mark)
        elif mark == "{":
            self.open()
        elif mark == "}":
            if self.sets:
                self.sets.pop()
            self.subject, self.inline = "", False
        elif mark == "..." and self.sets:
            self.select()
            self.subject, self.inline = "", True
        elif mark == ":" and self.sets:
            self.aliases += 1
            allow(self.limits, "aliases", self.aliases)
        self.before = mark

    def directive(self) -> None:
        self.directives += 1
        self.here += 1
        allow(self.limits, "directives", self.directives)
        allow(self.limits, "directives_here", self.here)

    def argument(self, mark: str) -> None:
        if mark in "([{":
            self.brackets += 1
            allow(self.limits, "nesting", self.brackets + len(self.sets))
        elif mark in ")]}":
            self.brackets -= 1
        elif mark == "$":
            self.here = 0

    def open(self) -> None:
        names, depth, meta = self.sets[-1] if self.sets else ({}, 0, False)
        meta = meta or self.subject.startswith(META)
        if not self.inline:
            names, depth = {}, depth + 1
            allow(self.limits, "meta_depth" if meta else "depth", depth)
        self.sets.append((names, depth, meta))
        allow(self.limits, "nesting", len(self.sets))
        self.subject, self.inline, self.here = "", False, 0


def check_source(text: str, limits: Limits) -> None:
    """Count the tokens and what they make, fragments not expanded. What is no GraphQL is left to the parser."""
    allow(limits, "characters", len(text))
    source = Source(limits)
    tokens = comments = 0
    for match in TOKEN.finditer(text):
        kind = match.lastindex
        if kind == COMMENT:
            comments += 1
            if comments > limits.comments:
                refuse(limits, "comments", comments)
            continue
        if kind is None or kind == ILLEGAL:
            return
        tokens += 1
        if tokens > limits.tokens:
            refuse(limits, "tokens", tokens)
        if kind == PUNCTUATION:
            source.punctuation(match[PUNCTUATION])
        elif kind == NAME:
            if not source.brackets:
                source.name(match[NAME])
        else:
            source.before = ""
