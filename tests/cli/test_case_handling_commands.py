"""Handling cases, ownership questions and hidden rules at the terminal."""

from collections.abc import Callable
from typing import Any

import pytest
from cli.said import Entrepot

from entrepot.blueprint.load import load
from entrepot.kernel.ctx import Row

Rows = Callable[..., list[Row]]


def case(rows: Rows, number: int) -> Row:
    return rows("SELECT * FROM case_file WHERE number = %s", number)[0]


def test_a_case_is_taken_up_waited_for_assigned_and_noted(entrepot: Entrepot, rows: Rows) -> None:
    assert entrepot("case", "working", "1002", "--by", "Ada").code == 0
    assert (case(rows, 1002)["state"], case(rows, 1002)["assignee"]) == ("working", "Ada")
    assert "waits for seller 20A" in entrepot("case", "waiting", "1002", "--on", "seller 20A", "--by", "Ada").out
    said = entrepot(
        "case", "assign", "1002", "--to", "order-desk", "--reason", "they know him", "--by", "Ada", "--json"
    )
    assert (said.json["done"], said.json["deed"]) == (True, "assign")
    assert entrepot("case", "note", "1002", "--text", "he answers on Monday", "--by", "Ada").code == 0
    shown = entrepot("case", "show", "1002").out
    assert "With: order-desk waits for seller 20A" in shown
    assert "he answers on Monday" in shown
    assert "(order-desk)" in entrepot("case", "list").out


def test_another_team_may_note_but_not_decide(entrepot: Entrepot, rows: Rows) -> None:
    said = entrepot("case", "suppress", "1002", "--reason", "x", "--as", "finance-operations")
    assert said.code == 5
    assert "case 1002 is on-call's" in said.out
    assert entrepot("case", "assign", "1002", "--to", "me", "--as", "finance-operations").code == 5
    assert entrepot("case", "suppress", "1002", "--dry-run", "--as", "finance-operations", "--json").code == 5
    assert entrepot("case", "note", "1002", "--text", "see the refund", "--as", "finance-operations").code == 0
    assert case(rows, 1002)["state"] == "open"
    assert entrepot("case", "suppress", "1002", "--reason", "x", "--as", "on-call").code == 0


@pytest.mark.parametrize(("until", "left_s"), [("3d", 259_200), ("8h", 28_800), ("2026-03-03T08:00:00Z", 86_400)])
def test_a_case_is_suppressed_for_a_while_and_stands_in_its_own_list(
    entrepot: Entrepot, rows: Rows, until: str, left_s: int
) -> None:
    assert "hears of it" in entrepot("case", "suppress", "1002", "--until", until, "--dry-run").out
    assert entrepot("case", "suppress", "1002", "--until", until, "--reason", "known").code == 0
    row = case(rows, 1002)
    assert row["state"] == "suppressed"
    now = entrepot("case", "list", "--json").json["business_now"]
    [left] = rows(
        "SELECT extract(epoch FROM suppressed_until - %s::timestamptz) AS s FROM case_file WHERE number = 1002", now
    )
    assert abs(left["s"] - left_s) < 60
    assert entrepot("case", "list", "--kind", "business").out.startswith("No case of this kind.")
    assert "quiet until" in entrepot("case", "list", "--state", "suppressed").out
    assert "Suppressed until:" in entrepot("case", "show", "1002").out


def test_a_repair_of_operations_shows_what_it_changes_and_all_that_does_not_fit(entrepot: Entrepot, rows: Rows) -> None:
    steps = '[{"op": "replace", "path": "/order_state", "value": "SHIPPED"}, {"op": "remove", "path": "/total_price"}]'
    said = entrepot("case", "repair", "1002", "--patch", steps, "--dry-run")
    assert '-  "order_state": "ON_ICE",' in said.out
    assert '+  "order_state": "SHIPPED"' in said.out
    wrong = '[{"op": "remove", "path": "/x"}, {"op": "test", "path": "/order_state", "value": "y"}]'
    said = entrepot("case", "repair", "1002", "--patch", wrong, "--dry-run")
    assert said.code == 1
    assert "operation 1 (remove /x): the content has no /x" in said.out
    assert 'operation 2 (test /order_state): there stands "ON_ICE", not "y"' in said.out
    assert entrepot("case", "repair", "1002", "--patch", steps, "--reason", "their word").code == 0
    [row] = rows("SELECT body FROM message WHERE replaces = 'msg_1'")
    assert b"total_price" not in bytes(row["body"])


def test_the_members_of_a_group_are_shown_and_a_member_is_found_by_its_name(
    entrepot: Entrepot, owner: Callable[..., None]
) -> None:
    owner("UPDATE case_file SET grouped_by = 'cause', members = 1, members_seen = 2 WHERE number = 1002")
    for name, gone in (("C-7-A", None), ("C-8-A", "it was understood")):
        owner(
            "INSERT INTO case_member (case_id, mode, object, object_id, name, account, cause_text, seen_at, gone_at, gone_because)"
            " SELECT id, mode, 'message', %s, %s, account, 'ON_ICE', opened_at, CASE WHEN %s::text IS NULL THEN NULL ELSE opened_at END, %s"
            " FROM case_file WHERE number = 1002",
            name, name, gone, gone,
        )  # fmt: skip
    shown = entrepot("case", "show", "1002").out
    assert "Members: 1 still fail, 2 ever" in shown
    assert "Message C-8-A gone" in shown
    assert "[1 of 2 members]" in entrepot("case", "list").out
    document = entrepot("case", "show", "1002", "--json").json
    assert [member["name"] for member in document["members"]] == ["C-7-A", "C-8-A"]
    assert [found["number"] for found in entrepot("case", "list", "--find", "C-7-A", "--json").json["cases"]] == [1002]


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_raised_from_a_case_decided_and_closed_by_the_plan_that_holds_it(entrepot: Entrepot) -> None:
    said = entrepot("question", "raise", "Who owns this order's state?", "--case", "1002", "--by", "Ada", "--json")
    number = str(said.json["question"])
    assert said.code == 0
    listed = entrepot("question", "list").out
    assert "on-call, due" in listed
    assert "Who owns this order's state? (case 1002)" in listed
    assert f"Question {number} (raised)" in entrepot("case", "show", "1002").out
    assert entrepot("question", "decide", number, "--in-plan", load().hash).code == 1
    assert entrepot("question", "decide", number, "--decision", "the seller", "--by", "Grace").code == 0
    assert "→ the seller" in entrepot("question", "list", "--state", "decided").out
    assert entrepot("question", "decide", number, "--in-plan", "feedbeef").code == 1
    assert entrepot("question", "decide", number, "--in-plan", load().hash, "--by", "Grace").code == 0
    document: list[dict[str, Any]] = entrepot("question", "list", "--json").json["questions"]
    assert [(q["state"], q["in_plan"]) for q in document] == [("in-blueprint", load().hash)]


def test_an_empty_desk_says_so(entrepot: Entrepot) -> None:
    assert "No question is open" in entrepot("question", "list").out
    assert "Nothing was decided for more than 3 cases" in entrepot("question", "rules").out
    said = entrepot("question", "raise", "Who?", "--case", "4711")
    assert (said.code, "there is no case 4711" in said.out) == (1, True)


def test_hidden_rules_name_their_count_people_and_cases(entrepot: Entrepot, owner: Callable[..., None]) -> None:
    owner("UPDATE case_file SET resolved_at = NULL, state = 'open' WHERE number = 1003")
    for number, by in (("1002", "Ada"), ("1003", "Grace")):
        assert entrepot("case", "suppress", number, "--reason", f"test order {number}", "--by", by).code == 0
    assert "Nothing was decided" in entrepot("question", "rules").out
    owner("UPDATE case_file SET mode = 'leg-refused'")
    said = entrepot("question", "rules", "--more-than", "1")
    assert "2 times: suppress of leg-refused (test order #)" in said.out
    assert "by Ada, Grace; cases 1003, 1002" in said.out
    assert entrepot("question", "rules", "--more-than", "1", "--json").json["rules"][0]["count"] == 2


def test_find_tells_which_system_calls_it_what(entrepot: Entrepot) -> None:
    said = entrepot("find", "C-1-A")
    assert "mirakl-fr/operator calls it mirakl_order_id C-1-A" in said.out
    found = entrepot("find", "C-1-A", "--json").json["found"]
    assert found[0]["called"] == ["mirakl-fr/operator calls it mirakl_order_id C-1-A"]


def test_the_plans_own_questions_are_listed_and_answered_by_their_name(entrepot: Entrepot) -> None:
    out = entrepot("question", "list").out
    assert "Asked by the plan itself" in out and "floor-of-categories" in out
    said = entrepot("question", "decide", "floor-of-categories", "--decision", "commerce", "--by", "Ada")
    assert said.code == 0 and "take floor-of-categories out of its questions" in said.out
    found = {one["name"]: one for one in entrepot("question", "list", "--json").json["plan_questions"]}
    answered = found["floor-of-categories"]
    assert (answered["state"], answered["decision"], answered["decided_by"]) == ("decided", "commerce", "Ada")
    assert found["commission-on-goodwill"]["state"] == "raised"
    assert entrepot("question", "decide", "nobody-asks", "--decision", "x").code == 2
