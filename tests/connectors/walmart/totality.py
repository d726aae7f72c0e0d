"""Whatever becomes of a record, its reader answers with one of its own words: shared by the channels' translators."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from entrepot.connectors.port import Malformed
from entrepot.connectors.reading import encoded
from entrepot.kernel.outcome import Unrecognised

JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
JSON_VALUES = st.recursive(
    JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TRAPS = [b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000, b'{"a":' * 50_000, b'"\\ud800"', b"\xff\xfe{}", b"nul", b""]
STRANGE = ["1e400", "1e99999999999999999999", "9" * 6000, "-0", "0.000", "1E5", "-1", "0.001"]
Reader = Callable[[bytes], Any]


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record."""
    found = [here] if here else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inside:
        found += paths(child, (*here, key))
    return found


def put(record: Any, path: tuple[Any, ...], value: Any) -> bytes:
    """The record with another value at one place."""
    target = record
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return encoded(record)


def dropped(record: Any, path: tuple[Any, ...]) -> bytes:
    """The record without what stood at one place."""
    target = record
    for key in path[:-1]:
        target = target[key]
    del target[path[-1]]
    return encoded(record)


def copy(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def is_an_answer(seen: Any) -> bool:
    """One of the frozen models, or why there is none."""
    return isinstance(seen, Malformed | Unrecognised) or type(seen).__name__ in SEEN


SEEN = frozenset(
    {
        "OrderSeen",
        "ReturnSeen",
        "ChannelRefundSeen",
        "ListingSeen",
        "SubmissionSeen",
        "HealthSeen",
        "CycleSeen",
        "StatementLineSeen",
        "CancellationAsked",
        "DisputeSeen",
        "Hint",
    }
)


def samples_of(sweeps: Mapping[str, list[Any]]) -> dict[str, bytes]:
    """The first record of every kind among what was swept."""
    found: dict[str, bytes] = {}
    for records in sweeps.values():
        for record in records:
            found.setdefault(record.kind, record.body)
    return found
