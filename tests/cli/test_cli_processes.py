"""The command as people start it: what it loads, and what it does when nobody reads on."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from cli.said import Entrepot

HEAVY = (
    "alembic",
    "fastapi",
    "httpx2",
    "jinja2",
    "moneyed",
    "procrastinate",
    "pydantic",
    "rich",
    "ruamel",
    "sqlalchemy",
    "uvicorn",
)
LOADED = "import sys; print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"


def python(code: str, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **(env or {})}, check=True
    )
    return done.stdout


def command(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "entrepot.cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize(
    ("module", "brings"),
    [
        ("entrepot.cli.main", set()),
        ("entrepot.cli.cases", {"psycopg"}),
        ("entrepot.cli.asking", {"psycopg"}),
        ("entrepot.cli.find_store", {"psycopg"}),
    ],
)
def test_a_command_loads_only_what_it_needs(module: str, brings: set[str]) -> None:
    loaded = set(python(f"import {module}; {LOADED}").split())
    assert loaded & set(HEAVY) == set()
    assert (loaded & {"psycopg"}) == brings


def test_help_asks_no_room_of_the_house() -> None:
    code = "from entrepot.cli.main import run; run(['--help']); import sys"
    code += "; print('rooms:', *sorted(name for name in sys.modules if name.startswith('entrepot.')))"
    out = python(code)
    assert "Failures that need a person" in out
    assert out.splitlines()[-1].split() == [
        "rooms:",
        "entrepot.cli",
        "entrepot.cli.main",
        "entrepot.kernel",
        "entrepot.kernel.errors",
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["case", "retry", "--help"], ["--version"]], ids=" ".join)
def test_help_and_version_end_with_0(arguments: list[str]) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_mistake_is_one_line_and_no_traceback() -> None:
    done = command("nonsense")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_list_is_read_by_a_process_of_its_own(entrepot: Entrepot, database_url: str) -> None:
    done = command("case", "list", env={"ENTREPOT_DATABASE_URL": database_url})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == entrepot("case", "list").out


def test_a_terminal_that_knows_only_ascii_still_gets_its_answer(entrepot: Entrepot, database_url: str) -> None:
    done = command("case", "show", "1001", env={"ENTREPOT_DATABASE_URL": database_url, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Case 1001 ? Open" in done.stdout


def test_a_reader_who_has_read_enough_causes_no_traceback(entrepot: Entrepot, database_url: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "entrepot.cli", "find", "C-1", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ENTREPOT_DATABASE_URL": database_url},
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_terminal_gets_colour_and_a_file_gets_none(entrepot: Entrepot, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = entrepot("case", "show", "1001").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    coloured = entrepot("case", "show", "1001").out
    assert "\x1b[" not in plain
    assert "\x1b[1mCase 1001\x1b[0m" in coloured
    for words in ("case", "list"), ("find", "C-1"), ("doctor",):
        assert "\x1b[" in entrepot(*words).out
