"""X12 in and out: files as lists of transaction sets, checked for their envelope and their counts."""

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyx12.errors  # type: ignore[import-untyped]  # it has none
import pyx12.x12file  # type: ignore[import-untyped]  # the same

from connectors.errors import BadPayload

ELEMENT, SEGMENT = "*", "~\n"
# What separates in X12 and so may not be in a value.
SEPARATORS: Final = str.maketrans("*~:>^\n\r", "       ")
Segment = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """`kind` such as 855. A segment is its name and its elements, so that element 3 has the index 3."""

    kind: str
    segments: tuple[Segment, ...]

    def first(self, name: str) -> Segment:
        """Raises BadPayload for one that is not there."""
        for segment in self.segments:
            if segment[0] == name:
                return segment
        raise BadPayload(f"A {self.kind} without {name} says nothing.", f"{self.kind}.{name}")


def element(segment: Segment, place: int) -> str:
    """Raises BadPayload for an element that is empty or missing."""
    text = optional(segment, place)
    if text is None:
        raise BadPayload(f"{segment[0]}{place:02} is missing.", f"{segment[0]}{place:02}")
    return text


def optional(segment: Segment, place: int) -> str | None:
    return (segment[place].strip() or None) if place < len(segment) else None


def whole(body: bytes) -> bool:
    """Whether the file has come to its end, by the last segment of an interchange."""
    return b"IEA" in body[-80:]


def parsed(body: bytes) -> Sequence[TransactionSet]:
    """All transaction sets of a file; raises BadPayload for one with a wrong envelope or wrong counts."""
    found: list[TransactionSet] = []
    segments: list[Segment] = []
    try:
        reader = pyx12.x12file.X12Reader(io.StringIO(body.decode("utf-8")))
        for segment in reader:
            name = segment.get_seg_id() or ""
            if name == "ST":
                segments = []
            segments.append((name, *(segment.get_value(f"{name}{n:02}") or "" for n in range(1, len(segment) + 1))))
            if name == "SE":
                found.append(TransactionSet(element(segments[0], 1), tuple(segments)))
        problems = reader.pop_errors()
    except (pyx12.errors.X12Error, pyx12.errors.EngineError, UnicodeDecodeError, ValueError) as error:
        raise BadPayload(f"The file is no X12 ({type(error).__name__}).", "ISA") from None
    if problems or not whole(body):
        code = problems[0][1] if problems else "no IEA"
        raise BadPayload(f"The file's envelope or one of its counts is wrong ({code}).", "SE")
    return found


def written(
    kind: str, group: str, segments: Sequence[Segment], sender: str, receiver: str, control: int, at: dt.datetime
) -> bytes:
    """One transaction set in its interchange. The same arguments give the same file."""
    day, time, number = f"{at:%Y%m%d}", f"{at:%H%M}", f"{control:09}"
    inner = (("ST", kind, "0001"), *segments)
    lines = [
        _interchange(sender, receiver, day, time, number),
        ("GS", group, sender, receiver, day, time, str(control), "X", "004010"),
        *(tuple(part.translate(SEPARATORS) for part in segment) for segment in inner),
        ("SE", str(len(inner) + 1), "0001"),
        ("GE", "1", str(control)),
        ("IEA", "1", number),
    ]
    return "".join(ELEMENT.join(_trimmed(line)) + SEGMENT for line in lines).encode()


def _interchange(sender: str, receiver: str, day: str, time: str, number: str) -> Segment:
    """ISA is of fixed width: whoever reads finds the separators by their place."""
    names = ("00", " " * 10, "00", " " * 10, "ZZ", f"{sender:15.15}", "ZZ", f"{receiver:15.15}")
    return ("ISA", *names, day[2:], time, "U", "00401", number, "0", "P", ">")


def _trimmed(line: Segment) -> Segment:
    """Without empty elements at the end, which X12 leaves out."""
    last = max(place for place, part in enumerate(line) if part)
    return line[: last + 1]
