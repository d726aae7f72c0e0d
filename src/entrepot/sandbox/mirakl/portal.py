"""The operator's and sellers' back office, in process: what people click, through the same state machine as the API."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.sandbox.mirakl.state import Offer, Order, Shop
    from entrepot.sandbox.mirakl.system import Mirakl

Listener = Callable[[str, str], None]


class Portal:
    """Clicks in the back office.

    Shape: every id is text except shop and offer ids. Units: minor units of the order's currency.
    Errors: every method raises MiraklError (entrepot.sandbox.mirakl.errors) with the codes the API would answer.
    Call it under the world's lock (from agenda callbacks, or `with world.lock`).
    """

    def __init__(self, mirakl: "Mirakl") -> None:
        self._mirakl = mirakl

    # -- hearing and reading ---------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        """Hear every change as (topic, id): "order.created", "order.updated", "refund.created", "return.updated",
        "shipment.updated", "cycle.closed". Called under the lock right after the change is whole."""
        raise NotImplementedError

    def order(self, order_id: str) -> "Order":
        """One order as it stands (do not change it). `.state`, `.shop_id`, `.lines[line_id]`, `.commercial_id` …"""
        raise NotImplementedError

    def orders_of(self, commercial_id: str) -> list["Order"]:
        """The legs of one basket, in leg order."""
        raise NotImplementedError

    def offers(self) -> list["Offer"]:
        """Every offer that is not deleted, by offer id. `.offer_id`, `.shop_id`, `.price_minor`, `.quantity` …"""
        raise NotImplementedError

    def shops(self) -> list["Shop"]:
        """Every shop by id."""
        raise NotImplementedError

    def open_cycles(self) -> list[dict[str, Any]]:
        """Cycles that wait for payment (TO_PAY), oldest first:
        {"id", "shop_id", "currency", "amount_minor", "voucher", "closed_at", "operator_minor"}."""
        raise NotImplementedError

    # -- sellers ---------------------------------------------------------------------------------------------------

    def accept(self, order_id: str, decisions: Mapping[str, bool]) -> None:
        """The seller decides every line at once (OR21)."""
        raise NotImplementedError

    def ship(self, order_id: str, carrier: str, tracking: str) -> None:
        """Tracking and ship confirmation of all that remains to ship (OR23 + OR24)."""
        raise NotImplementedError

    def ship_part(self, order_id: str, quantities: Mapping[str, int], carrier: str, tracking: str) -> str:
        """One parcel with some of the lines (ST01); gives the shipment id."""
        raise NotImplementedError

    # -- operator --------------------------------------------------------------------------------------------------

    def score(self, order_id: str, passed: bool) -> None:
        """The fraud check of a STAGING order ends: WAITING_ACCEPTANCE, or CANCELED when it failed."""
        raise NotImplementedError

    def receive(self, order_id: str) -> None:
        """The buyer has it: SHIPPED or TO_COLLECT -> RECEIVED."""
        raise NotImplementedError

    def to_collect(self, order_id: str) -> None:
        """It waits at a pick-up point: SHIPPED -> TO_COLLECT."""
        raise NotImplementedError

    def cancel(self, order_id: str, reason: str) -> None:
        """Cancel a whole order that is not debited yet."""
        raise NotImplementedError

    def refund(self, order_id: str, line_id: str, amount: int, reason: str, shipping: int = 0) -> str:
        """Refund part of one debited line (OR28); gives the refund id. It is WAITING_REFUND until PA02."""
        raise NotImplementedError

    def open_incident(self, order_id: str, line_id: str, reason: str) -> None:
        """The buyer disputes a line: INCIDENT_OPEN."""
        raise NotImplementedError

    def close_incident(self, order_id: str, line_id: str, reason: str) -> None:
        """The incident is over; the line is again what it was."""
        raise NotImplementedError

    def manual_document(self, shop_id: int, kind: str, amount: int, description: str) -> str:
        """Issue a MANUAL_CREDIT (the shop gets money) or MANUAL_INVOICE (it owes); `amount` excludes tax, which is
        added at the shop's rate. Gives the document number."""
        raise NotImplementedError

    def subscription(self, shop_id: int, amount: int) -> None:
        """Charge a subscription fee, tax excluded."""
        raise NotImplementedError

    def close_cycles(self) -> list[str]:
        """Close the billing cycle of every shop now instead of waiting for the 1st, 11th or 21st; gives cycle ids."""
        raise NotImplementedError

    # -- returns ---------------------------------------------------------------------------------------------------

    def create_return(self, order_id: str, lines: Mapping[str, int], reason: str) -> str:
        """The buyer wants to send back these quantities by line id; gives the return id (WAITING_ACCEPTANCE)."""
        raise NotImplementedError

    def accept_return(self, return_id: str, accepted: bool = True) -> None:
        """WAITING_ACCEPTANCE -> IN_PROGRESS, or REFUSED."""
        raise NotImplementedError

    def receive_return(self, return_id: str, compliant: bool) -> Sequence[str]:
        """IN_PROGRESS -> RECEIVED; a compliant return creates the refunds of its lines and gives their ids."""
        raise NotImplementedError
