"""plan, apply, rollback at the terminal: shown first, done with a reason, and the way back."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cli.said import Entrepot

from entrepot.blueprint.load import DEFAULT, load
from entrepot.change import service
from entrepot.change.model import Source
from entrepot.change.source import read_source
from entrepot.engine import flows
from entrepot.kernel.ctx import Ctx, Row

Rows = Callable[..., list[Row]]
Write = Callable[[Mapping[str, str]], Path]
WINDOW = {"retry: {first: 5s, max: 10m, window: 6h}": "retry: {first: 5s, max: 10m, window: 3h}"}
OBSERVED = {
    "    mode: act\n    decider: seller\n    actions: [remind-seller, accept-on-behalf": "    mode: observe\n    decider: seller\n    actions: [remind-seller, accept-on-behalf",
}


@cache
def the_default() -> Source:
    return read_source(DEFAULT)


@pytest.fixture
def default_in_force(entrepot: Entrepot, ctx: Ctx) -> Entrepot:
    """The plan that ships is in force, its flows prepared as a process does."""
    with ctx.db.transaction() as conn:
        service.first(conn, ctx, the_default())
        flows.ensure(conn, ctx, the_default().plan.flows)
    return entrepot


def test_before_the_first_plan_a_file_would_be_the_first(entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("plan", "--json")
    assert (said.code, said.json["in_force"], said.json["proposed"]) == (0, None, the_default().hash)
    assert rows("SELECT * FROM plan_change") == []


def test_the_same_plan_changes_nothing_and_leaves_no_line_in_the_history(
    default_in_force: Entrepot, rows: Rows
) -> None:
    assert "nothing changes" in default_in_force("plan", str(DEFAULT)).out
    said = default_in_force("apply", str(DEFAULT), "--reason", "again", "--json")
    assert (said.code, said.json["applied"]) == (0, False)
    assert [(row["kind"], row["reason"]) for row in rows("SELECT * FROM plan_change ORDER BY seq")] == [
        ("first", "the first start: the file is the plan")
    ]


def test_a_change_is_told_by_path_in_the_plans_own_words_with_the_records_it_touches(
    default_in_force: Entrepot, blueprint: Write, rows: Rows
) -> None:
    path = blueprint(
        WINDOW
        | {
            '    owner: on-call\n    may: [retry, suppress, escalate]\n    cause: "No clear': '    owner: order-desk\n    may: [retry, suppress, escalate]\n    cause: "No clear'
        }
    )
    said = default_in_force("plan", str(path), "--json")
    assert said.json["changes"] == [
        {
            "path": "flows.order-acceptance.retry.window",
            "kind": "changed",
            "before": "6h",
            "after": "3h",
            "same_meaning": False,
        },
        {
            "path": "failures.unknown-outcome.owner",
            "kind": "changed",
            "before": "on-call",
            "after": "order-desk",
            "same_meaning": False,
        },
    ]
    touched = {(one["because"], one["kind"]): (one["count"], one["names"]) for one in said.json["touched"]}
    assert touched == {
        ("flows.order-acceptance.retry.window", "effect"): (1, ["capture:C-1:eff_1"]),
        ("failures.unknown-outcome.owner", "case"): (1, ["1001"]),
    }
    assert rows("SELECT plan_hash FROM installation") == [{"plan_hash": the_default().hash}]
    page = default_in_force("plan", str(path))
    assert "~ flows.order-acceptance.retry.window: 6h → 3h" in page.out
    assert "1001" in page.out and "entrepot apply" in page.err


def test_a_changed_deadline_names_the_promises_and_a_changed_mode_the_actions_it_stops(
    default_in_force: Entrepot, blueprint: Write
) -> None:
    path = blueprint(
        OBSERVED
        | {
            "deadline: {obligation: acknowledge, within: 12h": "deadline: {obligation: acknowledge, within: 14h",
            "acceptance_window: 12h": "acceptance_window: 14h",
        }
    )
    said = default_in_force("plan", str(path), "--json")
    changes = {one["path"]: (one["before"], one["after"]) for one in said.json["changes"]}
    assert changes["flows.order-acceptance.mode"] == ("act", "observe")
    touched = {(one["because"], one["kind"]): one for one in said.json["touched"]}
    assert touched["flows.order-acceptance.deadline.within", "obligation"]["count"] == 1
    assert touched["accounts.mirakl-fr/operator.acceptance_window", "obligation"]["count"] == 1
    assert "not sent" in touched["flows.order-acceptance.mode", "effect"]["words"]


def test_what_is_only_spelt_otherwise_is_told_as_the_same(default_in_force: Entrepot, blueprint: Write) -> None:
    said = default_in_force("plan", str(blueprint({"acceptance_window: 12h": "acceptance_window: 720m"})), "--json")
    assert [(one["path"], one["same_meaning"]) for one in said.json["changes"]] == [
        ("accounts.mirakl-fr/operator.acceptance_window", True)
    ]
    assert said.json["touched"] == []


def test_a_plan_with_mistakes_is_refused_with_every_finding_and_nothing_changes(
    default_in_force: Entrepot, blueprint: Write, rows: Rows
) -> None:
    path = blueprint({"owner: customer-care\n    may": "owner: nobody\n    may", "commission: #": "comission: #"})
    for words in (["plan"], ["apply", "--reason", "it must be"]):
        said = default_in_force(words[0], str(path), *words[1:])
        assert said.code == 3
        assert "failures.yaml:" in said.err and "systems.yaml:" in said.err and "comission" in said.err
    assert default_in_force("plan", str(path), "--json").json["findings"] != []
    assert len(rows("SELECT * FROM plan_change")) == 1


def test_an_apply_without_a_reason_is_no_apply(default_in_force: Entrepot, blueprint: Write, rows: Rows) -> None:
    said = default_in_force("apply", str(blueprint(WINDOW)))
    assert said.code == 2 and "say why" in said.err
    assert len(rows("SELECT * FROM plan_change")) == 1


def test_applied_and_rolled_back_the_history_says_who_and_why(
    default_in_force: Entrepot, blueprint: Write, rows: Rows
) -> None:
    path = blueprint(OBSERVED)
    newer = load(path).hash
    assert default_in_force("apply", str(path), "--reason", "shadow first", "--by", "Mari").code == 0
    assert rows("SELECT mode FROM flow WHERE name = 'order-acceptance'") == [{"mode": "observe"}]
    dry = default_in_force("rollback", the_default().hash[:6], "--dry-run", "--json")
    assert (dry.code, dry.json["rolled_back"], [one["hash"] for one in dry.json["undone"]]) == (0, False, [newer])
    assert default_in_force("rollback", the_default().hash, "--reason", "too early", "--by", "Ann").code == 0
    assert rows("SELECT mode FROM flow WHERE name = 'order-acceptance'") == [{"mode": "act"}]
    history = [
        (r["kind"], r["hash"], r["before"], r["by"], r["reason"])
        for r in rows("SELECT * FROM plan_change ORDER BY seq")
    ]
    assert history[1:] == [
        ("apply", newer, the_default().hash, "Mari", "shadow first"),
        ("rollback", the_default().hash, newer, "Ann", "too early"),
    ]


def test_an_unknown_plan_cannot_be_rolled_back_to(default_in_force: Entrepot) -> None:
    said = default_in_force("rollback", "0000", "--reason", "x")
    assert said.code == 2 and "no plan 0000" in said.err


def test_a_changed_file_on_disk_changes_nothing_until_it_is_applied(
    default_in_force: Entrepot, blueprint: Write
) -> None:
    """The verb stays allowed although the file on disk no longer allows it; the doctor says that they differ."""
    blueprint(
        {
            '    may: [retry, suppress, escalate]\n    cause: "No clear': '    may: [suppress, escalate]\n    cause: "No clear'
        }
    )
    assert default_in_force("case", "retry", "1001", "--dry-run").code == 0
    told: list[dict[str, Any]] = default_in_force("doctor", "--json").json["findings"]
    [differs] = [one for one in told if one["name"] == "blueprint" and one["verdict"] == "warn"]
    assert "in force" in differs["words"] and "entrepot apply" in differs["next"]


# ── flows ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_of_flows_gives_state_mode_and_the_proof_of_what_is_in_them(default_in_force: Entrepot) -> None:
    told = {one["name"]: one for one in default_in_force("flow", "list", "--json").json["flows"]}
    assert (told["settlement"]["state"], told["settlement"]["reason"]) == ("paused", "Migration")
    assert told["order-acceptance"]["mode"] == "act"
    assert told["order-acceptance"]["proof"] == {
        "messages": {"decided": 1, "parked": 1},
        "effects": {"parked": 1},
        "in_flight": 0,
    }
    assert default_in_force("flow", "list").out.splitlines()[0].startswith("Flow")


def test_an_emptied_flow_prints_its_proof_and_a_paused_one_its_end(default_in_force: Entrepot, rows: Rows) -> None:
    said = default_in_force(
        "flow", "empty", "order-acceptance", "--until", "2h", "--reason", "migration", "--by", "Mari", "--json"
    )
    assert (said.code, said.json["state"], said.json["proof"]["in_flight"]) == (0, "emptying", 0)
    said = default_in_force("flow", "pause", "order-acceptance", "--until", "2h", "--reason", "migration")
    assert "In flight: 0" in said.out
    assert default_in_force("flow", "resume", "order-acceptance", "--reason", "done").code == 0
    assert rows("SELECT state FROM flow WHERE name = 'order-acceptance'") == [{"state": "running"}]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("pause", "order-acceptance", "--until", "9h", "--reason", "x"), 5, "4h at most"),
        (("pause", "checkout-check", "--until", "1h", "--reason", "x"), 5, "does not let"),
        (("pause", "order-acceptance", "--until", "soon", "--reason", "x"), 2, "no length of time"),
        (("pause", "order-acceptance", "--until", "2026-03-02T09:00", "--reason", "x"), 2, "no zone"),
        (("pause", "order-acceptance", "--until", "1h"), 2, "say why"),
        (("empty", "nothing", "--until", "1h", "--reason", "x"), 2, "no flow"),
        (("replay", "payout", "--since", "2h", "--reason", "x"), 5, "never replayed"),
        (("replay", "order-creation", "--since", "2h", "--reason", "x"), 5, "--reviewed"),
        (("replay", "order-creation", "--since", "2h", "--mapping", "colours", "--dry-run"), 2, "shipping-type"),
    ],
)
def test_what_the_plan_does_not_allow_is_refused_in_words(
    default_in_force: Entrepot, words: tuple[str, ...], code: int, told: str
) -> None:
    said = default_in_force("flow", *words)
    assert said.code == code
    assert told in said.err


def test_a_replay_is_shown_record_by_record_and_runs_once_it_was_seen(default_in_force: Entrepot, rows: Rows) -> None:
    seen = default_in_force("flow", "replay", "order-acceptance", "--since", "2h", "--dry-run", "--json").json
    assert [(row["name"], row["verdict"]) for row in seen["rows"]] == [
        ("order C-1-A", "skip"),  # parked as a duplicate: decided in its case
        ("capture:C-1:eff_1", "send"),
    ]
    before = rows("SELECT state FROM effect")
    assert before == [{"state": "parked"}]
    ran = default_in_force(
        "flow",
        "replay",
        "order-acceptance",
        "--since",
        "2h",
        "--reason",
        "the gateway is back",
        "--reviewed",
        seen["digest"],
        "--json",
    )
    assert (ran.code, ran.json["ended"], ran.json["states"]) == (0, True, {"done": 1, "skipped": 1})
    assert rows("SELECT state FROM effect") == [{"state": "planned"}]
    assert rows("SELECT resolved_by FROM case_file WHERE number = 1001") == [{"resolved_by": "hub"}]
    page = default_in_force("flow", "replay", "order-acceptance", "--since", "2h", "--dry-run")
    assert "waits already" in page.out and "Digest of this plan" in page.out
