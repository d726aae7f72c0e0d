"""A day of the selling company: a world whose clock jumps, and a clerk who does by hand what a hub would do.

He takes orders of every channel into the back office, tells channels of parcels, gives up what the back office gives up, and pays
back what came back. He uses the channels' insides, not their interfaces: these have tests of their own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from entrepot.sandbox.amazon.state import Package
from entrepot.sandbox.channelengine.model import Shipment as EngineShipment
from entrepot.sandbox.core import Hang, Request, Response
from entrepot.sandbox.errands import Pace
from entrepot.sandbox.selling import Options, Stage, stage
from entrepot.sandbox.selling.shops import Shop, missing, unit_minor
from entrepot.sandbox.walmart.orders import Cancellation, Shipment
from entrepot.sandbox.walmart.state import Parcel

START = datetime(2026, 11, 9, 7, tzinfo=UTC)
MACHINE = datetime(2026, 1, 5, 3, tzinfo=UTC)
ROUND = timedelta(minutes=15)
KEY = "backoffice-key"


class Clerk:
    """One round at a time; whatever he did once he does not do again."""

    def __init__(self, staged: Stage) -> None:
        self.staged = staged
        self.told: set[tuple[str, str]] = set()
        self.numbers: dict[str, tuple[Shop, str]] = {}

    def work(self) -> None:
        with self.staged.world.lock:
            for shop in self.staged.shops.values():
                for row in shop.books()["orders"]:
                    self._look_at(shop, row)
            books = self.staged.back_office.books()
            for parcel in books["parcels"]:
                self._once("parcel", parcel["parcel"], self._ship, parcel)
            for gone in books["cancellations"]:
                self._once("gone", gone["cancellation"], self._give_up, gone)
            for back in books["returns"]:
                if back["at"] is not None:
                    self._once("return", back["return_id"], self._pay_back, back)
            self._agree_to_returns()
            self._answer_disputes()
            self._show_stock()

    def _once(self, what: str, key: str, do: Callable[..., bool | None], *given: Any) -> None:
        """Until it worked: only False says that it did not."""
        if (what, key) not in self.told and do(*given) is not False:
            self.told.add((what, key))

    # -- orders in -------------------------------------------------------------------------------------------------

    def _look_at(self, shop: Shop, row: dict[str, Any]) -> None:
        live = not row["pending"] and row["cancelled_by"] is None and row["fulfilled_by"] == "seller"
        if live:
            self._once("order", shop.number(row["order_id"]), self._import, shop, row)

    def _import(self, shop: Shop, row: dict[str, Any]) -> bool:
        number = shop.number(row["order_id"])
        self.numbers[number] = (shop, row["order_id"])
        lines = [
            {
                "line_id": line["line_id"],
                "sku": line["sku"],
                "quantity": line["quantity"],
                "price_minor": unit_minor(line) * line["quantity"],
                "shipping_minor": line["shipping_minor"],
                "tax_minor": 0,
            }
            for line in row["lines"]
        ]
        body = {
            "number": number,
            "account": shop.account,
            "order_id": row["order_id"],
            "currency": row["currency"],
            "placed_at": row["placed_at"],
            "ship_by": row["ship_by"],
            "market": "",
            "lines": lines,
        }
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        request = Request("PUT", f"/orders/{number}", (), headers, json.dumps(body).encode())
        answer = self.staged.world.handle("back_office", request)
        if isinstance(answer, Hang) or answer.status not in (200, 201):
            return False
        self._acknowledge(shop, row["order_id"], number)
        return True

    def _acknowledge(self, shop: Shop, order_id: str, number: str) -> None:
        staged = self.staged
        match shop.name:
            case "walmart":
                staged.walmart.orders.acknowledge(staged.walmart.platform.orders[order_id])
            case "channelengine":
                staged.channelengine.lifecycle.acknowledge(staged.channelengine.portal.order(order_id), number)
            case "mirakl-shop":
                lines = staged.mirakl.portal.order(order_id).lines
                staged.mirakl.portal.accept(order_id, dict.fromkeys(lines, True))

    # -- parcels out -----------------------------------------------------------------------------------------------

    def _ship(self, parcel: dict[str, Any]) -> None:
        shop, order_id = self.numbers[parcel["number"]]
        lines = {row["line_id"]: row["quantity"] for row in parcel["lines"]}
        staged, now, tracking = self.staged, self.staged.world.clock(), parcel["tracking"]
        match shop.name:
            case "amazon":
                box = Package(parcel["parcel"], "DHL", None, None, tracking, now, now, lines, confirmed_late=False)
                amazon = staged.amazon
                amazon.orders.ship(amazon.platform.orders[order_id], box)
                amazon.platform.settle()
            case "walmart":
                order = staged.walmart.platform.orders[order_id]
                told = []
                for line_id, quantity in lines.items():
                    line = order.line(line_id)
                    assert line is not None
                    told.append(Shipment(line, Parcel(quantity, "UPS", None, "Standard", tracking, None, now, now)))
                staged.walmart.orders.ship(order, told)
            case "ebay":
                staged.ebay.orders.ship(staged.ebay.market.orders[order_id], lines, "DHL", tracking)
                staged.ebay.market.settle()
            case "channelengine":
                units = {int(line_id): quantity for line_id, quantity in lines.items()}
                key = parcel["parcel"]
                staged.channelengine.lifecycle.ship(
                    EngineShipment(key, int(order_id), units, now, now, "DHL", tracking, None, None, "NL", now)
                )
            case _:
                staged.mirakl.portal.ship_part(order_id, lines, "DHL", tracking)

    def _give_up(self, gone: dict[str, Any]) -> None:
        shop, order_id = self.numbers[gone["number"]]
        lines = {row["line_id"]: row["quantity"] for row in gone["lines"]}
        staged, row = self.staged, shop.order(order_id)
        if row["cancelled_by"] is not None:
            return
        match shop.name:
            case "amazon":
                order = staged.amazon.platform.orders[order_id]
                for line_id, quantity in lines.items():
                    line = order.lines[line_id]
                    staged.amazon.orders.cancel_pieces(order, line, quantity, "seller", "NoInventory")
                staged.amazon.platform.settle()
            case "walmart":
                bought = staged.walmart.platform.orders[order_id]
                wanted = []
                for line_id, quantity in lines.items():
                    part = bought.line(line_id)
                    assert part is not None
                    wanted.append(Cancellation(part, quantity, "SELLER_CANCEL_OUT_OF_STOCK"))
                staged.walmart.orders.cancel(bought, wanted)
            case "channelengine":
                units = {int(line_id): quantity for line_id, quantity in lines.items()}
                staged.channelengine.lifecycle.cancel(
                    staged.channelengine.portal.order(order_id), units, "seller", "NOT_IN_STOCK"
                )
            case _:
                for line in row["lines"]:
                    if line["line_id"] in lines:
                        shop.portal.refund(order_id, line["line_id"], unit_minor(line) * lines[line["line_id"]])

    # -- back again ------------------------------------------------------------------------------------------------

    def _agree_to_returns(self) -> None:
        for one in self.staged.ebay.market.returns.values():
            if one.state == "RETURN_REQUESTED":
                self.staged.ebay.returns.approve(one, None)
        for back in self.staged.mirakl.platform.tables.returns.values():
            if back.state == "WAITING_ACCEPTANCE":
                self.staged.mirakl.portal.accept_return(back.return_id)

    def _pay_back(self, back: dict[str, Any]) -> None:
        shop, order_id = self.numbers[back["number"]]
        staged, return_id = self.staged, back["return_id"]
        match shop.name:
            case "ebay":
                one = staged.ebay.market.returns[return_id]
                staged.ebay.returns.refund(one, sum(back["refund_minor"].values()))
                staged.ebay.market.settle()
            case "channelengine":
                accepted = {int(row["line_id"]): row["quantity"] for row in back["accepted"]}
                staged.channelengine.returns._receive(staged.channelengine.portal.returned(return_id), accepted)
            case "mirakl-shop":
                staged.mirakl.portal.receive_return(return_id, bool(back["accepted"]))
            case _:
                for line_id, minor in back["refund_minor"].items():
                    shop.portal.refund(order_id, line_id, minor)

    def _answer_disputes(self) -> None:
        for one in self.staged.ebay.market.disputes.values():
            if one.status == "ACTION_NEEDED":
                self.staged.ebay.disputes.accept(one, None)

    # -- one stock -------------------------------------------------------------------------------------------------

    def _show_stock(self) -> None:
        """What lies there less what is sold and not sent, the same everywhere."""
        sold: dict[str, int] = {}
        for shop in self.staged.shops.values():
            for row in shop.books()["orders"]:
                if row["fulfilled_by"] == "seller" and row["cancelled_by"] is None:
                    for line in row["lines"]:
                        sold[line["sku"]] = sold.get(line["sku"], 0) + missing(line)
        staged = self.staged
        for ware in staged.wares:
            left = max(0, staged.back_office.portal.stock(ware.sku) - sold.get(ware.sku, 0))
            staged.amazon.platform.listings[ware.sku].quantity = left
            staged.walmart.platform.listings[ware.sku].quantity = left
            item = staged.channelengine.platform.items[ware.sku]
            if item.stock != left:
                staged.channelengine.catalogue.set_offer(item, None, left)
            offer = staged.ebay.market.offers_by_sku[ware.sku][0]
            staged.ebay.listings.take(offer, staged.ebay.listings.stock(offer) - left)
            mine = staged.mirakl.platform.tables.offer_by_sku[staged.shopfront.shop_id, ware.sku]
            staged.mirakl.portal.revise_offer(mine, quantity=left)


class Day:
    """The staged world, the clerk if there is one, and a clock that jumps to whatever happens next."""

    def __init__(
        self,
        seed: int = 1,
        visits: int = 25,
        *,
        clerk: bool = True,
        faults: Any = "none",
        round_: timedelta = ROUND,
        **options: Any,
    ):
        self.clock = START
        self.round = round_
        self.hooks: list[tuple[str, Request]] = []
        chosen = Options(**{"finish": "stop", "span": timedelta(hours=6), "pace": Pace().scaled(50), **options})
        self.staged = stage(
            lambda: self.clock,
            lambda: MACHINE,
            seed,
            "http://hub.invalid",
            orders=visits,
            faults=faults,
            outbound=self._hear,
            options=chosen,
        )
        self.clerk = Clerk(self.staged) if clerk else None

    def _hear(self, base_url: str, request: Request) -> Response | Hang:
        assert base_url == "http://hub.invalid"
        self.hooks.append((unquote(request.path.removeprefix("/hooks/")), request))
        return Response(204 if self.clerk is not None else 503)

    def run(self, until: Callable[[], bool] | None = None, days: int = 30) -> None:
        """Live until the world is done (or `until` says so); a world that never ends is a failure."""
        over = until or self.staged.director.done
        end = self.clock + timedelta(days=days)
        world = self.staged.world
        worked_at = self.clock - self.round
        while not over():
            world.tick()
            if self.clerk is not None and self.clock - worked_at >= self.round:
                worked_at = self.clock
                self.clerk.work()
                world.tick()
            due = world.next_due()
            assert due is not None, "nobody will ever do anything again"
            self.clock = max(due, self.clock + timedelta(seconds=1))
            assert self.clock < end, f"still waiting for {self.staged.director.waiting()}"

    def books(self) -> dict[str, Any]:
        with self.staged.world.lock:
            return dict(json.loads(json.dumps(self.staged.world.books())))
