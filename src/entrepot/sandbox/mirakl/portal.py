"""The operator's and sellers' back office, in process: what people click, through the same state machine as the API."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.money import share
from entrepot.sandbox.mirakl.platform import Listener

if TYPE_CHECKING:
    from entrepot.sandbox.mirakl.conversation import Thread
    from entrepot.sandbox.mirakl.state import Offer, Order, Return, Shop
    from entrepot.sandbox.mirakl.system import Mirakl


class Portal:
    """Clicks in the back office.

    Shape: every id is text except shop and offer ids. Units: minor units of the order's currency.
    Errors: every method raises MiraklError (entrepot.sandbox.mirakl.errors) with the codes the API would answer.
    Call it under the world's lock (from agenda callbacks, or `with world.lock`).
    """

    def __init__(self, mirakl: "Mirakl") -> None:
        self._mirakl = mirakl
        self._tables = mirakl.platform.tables

    # -- hearing and reading ---------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        """Hear every change as (topic, id): "order.created", "order.updated", "refund.created", "return.updated",
        "shipment.updated", "cycle.closed", "offer.updated", "thread.updated". Called under the lock right after the change is whole."""
        self._mirakl.platform.listeners.append(listener)

    def order(self, order_id: str) -> "Order":
        """One order as it stands (do not change it). `.state`, `.shop_id`, `.lines[line_id]`, `.commercial_id` …"""
        return self._mirakl.platform.order(order_id)

    def orders_of(self, commercial_id: str) -> list["Order"]:
        """The legs of one basket, in leg order."""
        return [self._tables.orders[one] for one in self._tables.orders_by_commercial.get(commercial_id, ())]

    def returned(self, return_id: str) -> "Return":
        """One return as it stands."""
        return self._mirakl.returns.get(return_id)

    def offers(self) -> list["Offer"]:
        """Every offer that is not deleted, by offer id. `.offer_id`, `.shop_id`, `.price_minor`, `.quantity` …"""
        return self._mirakl.offers.listed()

    def offer(self, offer_id: int) -> "Offer":
        """One offer as it stands (do not change it), deleted or not."""
        return self._tables.offers[offer_id]

    def thread(self, thread_id: str) -> "Thread":
        """One conversation as it stands."""
        return self._tables.threads[thread_id]

    def threads_of(self, shop_id: int) -> list["Thread"]:
        """The conversations of one seller, oldest first."""
        return [thread for thread in self._tables.threads.values() if thread.shop_id == shop_id]

    def shops(self) -> list["Shop"]:
        """Every shop by id."""
        return [shop for _, shop in sorted(self._tables.shops.items())]

    def open_cycles(self) -> list[dict[str, Any]]:
        """Cycles that wait for payment (TO_PAY), oldest first:
        {"id", "shop_id", "currency", "amount_minor", "voucher", "closed_at", "operator_minor"}."""
        return [
            {
                "id": cycle.cycle_id,
                "shop_id": cycle.shop_id,
                "currency": cycle.currency,
                "amount_minor": cycle.amount_minor,
                "voucher": cycle.voucher,
                "closed_at": cycle.created_at,
                "operator_minor": cycle.operator_minor,
            }
            for cycle in self._tables.cycles.values()
            if cycle.pay_out_state == "TO_PAY"
        ]

    # -- sellers ---------------------------------------------------------------------------------------------------

    def accept(self, order_id: str, decisions: Mapping[str, bool]) -> None:
        """The seller decides every line at once (OR21)."""
        self._do(lambda: self._mirakl.orders.accept(self.order(order_id), decisions))

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        """Tracking and ship confirmation of all that remains to ship (OR23 + OR24)."""

        def ship() -> None:
            order = self.order(order_id)
            given = {"carrier_code": carrier, "carrier_name": carrier, "tracking_number": tracking}
            self._mirakl.shipments.track_order(order, given)
            self._mirakl.shipments.ship_rest(order)

        self._do(ship)

    def ship_part(self, order_id: str, quantities: Mapping[str, int], carrier: str, tracking: str) -> str:
        """One parcel with some of the lines (ST01); gives the shipment id."""
        given = {
            "carrier_code": carrier,
            "carrier_name": carrier,
            "carrier_standard_code": None,
            "tracking_number": tracking,
            "tracking_url": None,
        }
        made: list[str] = []

        def ship() -> None:
            shipment = self._mirakl.shipments.create(self.order(order_id), quantities, given, None, shipped=True)
            made.append(shipment.shipment_id)

        self._do(ship)
        return made[0]

    def revise_offer(self, offer_id: int, **fields: Any) -> None:
        """Somebody edits one offer: `price_minor`, `quantity`, `description`, `category_code` …"""

        def revise() -> None:
            offer = self._tables.offers[offer_id]
            for name, value in fields.items():
                setattr(offer, name, value)
            self._mirakl.platform.touch_offer(offer)

        self._do(revise)

    def reply(self, thread_id: str, body: str) -> None:
        """The seller answers in a conversation."""
        self._do(lambda: self._mirakl.threads.said_by_shop(self.thread(thread_id), body))

    # -- operator --------------------------------------------------------------------------------------------------

    def score(self, order_id: str, passed: bool) -> None:
        """The fraud check of a STAGING order ends: WAITING_ACCEPTANCE, or CANCELED when it failed."""
        self._do(lambda: self._mirakl.orders.score(self.order(order_id), passed))

    def receive(self, order_id: str) -> None:
        """The buyer has it: SHIPPED or TO_COLLECT -> RECEIVED."""
        self._do(lambda: self._mirakl.orders.receive(self.order(order_id)))

    def to_collect(self, order_id: str) -> None:
        """It waits at a pick-up point: SHIPPED -> TO_COLLECT."""
        self._do(lambda: self._mirakl.orders.to_collect(self.order(order_id)))

    def cancel(self, order_id: str, reason: str) -> None:
        """Cancel a whole order that is not debited yet."""
        self._do(lambda: self._mirakl.orders.cancel(self.order(order_id), reason))

    def refund(self, order_id: str, line_id: str, amount: int, reason: str, shipping: int = 0) -> str:
        """Refund part of one debited line (OR28); gives the refund id. It is WAITING_REFUND until PA12 and PA02."""
        made: list[str] = []

        def refund() -> None:
            order = self.order(order_id)
            line = order.lines.get(line_id)
            if line is None:
                raise MiraklError(404, f"Order line '{line_id}' not found", "ORDER_LINE_NOT_FOUND", "line_id")
            self._mirakl.refunds.check(order, line, amount, shipping)
            group = self._mirakl.platform.world.uuid()
            made.append(self._mirakl.refunds.open(order, line, amount, shipping, 0, reason, group).refund_id)

        self._do(refund)
        return made[0]

    def open_incident(self, order_id: str, line_id: str, reason: str) -> None:
        """The buyer disputes a line: INCIDENT_OPEN."""
        self._do(lambda: self._mirakl.orders.incident(self.order(order_id), line_id, reason))

    def close_incident(self, order_id: str, line_id: str) -> None:
        """The incident is over; the line is again what it was."""
        self._do(lambda: self._mirakl.orders.incident(self.order(order_id), line_id, None))

    def manual_document(self, shop_id: int, kind: str, amount: int, description: str) -> str:
        """Issue a MANUAL_CREDIT (the shop gets money) or MANUAL_INVOICE (it owes); `amount` excludes tax, which is
        added at the shop's rate. Gives the document number."""
        if kind not in ("MANUAL_CREDIT", "MANUAL_INVOICE") or amount <= 0:
            raise MiraklError(400, "a manual document is a MANUAL_CREDIT or MANUAL_INVOICE of more than nothing")
        shop = self._tables.shops[shop_id]
        tax = share(amount, shop.tax_rate_per_100k)
        details = [{"amount_minor": amount, "tax_minor": tax, "description": description}]
        document = self._mirakl.billing.issue(shop_id, shop.currency, kind, amount, tax, None, details)
        credit = amount if kind == "MANUAL_CREDIT" else 0
        self._do(lambda: self._mirakl.ledger.charged(shop, kind, credit, amount - credit, tax, document))
        return document.number

    def subscription(self, shop_id: int, amount: int) -> None:
        """Charge a subscription fee, tax excluded."""
        shop = self._tables.shops[shop_id]
        tax = share(amount, shop.tax_rate_per_100k)
        self._do(lambda: self._mirakl.ledger.charged(shop, "SUBSCRIPTION_FEE", 0, amount, tax, None))

    def set_shop_state(self, shop_id: int, state: str, suspension_type: str | None = None) -> None:
        """OPEN, CLOSE, SUSPENDED, TERMINATED, or a word nobody has documented yet."""
        shop = self._tables.shops[shop_id]
        shop.state, shop.suspension_type = state, suspension_type
        self._do(lambda: self._mirakl.shops.touch(shop))

    def close_cycles(self) -> list[str]:
        """Close the billing cycle of every shop now instead of waiting for the 1st, 11th or 21st; gives cycle ids."""
        made: list[str] = []
        self._do(lambda: made.extend(cycle.cycle_id for cycle in self._mirakl.billing.close_all()))
        return made

    # -- returns ---------------------------------------------------------------------------------------------------

    def create_return(self, order_id: str, lines: Mapping[str, int], reason: str) -> str:
        """The buyer wants to send back these quantities by line id; gives the return id (WAITING_ACCEPTANCE)."""
        made: list[str] = []

        def create() -> None:
            wanted = {line_id: (quantity, reason) for line_id, quantity in lines.items()}
            returned = self._mirakl.returns.create(self.order(order_id), wanted, reason, "STANDARD", accepted=False)
            made.append(returned.return_id)

        self._do(create)
        return made[0]

    def accept_return(self, return_id: str, accepted: bool = True) -> None:
        """WAITING_ACCEPTANCE -> IN_PROGRESS, or REFUSED."""
        self._do(lambda: self._mirakl.returns.decide(self.returned(return_id), accepted))

    def receive_return(self, return_id: str, compliant: bool) -> Sequence[str]:
        """IN_PROGRESS -> RECEIVED; a compliant return creates the refunds of its lines and gives their ids."""
        made: list[str] = []

        def receive() -> None:
            returned = self.returned(return_id)
            self._mirakl.returns.receive(returned)
            verdict = (compliant, None if compliant else "DAMAGED", None)
            made.extend(self._mirakl.returns.comply(returned, dict.fromkeys(returned.lines, verdict)))

        self._do(receive)
        return made

    def _do(self, act: Callable[[], None]) -> None:
        """One click: its change is told whole, also when it is refused half-way."""
        try:
            act()
        finally:
            self._mirakl.platform.settle()
