"""What is public is documented: commands, options, settings, failure modes, the API; and the pages are current."""

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from entrepot.blueprint.load import load
from entrepot.cli import docs, main, plan_page
from entrepot.cli.main import app
from entrepot.process import Settings
from entrepot.web.webhook_door import WebhookDoor

ROOT = Path(__file__).parents[2]
COMMANDS = dict(docs.commands(app))
OURS = (
    "entrepot.cli.cases",
    "entrepot.cli.case_handling",
    "entrepot.cli.questions",
    "entrepot.cli.asking",
    "entrepot.cli.demo",
    "entrepot.cli.init",
    "entrepot.cli.workshop",
    "entrepot.cli.explaining",
    "entrepot.cli.offers",
    "entrepot.cli.connectors",
    "entrepot.cli.channels",
    "entrepot.cli.listings",
    "entrepot.cli.disputes",
)


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_reference_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == docs.PAGES[name](), "run: python -m entrepot.cli.docs docs"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_is_for(words: tuple[str, ...]) -> None:
    text = COMMANDS[words].help
    assert text.endswith(".")
    assert len(text) <= 100


@pytest.mark.parametrize(
    "words",
    [w for w, command in COMMANDS.items() if getattr(command.default_command, "__module__", "") in OURS],
    ids=" ".join,
)
def test_every_option_says_what_it_does(words: tuple[str, ...]) -> None:
    arguments = COMMANDS[words].assemble_argument_collection(parse_docstring=True)
    assert [argument.name for argument in arguments if not argument.parameter.help] == []


@pytest.mark.parametrize(
    "words",
    [
        w
        for w in COMMANDS
        if w[1:] in {("find",), ("doctor",), ("demo",), ("explain",)}
        or (w[1] in ("case", "question", "offer", "connector", "channel", "listing", "dispute") and len(w) > 2)
    ],
    ids=" ".join,
)
def test_every_answer_can_be_had_as_json(words: tuple[str, ...]) -> None:
    assert "--json" in [argument.name for argument in COMMANDS[words].assemble_argument_collection()]


@pytest.mark.parametrize("verb", ["retry", "repair", "suppress", "escalate"])
def test_every_decision_asks_why_and_by_whom_and_can_be_tried(verb: str) -> None:
    names = [argument.name for argument in COMMANDS["entrepot", "case", verb].assemble_argument_collection()]
    assert {"--reason", "--by", "--dry-run"} <= set(names)


def test_every_setting_is_explained() -> None:
    assert set(docs.SETTINGS) == set(Settings.model_fields)


def test_every_exit_code_is_explained() -> None:
    codes = {
        getattr(main, name)
        for name in ("EXIT_FAILURE", "EXIT_USAGE", "EXIT_FINDINGS", "EXIT_UNREACHABLE", "EXIT_REFUSED")
    }
    assert set(docs.EXIT_CODES) == {0} | codes


def test_every_failure_mode_has_its_runbook_on_the_page() -> None:
    page = docs.failure_page()
    for mode in load().failures.values():
        section = page.split(f"\n## {mode.name}\n")[1].split("\n## ")[0]
        for words in (mode.effect, mode.cause, f"**Owner:** {mode.owner}", ", ".join(mode.may), *mode.recovery):
            assert words in section


def test_every_door_and_every_problem_is_on_the_page() -> None:
    page, paths = docs.api_page(), {path for _, path, _ in docs.routes()}
    assert [path for path in paths if f" {path}\n" not in page] == []
    assert set(docs.web().openapi()["paths"]) <= paths
    assert set(docs.AUTHENTICATION) | set(docs.BODIES) <= paths
    assert len(docs.problems()) >= 8


def test_the_door_for_webhooks_is_where_the_page_says() -> None:
    method, path, _ = docs.WEBHOOKS
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(dict(message))

    scope = {"type": "http", "method": method, "path": path.format(system="nobody"), "headers": [], "query_string": b""}
    asyncio.run(WebhookDoor(docs.web(), docs.no_doors())(scope, receive, send))
    assert said[0]["status"] == 404
    assert b"/problems/unknown-system" in said[1]["body"]


def test_every_key_of_a_plan_is_explained_and_nothing_else_is() -> None:
    told = {(part, key) for part, meanings in plan_page.MEANINGS.items() for key in meanings}
    there = {(part.__name__, key) for part in plan_page.parts() for key, _ in plan_page.keys(part)}
    assert there - told == set()
    assert told - there == set()
    assert all(
        words.endswith((".", "?", "…")) for meanings in plan_page.MEANINGS.values() for words in meanings.values()
    )


@pytest.mark.parametrize("part", plan_page.parts(), ids=lambda part: part.__name__)
def test_every_key_of_a_plan_says_what_may_stand_there(part: type[BaseModel]) -> None:
    page = docs.blueprint_page().split(f"\n## {part.__name__}\n")[1].split("\n## ")[0]
    for key, kind, default, meaning in plan_page.rows(part):
        assert kind
        assert f"| {key} | " in page
        assert meaning in page
        assert default == "needed" or not dict(plan_page.keys(part))[key.strip("`")].is_required()
