"""A repair is a patch of operations (RFC 6902) or a merge patch (RFC 7396), and keeps every digit it does not change."""

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


@pytest.mark.parametrize("text", ["", "{", "1", '"x"', "null"])
def test_a_patch_that_is_neither_object_nor_list_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongSetting, match="JSON object"):
        patch.parse_patch(text)


# ── operations (RFC 6902) ────────────────────────────────────────────────────────────────────────────────────

DOCUMENT: dict[str, Any] = {
    "lines": [{"sku": "A", "price": Decimal("12.50")}, {"sku": "B"}],
    "note": None,
    "paid": True,
    "a/b": {"~": 1},
}

OPERATIONS: list[tuple[dict[str, Any], str, Any]] = [
    ({"op": "add", "path": "/currency", "value": "EUR"}, "currency", "EUR"),
    ({"op": "add", "path": "/lines/1", "value": {"sku": "X"}}, "lines", [DOCUMENT["lines"][0], {"sku": "X"}, {"sku": "B"}]),
    ({"op": "add", "path": "/lines/-", "value": {"sku": "X"}}, "lines", [*DOCUMENT["lines"], {"sku": "X"}]),
    ({"op": "remove", "path": "/lines/0"}, "lines", [{"sku": "B"}]),
    ({"op": "replace", "path": "/lines/0/price", "value": 13}, "lines", [{"sku": "A", "price": 13}, {"sku": "B"}]),
    ({"op": "move", "from": "/lines/1/sku", "path": "/note"}, "note", "B"),
    ({"op": "copy", "from": "/lines/0/sku", "path": "/note"}, "note", "A"),
    ({"op": "replace", "path": "/a~1b/~0", "value": 2}, "a/b", {"~": 2}),
    ({"op": "test", "path": "/lines/0/price", "value": 12.5}, "paid", True),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "field", "then"), OPERATIONS, ids=lambda value: str(value)[:60])
def test_every_operation_does_what_the_standard_says(operation: dict[str, Any], field: str, then: Any) -> None:
    assert patch.applied(DOCUMENT, [operation])[field] == then


def test_operations_follow_each_other_and_the_content_they_came_from_stays() -> None:
    before = {"a": [1, 2]}
    steps: list[dict[str, Any]] = [{"op": "remove", "path": "/a/0"}, {"op": "test", "path": "/a/0", "value": 2}]
    assert patch.applied(before, steps) == {"a": [2]}
    assert before == {"a": [1, 2]}


def test_to_a_test_true_is_not_one_and_a_number_is_its_value() -> None:
    with pytest.raises(patch.PatchRefused, match="there stands true, not 1"):
        patch.applied(DOCUMENT, [{"op": "test", "path": "/paid", "value": 1}])
    assert patch.same({"a": [Decimal("1.0")]}, {"a": [1]})
    assert not patch.same([True], [1])


def test_everything_that_does_not_fit_is_said_at_once_with_its_pointer_and_none_of_the_content() -> None:
    steps: list[dict[str, Any]] = [
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/paid", "value": False},
        {"op": "move", "from": "/lines/9", "path": "/note"},
        {"op": "add", "path": "/lines/7", "value": 1},
        {"op": "remove", "path": ""},
    ]
    with pytest.raises(patch.PatchRefused) as refused:
        patch.applied(DOCUMENT, steps)
    assert refused.value.problems == (
        "operation 1 (remove /nothing): the content has no /nothing",
        "operation 3 (move /note): the content has no /lines/9",
        "operation 4 (add /lines/7): the content has no /lines/7",
        "operation 5 (remove ): the whole content cannot be removed; suppress the case instead",
    )


def test_a_list_of_operations_is_read_whole_before_it_meets_any_content() -> None:
    text = '[1, {"op": "turn", "path": "x"}, {"op": "add", "path": "/a~2"}, {"op": "move", "path": "/a"}]'
    with pytest.raises(patch.PatchRefused) as refused:
        patch.parse_patch(text)
    said = refused.value.problems
    assert [problem.split(" ")[1].rstrip(":") for problem in said] == ["1", "2", "2", "3", "3", "4"]
    assert any("“turn” is not one of add, copy, move, remove, replace, test" in problem for problem in said)
    assert any("from is missing" in problem for problem in said)
    with pytest.raises(patch.PatchRefused, match="is empty"):
        patch.parse_patch("[]")
    with pytest.raises(patch.PatchRefused, match="at most 1,000 operations"):
        patch.parse_patch(json.dumps([{"op": "remove", "path": "/a"}] * 1001))


POINTERS = st.sampled_from(["", "/a", "/a/b", "/0", "/a/0", "/a/-", "/b", "/~01", "/a/b/c"])
STEPS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(sorted(patch.OPERATIONS)), "path": POINTERS, "from": POINTERS, "value": JSON}
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(JSON, STEPS)
def test_any_patch_on_any_content_is_applied_or_refused_in_words_and_never_changes_what_it_was_given(
    target: Any, steps: list[dict[str, Any]]
) -> None:
    before = json.dumps(target, sort_keys=True)
    try:
        patch.encode(patch.applied(target, steps))
    except patch.PatchRefused as refused:
        assert refused.problems and all(problem.startswith("operation ") for problem in refused.problems)
    assert json.dumps(target, sort_keys=True) == before


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"price": 1}, {"price": 2}, True),
        ({"price": 1}, {"price": None}, False),
        ({"a": {"b": 1}}, [{"op": "replace", "path": "/a/b", "value": 9}], True),
        ([{"op": "remove", "path": "/lines/0/x"}], [{"op": "remove", "path": "/lines/7/x"}], True),
        ([{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}], [{"op": "remove", "path": "/a"}], True),
        ([{"op": "move", "from": "/a", "path": "/b"}], [{"op": "copy", "from": "/a", "path": "/b"}], False),
    ],
)  # fmt: skip
def test_the_shape_of_a_repair_is_what_it_changes_and_not_to_what(one: Any, other: Any, alike: bool) -> None:
    assert (patch.shape_of(one) == patch.shape_of(other)) is alike
