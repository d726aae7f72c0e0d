"""Whatever becomes of a record, its reader answers with one of its own words: the same tests for every connector's translators."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.connectors.port import Malformed
from entrepot.connectors.reading import canonical, encoded
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
        "DebitAsked",
        "RefundSeen",
        "ShipmentSeen",
        "ShopSeen",
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


# one test method, inherited by a class per connector: each runs it for its own readers
any_record = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.differing_executors])


class Totality:
    """Inherited per connector. `samples`: a record of each name, in its canonical spelling; `reader_of`: who reads that name."""

    samples: ClassVar[Mapping[str, bytes]]

    @staticmethod
    def reader_of(name: str) -> Reader:
        raise NotImplementedError

    def name(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.samples)))

    @any_record
    @given(data=st.data())
    def test_whatever_one_field_becomes_the_reader_answers(self, data: st.DataObject) -> None:
        name = self.name(data)
        sample = copy(self.samples[name])
        path = data.draw(st.sampled_from(paths(sample)))
        assert is_an_answer(self.reader_of(name)(put(sample, path, data.draw(JSON_VALUES))))

    @any_record
    @given(data=st.data())
    def test_whatever_field_goes_missing_the_reader_answers(self, data: st.DataObject) -> None:
        name = self.name(data)
        sample = copy(self.samples[name])
        path = data.draw(st.sampled_from(paths(sample)))
        assert is_an_answer(self.reader_of(name)(dropped(sample, path)))

    @any_record
    @given(data=st.data(), body=st.binary(max_size=200))
    def test_whatever_bytes_come_the_reader_answers(self, data: st.DataObject, body: bytes) -> None:
        assert isinstance(self.reader_of(self.name(data))(body), Malformed | Unrecognised)

    def test_traps_of_json_are_refused_by_type(self) -> None:
        for name in self.samples:
            for body in TRAPS:
                assert isinstance(self.reader_of(name)(body), Malformed), (name, body[:20])

    def test_numbers_beyond_all_measure_do_not_crash_a_reader(self) -> None:
        for name, body in self.samples.items():
            for path in paths(copy(body)):
                for number in STRANGE:
                    changed = put(copy(body), path, "HERE").replace(b'"HERE"', number.encode())
                    assert is_an_answer(self.reader_of(name)(changed)), (name, path, number)

    def test_a_record_cut_anywhere_is_malformed(self) -> None:
        for name, body in self.samples.items():
            for cut in range(0, len(body), max(1, len(body) // 40)):
                assert isinstance(self.reader_of(name)(body[:cut]), Malformed), (name, cut)

    def test_a_record_means_the_same_in_its_canonical_spelling(self) -> None:
        for name, body in self.samples.items():
            assert self.reader_of(name)(body) == self.reader_of(name)(canonical(body)), name
