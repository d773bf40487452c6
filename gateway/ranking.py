"""An order of trust as a setting: names of systems with commas between, the one to trust first."""

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def split(value: object) -> object:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


def each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    twice = [name for name, count in Counter(value).items() if count > 1]
    if twice:
        raise ValueError(f"names {twice[0]} twice; give each system one place")
    return value


Ranking = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split), AfterValidator(each_once)]
