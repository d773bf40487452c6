"""What kind of operation a document asks for, before anything is planned."""

from typing import Final

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

# Longer documents are left to the engine, which refuses by its own limits and runs no mutation either.
MOST_TOKENS: Final = 5_000


def is_mutation(document: str, operation_name: str | None) -> bool:
    """Whether the operation that is asked for is a mutation; a document that merely says the word is none.

    What cannot be read is no mutation: whoever runs it says what is wrong.
    """
    if "mutation" not in document:
        return False
    try:
        definitions = parse(document, no_location=True, max_tokens=MOST_TOKENS).definitions
    except (GraphQLError, RecursionError):
        return False
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    named = [one for one in operations if one.name is not None and one.name.value == operation_name]
    chosen = named if operation_name is not None else operations
    return len(chosen) == 1 and chosen[0].operation is OperationType.MUTATION
