"""Cases at the terminal: what needs a person, and what the person decides."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli.said import Entrepot

from entrepot.kernel.ctx import Row

Rows = Callable[..., list[Row]]


def numbers(document: Mapping[str, Any]) -> list[int]:
    return [case["number"] for case in document["cases"]]


def test_the_list_shows_open_business_cases_with_what_they_mean_and_counts_the_system_faults(
    entrepot: Entrepot,
) -> None:
    said = entrepot("case", "list")
    head, first, end, beside = said.out.splitlines()
    assert said.code == 0
    assert head.split("  ")[0] == "Case"
    assert " ".join(first.split()) == "1002 16 h 42 min left on-call The basket is incomplete."
    assert end.startswith("1 case, 0 overdue. sandbox, Mon 2 Mar 2026 08:00")
    assert beside == "beside these: 1 system fault, --kind system"


def test_the_two_dead_letters_never_share_a_list(entrepot: Entrepot, owner: Callable[..., None]) -> None:
    owner("UPDATE case_file SET resolved_at = NULL, state = 'open', kind = 'system' WHERE number = 1003")
    for kind in ("business", "system"):
        said = entrepot("case", "list", "--json", "--kind", kind).json
        assert {case["kind"] for case in said["cases"]} == {kind}
    assert entrepot("case", "list", "--json").json["system_cases"] == 2


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], [1002]),
        (["--state", "suppressed"], []),
        (["--state", "ended"], [1003]),
        (["--state", "all"], [1002, 1003]),
        (["--kind", "system"], [1001]),
        (["--kind", "business"], [1002]),
        (["--mode", "unknown-outcome"], [1001]),
        (["--owner", "customer-care"], []),
        (["--owner", "on-call", "--account", "mirakl-fr/operator", "--flow", "order-acceptance"], [1002]),
        (["--find", "#1002"], [1002]),
        (["--find", "eff_1"], [1001]),
        (["--find", "basket:C-1", "--kind", "system"], [1001]),
    ],
)
def test_a_list_can_be_narrowed(entrepot: Entrepot, filters: list[str], found: list[int]) -> None:
    said = entrepot("case", "list", "--json", *filters)
    assert said.code == 0
    assert numbers(said.json) == found


def test_a_list_goes_on_where_the_page_before_ended(entrepot: Entrepot) -> None:
    first = entrepot("case", "list", "--json", "--state", "all", "--limit", "1").json
    second = entrepot("case", "list", "--json", "--state", "all", "--limit", "2", "--after", first["after"]).json
    assert (numbers(first), numbers(second), second["after"]) == ([1002], [1003], None)


def test_an_empty_list_is_no_failure(entrepot: Entrepot) -> None:
    said = entrepot("case", "list", "--owner", "nobody-at-all")
    assert (said.code, said.out, said.err) == (0, "No case of this kind.\n", "")


def test_json_gives_money_with_its_currency_and_times_in_utc(entrepot: Entrepot) -> None:
    faults, refusals = (entrepot("case", "list", "--json", "--kind", kind).json for kind in ("system", "business"))
    assert faults["cases"][0]["money"] == {"amount": "25.00", "currency": "EUR"}
    assert faults["cases"][0]["due_at"] == "2026-03-03T00:41:00Z"
    assert refusals["cases"][0]["money"] is None


def test_a_case_is_shown_with_its_effect_before_its_cause_and_the_payload_last(entrepot: Entrepot) -> None:
    said = entrepot("case", "show", "#1001")
    places = [
        said.out.index(words)
        for words in (
            "Case 1001 · Open · unknown-outcome (system)",
            "The basket is incomplete.",
            "Why: The seller refused.",
            "Owner: on-call",
            "At risk: 25.00 EUR",
            "What to do",
            "1. Look for it at the other side by its reference.",
            "entrepot case retry 1001 --reason",
            "Case opened by hub.",
            "Outgoing action gateway.capture",
            "Unclear result",
            '"amount_minor": 2500',
        )
    ]
    assert said.code == 0
    assert places == sorted(places)


def test_a_case_with_a_message_shows_what_arrived_to_the_digit(entrepot: Entrepot) -> None:
    assert '"total_price": 25.0\n' in entrepot("case", "show", "1002").out
    message = entrepot("case", "show", "case_1002", "--json").json["message"]
    assert message["body"] == {"order_id": "C-1-A", "order_state": "ON_ICE", "total_price": 25.0}
    assert (message["channel"], message["state"]) == ("webhook", "parked")


def test_an_ended_case_shows_who_ended_it_and_offers_no_verb(entrepot: Entrepot) -> None:
    out = entrepot("case", "show", "1003").out
    assert "by Mari: Suppressed" in out
    assert "You may" not in out


def test_what_others_wrote_does_not_steer_the_terminal(entrepot: Entrepot, owner: Callable[..., None]) -> None:
    owner("UPDATE case_file SET effect_text = %s WHERE number = 1001", "red \x1b[31m alert \x07")
    for said in (entrepot("case", "list", "--kind", "system"), entrepot("case", "show", "1001")):
        assert "red ?[31m alert ?" in said.out
        assert "\x1b" not in said.out


@pytest.mark.parametrize(
    "asked", ["4711", "case_4711", "#0", "99999999999999999999999", "ORD\udc80", "a\x00b", "'; --"]
)
def test_a_case_that_is_not_there_is_a_failure_and_no_usage_mistake(entrepot: Entrepot, asked: str) -> None:
    said = entrepot("case", "show", asked)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("entrepot: there is no case ")


def test_a_retry_sends_the_action_again_and_keeps_who_and_why(entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("case", "retry", "1001", "--reason", "looked: it is not there", "--by", "ana")
    assert said.code == 0
    assert "sent again with the same key" in said.out
    assert rows("SELECT state FROM effect WHERE id = 'eff_1'") == [{"state": "planned"}]
    [event] = rows("SELECT by, reason FROM case_event WHERE what = 'retry'")
    assert event == {"by": "ana", "reason": "looked: it is not there"}


def test_without_a_name_the_login_name_decides(entrepot: Entrepot, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "berta")
    entrepot("case", "suppress", "1002", "--reason", "a copy")
    assert rows("SELECT resolved_by FROM case_file WHERE number = 1002") == [{"resolved_by": "berta"}]


@pytest.mark.parametrize("verb", ["retry", "suppress", "escalate"])
def test_a_dry_run_tells_what_would_happen_and_changes_nothing(
    entrepot: Entrepot, rows: Rows, owner: Callable[..., None], verb: str
) -> None:
    owner("UPDATE case_file SET owner = 'order-desk' WHERE number = 1001")
    everything = "SELECT (SELECT jsonb_agg(c ORDER BY id) FROM case_file c) AS cases, (SELECT jsonb_agg(e ORDER BY id) FROM effect e) AS effects"
    before = rows(everything)
    said = entrepot("case", verb, "1001", "--dry-run")
    assert said.code == 0
    assert "Case 1001: not done yet:" in said.out
    assert rows(everything) == before


def test_a_dry_run_of_a_retry_shows_what_leaves_the_house(entrepot: Entrepot) -> None:
    [result] = entrepot("case", "retry", "1001", "--dry-run", "--json").json["results"]
    assert result["sends"] == ["gateway.capture to gateway/main, key capture:C-1:eff_1"]
    assert (result["done"], result["allowed"]) == (False, True)


def test_a_repair_lays_the_patch_over_the_message(entrepot: Entrepot, rows: Rows) -> None:
    seen = entrepot("case", "repair", "1002", "--patch", '{"order_state": "SHIPPING"}', "--dry-run")
    assert '-  "order_state": "ON_ICE",' in seen.out
    assert '+  "order_state": "SHIPPING",' in seen.out
    said = entrepot("case", "repair", "1002", "--patch", '{"order_state": "SHIPPING"}', "--reason", "they meant this")
    assert said.code == 0
    [repaired] = rows("SELECT body FROM message WHERE replaces = 'msg_1'")
    assert json.loads(bytes(repaired["body"]))["order_state"] == "SHIPPING"


def test_a_patch_may_come_from_a_file(entrepot: Entrepot, rows: Rows, tmp_path: Path) -> None:
    file = tmp_path / "patch.json"
    file.write_text('{"total_price": 26.10}')
    assert entrepot("case", "repair", "1002", "--patch-file", str(file), "--reason", "their price").code == 0
    [repaired] = rows("SELECT body FROM message WHERE replaces = 'msg_1'")
    assert b'"total_price":26.10' in bytes(repaired["body"])


def test_a_repair_without_a_change_is_refused_and_changes_nothing(entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("case", "repair", "1002", "--reason", "x")
    assert said.code == 1
    assert "refused: the repair changes nothing" in said.out
    assert rows("SELECT state FROM case_file WHERE number = 1002") == [{"state": "open"}]


def test_an_escalation_hands_the_case_to_the_team_above(
    entrepot: Entrepot, rows: Rows, owner: Callable[..., None]
) -> None:
    owner("UPDATE case_file SET owner = 'order-desk' WHERE number = 1002")
    assert entrepot("case", "escalate", "1002", "--reason", "too large for us").code == 0
    assert rows("SELECT owner, level FROM case_file WHERE number = 1002") == [{"owner": "marketplace-lead", "level": 1}]


@pytest.mark.parametrize(("verb", "number"), [("repair", "1001"), ("retry", "1002"), ("escalate", "1001")])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["really", "dry"])
def test_what_the_blueprint_does_not_allow_is_refused_with_5(
    entrepot: Entrepot, rows: Rows, verb: str, number: str, dry: list[str]
) -> None:
    """A repair of an unclear result, a retry of a duplicate, an escalation at the end of the line."""
    said = entrepot("case", verb, number, "--reason", "please", *dry)
    assert said.code == 5
    assert f"Case {number}: refused: " in said.out
    assert rows("SELECT count(*) AS n FROM case_file WHERE resolved_at IS NULL") == [{"n": 2}]


def test_a_verb_on_an_ended_case_does_nothing(entrepot: Entrepot) -> None:
    said = entrepot("case", "suppress", "1003", "--reason", "again")
    assert said.code == 1
    assert "was ended by Mari" in said.out


def test_several_cases_for_one_reason_end_with_the_gravest_code(entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("case", "suppress", "1001", "1002", "4711", "1002", "--reason", "test data", "--json")
    results = said.json["results"]
    assert said.code == 1
    assert [(r["case"], r["done"]) for r in results] == [(1001, True), (1002, True), ("4711", False)]
    assert rows("SELECT count(*) AS n FROM case_file WHERE resolved_at IS NULL") == [{"n": 0}]


def test_a_case_whose_mode_left_the_blueprint_says_so(entrepot: Entrepot, owner: Callable[..., None]) -> None:
    owner("UPDATE case_file SET mode = 'of-another-day' WHERE number = 1001")
    said = entrepot("case", "retry", "1001", "--reason", "x")
    assert said.code == 1
    assert "has no failure mode of-another-day" in said.out
    assert "of-another-day" in entrepot("case", "show", "1001").out


def test_a_decision_under_another_blueprint_than_the_running_one_is_told(
    entrepot: Entrepot, owner: Callable[..., None]
) -> None:
    owner("UPDATE installation SET plan_hash = 'feedfeedfeedfeed'")
    said = entrepot("case", "suppress", "1002", "--reason", "x", "--json")
    assert said.code == 0
    assert "the running processes use blueprint feedfeedfeedfeed" in said.err
    assert said.json["results"][0]["done"] is True


def test_a_case_held_by_somebody_else_is_no_unreachable_database(
    entrepot: Entrepot, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    from entrepot.cases import verbs

    monkeypatch.setattr(verbs, "BUSY_WAIT_S", 0)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM case_file WHERE number = 1002 FOR UPDATE")
        said = entrepot("case", "suppress", "1002", "--reason", "x")
    assert (said.code, said.out) == (1, "")
    assert "another transaction holds" in said.err
