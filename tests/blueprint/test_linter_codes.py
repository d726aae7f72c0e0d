"""Every code has a page, a sample that fails with exactly that code on the marked line, and one that passes."""

import re
from pathlib import Path

import pytest

from entrepot.blueprint.finding import Severity
from entrepot.blueprint.lint.catalogue import CODES, FAMILIES, page
from entrepot.blueprint.lint.code import HERE, Code
from entrepot.blueprint.lint.samples import base_text, sampled
from entrepot.blueprint.load import Examined, examine_text
from entrepot.connectors.facts import facts

ROOT = Path(__file__).parents[2]
LINT = ROOT / "src" / "entrepot" / "blueprint"
TOLD_AT_THE_TOP = {
    "E001",
    "E006",
}  # there is no line to mark in a file that is not there, or that is all of it too much
CODES_MIN = 45


def asked(code: Code, sample: str, folder: Path) -> Examined:
    runs = frozenset({"orders", "payouts"}) if code.knowing == "flows" else None
    return sampled(sample, folder, facts=facts(), runs=runs)


def test_the_base_plan_is_clean_and_says_nothing_at_all() -> None:
    examined = examine_text(base_text(), "base.yaml", facts=facts(), runs=frozenset({"orders", "payouts"}))
    assert examined.findings == ()
    assert examined.plan is not None


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_a_failing_sample_gives_its_code_alone_and_on_its_line(code: Code, tmp_path: Path) -> None:
    [finding] = asked(code, code.fails, tmp_path).findings
    assert (finding.code, finding.severity) == (code.code, code.severity)
    assert finding.message
    assert finding.fix
    if code.code in TOLD_AT_THE_TOP:
        assert finding.position.line == 1
    else:
        lines = (tmp_path / finding.file).read_bytes().decode("utf-8", "replace").splitlines()
        assert [n for n, line in enumerate(lines, 1) if line.endswith(HERE)] == [finding.position.line]


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_a_passing_sample_gives_nothing(code: Code, tmp_path: Path) -> None:
    assert asked(code, code.passes, tmp_path).findings == ()


@pytest.mark.parametrize(
    "code", [c for c in CODES.values() if c.severity is Severity.ERROR], ids=lambda code: code.code
)
def test_no_start_with_an_error(code: Code, tmp_path: Path) -> None:
    assert asked(code, code.fails, tmp_path).plan is None


@pytest.mark.parametrize(
    "code", [c for c in CODES.values() if c.severity is not Severity.ERROR], ids=lambda code: code.code
)
def test_a_warning_stops_no_start(code: Code, tmp_path: Path) -> None:
    assert asked(code, code.fails, tmp_path).plan is not None


@pytest.mark.parametrize("code", [c for c in CODES.values() if c.knowing == "connectors"], ids=lambda code: code.code)
def test_what_needs_the_manifests_is_not_asked_without_them(code: Code, tmp_path: Path) -> None:
    assert code.code not in [finding.code for finding in sampled(code.fails, tmp_path).findings]


def test_there_are_codes_of_every_family_and_no_number_comes_twice() -> None:
    assert len(CODES) >= CODES_MIN
    assert set(FAMILIES) == set("0123456")
    assert all(re.fullmatch(r"[EWN]\d{3}", name) for name in CODES)
    listed = re.findall(
        r'Code\("(\w+)"', "".join(p.read_text("utf-8") for p in sorted((LINT / "lint" / "pages").glob("*.py")))
    )
    assert sorted(listed) == sorted(CODES)


def test_every_code_that_is_told_has_a_page_and_every_page_is_told() -> None:
    """Rules are read as text: a code in quotes is one that can be told."""
    sources = [path for path in LINT.rglob("*.py") if "pages" not in path.parts]
    told = set(re.findall(r'"([EWN]\d{3})"', "".join(path.read_text("utf-8") for path in sources)))
    assert told == set(CODES)


def test_the_numbers_that_the_trade_knows_keep_their_meaning() -> None:
    words = {
        "E301": "cycle",
        "E302": "slow batch",
        "E303": "without a deadline",
        "E304": "outlives",
        "E305": "repeated",
        "E306": "calendar",
    }
    assert all(word in CODES[name].title for name, word in words.items())


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_every_code_is_in_the_documentation_with_both_samples_and_the_fix(code: Code) -> None:
    text = (ROOT / "docs" / "linter.md").read_text("utf-8")
    section = text.split(f"\n### {code.code}\n")[1].split("\n### ")[0].split("\n## ")[0]
    assert code.title in section
    for line in page(code):
        assert line in section
    for words in (code.title, code.why, code.fix):
        assert words[0].isupper() or words is code.fix or words[0] in "`“"
        assert not words.endswith(" ")
