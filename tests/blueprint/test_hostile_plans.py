"""Whatever stands in a plan's files, the answer is a plan or findings in our words; nothing else comes out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.blueprint.finding import FINDINGS_MAX
from entrepot.blueprint.gather import gather_text
from entrepot.blueprint.lint.samples import base_text
from entrepot.blueprint.load import Examined, examine, examine_text
from entrepot.blueprint.model import Plan
from entrepot.blueprint.parse import Budget
from entrepot.connectors.facts import facts

BASE = base_text()
LINES = BASE.splitlines(keepends=True)
PIECES = (
    "{", "}", "[", "]", ":", ": ", "- ", "? ", "|", ">", "&a ", "*a", "*owned", "<<: *mode", "!!int ", "!x ", "'", '"', "#", "%", "@", "`", "\t", "\n", "\r", "  ",
    "---\n", "...\n", "null", "~", "5", "1e309", "0x", "\x00", "\x1b[31m", "\ufeff", "\u2028", "\x85", "é", "😀", "{a.b}", "{", "}}", "env:", "a" * 2000, "include: [x.yaml]\n", "include: ['" + "a" * 5000 + "', '[', a**b, '**']\n",
    "24/7", "Mon-Fri 08-18 Europe", "999999w", "100%", "name: x", "hash: y", "[[[[[[[[[[[[", "{" * 50, "working-days", "2 working-days", "use:erp@erp", "erp@", "@erp", "*",
)  # fmt: skip

mutations = st.lists(
    st.tuples(st.integers(0, len(BASE)), st.integers(0, 40), st.sampled_from(PIECES)), min_size=1, max_size=6
)


def judged(examined: Examined) -> None:
    """Either a plan without errors, or findings one can act on."""
    assert (examined.plan is None) == any(finding.severity == "error" for finding in examined.findings)
    assert isinstance(examined.plan, Plan | None)
    assert len(examined.findings) <= FINDINGS_MAX
    for finding in examined.findings:
        text = str(finding)
        assert text.isprintable()
        assert finding.position.line >= 1
        assert finding.position.column >= 1
        assert finding.message
        assert finding.fix


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(mutations)
def test_a_plan_with_anything_written_over_it_is_read_or_told(changes: list[tuple[int, int, str]]) -> None:
    text = BASE
    for at, less, more in changes:
        text = text[:at] + more + text[at + less :]
    judged(examine_text(text, facts=facts(), runs=frozenset({"orders"})))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(LINES), max_size=60), st.randoms(use_true_random=False))
def test_the_lines_of_a_plan_in_any_order_are_read_or_told(lines: list[str], dice: Any) -> None:
    dice.shuffle(lines)
    judged(examine_text("".join(lines), facts=facts()))


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200))
def test_any_text_at_all_is_read_or_told(text: str) -> None:
    judged(examine_text(text))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([b"", b"systems:\n", BASE.encode()]))
def test_any_bytes_at_all_are_read_or_told(tmp_path: Path, noise: bytes, before: bytes) -> None:
    (tmp_path / "entrepot.yaml").write_bytes(before + noise)
    judged(examine(tmp_path, facts=facts()))


WHOLE = gather_text(BASE, "x.yaml", Budget()).document
PLACES = sorted({path[:n] for path, _, _ in WHOLE.leaves() for n in range(1, len(path) + 1)}, key=str)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "x", "30s", "12%", "50%", "env:A", "seller", "*", "24/7", "a\\0b", "{x", "9" * 30]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["update", "where", "at", "to", "within", "default", "x"]), inside, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), values)
def test_any_value_in_any_place_is_read_or_told(data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(PLACES))
    whole = json.loads(json.dumps(WHOLE.data))
    at = whole
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    judged(examine_text(json.dumps(whole), facts=facts()))


@pytest.mark.parametrize("folder", ["", "entrepot.yaml"])
def test_a_folder_where_a_file_should_be_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "entrepot.yaml").mkdir()
    examined = examine(tmp_path / folder)
    assert [finding.code for finding in examined.findings] == ["E001"]


def test_a_name_no_disk_can_hold_is_told(tmp_path: Path) -> None:
    for name in ("a" * 5000, "a\0b"):
        assert [finding.code for finding in examine(tmp_path / name).findings] == ["E001"]


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "entrepot.yaml").symlink_to(tmp_path / "entrepot.yaml")
    assert [finding.code for finding in examine(tmp_path).findings] == ["E001"]
