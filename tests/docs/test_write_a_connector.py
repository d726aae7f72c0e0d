"""The guide for a new connector is run, command by command and change by change, in a copy of the tree; and so is every way in."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "write-a-connector.md"
BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
TOOLS = {"entrepot": ["-m", "entrepot.cli"], "mypy": ["-m", "mypy"], "ruff": ["-m", "ruff"], "python": []}
REGISTRY = "src/entrepot/connectors/registry.py"
WAYS = {
    "q1": "bearer",
    "tide-market": "oauth",
    "a-very-long-name-of-a-market-1": "key",
}  # shortest, two words, longest: nothing about a file's layout hangs on the name


@dataclass(frozen=True)
class Tree:
    """A copy of all that is in the repository, committed. `compiled`: where Python keeps what it has compiled for it."""

    root: Path
    compiled: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        name, *words = shlex.split(command)
        line = [sys.executable, *TOOLS[name], *words] if name in TOOLS else [name, *words]
        settings = {
            name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "ENTREPOT_", "PYTEST_"))
        }
        ours = {"PYTHONPATH": str(self.root / "src")}
        if settings.pop("PYTHONDONTWRITEBYTECODE", ""):  # nothing beside the sources, then; but not each time anew
            ours["PYTHONPYCACHEPREFIX"] = str(self.compiled)
        env = settings | ours | {"COLUMNS": "200", "NO_COLOR": "1"}
        return subprocess.run(line, cwd=self.root, env=env, capture_output=True, text=True, timeout=200)

    def said(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def change(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} holds this {text.count(old)} times:\n{old}"
        file.write_text(text.replace(old, new), "utf-8")


@cache
def kept() -> tuple[str, ...]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    return tuple(name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """One for all tests of this file: what Python, mypy and git have worked out of it once is worked out."""
    root = tmp_path_factory.mktemp("tree")
    for name in kept():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    if (ROOT / ".mypy_cache").is_dir():  # what `make check` has worked out, it need not work out again
        shutil.copytree(ROOT / ".mypy_cache", root / ".mypy_cache")
    made = Tree(root, tmp_path_factory.mktemp("compiled"))
    made.said("git init --quiet .")
    made.said("git config user.name guide")
    made.said("git config user.email guide@example.org")
    return made


@pytest.fixture
def tree(copied: Tree) -> Tree:
    """Nothing in it that is not committed."""
    copied.said("git add --all")
    copied.said("git commit --quiet --allow-empty --message before")
    return copied


def console(text: str) -> Iterator[tuple[str, list[str]]]:
    """Commands, and the lines each prints."""
    command, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, lines
            command, lines = line[2:], []
        else:
            lines.append(line)
    yield command, lines


def changes(text: str) -> Iterator[tuple[str, str, str]]:
    """Path, old text and new text of every part of a change; a part ends with `@@` or with the next file."""
    path, old, new = "", list[str](), list[str]()
    for line in [*text.splitlines(), "@@"]:
        if line.startswith(("+++ ", "@@")):
            if old or new:
                yield path, "".join(old), "".join(new)
            path, old, new = line[4:] if line.startswith("+++ ") else path, [], []
            continue
        sign, rest = line[:1] or " ", line[1:] + "\n"
        if sign in " -":
            old.append(rest)
        if sign in " +":
            new.append(rest)


def as_told(lines: list[str]) -> str:
    """The lines of a guide as a pattern: `…` alone is any lines, inside a line any text."""
    parts = []
    for line in lines:
        if line == ANYTHING:
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split(ANYTHING)) + r"\n")
    return "".join(parts)


def test_the_guide_does_what_it_says(tree: Tree) -> None:
    blocks = BLOCK.findall(GUIDE.read_text("utf-8"))
    assert [kind for kind, _ in blocks].count("diff") >= 4
    for kind, text in blocks:
        if kind == "diff":
            for path, old, new in changes(text):
                tree.change(path, old, new)
            continue
        for command, lines in console(text):
            said = tree.said(command)
            assert re.fullmatch(as_told(lines), said), f"$ {command}\n{said}"


def test_every_way_in_passes_every_check_and_touches_its_own_folder_and_the_registry(tree: Tree) -> None:
    for name, auth in WAYS.items():
        tree.said(f"entrepot connector new {name} --auth {auth} --register")
    packages = sorted(name.replace("-", "_") for name in WAYS)
    folders = [f"{room}/connectors/{package}" for room in ("src/entrepot", "tests") for package in packages]
    assert tree.said("git status --porcelain").splitlines() == [
        f" M {REGISTRY}",
        *(f"?? {folder}/" for folder in folders),
    ]
    assert tree.said(f"git diff --numstat {REGISTRY}").split()[:2] == [str(2 * len(WAYS)), "0"]
    assert "passed" in tree.said(f"python -m pytest -q -p no:cacheprovider {' '.join(folders[len(WAYS) :])}")
    assert tree.said(f"ruff check {REGISTRY} {' '.join(folders)}") == "All checks passed!\n"
    assert "already formatted" in tree.said(f"ruff format --check {REGISTRY} {' '.join(folders)}")
    assert "Success: no issues" in tree.said(f"mypy {REGISTRY} {' '.join(folders)}")
