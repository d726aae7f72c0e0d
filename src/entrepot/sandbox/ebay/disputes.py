"""Payment disputes: the buyer's bank takes the money, the seller answers in time or loses."""

from typing import Final

from entrepot.sandbox.ebay.finances import CREDIT, DEBIT, Finances
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.state import Dispute, Order

REASONS: Final = ("ITEM_NOT_RECEIVED", "FRAUD", "ITEM_NOT_AS_DESCRIBED")
CLOSED: Final = "CLOSED"


class Disputes:
    """The life of payment disputes. Every change raises `revision`, which contest and accept must name."""

    def __init__(self, market: Market, finances: Finances) -> None:
        self._market = market
        self._finances = finances
        self._rng = market.world.stream(f"{market.settings.system} disputes")

    def open(self, order: Order, reason: str = "ITEM_NOT_RECEIVED") -> Dispute:
        """A dispute of all that is left of an order; the amount is taken at once. Errors: ValueError."""
        left = order.gross_minor - order.refunded_minor
        if order.paid_at is None or left <= 0:
            raise ValueError(f"{order.order_id} has nothing to dispute")
        for other in self._market.disputes.values():
            if other.order_id == order.order_id and other.won is not True:
                raise ValueError(f"{order.order_id} is disputed already, or its money is gone")
        now = self._market.now()
        respond_by = now + self._market.settings.dispute_answer
        one = Dispute(self._market.new_id(10, "5"), order.order_id, reason, left, now, respond_by)
        self._market.disputes[one.dispute_id] = one
        self._finances.dispute(order, one, DEBIT)
        one.money.append(("CHARGE", left, now))
        one.activity.append(("DISPUTE_OPENED", "BUYER", now))
        self._market.at(respond_by, lambda: self._overdue(one))
        self._market.touch(order)
        return one

    def contest(self, one: Dispute, note: str | None, address: dict[str, object] | None) -> None:
        """The seller fights; the bank decides later."""
        one.note, one.return_address = note, address
        self._answered(one, "CONTEST", "SELLER_CONTEST")
        one.status = "OPEN"
        review_ends = self._market.now() + self._market.settings.dispute_review
        won = self._rng.randrange(1000) < self._market.settings.dispute_won_per_1000
        self._market.at(review_ends, lambda: self.close(one, won, "BANK_DECIDED"))

    def accept(self, one: Dispute, address: dict[str, object] | None) -> None:
        """The seller gives in: the money stays with the buyer, without a fee [guess]."""
        one.return_address = address
        self._answered(one, "ACCEPT", "SELLER_ACCEPT_WITH_RETURN" if address else "SELLER_ACCEPT")
        self._close(one, False, "SELLER_ACCEPTED")

    def close(self, one: Dispute, won: bool, closed_for: str) -> None:
        """The bank's word. A lost dispute costs a fee; a closed one stays as it is."""
        if one.closed_at is not None:
            return
        order = self._market.orders[one.order_id]
        if won:
            self._finances.dispute(order, one, CREDIT)
            one.money.append(("CREDIT", one.amount_minor, self._market.now()))
        else:
            one.fee_minor = self._market.settings.dispute_fee_minor
            if one.fee_minor:
                self._finances.charge(order, one, one.fee_minor)
                one.money.append(("FEE", one.fee_minor, self._market.now()))
        self._close(one, won, closed_for)

    def change(self, one: Dispute, activity: str, actor: str = "SELLER") -> None:
        """Something about it changed."""
        one.revision += 1
        one.activity.append((activity, actor, self._market.now()))
        self._market.touch(self._market.orders[one.order_id])

    def _answered(self, one: Dispute, response: str, activity: str) -> None:
        one.response = response
        self.change(one, activity)

    def _overdue(self, one: Dispute) -> None:
        if one.status == "ACTION_NEEDED":
            self.change(one, "SELLER_RESPONSE_OVERDUE", "EBAY")
            self.close(one, False, "SELLER_RESPONSE_OVERDUE")

    def _close(self, one: Dispute, won: bool, closed_for: str) -> None:
        one.status, one.won, one.closed_for, one.closed_at = CLOSED, won, closed_for, self._market.now()
        self.change(one, "DISPUTE_CLOSED", "EBAY")
