"""The places where the company sells, all through one door: what a buyer can do there, and what the channel has written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from entrepot.sandbox.core import Request, Response
from entrepot.sandbox.ebay import Ebay
from entrepot.sandbox.mirakl import Mirakl, Shopfront
from entrepot.sandbox.mirakl.errors import MiraklError

COUNTED_ELSEWHERE: Final = frozenset(
    {
        *("pending", "unshipped", "unshipped_by_amazon"),
        "orders",
        *("unpaid_orders", "unshipped_orders", "unpublished_offers"),
        *("unpaid orders", "unacknowledged orders", "unshipped orders"),
        "undecided orders",
        *("returns", "open returns"),
    }
)
"""What channels count as waiting in words of their own; here it is counted from the orders, and by who follows the returns."""


class Counter(Protocol):
    """The part of every channel's portal that buyers and the channel itself use."""

    def place(
        self,
        lines: Sequence[tuple[str, int]],
        *,
        buyer: str = "",
        pending: bool = False,
        fulfilled_by: str = "seller",
    ) -> str: ...

    def release(self, order_id: str) -> None: ...

    def ask_cancel(self, order_id: str, lines: Sequence[str] | None = None) -> object: ...

    def cancel(self, order_id: str) -> None: ...

    def open_return(self, order_id: str, lines: Sequence[tuple[str, int]], reason: str) -> str: ...

    def refund(self, order_id: str, line_id: str, amount_minor: int) -> str: ...

    def open_dispute(self, order_id: str) -> str: ...

    def suppress(self, sku: str, code: str, message: str, attribute: str) -> None: ...

    def restore(self, sku: str) -> None: ...

    def live(self, sku: str) -> bool: ...

    def price(self, sku: str) -> int: ...

    def stock(self, sku: str) -> int: ...

    def close_period(self) -> str | None: ...

    def subscribe(self, listener: Callable[[str, str], None]) -> None: ...

    def waiting(self) -> Mapping[str, int]: ...


class Homeward(Protocol):
    """How goods go back on a channel. `stage`: "wait" (for the seller's word), "send", "over"."""

    def stage(self, return_id: str) -> str: ...

    def agree(self, return_id: str) -> None:
        """The seller's standing rule agrees for him."""

    def sent(self, return_id: str) -> None: ...

    def arrived(self, return_id: str) -> None: ...

    def settled(self, return_id: str) -> bool | None:
        """Whether the channel knows the return's end; None: it keeps no such thing."""

    def give_up(self, return_id: str) -> None:
        """The seller says nothing: the channel ends it."""


class AtOnce:
    """The buyer sends without asking; the channel keeps no end of its own (Amazon, Walmart)."""

    def stage(self, return_id: str) -> str:
        return "send"

    def agree(self, return_id: str) -> None:
        """Nobody is asked."""

    def sent(self, return_id: str) -> None:
        """Nobody notes it."""

    def arrived(self, return_id: str) -> None:
        """The channel's own timers say so."""

    def settled(self, return_id: str) -> bool | None:
        return None

    def give_up(self, return_id: str) -> None:
        """Nothing to end."""


class AtChannelEngine(AtOnce):
    """Known by the return's status; one that nobody answers is withdrawn."""

    def __init__(self, portal: Any) -> None:
        self._portal = portal

    def settled(self, return_id: str) -> bool | None:
        return bool(self._portal.returned(return_id).status != "IN_PROGRESS")

    def give_up(self, return_id: str) -> None:
        self._portal.withdraw_return(return_id)


class AtEbay(AtOnce):
    """The seller agrees first; eBay ends by itself what he leaves lying."""

    def __init__(self, ebay: Ebay) -> None:
        self._ebay = ebay

    def stage(self, return_id: str) -> str:
        state = self._ebay.market.returns[return_id].state
        return {"RETURN_REQUESTED": "wait", "ITEM_READY_TO_SHIP": "send"}.get(state, "over")

    def agree(self, return_id: str) -> None:
        self._ebay.returns.approve(self._ebay.market.returns[return_id], None)
        self._ebay.market.settle()

    def sent(self, return_id: str) -> None:
        self._ebay.portal.send_return(return_id)

    def arrived(self, return_id: str) -> None:
        if self._ebay.market.returns[return_id].state == "ITEM_SHIPPED":
            self._ebay.portal.deliver_return(return_id)

    def settled(self, return_id: str) -> bool | None:
        return self._ebay.market.returns[return_id].closed_at is not None


class AtMirakl(AtOnce):
    """The shop agrees first; the operator decides for a shop that says nothing."""

    def __init__(self, mirakl: Mirakl) -> None:
        self._portal = mirakl.portal

    def stage(self, return_id: str) -> str:
        state = self._portal.returned(return_id).state
        return {"WAITING_ACCEPTANCE": "wait", "IN_PROGRESS": "send"}.get(state, "over")

    def agree(self, return_id: str) -> None:
        self._portal.accept_return(return_id)

    def settled(self, return_id: str) -> bool | None:
        one = self._portal.returned(return_id)
        judged = all(line.compliant is not None for line in one.lines.values())
        return one.state in ("CLOSED", "REFUSED") or (one.state == "RECEIVED" and judged)

    def give_up(self, return_id: str) -> None:
        try:
            if self._portal.returned(return_id).state == "WAITING_ACCEPTANCE":
                self._portal.accept_return(return_id)
            else:
                self._portal.receive_return(return_id, True)
        except MiraklError as no:
            raise ValueError(no.message) from no


class MiraklShop:
    """The marketplace as one shop sees it: its calls, and its part of the books."""

    def __init__(self, mirakl: Mirakl, front: Shopfront) -> None:
        self._mirakl = mirakl
        self._front = front

    def operation(self, request: Request) -> str | None:
        return self._mirakl.operation(request)

    def handle(self, request: Request) -> Response:
        return self._mirakl.handle(request)

    def books(self) -> dict[str, Any]:
        return self._front.books()


@dataclass(frozen=True)
class Shop:
    """One channel of the company.

    Shape: `account` is its name at the hub; `by_channel` the portal's word for what the channel sends itself; `homeward` how
    goods go back. `gives_up`: the channel cancels what is never sent; else its buyers have it cancelled.
    """

    name: str
    account: str
    currency: str
    portal: Counter
    books: Callable[[], dict[str, Any]]
    by_channel: str
    return_reason: str
    homeward: Homeward = field(default_factory=AtOnce)
    takes_pending: bool = True
    takes_disputes: bool = False
    gives_up: bool = True

    def number(self, order_id: str) -> str:
        """By which the company's own systems know an order."""
        return f"{self.account}:{order_id}"

    def order(self, order_id: str) -> dict[str, Any]:
        """One order of the books. Errors: KeyError."""
        for row in self.books()["orders"]:
            if row["order_id"] == order_id:
                found: dict[str, Any] = row
                return found
        raise KeyError(order_id)

    def open_orders(self) -> list[str]:
        """Orders of which something is neither sent nor cancelled nor paid back."""
        return [row["order_id"] for row in self.books()["orders"] if is_open(row)]

    def waiting(self) -> dict[str, int]:
        """What is not over here, apart from the orders' own way."""
        return {kind: count for kind, count in self.portal.waiting().items() if count and kind not in COUNTED_ELSEWHERE}


def unit_minor(line: Mapping[str, Any]) -> int:
    """The price of one piece; Amazon's books show the line's price and the piece's beside it."""
    return int(line.get("unit_minor", line["price_minor"]))


def missing(line: Mapping[str, Any]) -> int:
    """Pieces that were neither sent nor cancelled."""
    return int(line["quantity"] - line["shipped"] - line["cancelled"])


def is_open(order: Mapping[str, Any]) -> bool:
    """Whether somebody still waits for a piece he did not get paid back."""
    return any(missing(line) and line["refunded_minor"] < missing(line) * unit_minor(line) for line in order["lines"])


def was_sent(order: Mapping[str, Any]) -> bool:
    """Whether everything that was not cancelled has left."""
    return any(line["shipped"] for line in order["lines"]) and not is_open(order)
