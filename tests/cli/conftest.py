"""Commands called in process against a database of one small business day."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cli.said import Entrepot, Said
from conftest import START
from web.console_rows import Day

from entrepot.blueprint.load import DEFAULT, examine
from entrepot.cli.main import run
from entrepot.kernel.ctx import Row
from entrepot.store.db import Db

SETTINGS_LEFT_ALONE = (
    "ENTREPOT_BLUEPRINT",
    "ENTREPOT_CLUSTER",
    "ENTREPOT_DATABASE_URL",
    "ENTREPOT_HOST",
    "ENTREPOT_PORT",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder in which nothing runs, and no setting of whoever runs the tests."""
    for name in SETTINGS_LEFT_ALONE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ENTREPOT_PORT", "8")  # no console of a neighbour answers for this one
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path / "state"


@pytest.fixture
def outside(home: Path, capsys: pytest.CaptureFixture[str]) -> Entrepot:
    """A command where nothing is configured and nothing runs."""

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(list(arguments))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def entrepot(outside: Entrepot, database_url: str, db: Db, monkeypatch: pytest.MonkeyPatch) -> Entrepot:
    """A command on a database with the business day in it, at the day's own time, which all but stands still."""
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", database_url)
    with db.transaction() as conn:
        conn.execute("UPDATE clock SET business_base = %s, machine_base = clock_timestamp(), rate = 1e-9", (START,))
        Day(conn, START).whole()
    return outside


@pytest.fixture
def rows(db: Db) -> Callable[..., list[Row]]:
    def ask(sql: str, *values: Any) -> list[Row]:
        with db.transaction() as conn:
            return conn.execute(sql, values).fetchall()

    return ask


@pytest.fixture
def owner(database_url: str) -> Callable[..., None]:
    """Change the database with its owner's rights."""

    def change(sql: str, *values: Any) -> None:
        with psycopg.connect(database_url) as conn:
            conn.execute(sql, values)

    return change


@pytest.fixture
def blueprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Path]:
    """The default blueprint with some words changed, in whichever of its files they stand, as the one in force."""

    def write(changes: Mapping[str, str]) -> Path:
        texts = {path.name: path.read_text("utf-8") for path in DEFAULT.parent.glob("*.yaml")}
        for old, new in changes.items():
            assert any(old in text for text in texts.values())
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8")
        monkeypatch.setenv("ENTREPOT_BLUEPRINT", str(tmp_path / DEFAULT.name))
        return tmp_path / DEFAULT.name

    return write


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """The default blueprint for production, as the one in force; its flows only observe, so that no rehearsal is asked for."""

    def write() -> Path:
        plan = json.loads(json.dumps(examine(DEFAULT).document.data))
        for system in plan["systems"].values():
            system["environment"] = "production"
        for flow in plan["flows"].values():
            flow["mode"] = "observe"
        path = tmp_path / "production.yaml"
        path.write_text(json.dumps(plan), "utf-8")
        monkeypatch.setenv("ENTREPOT_BLUEPRINT", str(path))
        return path

    return write
