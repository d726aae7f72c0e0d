"""However a plan is split and laid out, it says the same; and however broken a file is, what can be read of it is read."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from entrepot.blueprint.finding import FINDINGS_MAX, Finding
from entrepot.blueprint.gather import FILES_MAX, gather
from entrepot.blueprint.lint.samples import base_text
from entrepot.blueprint.load import DEFAULT, WrongBlueprint, examine, examine_text, load, loads
from entrepot.blueprint.parse import NODES_MAX, Budget
from entrepot.blueprint.read import TOLD_PER_FILE_MAX, read
from entrepot.blueprint.tree import Document, plain

BASE = base_text()


def sections(text: str = BASE) -> dict[str, str]:
    """The base plan's text by section."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if line[:1].isalpha():
            name = line.partition(":")[0]
        found[name] = found.get(name, "") + line
    return found


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def codes(findings: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    return [(finding.code, finding.file, finding.position.line) for finding in findings]


def told(text: str) -> list[tuple[str, int]]:
    return [(finding.code, finding.position.line) for finding in examine_text(text).findings]


# --- one plan in several files -------------------------------------------------------------------------------------


def test_a_plan_in_many_files_is_the_plan_in_one(tmp_path: Path) -> None:
    parts = {f"{name}.yaml": text for name, text in sections().items() if name not in ("", "systems")}
    put(tmp_path, {**parts, "entrepot.yaml": f"include: [{', '.join(parts)}]\n{sections()['systems']}"})
    split = load(tmp_path)
    assert split.hash == loads(BASE).hash
    assert split == loads(BASE)
    assert split.file == "entrepot.yaml"


def test_a_folder_is_its_entrepot_yaml(tmp_path: Path) -> None:
    put(tmp_path, {"entrepot.yaml": BASE})
    assert load(tmp_path) == load(tmp_path / "entrepot.yaml") == load(str(tmp_path))


def test_a_section_may_be_spread_over_files_and_files_include_files(tmp_path: Path) -> None:
    whole = BASE.replace("  night:", "  desk:").replace("x", "x")
    teams = sections(whole)["teams"].splitlines(keepends=True)
    rest = BASE.replace(sections()["teams"], "")
    files = {
        "entrepot.yaml": f"include: people/all.yaml\n{rest}",
        "people/all.yaml": "include: [night.yaml]\n" + teams[0] + teams[1],
        "people/night.yaml": "teams:\n" + sections()["teams"].splitlines(keepends=True)[2],
    }
    assert load(put(tmp_path, files)).hash == loads(BASE).hash


def test_a_pattern_includes_what_it_finds_in_the_order_of_names(tmp_path: Path) -> None:
    parts = {f"parts/{name}.yaml": text for name, text in sections().items() if name}
    examined = examine(put(tmp_path, {**parts, "entrepot.yaml": "include: [parts/*.yaml]\n"}))
    assert examined.plan is not None
    assert examined.files == ("entrepot.yaml", *sorted(parts))


@pytest.mark.parametrize(
    "word",
    [
        "/etc/hostname",
        "../teams.yaml",
        "a/../../teams.yaml",
        "none.yaml",
        "*.yml",
        "[",
        "**/*.yaml",
        "a**b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        '""',
    ],
)
def test_what_may_not_be_included_is_told_where_it_stands(tmp_path: Path, word: str) -> None:
    put(
        tmp_path,
        {
            "teams.yaml": "teams: {}",
            "plan/entrepot.yaml": f"include:\n  - '{word}'\n{BASE}"
            if word != '""'
            else f"include:\n  - {word}\n{BASE}",
        },
    )
    assert codes(examine(tmp_path / "plan").findings) == [("E019", "entrepot.yaml", 2)]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, {"secret.yaml": "teams: {}", "plan/entrepot.yaml": f"include: [linked.yaml]\n{BASE}"})
    (tmp_path / "plan" / "linked.yaml").symlink_to(tmp_path / "secret.yaml")
    assert codes(examine(tmp_path / "plan").findings) == [("E019", "entrepot.yaml", 1)]


def test_files_that_include_each_other_are_told_as_a_circle(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "entrepot.yaml": f"include: [a.yaml]\n{BASE}",
            "a.yaml": "include: [b.yaml]\nquestions: {}",
            "b.yaml": "include: [a.yaml]\nmappings: {}",
        },
    )
    [finding] = examine(tmp_path).findings
    assert codes((finding,)) == [("E020", "b.yaml", 1)]
    assert "a.yaml → b.yaml → a.yaml" in finding.message


def test_a_plan_of_too_many_files_stops_where_the_number_is_reached(tmp_path: Path) -> None:
    parts = {
        f"p/{n:03d}.yaml": f"questions:\n  q{n}: {{ask: why, about: it, owner: desk}}\n" for n in range(FILES_MAX + 5)
    }
    put(tmp_path, {**parts, "entrepot.yaml": f"include: [p/*.yaml]\n{BASE}"})
    examined = examine(tmp_path)
    assert {finding.code for finding in examined.findings} == {"E006"}
    assert len(examined.files) == FILES_MAX


def test_an_entry_in_two_files_names_both_places(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"entrepot.yaml": f"{BASE}include: [more.yaml]\n", "more.yaml": "# late\nteams:\n  desk: {party: operator}\n"},
    )
    [finding] = examine(tmp_path).findings
    first = next(n for n, line in enumerate(BASE.splitlines(), 1) if line.startswith("  desk:"))
    assert codes((finding,)) == [("E021", "more.yaml", 3)]
    assert f"more.yaml and in entrepot.yaml:{first}:3" in finding.message


def test_a_file_that_is_missing_hides_nothing_of_the_others(tmp_path: Path) -> None:
    put(tmp_path, {"entrepot.yaml": f"include: [lost.yaml]\n{BASE.replace('deputy: desk', 'deputy: desk2')}"})
    assert [code for code, _, _ in codes(examine(tmp_path).findings)] == ["E019", "E022"]


# --- values and places ---------------------------------------------------------------------------------------------


def test_every_value_knows_its_file_line_and_column(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "entrepot.yaml": "include: [b.yaml]\nteams:\n  désk: {party: operator, notify: [env:A, env:B]}\n",
            "b.yaml": "\nteams:\n  night: {party: erp}\n",
        },
    )
    document = gather(tmp_path, Budget()).document
    places = {path: (value, at.file, at.line, at.column) for path, value, at in document.leaves()}
    assert places == {
        ("teams", "désk", "party"): ("operator", "entrepot.yaml", 3, 17),
        ("teams", "désk", "notify", 0): ("env:A", "entrepot.yaml", 3, 36),
        ("teams", "désk", "notify", 1): ("env:B", "entrepot.yaml", 3, 43),
        ("teams", "night", "party"): ("erp", "b.yaml", 3, 18),
    }
    assert document.value(("teams", "night")) == {"party": "erp"}
    assert document.key(("teams", "night")) == (3, 3, "b.yaml")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"), ("12", 12), ("-3", -3), ("0", 0), ("007", "007"), ("1_000", "1_000"), ("1.5", "1.5"), ("0x1f", "0x1f"), ("2026-11-20", "2026-11-20"),
        ("true", True), ("False", False), ("yes", "yes"), ("on", "on"), ("null", None), ("~", None), ("", None), ('""', ""), ('"12"', "12"), ("'true'", "true"),
        ("1:30", "1:30"), ("9" * 19, "9" * 19), ("[a, 1]", ["a", 1]), ("{a: {b: 1}}", {"a": {"b": 1}}), ("|\n  one\n  two\n", "one\ntwo\n"), ("&x 5", 5),
    ],
)  # fmt: skip
def test_values_are_text_whole_numbers_true_false_and_nothing(written: str, value: object) -> None:
    node = read(f"k: {written}", "x.yaml", Budget())
    assert node is not None
    assert plain(node) == {"k": value}


@pytest.mark.parametrize("change", [lambda t: "﻿" + t, lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\r"), lambda t: f"---\n{t}...\n", lambda t: f"%YAML 1.2\n---\n{t}"])  # fmt: skip
def test_byte_order_marks_line_ends_and_document_marks_change_nothing(tmp_path: Path, change: object) -> None:
    assert callable(change)
    put(tmp_path, {"entrepot.yaml": change(BASE).encode()})
    assert load(tmp_path).hash == loads(BASE).hash


def test_lines_are_counted_alike_with_windows_line_ends() -> None:
    wrong = BASE.replace("deputy: desk", "deputy: dusk")
    assert told(wrong) == told(wrong.replace("\n", "\r\n"))


# --- broken files --------------------------------------------------------------------------------------------------


def test_a_slip_in_one_entry_costs_that_entry_alone() -> None:
    """A bracket is missing in one team; teams before and after it, and all other sections, are still checked."""
    wrong = BASE.replace("notify: [env:DESK]}", "notify: [env:DESK}").replace("hours: 24/7", "hours: 24h")
    found = examine_text(wrong).findings
    assert [finding.code for finding in found] == ["E005", "E016"]
    assert wrong.splitlines()[found[0].position.line - 1].startswith("  desk:")


def test_an_entry_that_cannot_be_read_is_known_to_exist() -> None:
    wrong = BASE.replace("hours: Mon-Fri 08-18 Europe/Paris", "hours: nine to five")
    assert [code for code, _ in told(wrong)] == ["E016"]  # desk is named by flows, failures and objects


def test_a_section_that_cannot_be_read_makes_no_name_dangle() -> None:
    assert [code for code, _ in told(BASE.replace(sections()["teams"], "teams: [desk, night]\n\n"))] == ["E016"]
    assert [code for code, _ in told(BASE.replace(sections()["teams"], "teams: {desk: [}\n\n"))] == ["E005"]


def test_a_missing_section_is_one_word() -> None:
    assert told(BASE.replace(sections()["failures"], "")) == [("E015", 1)]


def test_every_tab_is_told_and_what_it_indents_is_read() -> None:
    wrong = BASE.replace("  desk: {party: operator", "\tdesk: {party: nobody").replace(
        "  night: {party: operator", "\tnight: {party: operator"
    )
    assert [code for code, _ in told(wrong)] == ["E004", "E016", "E004"]


def test_a_slip_on_every_line_is_told_so_often_and_no_more() -> None:
    many = "teams:\n" + "".join(f"\tt{n}: {{}}\n" for n in range(100))
    assert sum(code == "E004" for code, _ in told(many)) == TOLD_PER_FILE_MAX
    keys = BASE.replace("  night: {", "  night: {" + "".join(f"k{n}: 1, " for n in range(2000)))
    assert len(examine_text(keys).findings) < FINDINGS_MAX


def test_a_thousand_slips_are_told_up_to_a_number_and_the_reader_is_told_so() -> None:
    many = BASE.replace("teams:\n", "teams:\n" + "".join(f"  t{n}: 5\n" for n in range(1000)))
    examined = examine_text(many)
    assert len(examined.findings) == FINDINGS_MAX
    assert examined.full


@pytest.mark.parametrize(
    "bomb",
    [
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)),
        "a0: &a0 {k: x, l: x}\n" + "".join(f"a{i}: &a{i} {{k: *a{i - 1}, l: *a{i - 1}}}\n" for i in range(1, 60)),
        "questions: {" + ", ".join(f"q{n}: [a, b, c, d]" for n in range(30_000)) + "}\n",
    ],
)
def test_what_grows_without_end_is_stopped_before_it_is_built(bomb: str) -> None:
    budget = Budget()
    assert read(bomb, "x.yaml", budget) is None
    assert [finding.code for finding in budget.found] == ["E008"]
    assert budget.nodes_left < 0 <= budget.nodes_left + NODES_MAX


def test_a_slip_in_a_large_plan_does_not_make_it_too_large() -> None:
    large = "mappings:\n  words: {values: {" + ", ".join(f"w{n}: x" for n in range(20_000)) + "}}\nteams: {\n"
    budget = Budget()
    assert read(large, "x.yaml", budget) is not None
    assert [finding.code for finding in budget.found] == ["E005"]


@pytest.mark.parametrize("before", ["\tteams: {}\n", "teams: {\n", "\x00"])
def test_what_grows_in_a_file_that_is_not_yaml_besides_is_stopped_too(before: str) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert "E008" in [finding.code for finding in examine_text(before + bomb).findings]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[\n", '["a": ', "{a: 1, "])
def test_a_hundred_thousand_levels_are_told_as_too_deep(opening: str) -> None:
    budget = Budget()
    read(opening * 100_000, "x.yaml", budget)
    assert {finding.code for finding in budget.found} <= {"E005", "E007", "E012"}
    assert budget.found


def test_an_alias_may_stand_for_an_entry_and_is_checked_as_one() -> None:
    wrong = BASE.replace("    cause:", "    caus:")
    findings = examine_text(wrong).findings
    assert {finding.code for finding in findings} == {"E014", "E015"}


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    from entrepot.blueprint import parse

    quick = Document(node) if (node := read(BASE, "x.yaml", Budget())) else None
    monkeypatch.setattr(parse, "_Loader", yaml.SafeLoader)
    slow = Document(node) if (node := read(BASE, "x.yaml", Budget())) else None
    assert quick is not None
    assert slow is not None
    assert list(quick.leaves()) == list(slow.leaves())


def test_the_plan_that_ships_stops_nothing() -> None:
    assert examine(DEFAULT).plan is not None


def test_only_errors_are_raised_and_every_one_of_them() -> None:
    wrong = BASE.replace("gtin-invalid: *mode", "").replace("deputy: desk", "deputy: dusk")
    with pytest.raises(WrongBlueprint) as caught:
        loads(wrong)
    assert [finding.code for finding in caught.value.fields["findings"]] == ["E022"]
