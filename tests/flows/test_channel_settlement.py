"""What a channel pays us: held against our own orders; what nobody can explain waits for finance, and ends by its word or by itself."""

from datetime import UTC, datetime

import pytest

from entrepot.cases.model import VerbDone, VerbRefused
from entrepot.cases.states import CaseState
from entrepot.flows import case_desk
from entrepot.flows.channels import SalesChannels
from entrepot.flows.parts import Parts
from entrepot.flows.settlement_intake import SettlementIntake
from entrepot.kernel.clock import ManualClock
from entrepot.kernel.ctx import Ctx
from entrepot.money.settlement import channel
from entrepot.money.settlement.intake import record_cycles, record_lines
from entrepot.money.settlement.model import Author, CycleSeen, LineType, StatementLineSeen
from entrepot.money.settlement.states import StatementState
from entrepot.proof.plans import plan_of
from entrepot.trade.order import channel as orders
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.order.store import flush, load

ACCOUNT = "amazon-de/main"
T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PLAN = plan_of("syndication")


@pytest.fixture
def intake() -> SettlementIntake:
    return SettlementIntake(SalesChannels(Parts(PLAN, {})))


def sold(ctx: Ctx, order_id: str, minor: int) -> None:
    line = LineSeen("1", "", "SKU-1", "Lamp", "", 1, minor, 0, 0, 0, 0, LineState.TO_SHIP, "theirs")
    seen = OrderSeen(
        order_id, order_id, "us", "", LegState.TO_SHIP, "theirs", "EUR", minor, (line,), T0, T0, None, T0, None
    )
    with ctx.db.transaction() as conn:
        book = load(conn, ACCOUNT, [order_id])
        orders.apply_order(book, ctx, Channel(ACCOUNT, "amazon_order_id"), seen, "msg_1")
        assert flush(conn, ctx, book) == []


def settled(ctx: Ctx, total: int, *lines: tuple[str, int]) -> str:
    """A statement with the money of these orders; its id."""
    said = [
        StatementLineSeen(
            f"S1:{number}",
            "Principal",
            LineType.ORDER_AMOUNT,
            minor,
            "EUR",
            T0,
            "S1",
            line_no=number,
            order_id=order_id,
        )
        for number, (order_id, minor) in enumerate(lines, 1)
    ]
    with ctx.db.transaction() as conn:
        record_cycles(conn, ctx, ACCOUNT, [CycleSeen(Author.MARKETPLACE, "amazon-settlement", "S1", "EUR", total, T0)])
        record_lines(conn, ctx, ACCOUNT, Author.MARKETPLACE, said)
        return str(conn.execute("SELECT id FROM statement").fetchone()["id"])  # type: ignore[index]


def look(ctx: Ctx, intake: SettlementIntake, statement_id: str) -> channel.Checked:
    with ctx.db.transaction() as conn:
        found = channel.check(conn, ctx, statement_id)
        intake._tell(ctx, conn, ACCOUNT, statement_id, found)
    return found


def the_case(ctx: Ctx) -> dict[str, str]:
    with ctx.db.transaction() as conn:
        [case] = conn.execute("SELECT id, mode, state, object_id FROM case_file").fetchall()
    return case


def state_of(ctx: Ctx, statement_id: str) -> str:
    with ctx.db.transaction() as conn:
        return str(conn.execute("SELECT state FROM statement WHERE id = %s", (statement_id,)).fetchone()["state"])  # type: ignore[index]


def test_what_our_orders_bear_out_is_closed_at_once(ctx: Ctx, intake: SettlementIntake) -> None:
    sold(ctx, "302-1", 3_000)
    found = look(ctx, intake, settled(ctx, 3_000, ("302-1", 3_000)))
    assert (found.state, found.unexplained) == (StatementState.CLOSED, [])


def test_an_order_we_do_not_know_waits_for_finance_with_its_money(ctx: Ctx, intake: SettlementIntake) -> None:
    found = look(ctx, intake, settled(ctx, 3_000, ("302-1", 3_000)))
    assert (found.state, found.unexplained_minor) == (StatementState.EXPLAINED, 3_000)
    assert "302-1, which we do not know" in found.unexplained[0]
    assert the_case(ctx)["mode"] == "settlement-variance"


def test_finance_accepts_a_statement_and_it_is_closed_with_name_and_reason(ctx: Ctx, intake: SettlementIntake) -> None:
    statement_id = settled(ctx, 3_000, ("302-1", 3_000))
    look(ctx, intake, statement_id)
    done = case_desk.suppress(ctx, PLAN, the_case(ctx)["id"], "ana", "sold before we were here")
    assert isinstance(done, VerbDone), done
    assert (state_of(ctx, statement_id), the_case(ctx)["state"]) == (StatementState.CLOSED, CaseState.RESOLVED)
    with ctx.db.transaction() as conn:
        moved = conn.execute(
            "SELECT by, because FROM event WHERE object = 'statement' AND to_state = 'closed'"
        ).fetchone()
    assert moved == {"by": "ana", "because": "sold before we were here"}


def test_a_statement_that_does_not_add_up_may_be_accepted_too(
    ctx: Ctx, intake: SettlementIntake, clock: ManualClock
) -> None:
    sold(ctx, "302-1", 3_000)
    statement_id = settled(ctx, 3_100, ("302-1", 3_000))
    assert look(ctx, intake, statement_id).unbalanced == ""  # lines may still come
    clock.advance(13 * 3600)
    assert "add up to" in look(ctx, intake, statement_id).unbalanced
    assert the_case(ctx)["mode"] == "statement-unbalanced"
    assert isinstance(case_desk.suppress(ctx, PLAN, the_case(ctx)["id"], "ana", "they rounded"), VerbDone)
    assert state_of(ctx, statement_id) == StatementState.CLOSED


def test_nothing_else_is_done_to_a_channels_statement(ctx: Ctx, intake: SettlementIntake) -> None:
    look(ctx, intake, settled(ctx, 3_000, ("302-1", 3_000)))
    refused = case_desk.retry(ctx, PLAN, the_case(ctx)["id"], "ana", "again")
    assert isinstance(refused, VerbRefused)


def test_an_order_that_arrives_late_closes_the_statement_and_its_case_by_itself(
    ctx: Ctx, intake: SettlementIntake
) -> None:
    statement_id = settled(ctx, 3_000, ("302-1", 3_000))
    look(ctx, intake, statement_id)
    sold(ctx, "302-1", 3_000)
    with ctx.db.transaction() as conn:
        intake.catch_up(ctx, conn, ACCOUNT)
    assert (state_of(ctx, statement_id), the_case(ctx)["state"]) == (StatementState.CLOSED, "closed")
