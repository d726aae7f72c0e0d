"""Returned goods reach our warehouse: the channel hears of it in its own terms, and the buyer gets his money where we are the one who pays."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from entrepot.flows.channel_returns import ChannelReturns
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.flows.parts import Parts
from entrepot.inbox.model import Decided, Message, Verdict
from entrepot.kernel.ctx import Ctx
from entrepot.proof.plans import plan_of
from entrepot.trade.order import channel
from entrepot.trade.order.channel import Channel
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState
from entrepot.trade.order.store import flush, load
from entrepot.trade.returns import store as returns
from entrepot.trade.shipment.model import GoodsBack

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AMAZON, ENGINE = "amazon-de/main", "channelengine/main"


@pytest.fixture
def flow() -> ChannelReturns:
    bound: dict[str, Any] = dict.fromkeys((AMAZON, ENGINE), object())
    return ChannelReturns(SalesChannels(Parts(plan_of("syndication"), bound)))


def arrived(ctx: Ctx, flow: ChannelReturns, account: str) -> tuple[Verdict, Consequences]:
    """A lamp of an order comes back with the channel's return number on the box; the verdict, and what follows."""
    line = LineSeen("501", "", "LAMP", "Lamp", "", 1, 3_000, 0, 0, 0, 0, LineState.SHIPPED, "theirs")
    seen = OrderSeen(
        "302-1", "302-1", "us", "", LegState.SHIPPED, "theirs", "EUR", 3_000, (line,), T0, T0, None, T0, None
    )
    back = GoodsBack("801", f"{account}:302-1", {"501": 1}, {}, {"501": 3_000}, T0)
    then = Consequences()
    with ctx.db.transaction() as conn:
        book = load(conn, account, ["302-1"])
        channel.apply_order(book, ctx, Channel(account, "order_id"), seen, "msg_1")
        assert flush(conn, ctx, book) == []
        [leg] = conn.execute("SELECT id FROM leg").fetchall()
        if account == ENGINE:
            row = {"id": "ret_1", "leg_id": leg["id"], "external_id": "801", "state": "in-transit", "their_state": "", "reason": "",
                   "created_at": T0, "plan_hash": "test", "decided_at": T0}  # fmt: skip
            returns.upsert_return(conn, row)
        verdict = flow._goods_back(ctx, conn, then, cast(Message, SimpleNamespace(id="msg_2")), back)
    return verdict, then


def test_a_channel_manager_hears_of_the_goods_by_our_own_number_of_the_product(ctx: Ctx, flow: ChannelReturns) -> None:
    verdict, then = arrived(ctx, flow, ENGINE)
    assert isinstance(verdict, Decided)
    [told] = then.intents
    assert told.operation == "channelengine.receive-return"
    assert told.payload["accepted"] == [{"line_id": "501", "quantity": 1, "sku": "LAMP"}]


def test_where_the_channel_announces_no_returns_our_warehouse_is_believed_and_the_buyer_gets_his_money(
    ctx: Ctx, flow: ChannelReturns
) -> None:
    verdict, then = arrived(ctx, flow, AMAZON)
    assert isinstance(verdict, Decided)
    assert [one.operation for one in then.intents] == ["amazon.refund"]
    with ctx.db.transaction() as conn:
        assert conn.execute("SELECT external_id, state FROM return_file").fetchall() == [
            {"external_id": "801", "state": "received"}
        ]
