"""Which installation a command talks to: what is configured, what is noted, what runs by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.said import Entrepot

from entrepot import installations
from entrepot.installations import NothingRuns, Source
from entrepot.store import postgres

URL = "postgresql://entrepot:a-password@127.0.0.1:5499/demo_000001"
CONSOLE = "http://127.0.0.1:8499/"
ENV = {"ENTREPOT_MIRAKL_URL": "http://127.0.0.1:9001", "ENTREPOT_GATEWAY_KEY": "key"}


def asked(home: Path, **more: str) -> installations.Installation:
    return installations.current({"ENTREPOT_HOME": str(home), **more})


def noted_by_a_process_that_ended(home: Path) -> None:
    """As `remember`, by somebody who is no more."""
    code = "import sys; from entrepot import installations; from pathlib import Path; "
    code += f"installations.remember(Path(sys.argv[1]), {URL!r}, {ENV!r}, {CONSOLE!r})"
    subprocess.run([sys.executable, "-c", code, str(home)], check=True)


def test_a_running_demo_is_found_with_what_its_references_point_at(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    found = asked(tmp_path)
    assert (found.url, found.source, found.console_url, found.env, found.lives) == (
        URL,
        Source.NOTED,
        CONSOLE,
        ENV,
        True,
    )


def test_the_configured_database_beats_everything(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    found = asked(tmp_path, ENTREPOT_DATABASE_URL="postgresql://elsewhere/hub", ENTREPOT_PORT="8500")
    assert (found.url, found.source, found.env) == ("postgresql://elsewhere/hub", Source.CONFIGURED, {})
    assert found.console_url == "http://127.0.0.1:8500/"


def test_a_named_server_beats_the_note(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    with pytest.raises(NothingRuns, match="“main”"):
        asked(tmp_path, ENTREPOT_CLUSTER="main")


def test_the_note_is_for_its_owner_alone_and_secrets_are_not_printed(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    assert (tmp_path / installations.NOTE).stat().st_mode & 0o777 == 0o600
    assert "a-password" not in repr(asked(tmp_path))
    assert "key" not in repr(asked(tmp_path))


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_note_others_may_touch_does_not_count(tmp_path: Path, mode: int) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    (tmp_path / installations.NOTE).chmod(mode)
    with pytest.raises(NothingRuns):
        asked(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_note_of_another_user_does_not_count(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    os.chown(tmp_path / installations.NOTE, 65534, 65534)
    with pytest.raises(NothingRuns):
        asked(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"url": 1}', '{"pid": "x", "since": 1, "env": 3}', '{"pid": 1, "since": null, "env": []}'],
)
def test_a_note_that_cannot_be_read_does_not_count(tmp_path: Path, text: str) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    (tmp_path / installations.NOTE).write_text(text)
    with pytest.raises(NothingRuns):
        asked(tmp_path)


def test_a_process_takes_back_its_own_note_and_no_other(tmp_path: Path) -> None:
    noted_by_a_process_that_ended(tmp_path)
    installations.forget(tmp_path)
    assert asked(tmp_path).lives is False
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    installations.forget(tmp_path)
    with pytest.raises(NothingRuns):
        asked(tmp_path)
    installations.forget(tmp_path)


def test_a_note_of_a_process_whose_number_is_anothers_by_now_is_not_alive(tmp_path: Path) -> None:
    installations.remember(tmp_path, URL, ENV, CONSOLE)
    path = tmp_path / installations.NOTE
    note = json.loads(path.read_text())
    path.write_text(json.dumps({**note, "since": "12"}))
    assert asked(tmp_path).lives is False


def test_a_demo_that_ended_with_its_database_says_so(outside: Entrepot, home: Path) -> None:
    noted_by_a_process_that_ended(home)
    said = outside("case", "list")
    assert said.code == 4
    assert "the demo that ran last has ended" in said.err


def test_a_demo_that_ended_can_be_looked_at_while_its_database_runs(
    outside: Entrepot, home: Path, database_url: str
) -> None:
    installations.remember(home, database_url, ENV, CONSOLE)
    path = home / installations.NOTE
    path.write_text(json.dumps({**json.loads(path.read_text()), "since": "12"}))
    assert outside("case", "list").code == 0


@pytest.fixture
def running() -> Iterator[postgres.Server]:
    """A server of our own; asked for before the test's own state folder is set."""
    with postgres.temporary() as server:
        yield server


def test_our_own_server_is_found_when_it_runs_and_never_started(
    running: postgres.Server, outside: Entrepot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_HOME", str(running.home))
    monkeypatch.setenv("ENTREPOT_CLUSTER", running.name)
    found = installations.current()
    assert (found.url, found.source) == (running.url, Source.OWN_SERVER)
    postgres.stop(running)
    said = outside("case", "list")
    assert said.code == 4
    assert f"“{running.name}” in {running.home} is stopped" in said.err
    assert postgres.status(running).state is postgres.State.STOPPED


def test_a_server_that_runs_beats_a_note_of_the_past_and_a_demo_that_lives_beats_both(
    running: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.home is not None
    monkeypatch.setattr(installations, "MAIN", running.name)
    noted_by_a_process_that_ended(running.home)
    assert asked(running.home).source is Source.OWN_SERVER
    installations.remember(running.home, URL, ENV, CONSOLE)
    assert asked(running.home).source is Source.NOTED


def test_the_doctor_uses_the_references_of_the_running_demo(
    outside: Entrepot, home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENV:
        monkeypatch.setenv(name, "what this shell says")
    installations.remember(home, database_url, ENV, CONSOLE)
    said = outside("doctor", "--json")
    assert said.json["where"].endswith("by a running demo")
    assert os.environ["ENTREPOT_MIRAKL_URL"] == ENV["ENTREPOT_MIRAKL_URL"]
