"""The same cause of many objects is one case with a count and a list; who heals leaves, the last one closes it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from cases.desk import Desk, Listener, plan_with
from hypothesis import given
from hypothesis import strategies as st

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Alert, Plan
from entrepot.cases import grouping, obligations, queries, service
from entrepot.cases.model import CaseAsked, Promise, VerbDone, VerbRefused
from entrepot.cases.states import CaseState
from entrepot.kernel.ctx import Conn, Row

ACCOUNT, MODE = "mirakl-fr/operator", "unknown-word"
CAUSE = "order:state:ON_ICE"
PER_CAUSE = plan_with(load(), MODE, one_case_per="cause")
PER_SELLER = plan_with(load(), "leg-refused", one_case_per="seller")
PER_ACCOUNT = plan_with(load(), "effect-refused", one_case_per="account")
BY, WHY = "Ada", "they told us what the word means"


def word(number: int, message_id: str | None = None, cause_key: str = CAUSE, **more: Any) -> CaseAsked:
    name = f"ORD-{number}"
    asked: dict[str, Any] = {"cause": f"“ON_ICE” of {name}", "money_minor": 100} | more
    return CaseAsked(MODE, ACCOUNT, "message", name, message_id=message_id, cause_key=cause_key, name=name, **asked)


def open_all(desk: Desk, asked: Sequence[CaseAsked], plan: Plan = PER_CAUSE) -> list[str]:
    with desk.ctx.db.transaction() as conn:
        return service.open_cases(conn, desk.ctx, plan, asked)


def close(desk: Desk, *numbers: int) -> int:
    with desk.ctx.db.transaction() as conn:
        keys = [(MODE, "message", f"ORD-{number}") for number in numbers]
        return service.close_many(conn, desk.ctx, keys, "it was understood after all")


def members(desk: Desk, case_id: str) -> dict[str, bool]:
    """By name: does it still fail?"""
    rows = desk.rows("SELECT name, gone_at FROM case_member WHERE case_id = %s ORDER BY name", case_id)
    return {row["name"]: row["gone_at"] is None for row in rows}


def figures(row: Row) -> tuple[int, int, int]:
    return row["members"], row["members_seen"], row["money_minor"]


# ── joining ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_objects_of_one_cause_are_one_case_with_a_count_a_list_and_their_money_together(desk: Desk) -> None:
    ids = open_all(desk, [word(1), word(2), word(3)])
    assert len(set(ids)) == 1
    case = desk.case(ids[0])
    assert (case["object"], case["object_id"], case["grouped_by"]) == ("cause", f"{ACCOUNT}:{CAUSE}", "cause")
    assert figures(case) == (3, 3, 300)
    assert "ORD-1 and others" in case["effect_text"]
    assert case["title"] == f"Unknown word: {CAUSE}"
    assert desk.story(ids[0]) == ["opened", "member", "member", "member"]


def test_another_cause_or_another_account_is_another_case(desk: Desk) -> None:
    ids = open_all(desk, [word(1), word(2, cause_key="order:state:MELTED"), word(3)])
    assert ids[0] == ids[2] != ids[1]


def test_a_failure_that_does_not_say_its_cause_stands_alone(desk: Desk) -> None:
    ids = open_all(desk, [word(1, cause_key=""), word(2, cause_key="")])
    assert len(set(ids)) == 2
    assert {desk.case(id_)["grouped_by"] for id_ in ids} == {"object"}


def test_a_member_that_fails_again_is_counted_on_itself_and_joins_only_once(desk: Desk) -> None:
    [case_id] = set(open_all(desk, [word(1), word(1)]))
    open_all(desk, [word(1, money_minor=700), word(2)])
    assert figures(desk.case(case_id)) == (2, 2, 800)
    assert desk.case(case_id)["count"] == 4
    assert desk.rows("SELECT name, count FROM case_member ORDER BY name") == [
        {"name": "ORD-1", "count": 3},
        {"name": "ORD-2", "count": 1},
    ]


def test_an_object_that_fails_for_another_reason_now_leaves_the_group_it_was_in(desk: Desk) -> None:
    first = open_all(desk, [word(1), word(2)])[0]
    second = open_all(desk, [word(1, cause_key="order:state:MELTED")])[0]
    assert members(desk, first) == {"ORD-1": False, "ORD-2": True}
    assert members(desk, second) == {"ORD-1": True}
    third = open_all(desk, [word(2, cause_key="order:state:MELTED")])[0]
    assert third == second
    assert (desk.case(first)["state"], desk.case(second)["members"]) == ("closed", 2)


def test_within_one_batch_the_last_reason_of_an_object_counts(desk: Desk) -> None:
    first, second = open_all(desk, [word(1), word(1, cause_key="order:state:MELTED")])
    assert members(desk, second) == {"ORD-1": True}
    assert (members(desk, first), desk.case(first)["members"]) == ({}, 0)


def test_amounts_of_another_currency_stand_in_the_list_and_not_in_the_sum(desk: Desk) -> None:
    case_id = open_all(desk, [word(1), word(2, currency="JPY", money_minor=5000)])[0]
    case = desk.case(case_id)
    assert (case["currency"], case["money_minor"]) == ("JPY", 5000)
    rows = desk.rows("SELECT currency, money_minor FROM case_member ORDER BY name")
    assert [(r["currency"], r["money_minor"]) for r in rows] == [("EUR", 100), ("JPY", 5000)]


def test_a_sellers_refusals_are_one_case_of_his_and_the_next_sellers_another(desk: Desk) -> None:
    asked = [CaseAsked("leg-refused", ACCOUNT, "leg", f"L-{n}", seller=str(2000 + n % 2)) for n in range(6)]
    ids = open_all(desk, asked, PER_SELLER)
    assert len(set(ids)) == 2
    assert {desk.case(id_)["object_id"] for id_ in ids} == {f"{ACCOUNT}:2000", f"{ACCOUNT}:2001"}


def test_a_storm_of_ten_thousand_members_is_a_handful_of_statements_and_one_alert(
    desk: Desk, listener: Listener
) -> None:
    said: list[str] = []
    with desk.ctx.db.transaction() as conn:
        service.open_cases(_counting(conn, said), desk.ctx, PER_CAUSE, [word(n) for n in range(10_000)])
    assert len(said) < 20
    [case] = desk.rows("SELECT * FROM case_file")
    assert figures(case) == (10_000, 10_000, 1_000_000)
    assert desk.notify() == 2
    assert len({notice.key.rpartition(":")[0] for notice, _ in listener.heard}) <= 2
    assert "10000 of one cause" in listener.heard[0][0].subject
    assert "Of the same cause: 10000" in listener.heard[0][0].body

    said.clear()
    with desk.ctx.db.transaction() as conn:
        keys = [(MODE, "message", f"ORD-{n}") for n in range(9_999)]
        assert service.close_many(_counting(conn, said), desk.ctx, keys, "understood") == 9_999
    assert len(said) < 10
    assert desk.rows("SELECT members FROM case_file") == [{"members": 1}]


def _counting(conn: Conn, said: list[str]) -> Conn:
    """The same connection, remembering every statement."""

    class Counted:
        def execute(self, query: Any, *more: Any, **options: Any) -> Any:
            said.append(str(query))
            return conn.execute(query, *more, **options)

    return Counted()  # type: ignore[return-value]  # only `execute` is used here


@given(st.text(min_size=1, max_size=400), st.text(min_size=1, max_size=400))
def test_a_groups_name_fits_an_index_and_two_causes_never_share_it(one: str, other: str) -> None:
    keys = [grouping.key_of(PER_CAUSE, word(1, cause_key=cause)) for cause in (one, other)]
    assert all(len(key[2]) <= grouping.NAME_MAX for key in keys)
    assert (keys[0] == keys[1]) is (one == other)


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_members_that_heal_leave_and_the_last_one_closes_the_case(desk: Desk) -> None:
    case_id = open_all(desk, [word(1), word(2), word(3)])[0]
    assert close(desk, 1, 3) == 2
    assert figures(desk.case(case_id)) == (1, 3, 100)
    assert desk.case(case_id)["state"] == "open"
    assert close(desk, 1) == 0
    assert close(desk, 2) == 1
    case = desk.case(case_id)
    assert (case["state"], case["resolved_verb"], case["members"]) == ("closed", "cause-gone", 0)
    assert members(desk, case_id) == {"ORD-1": False, "ORD-2": False, "ORD-3": False}


def test_one_that_comes_back_is_a_member_again(desk: Desk) -> None:
    case_id = open_all(desk, [word(1), word(2)])[0]
    close(desk, 1)
    assert open_all(desk, [word(1)])[0] == case_id
    assert figures(desk.case(case_id)) == (2, 2, 200)


def test_after_a_groups_end_the_same_cause_is_a_new_case_that_links_back(desk: Desk) -> None:
    first = open_all(desk, [word(1)])[0]
    close(desk, 1)
    second = open_all(desk, [word(1)])[0]
    assert desk.case(second)["reopens"] == first
    assert members(desk, second) == {"ORD-1": True}


def test_a_broken_promise_leaves_its_group_when_it_is_kept(desk: Desk) -> None:
    plan = plan_with(load(), "ack-at-risk", one_case_per="account")
    at_risk = [Promise("acknowledge", "order-acceptance", ACCOUNT, "leg", f"L-{n}", "r", "ack-at-risk", "", desk.clock.now(), desk.clock.now() + timedelta(hours=12)) for n in range(2)]  # fmt: skip
    with desk.ctx.db.transaction() as conn:
        obligations.promise(conn, desk.ctx, plan, at_risk)
    desk.plan = plan
    desk.later(hours=11)
    desk.watch()
    [case] = desk.rows("SELECT * FROM case_file")
    assert (case["members"], case["own_steps"]) == (2, True)
    with desk.ctx.db.transaction() as conn:
        obligations.meet(conn, desk.ctx, "acknowledge", "leg", ["L-0"], desk.clock.now())
    assert desk.case(case["id"])["members"] == 1
    with desk.ctx.db.transaction() as conn:
        obligations.meet(conn, desk.ctx, "acknowledge", "leg", ["L-1"], desk.clock.now())
    assert desk.case(case["id"])["state"] == "closed"


# ── verbs on all of them ─────────────────────────────────────────────────────────────────────────────────────


def stuck(desk: Desk, *bodies: bytes) -> tuple[str, list[str]]:
    messages = [desk.message(body, f"ORD-{n}") for n, body in enumerate(bodies)]
    ids = open_all(desk, [word(n, message_id) for n, message_id in enumerate(messages)])
    return ids[0], messages


def test_a_verb_says_how_many_it_reaches_and_reaches_all_of_them(desk: Desk) -> None:
    case_id, messages = stuck(desk, b"{}", b'{"a": 1}', b'{"a": 2}')
    seen = service.preview(desk.ctx, PER_CAUSE, case_id, "retry")
    assert (seen.allowed, seen.members) == (True, 3)
    assert "all 3 members" in seen.words
    assert isinstance(service.retry(desk.ctx, PER_CAUSE, case_id, BY, WHY), VerbDone)
    assert {desk.message_row(m)["state"] for m in messages} == {"new"}
    assert (desk.case(case_id)["state"], desk.case(case_id)["members"]) == (CaseState.RESOLVED, 0)
    with desk.ctx.db.transaction() as conn:
        assert queries.without_owner(conn) == 0


def test_a_member_that_left_for_another_case_is_reached_there_and_not_here(desk: Desk) -> None:
    case_id, messages = stuck(desk, b'{"a": 1}', b'{"a": 2}')
    other = open_all(desk, [word(1, messages[1], cause_key="order:state:MELTED")])[0]
    assert service.preview(desk.ctx, PER_CAUSE, case_id, "suppress").members == 1
    service.suppress(desk.ctx, PER_CAUSE, case_id, BY, WHY)
    assert [desk.message_row(m)["state"] for m in messages] == ["suppressed", "parked"]
    assert desk.case(other)["members"] == 1


def test_one_patch_repairs_every_member_and_whom_it_does_not_fit_stays_with_the_case(desk: Desk) -> None:
    steps = [
        {"op": "test", "path": "/state", "value": "ON_ICE"},
        {"op": "replace", "path": "/state", "value": "SHIPPED"},
    ]
    case_id, messages = stuck(desk, b'{"state": "ON_ICE"}', b'{"state": "ON_ICE", "x": 1}', b'{"state": "MELTED"}')
    seen = service.preview(desk.ctx, PER_CAUSE, case_id, "repair", steps)
    assert (seen.members, seen.left, seen.after) == (2, 1, {"state": "SHIPPED"})
    done = service.repair(desk.ctx, PER_CAUSE, case_id, BY, WHY, steps)
    assert isinstance(done, VerbDone)
    assert "stays open for 1" in done.words
    assert [desk.message_row(m)["state"] for m in messages] == ["replaced", "replaced", "parked"]
    assert members(desk, case_id) == {"ORD-0": False, "ORD-1": False, "ORD-2": True}
    assert (desk.case(case_id)["state"], desk.case(case_id)["members"]) == ("open", 1)
    new = desk.rows("SELECT external_id, body FROM message WHERE replaces IS NOT NULL ORDER BY seq")
    assert [row["external_id"] for row in new] == ["ORD-0", "ORD-1"]


def test_a_patch_that_fits_none_of_them_is_refused_and_changes_nothing(desk: Desk) -> None:
    case_id, messages = stuck(desk, b"{}", b'{"a": 1}')
    refused = service.repair(desk.ctx, PER_CAUSE, case_id, BY, WHY, [{"op": "remove", "path": "/state"}])
    assert isinstance(refused, VerbRefused)
    assert "the content has no /state" in refused.why
    assert {desk.message_row(m)["state"] for m in messages} == {"parked"}


def refused_effects(desk: Desk, *states: str) -> tuple[str, list[str]]:
    effects = [desk.effect(f"capture:ORD-{n}", state) for n, state in enumerate(states)]
    asked = [CaseAsked("effect-refused", "gateway/main", "effect", e, root="basket:ORD-1", effect_id=e, flow="capture") for e in effects]  # fmt: skip
    return open_all(desk, asked, PER_ACCOUNT)[0], effects


def test_outgoing_actions_of_a_group_are_sent_again_together_and_unclear_ones_read_back(desk: Desk) -> None:
    case_id, effects = refused_effects(desk, "refused", "parked", "unknown")
    seen = service.preview(desk.ctx, PER_ACCOUNT, case_id, "retry")
    assert (seen.members, len(seen.sends)) == (3, 3)
    assert isinstance(service.retry(desk.ctx, PER_ACCOUNT, case_id, BY, WHY), VerbDone)
    assert [desk.effect_row(e)["state"] for e in effects] == ["planned", "planned", "unknown"]


def test_an_action_that_is_being_sent_is_left_out_and_keeps_the_case_open(desk: Desk) -> None:
    case_id, effects = refused_effects(desk, "refused", "refused")
    with desk.ctx.db.transaction() as conn:
        until = desk.clock.machine()
        conn.execute(
            "UPDATE effect SET state = 'sending', claimed_epoch = 1, incarnation = 'i', send_until = %s WHERE id = %s",
            (until, effects[1]),
        )
    assert service.preview(desk.ctx, PER_ACCOUNT, case_id, "suppress").left == 1
    service.suppress(desk.ctx, PER_ACCOUNT, case_id, BY, WHY)
    assert [desk.effect_row(e)["state"] for e in effects] == ["void", "sending"]
    assert (desk.case(case_id)["state"], desk.case(case_id)["members"]) == ("open", 1)


def test_a_repair_of_a_groups_actions_reaches_each_under_a_key_of_its_own(desk: Desk) -> None:
    case_id, effects = refused_effects(desk, "refused", "refused")
    steps = [{"op": "replace", "path": "/amount_minor", "value": 2400}]
    assert isinstance(service.repair(desk.ctx, PER_ACCOUNT, case_id, BY, WHY, steps), VerbDone)
    assert [desk.effect_row(e)["state"] for e in effects] == ["void", "void"]
    rows = desk.rows("SELECT key, payload FROM effect WHERE state = 'planned' ORDER BY key")
    assert [(r["key"], r["payload"]["amount_minor"]) for r in rows] == [
        ("capture:ORD-0:r2", 2400),
        ("capture:ORD-1:r2", 2400),
    ]


# ── alerts as the mode says ──────────────────────────────────────────────────────────────────────────────────


def test_an_alert_that_waits_is_dropped_when_the_case_closes_before(desk: Desk, listener: Listener) -> None:
    plan = plan_with(load(), MODE, alert=Alert.model_validate({"for": "10m"}))
    first = open_all(desk, [word(1)], plan)[0]
    open_all(desk, [word(2)], plan)
    desk.later(minutes=5)
    assert desk.notify() == 0
    close(desk, 1)
    desk.later(minutes=6)
    assert desk.notify() == 2
    assert {notice.subject.partition("(")[0] for notice, _ in listener.heard} == {"[sandbox] case 2 "}
    states = desk.rows("SELECT DISTINCT state FROM alert WHERE case_id = %s", first)
    assert states == [{"state": "dropped"}]


def test_nobody_hears_of_a_few_and_of_more_than_that_everybody_of_all(desk: Desk, listener: Listener) -> None:
    plan = plan_with(load(), MODE, alert=Alert(above=2))
    open_all(desk, [word(1, cause_key=""), word(2, cause_key="")], plan)
    assert desk.notify() == 0
    open_all(desk, [word(3, cause_key="")], plan)
    desk.notify()
    assert {notice.subject.split(" ")[2] for notice, _ in listener.heard} == {"1", "2", "3"}
    listener.heard.clear()
    open_all(desk, [word(1, cause_key="")], plan)
    assert desk.notify() == 0  # said once


def test_a_groups_members_count_and_so_does_its_money(desk: Desk) -> None:
    grouped = plan_with(PER_CAUSE, MODE, alert=Alert(above=2))
    open_all(desk, [word(1), word(2)], grouped)
    assert desk.notify() == 0
    open_all(desk, [word(3)], grouped)
    assert desk.notify() == 2
    rich = plan_with(load(), MODE, alert=Alert(measure="money-at-risk", above=1_000))
    open_all(desk, [word(4, cause_key="", money_minor=500)], rich)
    assert desk.notify() == 0
    open_all(desk, [word(5, cause_key="", money_minor=600)], rich)
    assert desk.notify() > 0


def test_a_rule_about_the_time_left_keeps_the_first_alert_until_then(desk: Desk) -> None:
    plan = plan_with(load(), MODE, alert=Alert(where="remaining < 50%"))
    case_id = open_all(desk, [word(1)], plan)[0]
    [due] = {row["due_at"] for row in desk.rows("SELECT due_at FROM alert")}
    case = desk.case(case_id)
    team = plan.team(case["owner"])
    assert due == team.hours.share_at(case["opened_at"], case["due_at"], 50)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("account = gateway/main", 0),
        (f"account = {ACCOUNT}", 2),
        ("moon = full", 2),
        (f"cause = {CAUSE} | other", 2),
        (f"cause != {CAUSE}", 0),
        (f"account = {ACCOUNT} and kind = system", 0),
        (f"account = {ACCOUNT} and kind = business", 2),
        ("money > 0.99", 2),
        ("money > 1", 0),
        ("money < 1.000001", 0),  # finer than a cent: 1 EUR
        ("members > 0", 2),
        ("members > 1", 0),
        ("count < 2 and currency = EUR", 2),
    ],
)
def test_a_rule_about_an_account_keeps_the_others_back_and_one_nobody_understands_nothing(
    desk: Desk, where: str, told: int
) -> None:
    open_all(desk, [word(1)], plan_with(load(), MODE, alert=Alert(where=where)))
    assert desk.notify() == told


def test_a_rule_about_how_many_tells_when_there_are_so_many_and_once(desk: Desk) -> None:
    plan = plan_with(load(), MODE, one_case_per="cause", alert=Alert(where="members > 2"))
    open_all(desk, [word(1), word(2)], plan)
    assert desk.notify() == 0
    open_all(desk, [word(3)], plan)
    assert desk.notify() == 2
    open_all(desk, [word(4)], plan)
    assert desk.notify() == 0
