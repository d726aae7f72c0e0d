"""What differs between two plans, told in the plan's own words."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_text import source, whole

from entrepot.change.diff import Difference, differences
from entrepot.change.model import Source
from entrepot.change.source import read_source

TEXT = whole()


@cache
def shipped() -> Source:
    return read_source()


def against(old: str, new: str) -> list[Difference]:
    assert old in TEXT
    changed = source(TEXT.replace(old, new, 1))
    return differences(shipped().content, changed.content, (shipped().plan, changed.plan))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "acceptance_window: 12h #",
            "acceptance_window: 11h60m #".replace("11h60m", "43200s") + " ",
            "~ accounts.mirakl-fr/operator.acceptance_window: 12h → 43200s",
        ),
        (
            "    mode: act\n    deadline: {obligation: capture-before-expiry",
            "    mode: advise\n    deadline: {obligation: capture-before-expiry",
            "~ flows.capture.mode: act → advise",
        ),
        (
            "values: {standard: STD, express: EXP}",
            "values: {standard: STD}",
            "- mappings.shipping-type.values.express: EXP",
        ),
        (
            "values: {standard: STD, express: EXP}",
            "values: {standard: STD, express: EXP, pickup: STD}",
            "+ mappings.shipping-type.values.pickup: STD",
        ),
        (
            "from: mirakl-fr\n    to: [gateway, storefront]",
            "from: [mirakl-fr, storefront]\n    to: [gateway, storefront]",
            "~ flows.order-acceptance.from: mirakl-fr → [mirakl-fr, storefront]",
        ),
        (
            "to: [gateway, storefront]",
            "to: [gateway]",
            "~ flows.order-acceptance.to: [gateway, storefront] → [gateway]",
        ),
        (
            "returned_on_refund: true",
            "returned_on_refund: false",
            "~ accounts.mirakl-fr/operator.commission.returned_on_refund: true → false",
        ),
    ],
)
def test_one_changed_word_is_one_line(old: str, new: str, told: str) -> None:
    [found] = against(old, new)
    assert found.words == told


def test_a_comment_or_another_order_of_keys_is_no_difference() -> None:
    assert (
        against("retry: {first: 5s, max: 10m, window: 24h}", "retry: {window: 24h, max: 10m, first: 5s} # the same")
        == []
    )


def test_another_spelling_of_the_same_time_is_a_difference_without_a_meaning() -> None:
    [found] = against("retry: {first: 5s, max: 10m, window: 24h}", "retry: {first: 5s, max: 600s, window: 24h}")
    assert found.same_meaning and found.dotted == "flows.capture.retry.max"


def test_one_source_in_a_list_is_the_same_as_one_without() -> None:
    old = "from: mirakl-fr\n    to: [gateway, storefront]"
    [found] = against(old, old.replace("mirakl-fr", "[mirakl-fr]"))
    assert found.same_meaning and found.dotted == "flows.order-acceptance.from"


def test_a_default_that_is_no_longer_written_down_changes_nothing() -> None:
    [found] = against("    mode: act\n", "")
    assert found.same_meaning


WORDS = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=4),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
PLANS = st.dictionaries(st.text("abc", min_size=1, max_size=2), WORDS, max_size=4)


def patched(before: Any, found: list[Difference]) -> dict[str, Any]:
    """The older plan with the differences done to it."""
    content: dict[str, Any] = {}

    def copy(value: Any) -> Any:
        return {key: copy(one) for key, one in value.items()} if isinstance(value, dict) else value

    content = copy(before)
    for one in found:
        *above, last = one.path
        here = content
        for key in above:
            here = here[key]
        if one.removed:
            del here[last]
        else:
            here[last] = one.after
    return content


@given(before=PLANS, after=PLANS)
def test_the_differences_are_exactly_what_makes_one_plan_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = differences(before, after)
    assert patched(before, found) == after
    assert len({one.path for one in found}) == len(found)


@given(plan=PLANS)
def test_a_plan_differs_from_itself_in_nothing(plan: dict[str, Any]) -> None:
    assert differences(plan, plan) == []
