"""What the channels and their buyers do, in process: the same state machine as the API, from the other side."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from entrepot.sandbox.channelengine.model import Item, Listed, Order, Return
from entrepot.sandbox.channelengine.platform import LISTING_UPDATED
from entrepot.sandbox.channelengine.settings import Channel, Product

if TYPE_CHECKING:
    from entrepot.sandbox.channelengine.system import ChannelEngine


class Portal:
    """Buyers and channels.

    Shape: ids are text. `channel_id` picks a channel; without one, orders go to the enabled channels in turn.
    Errors: ValueError for what cannot be done. Call it under the world's lock (agenda callbacks, or `with world.lock`).
    """

    def __init__(self, system: "ChannelEngine") -> None:
        self._system = system
        self._platform = system.platform
        self._turn = 0

    # -- orders ----------------------------------------------------------------------------------------------------

    def place(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: str = "",
        pending: bool = False,
        fulfilled_by: str = "seller",
        channel_id: int | None = None,
    ) -> str:
        """A buyer orders (sku, quantity); the order's id. Errors: ValueError when no channel sells it."""
        order = self._system.lifecycle.place(self._channel(lines, channel_id), lines, buyer, pending, fulfilled_by)
        return str(order.order_id)

    def _channel(self, lines: Sequence[tuple[str, int]], channel_id: int | None) -> Channel:
        channels = list(self._platform.channels.values())
        if channel_id is not None:
            return self._platform.channels[channel_id]
        self._turn += 1
        turned = [channels[(self._turn + n) % len(channels)] for n in range(len(channels))]
        for channel in turned:
            if all(self._system.catalogue.buyable(channel, sku, quantity) for sku, quantity in lines):
                return channel
        raise ValueError(f"no channel sells {dict(lines)}")

    def order(self, order_id: str) -> Order:
        """One order as it stands (do not change it)."""
        try:
            return self._platform.orders[int(order_id)]
        except (KeyError, ValueError):
            raise ValueError(f"no order {order_id}") from None

    def release(self, order_id: str) -> None:
        """The buyer paid: the order becomes NEW."""
        self._system.lifecycle.release(self.order(order_id))

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None) -> None:
        """The buyer asks: a NEW order is cancelled at once, an acknowledged one only carries his request."""
        chosen = None if lines is None else [int(one) for one in lines]
        self._system.lifecycle.ask_cancel(self.order(order_id), chosen)

    def cancel(self, order_id: str) -> None:
        """The channel cancels what has not left."""
        self._system.lifecycle.cancel_rest(self.order(order_id), "channel", "Cancelled by channel")

    def need_correction(self, order_id: str) -> None:
        """The channel's data of an order is incomplete: it is not NEW until it is corrected (`correct`)."""
        order = self.order(order_id)
        if order.status != "NEW":
            raise ValueError(f"order {order_id} is {order.status}")
        self._system.lifecycle.move(order, "REQUIRES_CORRECTION")
        message = f"Order {order.channel_order_no} needs correction"
        self._platform.notify(
            "CHANNEL_ORDER_CORRECTION_NEEDED", "Correction needed", message, channel_order_no=order.channel_order_no
        )

    def correct(self, order_id: str) -> None:
        """Somebody corrected it in ChannelEngine."""
        order = self.order(order_id)
        if order.status != "REQUIRES_CORRECTION":
            raise ValueError(f"order {order_id} is {order.status}")
        self._system.lifecycle.move(order, "NEW")
        self._platform.changed("ORDERS_CHANGE")

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str, comment: str = "") -> str:
        """The buyer sends units of lines back; the return's id. `reason`: one of ReturnReason, anything else is OTHER."""
        units = {int(line_id): quantity for line_id, quantity in lines}
        return str(self._system.returns.declare(self.order(order_id), units, reason, comment or None).return_id)

    def returned(self, return_id: str) -> Return:
        """One return as it stands."""
        return self._platform.returns[int(return_id)]

    def withdraw_return(self, return_id: str) -> None:
        """The buyer keeps the goods."""
        self._system.returns.withdraw(self.returned(return_id))

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str:
        """The channel pays its buyer back by itself. The API shows it in the settlement only."""
        order = self.order(order_id)
        return self._system.lifecycle.refund(order, order.lines[int(line_id)], amount_minor, "channel").refund_id

    def open_dispute(self, order_id: str) -> str:
        """The channel manager knows no disputes. Errors: always ValueError."""
        raise ValueError(f"order {order_id}: ChannelEngine has no disputes")

    # -- listings --------------------------------------------------------------------------------------------------

    def seed(self, products: Sequence[Product]) -> None:
        """What every channel already lists at the start."""
        for product in products:
            self._system.catalogue.seed(product)

    def suppress(self, sku: str, code: str, message: str, attribute: str, channel_id: int | None = None) -> None:
        """A channel takes a product off (all of them without `channel_id`)."""
        item = self._item(sku)
        for channel, listed in self._on(item, channel_id):
            if listed.channel_status == "PUBLISHED":
                listed.channel_status = "NOT_PUBLISHED"
                self._system.catalogue.complain(channel, item, code, message, attribute)
        self._platform.tell(LISTING_UPDATED, sku)

    def restore(self, sku: str, channel_id: int | None = None) -> None:
        """The product is shown again."""
        for _, listed in self._on(self._item(sku), channel_id):
            if listed.channel_status == "NOT_PUBLISHED":
                listed.channel_status = "PUBLISHED"
                listed.issues.clear()
        self._platform.tell(LISTING_UPDATED, sku)

    def live(self, sku: str, channel_id: int | None = None) -> bool:
        """Whether buyers find it on that channel, or on any."""
        return bool(self._shown(sku, channel_id))

    def price(self, sku: str, channel_id: int | None = None) -> int:
        """The price last exported to the channel, or to the first that shows it; minor units of the tenant's currency."""
        shown = self._shown(sku, channel_id)
        return shown[0].price_minor if shown else self._item(sku).price_minor

    def stock(self, sku: str, channel_id: int | None = None) -> int:
        """What can be bought at most in one order, there or on the channel that shows the most."""
        return max((max(0, listed.stock) for listed in self._shown(sku, channel_id)), default=0)

    def _shown(self, sku: str, channel_id: int | None) -> list[Listed]:
        channels = self._platform.channels
        chosen = channels.values() if channel_id is None else [channels[channel_id]]
        found = (self._system.catalogue.listed(channel, sku) for channel in chosen)
        return [listed for listed in found if listed is not None]

    def _on(self, item: Item, channel_id: int | None) -> list[tuple[Channel, Listed]]:
        return [
            (self._platform.channels[one], listed)
            for one, listed in item.listed.items()
            if channel_id is None or one == channel_id
        ]

    def _item(self, sku: str) -> Item:
        try:
            return self._platform.items[sku]
        except KeyError:
            raise ValueError(f"no product {sku}") from None

    # -- money, health, hearing ------------------------------------------------------------------------------------

    def close_period(self) -> str | None:
        """Close the period of every channel; the first settlement's id, None when there is nothing to pay."""
        closed = self._system.money.close()
        return str(closed[0].settlement_id) if closed else None

    def health(self) -> Mapping[str, float]:
        """Shares of the orders that were ours to send: late, cancelled for want of goods or time, with a return for a defect."""
        orders = [one for one in self._platform.orders.values() if one.fulfilled_by == "seller"]
        ours = [one for one in orders if one.status != "AWAITING_PAYMENT"]
        if not ours:
            return {"orders": 0.0, "late_shipments": 0.0, "cancellations": 0.0, "defects": 0.0}
        now = self._platform.now()
        late = sum((one.shipped_at or now) > one.ship_by for one in ours if one.shipped_at or one.open)
        faulty = {"PRODUCT_DEFECT", "WRONG_PRODUCT", "PRODUCT_UNSATISFACTORY"}
        defects = {one.order_id for one in self._platform.returns.values() if one.reason in faulty}
        cancelled = sum(one.cancelled_by in ("seller", "channel") for one in ours)
        return {
            "orders": float(len(ours)),
            "late_shipments": late / len(ours),
            "cancellations": cancelled / len(ours),
            "defects": sum(one.order_id in defects for one in ours) / len(ours),
        }

    def subscribe(self, listener: Callable[[str, str], None]) -> None:
        """Hear changes as (topic, id): "order.placed", "order.updated", "order.cancelled", "listing.updated", "period.closed"."""
        self._platform.listeners.append(listener)

    def waiting(self) -> Mapping[str, int]:
        """What is not over yet."""
        platform = self._platform
        orders = platform.orders.values()
        return {
            "unpaid orders": sum(one.status == "AWAITING_PAYMENT" for one in orders),
            "unacknowledged orders": sum(one.status in ("NEW", "REQUIRES_CORRECTION") for one in orders),
            "unshipped orders": sum(one.status == "IN_PROGRESS" for one in orders),
            "open returns": sum(one.status == "IN_PROGRESS" for one in platform.returns.values()),
            "listings under review": sum(
                listed.channel_status == "UNDER_REVIEW"
                for item in platform.items.values()
                for listed in item.listed.values()
            ),
            "reports in the making": sum(one.status == "IN_PROGRESS" for one in platform.reports.values()),
            "undelivered notifications": self._system.webhooks.undelivered(),
        }
