"""Limits: what is refused, what passes, and what counting costs."""

import time

import graphql
import pytest
from graphql.language import Lexer, Source, TokenKind
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import QueryTooComplex
from gateway.limits import TOKEN, VALUE, Limits, check_source
from gateway.weights import check_document

LIMITS = Limits()
SMALL = Limits(
    characters=200, tokens=40, comments=3, nesting=8, operations=2, depth=3, meta_depth=4, selections=10,
    meta_selections=12, root_fields=4, aliases=2, same_name=2, directives=4, directives_here=2,
)  # fmt: skip


def check(document: str, limits: Limits = LIMITS) -> None:
    check_source(document, limits)
    check_document(graphql.parse(document, no_location=True), limits)


def refusal(document: str, limits: Limits) -> str:
    with pytest.raises(QueryTooComplex) as refused:
        check(document, limits)
    return refused.value.message


@pytest.mark.parametrize(
    ("document", "limit", "count"),
    [
        ("{" + "a " * 100 + "}", "CHARACTERS", 202),
        ("{a(b:[" + "1 " * 40 + "])}", "TOKENS", 41),
        ("#\n#\n#\n#\n{a}", "COMMENTS", 4),
        ("{a(b:[[[[[[[[1]]]]]]]])}", "NESTING", 9),
        ("{a(b:{c:{c:{c:{c:{c:{c:{c:1}}}}}}})}", "NESTING", 9),
        ("{...{...{...{...{...{...{...{...{a}}}}}}}}}", "NESTING", 9),
        ("query A{a}query B{a}query C{a}", "OPERATIONS", 3),
        ("{a{b{c{d}}}}", "DEPTH", 4),
        ("{a{b{...{c{d}}}}}", "DEPTH", 4),
        ("{a{...F}}fragment F on T{b{c{d}}}", "DEPTH", 4),
        ("{__schema{a{b{c{d}}}}}", "META_DEPTH", 5),
        ("{__schema{...F}}fragment F on __Type{a{b{c{d}}}}", "META_DEPTH", 5),
        ("{a{a b c d e}b{a b c d e}}", "SELECTIONS", 11),
        ("{a{...F}b{...F}c{...F}}fragment F on T{a b}", "SELECTIONS", 12),
        ("{__schema{a b c d e f g h i j k l m}}", "META_SELECTIONS", 13),
        ("{a b c d e}", "ROOT_FIELDS", 5),
        ("{a b ...F}fragment F on T{c d e}", "ROOT_FIELDS", 5),
        ("{a:x b:x c:x}", "ALIASES", 3),
        ("{a{...F}b{...F}}fragment F on T{c:x d:x}", "ALIASES", 4),
        ("{a a a}", "SAME_NAME", 3),
        ("{a b:a a b:c ...{a}}", "SAME_NAME", 3),
        ("{...F ...F a}fragment F on T{a}", "SAME_NAME", 3),
        ("{a @x @y @z}", "DIRECTIVES_HERE", 3),
        ("query ($a: Int @x @y @z) {a}", "DIRECTIVES_HERE", 3),
        ("query @x @y {a @x @y b @x}", "DIRECTIVES", 5),
        ("{a{...F}b{...F}c{...F}}fragment F on T{a @x @y}", "DIRECTIVES", 6),
    ],
)
def test_one_beyond_a_limit_is_refused_and_the_message_names_limit_count_and_setting(
    document: str, limit: str, count: int
) -> None:
    allowed = getattr(SMALL, limit.lower())
    message = refusal(document, SMALL)
    assert f"at least {count} " in message
    assert f"; {allowed} are allowed (ORDERGRAPH_LIMIT_{limit})" in message


@pytest.mark.parametrize(
    "document",
    [
        "{a(b:[" + "1 " * 30 + "])}",
        "#\n#\n#\n{a}",
        "{a(b:[[[[[[1]]]]]])}",
        "query A{a}query B{a}",
        "{a{b{c}}}",
        "{a{b{...{...{c}}}}}",
        "{a{...F}}fragment F on T{b{c}}",
        "{__schema{a{b{c}}}}",
        "{__schema{...F}}fragment F on __Type{a{b{c}}}",
        "{a{a b c d}b{a b c d}}",
        "{__schema{a b c d e f g h i j k}}",
        "{a b c d}",
        "{a:x b:x}",
        "{a a b b}",
        "{a @x @y}",
        "query ($a: Int @x @y, $b: Int @x @y) {a}",
        # Braces and brackets that are no selections: in objects, in strings, in comments.
        '{a(b:{c:{d:{e:"{{{{"}}}) # {{{{\n{b{c(d:"""{a{b{c{d{e\\"""{{""")}}}',
        "query on($on:on){on ...on on{x}}",
        "{query mutation fragment on}",
        "query __a{a{b{c}}}",
    ],
)
def test_exactly_at_a_limit_passes(document: str) -> None:
    check(document, SMALL)


@pytest.mark.parametrize("everything", [False, True])
def test_what_graphiql_asks_for_first_passes(everything: bool) -> None:
    check(
        graphql.get_introspection_query(
            descriptions=everything,
            specified_by_url=everything,
            directive_is_repeatable=everything,
            schema_description=everything,
            input_value_deprecation=everything,
            one_of=everything,
            experimental_directive_deprecation=everything,
        )
    )


def test_an_unknown_and_a_circular_fragment_are_left_to_validation() -> None:
    check("{...Nowhere}")
    check("{...A}fragment A on T{a{...B}}fragment B on T{b{...A}}")
    check("{...A}fragment A on T{...A}")


@pytest.mark.parametrize(
    "document", ["", "{", "}}}}", "{a)}", "{a(}", '{a(b:"', '{a(b:"""', "{a\x00b}", "{\ud800}", "@@"]
)
def test_what_is_no_graphql_is_left_to_the_parser(document: str) -> None:
    check_source(document, SMALL)


def test_fragments_that_spread_each_other_twice_cost_nothing() -> None:
    chain = "".join(f"fragment F{i} on T{{...F{i + 1} x{i}:a{{...F{i + 1}}}}}" for i in range(60))
    document = graphql.parse("{...F0}" + chain + "fragment F60 on T{a}", no_location=True)
    vast = 2**70
    loose = Limits(
        selections=vast, aliases=vast, same_name=vast, depth=vast, root_fields=vast, directives=vast, nesting=500
    )
    began = time.process_time()
    check_document(document, loose)
    assert time.process_time() - began < 0.05
    with pytest.raises(QueryTooComplex):
        check_document(document, LIMITS)


def test_a_long_chain_of_fragments_is_refused_not_a_recursion_error() -> None:
    chain = "".join(f"fragment F{i} on T{{a{{a{{...F{i + 1}}}}}}}" for i in range(2000))
    document = graphql.parse("{...F0}" + chain + "fragment F2000 on T{a}", no_location=True)
    with pytest.raises(QueryTooComplex, match="ORDERGRAPH_LIMIT_NESTING"):
        check_document(document, Limits(depth=10_000))


HOSTILE = {
    "o{o{id}} 300 times": "{" + "o{o{id}}" * 300 + "}",
    "o{id} 500 times": "{" + "o{id}" * 500 + "}",
    "300 operations": "{o{o{id}}}" * 300,
    "300 distinct aliases below": "{o{" + " ".join(f"a{i}:o{{id}}" for i in range(300)) + "}}",
    "2,500 __typename": "{" + "__typename " * 2500 + "}",
    "1,000 @include": "{a" + " @include(if:true)" * 1000 + "}",
    "1,000 aliases": "{" + " ".join(f"a{i}:b" for i in range(1000)) + "}",
    "60 crossed fragments": "{" + " ".join(f"...F{i}" for i in range(60)) + "}"
    + "".join(f"fragment F{i} on Q{{o{{...F{(i * 7 + 1) % 60}}}}}" for i in range(60)),
    "2,000 unknown fields": "{" + " ".join(f"f{i}" for i in range(2000)) + "}",
    "5,000 deep": "{a" * 5000 + "}" * 5000,
    "list 3,000 deep": "{a(b:" + "[" * 3000 + "]" * 3000 + ")}",
    "10,000 comments": "#\n" * 10_000 + "{a}",
    "32 KiB of quotes": '"' * 32_768,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_for_next_to_nothing(name: str) -> None:
    began = time.process_time()
    with pytest.raises(QueryTooComplex):
        check(HOSTILE[name])
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize(
    "document", ['"""' + '\\"""' * 8000, " " * 32_768, '{a(b:"' + "\\" * 32_000, "#" * 32_768, '"""' + '""\\' * 10_000]
)
def test_the_time_to_count_is_linear_in_the_text(document: str) -> None:
    began = time.process_time()
    check_source(document, LIMITS)
    assert time.process_time() - began < 0.05


def joined(pieces: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(pieces, max_size=6).map("".join)


# Pieces that, put together at random, make lexically right texts with every kind of token and nasty contents.
NAMES = st.from_regex(r"\A[_A-Za-z][_0-9A-Za-z]{0,8}\Z")
NUMBERS = st.sampled_from(["0", "-0", "1", "-12", "3.25", "-0.5e10", "1E-3"])
STRING_TEXT = joined(
    st.sampled_from(["a", "{", "}", "(", "#", ",", "é", "𝄞", "\ufeff", " ", "'", '\\"', "\\\\", "\\n", "\\u00e9"])
)
STRINGS = STRING_TEXT.map(lambda text: f'"{text}"')
BLOCK_TEXT = joined(st.sampled_from(["a", "{", "}", "\n", "\r\n", '\\"""', "#", "é", "𝄞", "\\", " x"]))
BLOCKS = BLOCK_TEXT.map(lambda text: f'"""{text} """')
MARKS = st.sampled_from([*"{}()[]:!$&=@|", "..."])
COMMENTS = joined(st.sampled_from(["a", "{", '"', "é", "𝄞", "#", " "])).map(lambda text: f"#{text}\n")
IGNORED = st.sampled_from([" ", "\n", "\t", ",", "\r", "\ufeff", ", \n"])


@given(st.lists(st.tuples(NAMES | NUMBERS | STRINGS | BLOCKS | MARKS | COMMENTS, IGNORED)))
def test_tokens_are_counted_as_graphql_core_counts_them(pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + ignored for piece, ignored in pieces)
    lexer, expected = Lexer(Source(text)), []
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        expected.append(text[token.start : token.end])
    found = [match for match in TOKEN.finditer(text) if match.lastindex is not None]
    counted = [match[match.lastindex or 0] for match in found if not match[2]]
    assert counted == expected
    assert all((match.lastindex == VALUE) == (match[VALUE] is not None) for match in found)
