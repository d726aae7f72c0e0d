"""`entrepot check`: one line per finding in the order of the files, a closing count, exit 3 on errors; pages of codes."""

from pathlib import Path

import pytest
from cli.said import Entrepot

from entrepot.blueprint.lint.catalogue import CODES
from entrepot.blueprint.lint.samples import base_text

BASE = base_text()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "entrepot.yaml").write_text(BASE)
    return tmp_path / "plan"


def change(plan: Path, *changes: tuple[str, str]) -> None:
    text = (plan / "entrepot.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (plan / "entrepot.yaml").write_text(text)


def test_a_clean_plan_ends_with_0_and_says_what_it_is(outside: Entrepot, plan: Path) -> None:
    said = outside("check", str(plan))
    notes, closing = said.out.splitlines()[:-1], said.out.splitlines()[-1]
    assert (said.code, said.err) == (0, "")
    assert all(" N301 " in line for line in notes)
    assert closing.startswith("entrepot.yaml, 1 file, 2 flows, ")
    assert closing.endswith("0 errors, 0 warnings, 2 notes")


def test_errors_end_with_3_one_line_each_in_the_order_of_the_file(outside: Entrepot, plan: Path) -> None:
    change(plan, ("deputy: desk", "deputy: dusk"), ("window: 12h", "window: 3d"), ("default: 12%", "default: 12"))
    said = outside("check", str(plan))
    errors = [line for line in said.out.splitlines() if " E" in line]
    assert said.code == 3
    assert [line.split()[1] for line in errors] == ["E016", "E022", "E304"]
    assert [int(line.split(":")[1]) for line in errors] == sorted(int(line.split(":")[1]) for line in errors)
    assert said.out.splitlines()[-1] == "entrepot.yaml, 1 file: 3 errors, 0 warnings, 2 notes"


def test_a_warning_is_told_and_ends_with_0(outside: Entrepot, plan: Path) -> None:
    change(plan, ("window: 12h", "window: 40h"))
    said = outside("check", str(plan))
    assert said.code == 0
    assert " W302 flows.orders.retry.window: " in said.out
    assert "1 warning, " in said.out


def test_the_same_as_one_document(outside: Entrepot, plan: Path) -> None:
    change(plan, ("deputy: desk", "deputy: dusk"))
    said = outside("check", str(plan), "--json")
    answer = said.json
    assert said.code == 3
    assert answer["hash"] is None
    assert answer["counts"] == {"error": 1, "warning": 0, "note": 2}
    [error] = [finding for finding in answer["findings"] if finding["severity"] == "error"]
    assert error["code"] == "E022"
    assert (error["file"], error["path"], error["fix"]) == ("entrepot.yaml", "teams.night.deputy", "did you mean desk?")
    assert BASE.splitlines()[error["line"] - 1][error["column"] - 1 :].startswith("desk")


def test_without_a_path_it_is_the_plan_in_force(outside: Entrepot, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(plan, ("deputy: desk", "deputy: dusk"))
    assert outside("check").code == 0  # the plan that ships
    monkeypatch.setenv("ENTREPOT_BLUEPRINT", str(plan))
    assert outside("check").code == 3


def test_a_plan_that_is_not_there_is_a_finding(outside: Entrepot, tmp_path: Path) -> None:
    said = outside("check", str(tmp_path / "none.yaml"))
    assert said.code == 3
    assert said.out.startswith("none.yaml:1:1 E001 ")


def test_the_connectors_manifests_are_asked(outside: Entrepot, plan: Path) -> None:
    change(plan, ("connector: mirakl", "connector: mirakel"))
    assert (
        " E108 systems.market.connector: there is no connector “mirakel”. Fix: did you mean mirakl?"
        in outside("check", str(plan)).out
    )


@pytest.mark.parametrize("word", ["E304", "e304", " W401", "N301"])
def test_a_code_is_explained_with_both_samples_and_the_fix(outside: Entrepot, word: str) -> None:
    code = CODES[word.strip().upper()]
    said = outside("check", "--explain", word)
    assert said.code == 0
    for words in (
        code.code,
        code.title,
        code.why,
        code.fix,
        *code.fails.strip().splitlines(),
        *code.passes.strip().splitlines(),
    ):
        assert words in said.out
    assert outside("check", "--explain", word, "--json").json["fails"] == code.fails


def test_a_code_there_is_none_of_is_one_line(outside: Entrepot) -> None:
    said = outside("check", "--explain", "E999")
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "E999: there is no such code" in said.err
