"""Records as JSON, for samples, logs of the command line and tests: what is not said is left out."""

import dataclasses
import datetime as dt
import enum
from typing import Any


def as_json(value: Any) -> Any:
    """A record as `{"record": "TrackingRecord", field: …}` without fields at their default; lists keep their order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"record": type(value).__name__, **_fields(value)}
    if isinstance(value, tuple | list):
        return [as_json(entry) for entry in value]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, dt.date) else value


def _fields(value: Any) -> dict[str, Any]:
    told = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {field.name: as_json(found) for field, found in told if found != field.default}
