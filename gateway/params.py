"""The parameters of one operation as HTTP carries them: a JSON object in the body, or a query string."""

import dataclasses
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

import orjson

from gateway.errors import MalformedJson, MalformedRequest

# Far deeper than any input type; keeps recursive code behind us (coercion, printing) far from Python's own limit.
VARIABLES_DEPTH: Final = 64
NAMES: Final = ("query", "operationName", "variables", "extensions")


@dataclasses.dataclass(frozen=True, slots=True)
class Params:
    query: str | None
    operation_name: str | None
    variables: Mapping[str, object] | None
    extensions: Mapping[str, object] | None


def from_body(body: bytes) -> Params:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"The body is not JSON in UTF-8: {error.msg}, at character {error.pos}.") from None
    if type(parsed) is not dict:
        refuse_shape(parsed)
    return checked(parsed.get("query"), parsed.get("operationName"), parsed.get("variables"), parsed.get("extensions"))


def refuse_shape(parsed: object) -> NoReturn:
    if isinstance(parsed, list):
        raise MalformedJson("Batches are not answered. Send one operation per request; connections are kept open.")
    raise MalformedJson('The body is JSON, but no object. Send {"query": "...", "variables": {...}}.')


def checked(query: object, operation_name: object, variables: object, extensions: object) -> Params:
    """A null is as good as absent; any other wrong type is refused."""
    if query is not None and not isinstance(query, str):
        refuse_type("query", "a string")
    if operation_name is not None and not isinstance(operation_name, str):
        refuse_type("operationName", "a string")
    if variables is not None and not isinstance(variables, dict):
        refuse_type("variables", "an object")
    if extensions is not None and not isinstance(extensions, dict):
        refuse_type("extensions", "an object")
    if variables and too_deep(variables):
        raise MalformedRequest(f"The variables nest deeper than {VARIABLES_DEPTH} levels.")
    return Params(query, operation_name, variables, extensions)


def refuse_type(name: str, kind: str) -> NoReturn:
    raise MalformedRequest(f"The parameter {name} must be {kind} or null.")


def too_deep(variables: dict[str, object]) -> bool:
    level: list[object] = [variables]
    for _ in range(VARIABLES_DEPTH):
        level = [value for outer in level for value in inside(outer) if isinstance(value, (dict, list))]
        if not level:
            return False
    return True


def inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def from_query_string(query_string: bytes) -> Params:
    try:
        pairs = urllib.parse.parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except UnicodeDecodeError:
        raise MalformedRequest("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise MalformedRequest("The query string has more than 100 parameters.") from None
    given = {name: [value for key, value in pairs if key == name] for name in NAMES}
    for name, values in given.items():
        if len(values) > 1:
            raise MalformedRequest(f"The parameter {name} is given {len(values)} times.")
    # An empty parameter, which forms and link builders leave behind, is as good as absent.
    query, operation_name, variables, extensions = (given[name][0] or None if given[name] else None for name in NAMES)
    return checked(
        query, operation_name, json_parameter("variables", variables), json_parameter("extensions", extensions)
    )


def json_parameter(name: str, text: str | None) -> object:
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"The parameter {name} is not JSON: {error.msg}, at character {error.pos}.") from None


def with_key(extensions: Mapping[str, object] | None, header: bytes | None) -> Mapping[str, object] | None:
    """The header Idempotency-Key as `extensions.idempotencyKey`: quoted as the draft says, or bare."""
    if header is None:
        return extensions
    try:
        text = header.strip().decode("ascii")
    except UnicodeDecodeError:
        raise MalformedRequest("The header Idempotency-Key is not ASCII.") from None
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return {**(extensions or {}), "idempotencyKey": text}
