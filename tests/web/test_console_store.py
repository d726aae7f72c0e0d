"""What the console reads from the database, and that the four verbs of its pages reach it."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from plan_text import source, whole
from starlette.testclient import TestClient
from web.console_rows import Day

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.change import service
from entrepot.change.source import read_source
from entrepot.engine.flows import set_modes
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.money import Money
from entrepot.web.app import create_app
from entrepot.web.ports import Verb
from entrepot.web.store import ConsoleStore
from entrepot.web.store.common import BrokenLink
from entrepot.web.views import BasketFilter, CaseFilter, StatementFilter, StepState, Tone

PLAN = load()


@dataclass(frozen=True)
class RealHub:
    ctx: Ctx
    plan: Plan


@pytest.fixture
def store(ctx: Ctx) -> ConsoleStore:
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).whole()
    return ConsoleStore(ctx.db, PLAN)


@pytest.fixture
def browser(ctx: Ctx, store: ConsoleStore) -> Iterator[TestClient]:
    with TestClient(create_app(RealHub(ctx, PLAN)), base_url="http://127.0.0.1:8400", follow_redirects=False) as client:
        yield client


PAGES = (
    "/", "/cases", "/cases?show=resolved", "/cases?show=overdue", "/cases?show=due-soon&kind=system&owner=on-call",
    "/cases?open=case_1001", "/cases/case_1001", "/cases/case_1002", "/cases/case_1003", "/cases/case_1001/retry",
    "/cases/case_1002/repair", "/cases/bulk?verb=suppress&case=case_1001&case=case_1002", "/cases.csv", "/orders",
    "/orders?leg=refused", "/orders/bas_1", "/messages/msg_1", "/actions/eff_1", "/settlement",
    "/settlement?show=differs&author=marketplace", "/settlement/stm_1", "/settlement/stm_1?lines=variance", "/flows", "/plan",
    "/flows/settlement/resume", "/find?q=C-1", "/questions", "/cases?kind=system", "/cases?show=suppressed",
    "/cases/case_1002/handle/assign", "/cases/case_1002/handle/question",
    "/flows/settlement/resume", "/find?q=C-1", "/offers", "/corrections", "/ownership", "/ownership/offer", "/map", "/systems/mirakl-fr",
    "/runbooks", "/runbooks/leg-refused", "/identifiers", "/identifiers?q=C-1", "/risks", "/risks.csv",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_the_real_day(browser: TestClient, page: str) -> None:
    assert browser.get(page).status_code in (200, 303)


@pytest.mark.parametrize(
    "page", ["/", "/cases", "/orders", "/settlement", "/flows", "/plan", "/find?q=C-1", "/questions"]
)
def test_every_page_of_an_empty_hub_says_that_there_is_nothing(ctx: Ctx, page: str) -> None:
    with TestClient(create_app(RealHub(ctx, PLAN)), base_url="http://127.0.0.1:8400") as browser:
        answer = browser.get(page)
        assert answer.status_code == 200
        assert "empty-note" in answer.text


def test_the_cases_come_by_due_time_and_every_page_starts_after_the_last(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = Day(conn, ctx.clock.now())
        for number in range(2000, 2120):
            day.case(number, object_id=f"leg_{number}", due_at=day.ahead(minutes=number % 7))
    seen, after, pages = [], "", 0
    while True:
        page = store.cases(CaseFilter(after=after), ctx.clock.now())
        seen += [(row.due_at, row.id) for row in page.rows]
        pages, after = pages + 1, page.next_after
        if not after:
            break
    assert pages == 3
    assert seen == sorted(seen)
    assert len(set(seen)) == page.total == 122
    assert [row.id for row in store.every_case(CaseFilter(), ctx.clock.now())] == [row_id for _, row_id in seen]


def test_resolved_cases_leave_the_open_list_and_come_newest_first(ctx: Ctx, store: ConsoleStore) -> None:
    assert [row.number for row in store.cases(CaseFilter(), ctx.clock.now()).rows] == [1001, 1002]
    assert [row.number for row in store.cases(CaseFilter(show="resolved"), ctx.clock.now()).rows] == [1003]
    assert store.open_case_count() == 2


def test_a_case_is_named_by_what_people_call_its_object(store: ConsoleStore) -> None:
    row = store.case_row("case_1003")
    assert row is not None
    assert row.subject == "Seller order C-1-B"
    assert row.money == Money(2500, "EUR")


def test_no_sentence_of_a_case_speaks_of_our_own_ids(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = Day(conn, ctx.clock.now())
        day.case(
            1500,
            mode="ack-at-risk",
            object_id="leg_C-1-A",
            effect_text="Order leg_C-1-A worth 25.00 EUR will be refused.",
        )
        name = "stm_1:commission-rate-differs"
        day.case(
            1501,
            mode="settlement-variance",
            object="statement",
            object_id=name,
            effect_text=f"0.12 EUR of statement {name} is disputed.",
            title=f"Settlement variance: statement {name}",
        )
    at_risk, differs = store.case("case_1500"), store.case("case_1501")
    assert at_risk is not None and differs is not None
    assert (at_risk.row.title, at_risk.row.subject) == ("Acknowledgement at risk", "Seller order C-1-A")
    assert at_risk.row.effect == "Order C-1-A worth 25.00 EUR will be refused."
    assert differs.row.title == "Settlement variance"
    assert differs.row.effect == "0.12 EUR of statement voucher V-stm_1 (commission rate differs) is disputed."
    assert "/settlement/stm_1" in {link.href for link in differs.related}


def test_an_alert_on_several_channels_is_said_once(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = Day(conn, ctx.clock.now())
        for channel in ("mail", "hook"):
            day.add(
                "alert",
                id=f"alr_{channel}",
                key=f"case_1001:50:{channel}",
                case_id="case_1001",
                team="on-call",
                channel=channel,
                subject="[sandbox] 50 % of the time used: case 1001 (x): y",
                body="…",
                state="sent",
                planned_at=day.now,
                due_at=day.now,
                sent_at=day.now,
            )
    case = store.case("case_1001")
    assert case is not None
    assert [(entry.what, entry.by) for entry in case.timeline][-1] == (
        "Alert sent: 50 % of the time used",
        "to on call on 2 channels",
    )


def test_a_case_of_an_outgoing_action_shows_its_attempts_and_a_command_without_the_key(store: ConsoleStore) -> None:
    case = store.case("case_1001")
    assert case is not None
    assert [(row.outcome.word, row.detail) for row in case.attempts] == [
        ("Later", "POST http://127.0.0.1:1/v1/captures → 429"),
        ("Unclear result", "POST http://127.0.0.1:1/v1/captures → no answer"),
    ]
    assert case.curl.startswith("curl -X POST 'http://127.0.0.1:1/v1/captures'")
    assert '"Authorization: $KEY"' in case.curl
    assert case.document is not None and '"amount_minor": 2500' in case.document.text
    assert case.steps == PLAN.failures["unknown-outcome"].recovery
    assert [entry.what for entry in case.timeline] == ["Case opened", "Alert sent"]


def test_a_case_of_a_message_shows_what_changed_since_the_version_before(store: ConsoleStore) -> None:
    case = store.case("case_1002")
    assert case is not None
    changed = [(line.sign, line.text.strip()) for line in case.diff if line.sign != " "]
    assert changed == [("-", '"order_state": "SHIPPING",'), ("+", '"order_state": "ON_ICE",')]
    assert case.editable
    assert {link.href for link in case.related} >= {"/messages/msg_1", "/orders/bas_1", "/cases/case_1001"}


def test_a_case_that_is_over_offers_no_verb(store: ConsoleStore) -> None:
    case = store.case("case_1003")
    assert case is not None
    assert case.verbs == ()
    assert ("Ended by", "Mari: Suppressed") in case.facts


def test_a_case_offers_the_verbs_of_its_failure_mode_the_advised_one_first(store: ConsoleStore) -> None:
    case = store.case("case_1001")
    assert case is not None
    assert [verb.value for verb in case.verbs] == list(PLAN.failures["unknown-outcome"].may)


def test_a_case_older_than_the_blueprint_can_still_be_handed_on(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).case(1900, mode="a-mode-of-last-year")
    case = store.case("case_1900")
    assert case is not None
    assert case.verbs == (Verb.ESCALATE,)


@pytest.mark.parametrize("after", ["nonsense", "2026-01-01~x", "2026-01-01T00:00:00+00:00", "~", "²"])
def test_an_address_that_no_page_of_ours_made_is_refused_in_plain_words(
    ctx: Ctx, store: ConsoleStore, browser: TestClient, after: str
) -> None:
    for show in ("open", "resolved"):
        with pytest.raises(BrokenLink):
            store.cases(CaseFilter(show=show, after=after), ctx.clock.now())
    assert browser.get("/cases", params={"after": after}).status_code == 409
    assert browser.get("/settlement/stm_1", params={"after": after}).status_code == 409


def test_a_basket_shows_its_seller_orders_their_way_and_their_money(store: ConsoleStore) -> None:
    basket = store.basket("bas_1")
    assert basket is not None
    assert dict(basket.money)["Still held"] == Money(2500, "EUR")
    shipped, refused = basket.legs
    assert [(step.word, step.state) for step in shipped.steps] == [
        ("Ordered", StepState.DONE),
        ("Accepted", StepState.DONE),
        ("Charged", StepState.DONE),
        ("Shipped", StepState.DONE),
        ("Delivered", StepState.NOW),
        ("Closed", StepState.AHEAD),
    ]
    assert [(step.word, step.state) for step in refused.steps] == [
        ("Ordered", StepState.DONE),
        ("Refused", StepState.FAILED),
    ]
    assert refused.state.theirs == "REFUSED"
    assert dict(shipped.money)["Their commission"] == Money(300, "EUR")
    assert [(c.witness, c.confirmed_at is not None) for c in shipped.refunds[0].confirmations] == [
        ("Our books", False),
        ("Marketplace", True),
    ]
    assert [p.what for p in shipped.promises] == ["Seller accepts or refuses"]
    assert [p.state.word for p in refused.promises] == ["Missed"]
    assert [(entry.what, entry.tone) for entry in basket.timeline] == [("Seller order C-1-B: refused", Tone.BAD)]
    assert basket.timeline[0].detail == "before: awaiting acceptance"
    assert {row.id for row in basket.messages} == {"msg_0", "msg_1"}
    assert len(basket.cases) == 3


def test_the_list_of_baskets_names_the_promise_that_ends_first(ctx: Ctx, store: ConsoleStore) -> None:
    (row,) = store.baskets(BasketFilter()).rows
    assert row.next_due == "Seller accepts or refuses"
    assert row.cases == 2
    assert [mark.state.word for mark in row.legs] == ["Shipped", "Refused"]
    assert store.baskets(BasketFilter(leg="to-ship")).rows == ()


def test_baskets_are_paged_newest_first_without_a_gap(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = Day(conn, ctx.clock.now())
        for number in range(100, 170):
            day.basket(number, placed_at=day.ago(hours=number // 10))
    first = store.baskets(BasketFilter())
    second = store.baskets(BasketFilter(after=first.next_after))
    ids = [row.id for row in (*first.rows, *second.rows)]
    assert len(first.rows) == 50
    assert len(set(ids)) == len(ids) == 71
    assert second.next_after == ""


def test_a_statement_falls_from_sales_to_payout_theirs_beside_ours(store: ConsoleStore) -> None:
    statement = store.statement("stm_1", "", "")
    assert statement is not None
    steps = {step.word: (step.theirs.minor, step.ours.minor if step.ours else None) for step in statement.waterfall}
    assert steps == {"Sales": (2500, 2500), "Commission": (-360, -348), "Payout": (2140, 2152)}
    assert statement.row.difference == Money(-12, "EUR")
    assert statement.row.ours == Money(2152, "EUR")
    assert [(cause.word, cause.lines, cause.amount.minor) for cause in statement.causes] == [
        ("Commission rate differs", 1, -12)
    ]
    assert statement.row.seller == "Seller A"
    assert statement.payout is not None and statement.payout[2] == "tr_1"


def test_what_is_in_our_books_alone_has_a_step_of_its_own(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).variance("var_2", 0, 700, cause="missing-in-statement")
    statement = store.statement("stm_1", "", "")
    assert statement is not None
    alone = next(step for step in statement.waterfall if step.word == "In our books alone")
    assert (alone.theirs.minor, alone.ours) == (0, Money(700, "EUR"))
    assert statement.waterfall[-1].ours == Money(2852, "EUR")


def test_a_statement_that_does_not_add_up_by_itself_says_nothing_about_our_books(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).variance("var_stm_1", 9999, 2140, cause="amount-differs")
    statement = store.statement("stm_1", "", "")
    assert statement is not None
    assert statement.row.ours == statement.waterfall[-1].ours == Money(2152, "EUR")
    assert statement.row.undecided == Money(7859 + 12, "EUR")


def test_before_a_statement_is_matched_nothing_is_claimed_about_our_side(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).statement("stm_2", state="fetched")
    page = store.statements(StatementFilter())
    fetched = next(row for row in page.rows if row.id == "stm_2")
    assert (fetched.ours, fetched.difference) == (None, None)
    detail = store.statement("stm_2", "", "")
    assert detail is not None and detail.waterfall[-1].ours is None


def test_statement_lines_are_filtered_by_how_they_matched(store: ConsoleStore) -> None:
    found = store.statement("stm_1", "variance", "")
    assert found is not None
    assert [(line.number, line.state.word) for line in found.lines] == [(2, "Differs")]


def test_today_counts_what_is_late_and_the_week_in_money(ctx: Ctx, store: ConsoleStore) -> None:
    today = store.today(ctx.clock.now())
    assert [(m.word, m.value, m.tone) for m in today.measures] == [
        ("Seller orders past their warning", "1", Tone.BAD),
        ("Open cases", "2", Tone.WARN),
        ("Refunds not confirmed by everybody", "1", Tone.BAD),
        ("Settlement differences not decided", "1", Tone.WARN),
    ]
    assert today.week.protected == (Money(900, "EUR"),)
    assert today.week.lost == (Money(2500, "EUR"),)
    assert [row.number for row in today.cases] == [1002]
    assert [row.number for row in today.faults] == [1001]
    assert [flow.name for flow in today.flows] == ["settlement"]
    assert today.promises[0].href == "/orders/bas_1#leg-C-1-A"


def test_flows_say_what_waits_in_them(store: ConsoleStore) -> None:
    paused, running = store.flows().rows
    assert (paused.name, paused.running, paused.reason) == ("settlement", False, "Migration")
    assert (running.parked, running.cases, running.last_error) == (1, 2, "429")


def test_a_flow_shows_the_mode_it_runs_in(store: ConsoleStore, ctx: Ctx) -> None:
    with ctx.db.transaction() as conn:
        set_modes(conn, {"settlement": "observe"})
    assert [(row.name, row.mode.word) for row in store.flows().rows] == [
        ("settlement", "Observes"),
        ("order-acceptance", "Acts"),
    ]


def test_the_plan_page_tells_who_changed_what_and_why(store: ConsoleStore, ctx: Ctx) -> None:
    older, text = read_source(), whole()
    newer = source(
        text.replace("window: 6h}", "window: 3h}", 1).replace("max: 30m, window: 12h", "max: 1800s, window: 12h", 1)
    )
    assert store.plan().in_force is None and store.plan_change(1) is None
    with ctx.db.transaction() as conn:
        service.first(conn, ctx, older)
        service.apply(conn, ctx, newer, by="Mari", reason="less patience")
        conn.execute("UPDATE message SET decided_under = %s WHERE state = 'decided'", (newer.hash,))
    view = store.plan()
    assert [(row.kind.word, row.hash, row.by, row.in_force, row.decided) for row in view.rows] == [
        ("Applied", newer.hash, "Mari", True, 1),
        ("First plan", older.hash, "hub", False, 0),
    ]
    assert ("flows", len(older.plan.flows)) in view.holds
    applied = store.plan_change(view.rows[0].seq)
    assert applied is not None
    assert sorted((line.sign, line.text) for line in applied.diff) == [
        (" ", "flows.commission-check.retry.max: 1800s (the same, spelt otherwise)"),
        ("+", "flows.order-acceptance.retry.window: 3h"),
        ("-", "flows.order-acceptance.retry.window: 6h"),
    ]
    first = store.plan_change(view.rows[1].seq)
    assert first is not None and first.diff == ()


@pytest.mark.parametrize(
    ("query", "href"),
    [
        ("C-1-A", "/orders/bas_1#leg-C-1-A"),
        ("1001", "/cases/case_1001"),
        ("#1001", "/cases/case_1001"),
        ("capture:C-1:eff_1", "/actions/eff_1"),
        ("V-stm_1", "/settlement/stm_1"),
        ("SKU-B", "/orders/bas_1#leg-C-1-B"),
    ],
)
def test_anything_is_found_by_any_identifier(store: ConsoleStore, query: str, href: str) -> None:
    assert href in {found.href for found in store.find(query).found}


def test_a_beginning_finds_what_starts_with_it_and_no_text_breaks_the_search(store: ConsoleStore) -> None:
    assert {found.text for found in store.find("C-1-").found} == {"C-1-A", "C-1-B"}
    for odd in ("\x00", "%", "' OR 1=1 --", "𝄞" * 50, "99999999999999999999999"):
        assert store.find(odd).found == ()


def csrf(browser: TestClient) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.get("/flows").text)
    assert found is not None
    return found[1]


def test_suppressing_in_the_console_ends_the_case_and_is_in_its_story(browser: TestClient, store: ConsoleStore) -> None:
    answer = browser.post("/cases/case_1001/suppress", data={"csrf": csrf(browser), "reason": "Charged by hand"})
    assert answer.status_code == 303
    case = store.case("case_1001")
    assert case is not None
    assert case.row.state.word == "Resolved"
    assert [(entry.what, entry.by, entry.detail) for entry in case.timeline][-1] == (
        "Suppressed",
        "local operator",
        "Charged by hand",
    )


def test_repairing_in_the_console_sends_the_message_through_again_corrected(
    browser: TestClient, store: ConsoleStore, ctx: Ctx
) -> None:
    case = store.case("case_1002")
    assert case is not None
    form = {
        "csrf": csrf(browser),
        "reason": "Their word was wrong",
        "document": case.editable.replace("ON_ICE", "SHIPPED"),
    }
    plan = browser.post("/cases/case_1002/repair", data=form)
    assert (plan.status_code, "diff-add" in plan.text) == (200, True)
    done = browser.post("/cases/case_1002/repair", data=form | {"step": "confirm"})
    assert done.status_code == 303
    with ctx.db.transaction() as conn:
        rows = conn.execute("SELECT state, body, replaces FROM message WHERE replaces = 'msg_1'").fetchall()
    assert [(row["state"], b"SHIPPED" in row["body"]) for row in rows] == [("new", True)]


def test_a_flow_is_paused_and_resumed_from_the_console(browser: TestClient, store: ConsoleStore) -> None:
    form = {"csrf": csrf(browser), "reason": "Gateway migration"}
    assert browser.post("/flows/order-acceptance/pause", data=form | {"hours": "1"}).status_code == 303
    assert not any(row.running for row in store.flows().rows)
    assert browser.post("/flows/order-acceptance/resume", data=form).status_code == 303
    assert [row.name for row in store.flows().rows if row.running] == ["order-acceptance"]


def test_a_pause_longer_than_the_blueprint_allows_is_refused(browser: TestClient, store: ConsoleStore) -> None:
    form = {"csrf": csrf(browser), "reason": "Gateway migration", "hours": "24"}
    answer = browser.post("/flows/order-acceptance/pause", data=form)
    assert answer.status_code == 409
    assert "at most" in answer.text


def test_an_amount_that_passes_through_the_consoles_repair_stays_a_number_with_every_digit(
    browser: TestClient, store: ConsoleStore, ctx: Ctx
) -> None:
    with ctx.db.transaction() as conn:
        conn.execute(
            "UPDATE message SET body = %s WHERE id = 'msg_1'",
            (b'{"state": "ON_ICE", "total": 25.10, "big": 100000000000000000000.01}',),
        )
    case = store.case("case_1002")
    assert case is not None
    assert '"total": 25.10,' in case.editable and '"big": 100000000000000000000.01' in case.editable
    form = {"csrf": csrf(browser), "reason": "theirs", "document": case.editable.replace("ON_ICE", "SHIPPED")}
    plan = browser.post("/cases/case_1002/repair", data=form)
    again = re.search(r'name="document" value="([^"]*)"', plan.text)
    assert again is not None
    confirmed = form | {"document": html.unescape(again[1]), "step": "confirm"}
    assert browser.post("/cases/case_1002/repair", data=confirmed).status_code == 303
    with ctx.db.transaction() as conn:
        [row] = conn.execute("SELECT body FROM message WHERE replaces = 'msg_1'").fetchall()
    assert json.loads(bytes(row["body"]), parse_float=Decimal) == {
        "state": "SHIPPED", "total": Decimal("25.10"), "big": Decimal("100000000000000000000.01"),
    }  # fmt: skip


def test_a_list_of_operations_repairs_as_well_and_its_mistakes_are_all_said(browser: TestClient, ctx: Ctx) -> None:
    form = {"csrf": csrf(browser), "reason": "theirs", "document": "{}"}
    wrong = form | {"patch": '[{"op": "remove", "path": "/x"}, {"op": "remove", "path": "/y"}]'}
    refused = browser.post("/cases/case_1002/repair", data=wrong)
    assert refused.status_code == 409
    assert "no /x" in refused.text and "no /y" in refused.text
    assert browser.post("/cases/case_1002/repair", data=form | {"patch": "[1"}).status_code == 422
    right = form | {"patch": '[{"op": "replace", "path": "/order_state", "value": "SHIPPED"}]'}
    plan = browser.post("/cases/case_1002/repair", data=right)
    assert (plan.status_code, "diff-add" in plan.text) == (200, True)
    assert browser.post("/cases/case_1002/repair", data=right | {"step": "confirm"}).status_code == 303
    with ctx.db.transaction() as conn:
        [row] = conn.execute("SELECT body FROM message WHERE replaces = 'msg_1'").fetchall()
    assert b"SHIPPED" in bytes(row["body"])


def test_a_case_suppressed_for_a_day_moves_to_the_list_of_suppressed_ones(
    browser: TestClient, store: ConsoleStore, ctx: Ctx
) -> None:
    form = {"csrf": csrf(browser), "reason": "known", "hours": "24"}
    assert browser.post("/cases/case_1002/suppress", data=form).status_code == 303
    now = ctx.clock.now()
    assert [row.number for row in store.cases(CaseFilter(kind="business"), now).rows] == []
    [row] = store.cases(CaseFilter(show="suppressed"), now).rows
    assert (row.number, row.suppressed_until) == (1002, now + timedelta(hours=24))
    assert "nobody hears of it until" in browser.get("/cases/case_1002").text


def test_a_team_chosen_in_the_console_decides_only_what_is_its_own(browser: TestClient, store: ConsoleStore) -> None:
    form = {"csrf": csrf(browser), "reason": "known"}
    browser.cookies.set("entrepot_team", "finance-operations")
    refused = browser.post("/cases/case_1002/suppress", data=form)
    assert refused.status_code == 409
    assert "on-call" in refused.text
    browser.cookies.set("entrepot_team", "on-call")
    assert browser.post("/cases/case_1002/suppress", data=form).status_code == 303


def test_handling_and_questions_reach_the_case_from_the_console(browser: TestClient, store: ConsoleStore) -> None:
    token = {"csrf": csrf(browser)}
    for deed, fields in (
        ("assign", {"to": "Grace"}),
        ("waiting", {"to": "seller 20A"}),
        ("note", {"text": "he answers on Monday"}),
        ("question", {"to": "order.state", "text": "Who owns this state?"}),
    ):
        assert browser.post(f"/cases/case_1002/handle/{deed}", data=token | fields).status_code == 303
    case = store.case("case_1002")
    assert case is not None
    assert (case.row.assignee, case.row.waiting_on, case.row.state.word) == ("Grace", "seller 20A", "Waiting")
    assert {"Assigned", "Waits for somebody", "Note", "Asked who owns this"} <= {entry.what for entry in case.timeline}
    [question] = case.questions
    assert browser.post(f"/questions/{question.number}", data=token | {"decision": "the seller"}).status_code == 303
    assert browser.post(f"/questions/{question.number}", data=token | {"in_plan": "feedbeef"}).status_code == 422
    assert browser.post(f"/questions/{question.number}", data=token | {"in_plan": PLAN.hash}).status_code == 303
    found = store.question(question.number)
    assert found is not None and found.state.word == "In the plan"


def test_the_two_lists_of_the_console_never_mix(browser: TestClient) -> None:
    business, system = browser.get("/cases").text, browser.get("/cases?kind=system").text
    assert ("row-case_1002" in business, "row-case_1001" in business) == (True, False)
    assert ("row-case_1001" in system, "row-case_1002" in system) == (True, False)
    assert "row-case_1001" in browser.get("/cases?open=case_1001").text  # a link to a case opens the list it stands in


def test_a_group_shows_its_members_and_what_became_of_them(ctx: Ctx, store: ConsoleStore) -> None:
    with ctx.db.transaction() as conn:
        day = Day(conn, ctx.clock.now())
        conn.execute("UPDATE case_file SET grouped_by = 'cause', members = 1, members_seen = 2 WHERE number = 1002")
        member = {
            "case_id": "case_1002",
            "mode": "unknown-word",
            "account": "mirakl-fr/operator",
            "cause_text": "ON_ICE",
            "seen_at": day.now,
        }
        day.add("case_member", **member, object="message", object_id="msg_1", name="C-1-A", money_minor=700)
        gone = {"gone_at": day.now, "gone_because": "it was understood"}
        day.add("case_member", **member, object="leg", object_id="leg_C-1-B", name="C-1-B", **gone)
    case = store.case("case_1002")
    assert case is not None
    assert [(m.subject, m.href, m.money, m.gone_because) for m in case.members] == [
        ("Message C-1-A", "/messages/msg_1", Money(700, "EUR"), ""),
        ("Seller order C-1-B", "/orders/bas_1#leg-C-1-B", None, "it was understood"),
    ]
    assert (case.row.members, case.row.members_seen) == (1, 2)


def test_every_name_of_a_record_is_found_by_any_one_of_them(store: ConsoleStore) -> None:
    [leg] = store.joins("C-1-A").found
    assert (leg.kind, leg.text, leg.href) == ("Seller order", "C-1-A", "/orders/bas_1#leg-C-1-A")
    assert leg.ids == (("Mirakl order id", "C-1-A", "mirakl-fr/operator"),)
    by_beginning = store.joins("C-1")
    assert [record.text for record in by_beginning.found] == ["C-1", "C-1-A", "C-1-B"]
    assert store.joins("").found == store.joins("C-").found == store.joins("%\x00' OR 1=1").found == ()


def test_a_case_knows_the_system_whose_card_says_what_goes_on_without_it(ctx: Ctx, store: ConsoleStore) -> None:
    case = store.case("case_1001")
    assert case is not None
    assert case.system == PLAN.account(case.row.account).system
    with ctx.db.transaction() as conn:
        Day(conn, ctx.clock.now()).case(3000, account="hub", object="flow", object_id="settlement")
    hubs_own = store.case("case_3000")
    assert hubs_own is not None
    assert hubs_own.system == ""


def test_the_risk_register_reads_the_day(ctx: Ctx, store: ConsoleStore) -> None:
    seen = store.seen(ctx.clock.now())
    assert seen.of("leg-refused").cases == 1
    assert seen.of("leg-refused").median_to_decide is not None


def test_the_plans_own_questions_stand_on_the_page_and_are_answered_there(
    browser: TestClient, store: ConsoleStore, ctx: Ctx
) -> None:
    page = browser.get("/questions").text
    assert "Asked by the plan itself" in page and "/questions/plan/floor-of-categories" in page
    where = "/questions/plan/floor-of-categories"
    token = {"csrf": browser.get(where).text.partition('name="csrf" value="')[2].partition('"')[0]}
    assert browser.post(where, data=token | {"decision": ""}).status_code == 422
    assert browser.post(where, data=token | {"decision": "commerce sets them"}).status_code == 303
    assert browser.post(where, data=token | {"decision": "somebody else"}).status_code == 422
    assert browser.get("/questions/plan/nothing").status_code == 404
    answered = {one.name: one for one in store.questions(ctx.clock.now()).planned}["floor-of-categories"]
    assert (answered.decision, answered.undecided) == ("commerce sets them", False)
    assert "commerce sets them" in browser.get("/questions").text
