"""A wrong word gets one clear line on stderr and exit code 2; what cannot be reached gets exit code 4."""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cli.said import Entrepot

NONSENSE = [
    (["nonsense"], "unknown command “nonsense”"),
    (["docter"], "did you mean doctor?"),
    (["case", "lst"], "did you mean list?"),
    (["case", "list", "--bogus"], "--bogus"),
    (["case", "list", "--limit", "many"], "--limit"),
    (["case", "list", "--limit", "0"], "--limit 0: a page holds 1 to 200 cases"),
    (["case", "list", "--limit", "201"], "--limit 201"),
    (["case", "list", "--state", "odd"], '"open", "suppressed", "ended", "all"'),
    (["case", "list", "--after", "page-two"], "--after page-two: copy it from the end of the page before"),
    (["case", "list", "--after", "2026-03-02T08:00:00~case_1"], "--after"),
    (["case", "list", "extra"], "extra"),
    (["case", "show"], "CASE requires an argument"),
    (["case", "retry", "1001"], "say why: --reason TEXT stays with the case"),
    (["case", "suppress", "1001", "--reason", "  "], "say why"),
    (["case", "repair", "1001", "--reason", "x", "--patch", "{}", "--patch-file", "there.json"], "once"),
    (["case", "repair", "1001", "--reason", "x", "--patch", "[1]"], "operation 1: an operation is an object such as"),
    (["case", "repair", "1001", "--reason", "x", "--patch", "1"], "a repair is a JSON object"),
    (["case", "suppress", "1001", "--reason", "x", "--until", "later"], "--until later: write how long from now"),
    (["case", "note", "1001", "--text", " "], "a note says something"),
    (["question", "decide", "1"], "say what is decided"),
    (["case", "repair", "1001", "--reason", "x", "--patch", "{oops"], "a repair is a JSON object"),
    (["case", "repair", "1001", "--reason", "x", "--patch-file", "no-such-file"], "no-such-file cannot be read"),
    (["case", "repair", "1001", "1002", "--reason", "x"], "1002"),
    (["find"], "IDENTIFIER requires an argument"),
    (["find", " "], "say what to find"),
    (["doctor", "--json=maybe"], "maybe"),
]


@pytest.mark.parametrize(
    ("words", "told"), NONSENSE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_wrong_word_is_told_in_one_line_and_ends_with_2(outside: Entrepot, words: list[str], told: str) -> None:
    said = outside(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert said.err.startswith("entrepot: ")
    assert told in said.err


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "abc"), ("PORT", "70000"), ("WORKERS", "none"), ("LEASE_S", "-1"), ("SEND_WIDTH", "0")],
)
def test_a_wrong_setting_is_named_with_its_value(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ENTREPOT_{name}", value)
    said = outside("doctor")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"entrepot: ENTREPOT_{name}={value}: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("words", [["case", "list"], ["find", "C-1"], ["doctor"], ["serve"]], ids=" ".join)
@pytest.mark.parametrize("port", ["abc", "0", "65536", "1234567", "٨"])
def test_a_port_that_is_none_is_told_by_every_command(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, words: list[str], port: str
) -> None:
    monkeypatch.setenv("ENTREPOT_PORT", port)
    said = outside(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"entrepot: ENTREPOT_PORT={port}: ")


@pytest.mark.parametrize("words", [["case", "list"], ["find", "C-1"], ["db", "status"]], ids=" ".join)
def test_an_address_that_is_none_is_a_wrong_setting(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", "our-database")
    said = outside(*words)
    assert (said.code, said.out) == (2, "")
    assert "ENTREPOT_DATABASE_URL" in said.err
    assert said.err.count("\n") == 1


@pytest.fixture
def nobody_listens() -> Iterator[str]:
    """An address whose port is taken by somebody who does not listen: nobody else can come to answer there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"postgresql://somebody:secret-word@127.0.0.1:{held.getsockname()[1]}/entrepot"


@pytest.mark.parametrize(
    "words",
    [
        ["case", "list"],
        ["case", "show", "1"],
        ["case", "retry", "1", "--reason", "x"],
        ["find", "C-1"],
        ["db", "status"],
    ],
    ids=" ".join,
)
def test_a_database_that_does_not_answer_ends_with_4(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, nobody_listens: str, words: list[str]
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", nobody_listens)
    said = outside(*words)
    assert (said.code, said.out) == (4, "")
    assert said.err.count("\n") == 1
    assert "secret-word" not in said.err


@pytest.mark.parametrize("words", [["case", "list"], ["case", "show", "1"], ["find", "C-1"]], ids=" ".join)
def test_where_nothing_runs_a_command_says_so_and_starts_nothing(
    outside: Entrepot, home: Path, words: list[str]
) -> None:
    said = outside(*words)
    assert (said.code, said.out) == (4, "")
    assert "no installation runs here" in said.err
    assert "`entrepot up` or `entrepot demo`" in said.err
    assert not home.exists()


def test_a_wrong_password_is_a_wrong_setting(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    head, _, tail = database_url.partition("@")
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", f"{head.rpartition(':')[0]}:wrong@{tail}")
    said = outside("case", "list")
    assert said.code == 2
    assert "does not let us in" in said.err


def test_a_database_without_our_schema_asks_for_the_upgrade(
    outside: Entrepot, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", server.rsplit("/", 1)[0] + "/postgres")
    said = outside("case", "list")
    assert said.code == 2
    assert "run `entrepot db upgrade`" in said.err


def test_a_newer_schema_is_refused(entrepot: Entrepot, owner: Callable[..., None]) -> None:
    owner("UPDATE alembic_version SET version_num = '9999'")
    said = entrepot("case", "list")
    assert said.code == 2
    assert "upgrade Entrepot on this machine" in said.err


def test_a_blueprint_that_is_not_there_is_a_wrong_setting(entrepot: Entrepot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_BLUEPRINT", "nowhere.yaml")
    said = entrepot("case", "show", "1001")
    assert (said.code, said.out) == (2, "")
    assert "the blueprint nowhere.yaml cannot be read" in said.err


def test_a_wrong_blueprint_says_where_it_is_wrong(
    entrepot: Entrepot, blueprint: Callable[[Mapping[str, str]], Path]
) -> None:
    blueprint(
        {
            "owner: customer-care\n    may": "owner: nobody\n    may",
            "escalates_to: marketplace-lead": "escalates_to: no-team",
        }
    )
    said = entrepot("case", "escalate", "1001", "--reason", "x")
    lines = said.err.splitlines()
    assert (said.code, said.out) == (2, "")
    assert len(lines) > 2
    assert all(re.match(r"entrepot: \w+\.yaml:\d+:\d+ E\d{3} ", line) for line in lines)


def test_a_blueprint_of_another_environment_is_refused(entrepot: Entrepot, production: Callable[[], Path]) -> None:
    production()
    said = entrepot("case", "suppress", "1001", "--reason", "x")
    assert (said.code, said.out) == (2, "")
    assert "the database is sandbox, the blueprint production.yaml is production" in said.err
