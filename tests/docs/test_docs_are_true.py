"""What the documents say exists, exists: links, commands, options, settings, paths, tests, rooms; and nothing in the repository names a machine."""

import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from cyclopts.exceptions import CycloptsError, MissingArgumentError

from entrepot.cli.main import app
from entrepot.sandbox.faults import CALL_KINDS, WEBHOOK_KINDS

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "src" / "entrepot"
HEADINGS = ["## Context", "## Decision", "## The road not taken", "## Consequences"]
PAGE_LINES_MAX = 70  # a decision is one page
FAULTS = {"A": 30, "B": 13, "C": 24, "D": 22, "E": 12}
STATES = ("yes", "partly", "not yet")
NOT_OURS = {".git", ".venv", ".vendor", "vendor", "__pycache__", "build", "dist", "node_modules"}


@cache
def kept_files() -> tuple[Path, ...]:
    """What is in the repository, or would be after `git add`; without git, all that is not obviously made by a tool."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True
    )
    if listed.returncode == 0:
        return tuple(path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())
    here = (path for path in ROOT.rglob("*") if path.is_file())
    return tuple(
        path
        for path in here
        if not any(part in NOT_OURS or part.endswith(("_cache", ".egg-info")) for part in path.relative_to(ROOT).parts)
    )


@cache
def kept_names() -> frozenset[str]:
    """Every kept file and every folder above one, as `/path/from/the/root` (folders end with `/`)."""
    names = set()
    for path in kept_files():
        inside = path.relative_to(ROOT)
        names.add(f"/{inside.as_posix()}")
        names |= {f"/{folder.as_posix()}/" for folder in inside.parents if folder != Path()}
    return frozenset(names)


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_of(page: Path) -> Iterator[str]:
    """Code spans and the lines of code blocks."""
    fenced = False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.partition(" #")[0].strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def commands_of(page: Path, name: str) -> list[str]:
    return [code.removeprefix(".venv/bin/") for code in code_of(page) if re.match(rf"(\.venv/bin/)?{name} \S", code)]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]
    lost = [link for link in links if not (page.parent / unquote(link.partition("#")[0])).exists()]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {command.split()[1] for command in commands_of(page, "make")}
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    """A command named without its arguments is a name; with a word it does not know it is a mistake."""
    wrong = {}
    for command in commands_of(page, "entrepot"):
        try:
            app.parse_args(shlex.split(command)[1:], exit_on_error=False, print_error=False)
        except MissingArgumentError:
            continue
        except (CycloptsError, ImportError) as error:
            wrong[command] = " ".join(str(error).split())
    assert wrong == {}


def test_every_target_of_the_makefile_is_explained() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    assert [target for target in phony[1].split() if f"`make {target}`" not in contributing] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_setting_that_is_named_is_read_by_the_code(page: Path) -> None:
    named = set(re.findall(r"\bENTREPOT_[A-Z_]+[A-Z]\b", page.read_text("utf-8")))
    assert named - settings_read() == set()


@cache
def settings_read() -> frozenset[str]:
    from entrepot.process import Settings

    source = "\n".join(path.read_text("utf-8") for path in HOUSE.rglob("*.py"))
    fields = {f"ENTREPOT_{name.upper()}" for name in Settings.model_fields}
    return frozenset(fields | set(re.findall(r"\bENTREPOT_[A-Z_]+[A-Z]\b", source)))


def test_every_setting_of_a_process_is_told_to_operators() -> None:
    from entrepot.process import Settings

    told = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert [name for name in Settings.model_fields if f"`ENTREPOT_{name.upper()}`" not in told] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_path_that_is_named_exists(page: Path) -> None:
    """`store/migrate.py`, `docs/`, `schema/*.sql`: the end of some path in the repository."""
    paths = [
        code
        for code in code_of(page)
        if re.fullmatch(r"[\w*][\w.*-]*(/[\w.*-]+)*(/|\.(py|md|sql|toml|yaml|lock|js|css))", code)
    ]
    lost = [path for path in paths if not any(fnmatch(name, f"*/{path.lstrip('/')}") for name in kept_names())]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = {code for code in code_of(page) if re.fullmatch(r"test_\w+", code)}
    assert named - known_tests() == set()


@cache
def known_tests() -> frozenset[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        found |= set(re.findall(r"^\s*def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE))
    return frozenset(found)


def test_every_room_has_its_line_in_the_architecture() -> None:
    told = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = [f"{path.parent.name}/" for path in HOUSE.glob("*/__init__.py")]
    rooms += [path.name for path in HOUSE.glob("*.py") if path.name != "__init__.py"]
    assert len(rooms) > 15
    assert [room for room in sorted(rooms) if f"\n| `{room}` |" not in told] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_every_decision_is_a_page_with_its_four_headings(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert lines[0].startswith(f"# {page.name[:4]} ")
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert len(lines) <= PAGE_LINES_MAX


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [page.name[:4] for page in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]


def fault_rows() -> list[list[str]]:
    """The rows of the fault table: number, fault, state, where."""
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if re.fullmatch(r"[A-E]\d{1,2}", row[0])]


def test_every_row_of_the_fault_catalogue_is_spoken_of_once() -> None:
    wanted = Counter(f"{part}{n}" for part, last in FAULTS.items() for n in range(1, last + 1))
    assert Counter(row[0] for row in fault_rows()) == wanted


def test_a_fault_that_is_exercised_names_its_test_and_one_that_is_not_claims_none() -> None:
    for number, _, state, where in fault_rows():
        assert state in STATES, number
        claims = "`test_" in where or "`entrepot " in where
        assert claims == (state != "not yet"), f"{number} is “{state}”: {where}"


def test_the_totals_of_the_fault_table_are_counted() -> None:
    states = Counter(state for _, _, state, _ in fault_rows())
    told = (ROOT / "docs" / "testing.md").read_text("utf-8")
    assert (
        f"{states['yes']} of {states.total()} are exercised, {states['partly']} partly, {states['not yet']} not yet."
        in told
    )


def test_the_sandboxs_faults_are_listed() -> None:
    sentences = re.findall(r"(?:Calls|Webhooks): ([^.]+)\.", (ROOT / "docs" / "testing.md").read_text("utf-8"))
    assert [set(re.findall(r"`([\w-]+)`", listed)) for listed in sentences] == [CALL_KINDS, WEBHOOK_KINDS]


HOSTS = re.compile("|".join(re.escape(f"{name}.{top}") for name, top in (
    ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"))))  # fmt: skip
MACHINE = re.compile(r"(?<![\w.~])/(?:work|workspace|root|Users|home/(?!u/)\w+|opt/(?:wheels|pypi))/")


@cache
def kept_texts() -> tuple[tuple[str, str], ...]:
    texts = []
    for path in kept_files():
        try:
            texts.append((path.relative_to(ROOT).as_posix(), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue  # a picture
    return tuple(texts)


def test_nothing_in_the_repository_names_a_registry() -> None:
    assert [(name, found[0]) for name, text in kept_texts() if (found := HOSTS.search(text))] == []


def test_nothing_in_the_repository_names_a_path_of_some_machine() -> None:
    assert [(name, found[0]) for name, text in kept_texts() if (found := MACHINE.search(text))] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "assets.lock"])
def test_a_lock_file_holds_digests_and_no_address(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert any("sha" in line for line in lines)
    assert [
        line for line in lines if "://" in line or line.startswith("-")
    ] == []  # an option of the installer begins with a dash
