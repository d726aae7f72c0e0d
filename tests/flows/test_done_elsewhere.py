"""While a flow only observes, what another connector does is noted beside what we would have done: payouts, in either order of the news."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from entrepot.blueprint.load import load
from entrepot.blueprint.model import Plan
from entrepot.connectors.payment.events import PaymentEvent
from entrepot.engine import flows as flow_control
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.flows.payout import Payouts
from entrepot.flows.settlement import Settlement
from entrepot.inbox.model import Arrival, Message, Received
from entrepot.inbox.service import record
from entrepot.kernel.ctx import Ctx
from entrepot.money.payout import service as payouts
from entrepot.money.settlement.model import Author, CycleSeen

ACCOUNT, CYCLE, VOUCHER = "mirakl-fr/operator", "C-1", "000001"


def observing() -> Plan:
    plan = load()
    payout = plan.flow("payout").model_copy(update={"mode": "observe"})
    return plan.model_copy(update={"flows": {**plan.flows, "payout": payout}})


class Desk:
    def __init__(self, ctx: Ctx, plan: Plan) -> None:
        self.ctx, self.plan, self.parts = ctx, plan, Parts(plan, {})
        with ctx.db.transaction() as conn:
            flow_control.ensure(conn, ctx, plan.flows)
            flow_control.set_modes(conn, {name: flow.mode for name, flow in plan.flows.items()})

    def cycle(self, state: str = "to-pay") -> None:
        """The marketplace shows the billing cycle."""
        seen = CycleSeen(
            Author.MARKETPLACE, "mirakl-cycle", CYCLE, "EUR", 5_000, self.now, seller_id="2001", voucher=VOUCHER, payout_state=state,
        )  # fmt: skip
        with self.ctx.db.transaction() as conn:
            payouts.compute(conn, self.ctx, ACCOUNT, [seen])
            Settlement(self.parts)._watch_payouts(self.ctx, conn, ACCOUNT, [seen])

    def transfer(self) -> None:
        """The gateway says that it was paid."""
        event = PaymentEvent("transfer.paid", "evt_1", self.now, "tr_1", VOUCHER, "paid", 5_000, "EUR")
        root = f"voucher:{VOUCHER}"
        received = Received("payment-event", "evt_1", "", b"{}", 0, root, "payout")
        [kept] = record(self.ctx, [Arrival("gateway/main", "webhook", "", b"{}", (received,))])
        message = Message(kept.message_id, 1, "gateway/main", "payment-event", "evt_1", "", root, "payout", b"{}", self.now, 0)  # fmt: skip
        with self.ctx.db.transaction() as conn:
            then = Consequences()
            Payouts(self.parts).heard(self.ctx, conn, then, message, event)
            then.flush(self.ctx, conn, self.plan)

    @property
    def now(self) -> datetime:
        return self.ctx.clock.now()

    def one(self, sql: str) -> dict[str, Any]:
        with self.ctx.db.transaction() as conn:
            [row] = conn.execute(sql).fetchall()
        return row


@pytest.mark.parametrize("order", [("cycle", "transfer", "paid"), ("cycle", "paid", "transfer")])
def test_a_payout_that_another_connector_confirmed_is_noted_whichever_news_comes_first(
    ctx: Ctx, order: tuple[str, ...]
) -> None:
    desk = Desk(ctx, observing())
    steps: dict[str, Callable[[], object]] = {
        "cycle": desk.cycle,
        "transfer": desk.transfer,
        "paid": lambda: desk.cycle("paid"),
    }
    for step in order:
        ctx.clock.advance(timedelta(minutes=5).total_seconds())  # type: ignore[attr-defined]
        steps[step]()
    effect = desk.one("SELECT * FROM effect WHERE operation = 'mirakl.confirm-payout'")
    assert (effect["state"], effect["elsewhere_at"] is not None) == ("observed", True)
    assert effect["note"] == f"the marketplace heard that cycle {CYCLE} was paid"
    assert desk.one("SELECT state, confirmed_at IS NOT NULL AS confirmed FROM payout") == {
        "state": "confirmed",
        "confirmed": True,
    }
    assert desk.one("SELECT state FROM obligation")["state"] == "met"
    assert desk.one("SELECT count(*) AS n FROM case_file") == {"n": 0}


def test_where_the_flow_acts_the_marketplaces_word_alone_confirms_nothing_of_ours(ctx: Ctx) -> None:
    desk = Desk(ctx, load())
    desk.cycle()
    desk.transfer()
    desk.cycle("paid")
    effect = desk.one("SELECT * FROM effect WHERE operation = 'mirakl.confirm-payout'")
    assert (effect["state"], effect["elsewhere_at"]) == ("planned", None)
    assert desk.one("SELECT state FROM payout") == {"state": "sent"}
