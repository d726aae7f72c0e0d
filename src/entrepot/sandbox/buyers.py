"""The buyers after the purchase: parcels arrive, some goods go back, some buyers complain, some call their bank."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from entrepot.sandbox.errands import Errands, Pace
from entrepot.sandbox.gateway import Gateway, Refusal
from entrepot.sandbox.gateway.model import KEPT, Capture, Dispute
from entrepot.sandbox.mirakl import Portal
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.state import Line, Order
from entrepot.sandbox.sellers import Sellers

ARRIVING: Final = frozenset({"SHIPPED", "TO_COLLECT"})
RETURN_REASONS: Final = ("CHANGED_MIND", "DEFECTIVE")


@dataclass(frozen=True)
class Habits:
    """What buyers do with what they received.

    Shape: `returning` and `disputing` name baskets by commercial id for which it is certain. Units: chances in percent.
    """

    returns: int = 8
    complains: int = 4
    disputes: int = 0
    bank_sides_with_buyer: int = 50
    returning: frozenset[str] = frozenset()
    disputing: frozenset[str] = frozenset()


class Buyers:
    """All buyers, and the carrier who serves them."""

    def __init__(
        self, errands: Errands, portal: Portal, gateway: Gateway, sellers: Sellers, pace: Pace, habits: Habits
    ) -> None:
        self._errands = errands
        self._world = errands.world
        self._portal = portal
        self._gateway = gateway
        self._sellers = sellers
        self._pace = pace
        self._habits = habits
        self._expecting: set[str] = set()
        self._received: set[str] = set()
        self._disputed: set[str] = set()
        self._returned: set[str] = set()
        self.refused_clicks: list[dict[str, Any]] = []
        portal.subscribe(self._hear)
        gateway.listeners.append(self._hear_gateway)

    def books(self) -> dict[str, Any]:
        return {"disputed_baskets": sorted(self._disputed), "refused_clicks": self.refused_clicks}

    def _hear(self, topic: str, subject: str) -> None:
        if topic != "order.updated":
            return
        order = self._portal.order(subject)
        if order.state in ARRIVING and subject not in self._expecting:
            self._expecting.add(subject)
            rng = self._world.stream(f"carrier/{subject}")
            self._errands.within("deliveries", self._pace.deliver, rng, lambda: self._receive(order))
        elif order.state == "RECEIVED" and subject not in self._received:
            self._received.add(subject)
            self._unpack(order)

    def _receive(self, order: Order) -> None:
        if order.state in ARRIVING:
            self._click("receive", order.order_id, lambda: self._portal.receive(order.order_id))

    # -- goods back, money back ------------------------------------------------------------------------------------

    def _unpack(self, order: Order) -> None:
        if order.commercial_id in self._disputed or order.commercial_id in self._habits.disputing:
            return
        rng = self._world.stream(f"buyer/{order.order_id}")
        kept = [line for line in order.lines.values() if line.state == "RECEIVED" and line.shipped]
        certain = order.commercial_id in self._habits.returning and order.commercial_id not in self._returned
        roll = rng.randint(1, 100)
        if not kept:
            return
        line = rng.choice(kept)
        if certain or roll <= self._habits.returns:
            self._returned.add(order.commercial_id)
            quantity, reason = rng.randint(1, line.shipped), rng.choice(RETURN_REASONS)
            self._errands.within(
                "returns", self._pace.ask_return, rng, lambda: self._send_back(order, line, quantity, reason)
            )
        elif roll <= self._habits.returns + self._habits.complains:
            part = max(1, line.price_minor * rng.randint(5, 30) // 100)
            self._errands.within("complaints", self._pace.give_goodwill, rng, lambda: self._appease(order, line, part))

    def _send_back(self, order: Order, line: Line, quantity: int, reason: str) -> None:
        if order.commercial_id in self._disputed:
            return

        def ask() -> None:
            return_id = self._portal.create_return(order.order_id, {line.line_id: quantity}, reason)
            self._sellers.take_back(order, return_id)

        self._click("return", order.order_id, ask)

    def _appease(self, order: Order, line: Line, amount: int) -> None:
        """The operator gives part of the price back; the goods stay."""
        if order.commercial_id not in self._disputed:
            self._click(
                "refund",
                order.order_id,
                lambda: self._portal.refund(order.order_id, line.line_id, amount, "COMMERCIAL_GESTURE"),
            )

    # -- the bank --------------------------------------------------------------------------------------------------

    def _hear_gateway(self, topic: str, about: Any) -> None:
        if topic != "capture.succeeded" or not isinstance(about, Capture):
            return
        basket = self._gateway.accounts.authorisations[about.authorisation_id].reference
        rng = self._world.stream(f"bank/{basket}")
        wanted = basket in self._habits.disputing or rng.randint(1, 100) <= self._habits.disputes
        if wanted and basket not in self._disputed:
            self._disputed.add(basket)
            self._errands.within("disputes", self._pace.charge_back, rng, lambda: self._charge_back(basket, about))

    def _charge_back(self, basket: str, capture: Capture) -> None:
        amount = capture.purse[KEPT]
        if not amount:
            return
        dispute = self._gateway.open_dispute(
            capture, amount_minor=amount, reference=f"{basket}-chargeback", reason="product_not_received"
        )
        rng = self._world.stream(f"bank-decides/{basket}")
        won = rng.randint(1, 100) > self._habits.bank_sides_with_buyer
        self._errands.within("disputes", self._pace.bank_decides, rng, lambda: self._end(dispute, won))

    def _end(self, dispute: Dispute, won: bool) -> None:
        try:
            self._gateway.close_dispute(dispute, won=won)
        except Refusal as no:
            self.refused_clicks.append({"what": "dispute", "id": dispute.id, "code": no.code, "message": no.message})

    def _click(self, what: str, subject: str, do: Callable[[], object]) -> None:
        try:
            do()
        except MiraklError as no:
            self.refused_clicks.append({"what": what, "id": subject, "code": no.code, "message": no.message})
