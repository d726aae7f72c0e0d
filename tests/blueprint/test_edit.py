"""A value is changed where it stands: the rest of the text, comments and layout, stays as it was."""

import json
from typing import Any

import pytest
from depth import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.blueprint.edit import GONE, changed_data, flow, patched, patched_files
from entrepot.blueprint.files import document_of
from entrepot.blueprint.templates import files_of
from entrepot.kernel.errors import WrongSetting

TEXT = """\
# flows of the shop
flows:
  orders: # the important one
    to: [oms, erp] # both of them
    retry: {first: 5s,   max: 10m, window: 6h}  # before the deadline
    steps:
      - Look at it.   # first
      - Then do it.
    note: >
      folded
      words
  # the other one
  offers:
    "to": ['a', "b"]
    empty: {}
teams: {}
"""


def lines_changed(before: str, after: str) -> tuple[set[str], set[str]]:
    old, new = before.splitlines(), after.splitlines()
    return set(old) - set(new), set(new) - set(old)


@pytest.mark.parametrize(
    ("path", "value", "gone", "come"),
    [
        (("flows", "orders", "retry", "max"), "5m", {"    retry: {first: 5s,   max: 10m, window: 6h}  # before the deadline"},
         {"    retry: {first: 5s,   max: 5m, window: 6h}  # before the deadline"}),
        (("flows", "orders", "to"), ["oms"], {"    to: [oms, erp] # both of them"}, {"    to: [oms] # both of them"}),
        (("flows", "orders", "to", 1), "pim", {"    to: [oms, erp] # both of them"}, {"    to: [oms, pim] # both of them"}),
        (("flows", "orders", "steps"), ["One: two.", "Three"], {"      - Look at it.   # first", "      - Then do it."},
         {'      - "One: two."', "      - Three"}),
        (("flows", "orders", "note"), "plain", {"    note: >", "      folded", "      words"}, {"    note: plain"}),
        (("flows", "orders", "pause"), {"max": "4h"}, set(), {"    pause: {max: 4h}"}),
        (("flows", "orders", "deadline", "within"), "48h", set(), {"    deadline: {within: 48h}"}),
        (("flows", "orders", "retry", "jitter"), "full", {"    retry: {first: 5s,   max: 10m, window: 6h}  # before the deadline"},
         {"    retry: {first: 5s,   max: 10m, window: 6h, jitter: full}  # before the deadline"}),
        (("flows", "offers", "empty", "a"), 1, {"    empty: {}"}, {"    empty: {a: 1}"}),
        (("teams", "desk", "hours"), "24/7", {"teams: {}"}, {"teams: {desk: {hours: 24/7}}"}),
        (("questions", "who"), {"ask": "Who pays?"}, set(), {'questions: {who: {ask: "Who pays?"}}'}),
        (("flows", "orders", "to"), GONE, {"    to: [oms, erp] # both of them"}, set()),
        (("flows", "orders", "retry", "first"), GONE, {"    retry: {first: 5s,   max: 10m, window: 6h}  # before the deadline"},
         {"    retry: {max: 10m, window: 6h}  # before the deadline"}),
        (("flows", "orders", "retry", "window"), GONE, {"    retry: {first: 5s,   max: 10m, window: 6h}  # before the deadline"},
         {"    retry: {first: 5s,   max: 10m}  # before the deadline"}),
        (("flows", "offers"), GONE, {"  offers:", "    \"to\": ['a', \"b\"]", "    empty: {}"}, set()),
    ],
)  # fmt: skip
def test_only_the_lines_of_a_change_change(
    path: tuple[str | int, ...], value: Any, gone: set[str], come: set[str]
) -> None:
    after = patched(TEXT, {path: value})
    assert lines_changed(TEXT, after) == (gone, come)
    assert document_of(after, "f").data == changed_data(document_of(TEXT, "f").data, {path: value})


def test_many_changes_at_once_stand_beside_each_other() -> None:
    changes: dict[tuple[str | int, ...], Any] = {
        ("flows", "orders", "a"): 1,
        ("flows", "orders", "b"): "two",
        ("flows", "new", "to"): ["x"],
        ("flows", "newer"): {"to": ["y"]},
        ("flows", "orders", "retry", "first"): GONE,
        ("flows", "orders", "retry", "max"): GONE,
        ("flows", "orders", "retry", "window"): "1h",
    }
    after = patched(TEXT, changes)
    assert document_of(after, "f").data == changed_data(document_of(TEXT, "f").data, changes)
    assert all(comment in after for comment in ("# the important one", "# before the deadline", "# the other one"))


def test_what_several_places_share_by_an_anchor_is_not_changed_behind_their_back() -> None:
    with pytest.raises(WrongSetting, match="repeats a part by an anchor"):
        patched("flows:\n  a: &same {to: [x]}\n  b: *same\n", {("flows", "b", "to"): ["y"]})


@pytest.mark.parametrize(
    ("path", "value"), [(("flows", "orders", "nothing"), GONE), (("flows", "orders", "to", 0), GONE), (("flows", "orders", "to", 7), "x")]
)  # fmt: skip
def test_what_is_not_there_cannot_be_taken_away(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises((WrongSetting, KeyError, IndexError)):
        patched(TEXT, {path: value})


def test_a_change_goes_to_the_file_that_holds_its_entry() -> None:
    files = {"a.yaml": "include: [b.yaml]\nteams:\n  one: {x: 1}\n", "b.yaml": "teams:\n  two: {x: 1}\nflows: {}\n"}
    after = patched_files(files, {("teams", "two", "x"): 2, ("flows", "f"): {"to": []}, ("launch", "rehearsals"): []})
    assert after["b.yaml"] == "teams:\n  two: {x: 2}\nflows: {f: {to: []}}\n"
    assert after["a.yaml"] == files["a.yaml"] + "launch: {rehearsals: []}\n"


WORDS = st.one_of(
    st.text(
        st.characters(
            codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn", "Zl", "Zp"), exclude_characters="\ufeff"
        ),
        max_size=30,
    ),
    st.sampled_from(
        [
            "yes",
            "null",
            "1e3",
            "0x1f",
            "2026-01-01",
            "- a",
            "a: b",
            "a #b",
            "'",
            '"',
            "*x",
            "&y",
            "!t",
            "%",
            "@",
            "{x}",
            "[",
            "true",
            " a ",
            "12",
            "1_0",
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(-(10**9), 10**9), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.from_regex(r"[a-z_-]{1,8}", fullmatch=True), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_every_value_reads_back_as_itself(value: Any) -> None:
    assert document_of(f"a: {flow(value)}\nb: [{flow(value)}, {{k: {flow(value)}}}]\n", "f").data == {
        "a": value, "b": [value, {"k": value}],
    }  # fmt: skip


PLAN_FILES = {
    name: text for name, text in files_of("operator").items() if name in ("flows.yaml", "teams.yaml", "ownership.yaml")
}
PATHS = [
    path for text in PLAN_FILES.values() for path, _, _ in document_of(text, "f").leaves() if not isinstance(path[-1], int)
]  # fmt: skip


DATA = {name: document_of(text, name).data for name, text in PLAN_FILES.items()}


@settings(max_examples=examples(12, deep=100), deadline=None)
@given(st.data())
def test_any_value_of_the_shipped_plan_can_be_changed_in_place(data: st.DataObject) -> None:
    paths = data.draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=8, unique=True))
    changes = {path: data.draw(st.one_of(WORDS, st.lists(WORDS, max_size=3), st.just(GONE))) for path in paths}
    after = patched_files(PLAN_FILES, changes)
    for name, text in PLAN_FILES.items():
        mine = {p: v for p, v in changes.items() if p[0] in DATA[name]}
        assert document_of(after[name], name).data == changed_data(DATA[name], mine)
        kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
        assert [line for line in after[name].splitlines() if line in kept] == kept
    assert json.dumps(sorted(after)) == json.dumps(sorted(PLAN_FILES))
