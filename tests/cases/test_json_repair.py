"""A repair is a JSON merge patch (RFC 7396) that keeps every digit it does not change."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.cases import patch
from entrepot.kernel.errors import WrongSetting

# The examples of RFC 7396, appendix A.
RFC_EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "change", "result"), RFC_EXAMPLES)
def test_the_examples_of_the_standard_hold(target: Any, change: Any, result: Any) -> None:
    assert patch.merged(target, change) == result


def test_a_merge_leaves_its_target_as_it_was() -> None:
    target = {"a": {"b": 1}}
    patch.merged(target, {"a": {"b": 2}})
    assert target == {"a": {"b": 1}}


@pytest.mark.parametrize("text", ["12.50", "0.1", "100000000000000000000.01", "-0.00", "1e3"])
def test_an_amount_that_is_not_changed_keeps_its_value_to_the_digit(text: str) -> None:
    body = patch.encode(patch.merged(patch.decode(f'{{"amount":{text},"x":1}}'.encode()), {"x": 2}))
    assert json.loads(body, parse_float=Decimal)["amount"] == Decimal(text)


def test_two_decimals_stay_two_decimals() -> None:
    assert patch.encode(patch.decode(b'{"amount":12.50}')) == b'{"amount":12.50}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON, JSON)
def test_applying_a_patch_twice_is_applying_it_once(target: Any, change: Any) -> None:
    once = patch.merged(target, change)
    assert patch.merged(once, change) == once


@settings(deadline=None)
@given(JSON)
def test_what_is_encoded_decodes_to_the_same(value: Any) -> None:
    assert patch.decode(patch.encode(value)) == value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_decode_to_a_value_or_to_nothing(body: bytes) -> None:
    patch.decode(body)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a":NaN}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_decodes_to_nothing(body: bytes) -> None:
    assert patch.decode(body) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"x"', "null"])
def test_a_patch_that_is_no_object_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongSetting, match="JSON object"):
        patch.parse_patch(text)
