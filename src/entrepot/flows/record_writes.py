"""What each kind of message writes into records of ours, in the plan's words: object and fields, and of a message what it would change.

Asked only of senders from whom the plan takes something; everybody else's messages are not looked at twice (guarded.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from entrepot.flows.channels import order_of
from entrepot.inbox.model import Message
from entrepot.kernel.ctx import Conn, Row
from entrepot.kernel.outcome import Unrecognised
from entrepot.ownership.model import Value
from entrepot.trade.dispute import store as disputes
from entrepot.trade.order import rules
from entrepot.trade.order.model import OrderSeen
from entrepot.trade.order.states import SHIPPED_OR_LATER, UNDECIDED, LegState
from entrepot.trade.order.store import leg_of_order
from entrepot.trade.returns import store as returns
from entrepot.trade.seller.store import sellers

CREATES = ""  # the object itself
OVER = frozenset({"won", "lost", "closed"})
_L = LegState
DECISIONS = frozenset(
    {_L.ACCEPTED, _L.PART_ACCEPTED, _L.REFUSED, _L.AWAITING_PAYMENT, _L.TO_SHIP}
)  # where a seller's word leads at once


@dataclass(frozen=True, slots=True)
class Change:
    """What one message would write. `fields`: by the plan's name (what it says, what stands). `account`: where the object lives."""

    object_id: str
    account: str
    fields: Mapping[str, tuple[Value, Value]]
    seller: str = ""


Changes = Callable[[Conn, Message, Any], Change]


@dataclass(frozen=True, slots=True)
class Kind:
    """`elsewhere`: the back office speaks of records that live at channels; of those that live at all of them alike it may speak if it may at one."""

    object: str
    fields: tuple[str, ...]
    changes: Changes
    elsewhere: bool = False


def _order(conn: Conn, message: Message, seen: OrderSeen) -> Change:
    """A seller's decision is his, any other move the marketplace's."""
    leg = leg_of_order(conn, message.account, seen.order_id)
    to = None if isinstance(seen.state, Unrecognised) else rules.our_state(seen)
    fields: dict[str, tuple[Value, Value]] = {}
    if leg is None:
        fields[CREATES] = (seen.order_id, None)
    elif to is not None and str(to) != leg["state"]:
        said = str(to), leg["state"]
        decided = LegState(leg["state"]) in UNDECIDED and to in DECISIONS | SHIPPED_OR_LATER
        fields |= {"acceptance": said} if decided else {}
        fields |= {} if decided and to in DECISIONS else {"state": said}
    return Change(seen.order_id, message.account, fields, seen.seller_id)


def _channel_order(conn: Conn, message: Message, seen: OrderSeen) -> Change:
    leg = leg_of_order(conn, message.account, seen.order_id)
    if leg is None:
        return Change(seen.order_id, message.account, {CREATES: (seen.order_id, None)})
    moves = str(seen.state) != leg["state"]
    return Change(seen.order_id, message.account, {"state": (str(seen.state), leg["state"])} if moves else {})


def _return(conn: Conn, message: Message, seen: Any) -> Change:
    leg = leg_of_order(conn, message.account, seen.order_id)
    known = returns.returns(conn, [leg["id"]]).get(seen.return_id) if leg else None
    stands = known["state"] if known else None
    decided = str(seen.state) in ("accepted", "refused") and stands in (None, "requested")
    fields: dict[str, tuple[Value, Value]] = {"acceptance" if decided else "state": (str(seen.state), stands)}
    return Change(
        seen.return_id,
        message.account,
        fields if str(seen.state) != stands else {},
        leg["seller_id"] if leg and leg["seller_id"] != "us" else "",
    )


def _refund(conn: Conn, message: Message, seen: Any) -> Change:
    known = returns.refunds(conn, message.account, [seen.refund_id]).get(seen.refund_id)
    return Change(
        seen.refund_id, message.account, {"amount": (seen.amount_minor, known["amount_minor"] if known else None)}
    )


def _dispute(conn: Conn, message: Message, seen: Any) -> Change:
    known = disputes.dispute(conn, message.account, seen.dispute_id)
    name, state = ("outcome" if str(seen.state) in OVER else "state"), str(seen.state)
    stands = known["state"] if known else None
    return Change(seen.dispute_id, message.account, {name: (state, stands)} if state != stands else {})


def _shop(conn: Conn, message: Message, seen: Any) -> Change:
    known: Row | None = sellers(conn, message.account, [seen.shop_id]).get(seen.shop_id)
    stands = known["their_state"] if known else None
    fields: dict[str, tuple[Value, Value]] = {"state": (seen.their_state, stands)} if seen.their_state != stands else {}
    return Change(seen.shop_id, message.account, fields, seen.shop_id)


def _by_number(name: str, value: Callable[[Any], Value]) -> Changes:
    """The back office speaks of a channel's order by our number."""

    def changes(conn: Conn, message: Message, seen: Any) -> Change:
        account, order_id = order_of(seen.number)
        return Change(order_id, account, {name: (value(seen), None)})

    return changes


def _parcel(conn: Conn, message: Message, seen: Any) -> Change:
    account, _ = order_of(seen.number)
    return Change(seen.parcel, account, {"tracking": (seen.tracking, None)})


def _whole(*names: str) -> Changes:
    """A record that is taken whole, or not."""

    def changes(conn: Conn, message: Message, seen: Any) -> Change:
        return Change(message.external_id, message.account, dict.fromkeys(names, (None, None)))

    return changes


def _kind(object: str, *names: str, elsewhere: bool = False) -> Kind:
    return Kind(object, names, _whole(*names), elsewhere)


ORDER_FIELDS, RETURN_FIELDS = ("acceptance", "state"), ("acceptance", "state")
KINDS: Mapping[str, Kind] = {
    "basket": _kind("basket", CREATES),
    "order": Kind("leg", ORDER_FIELDS, _order),
    "channel-order": Kind("leg", ("state",), _channel_order),
    "parcel": Kind("shipment", ("tracking",), _parcel, elsewhere=True),
    "cannot-deliver": Kind("line", ("cancelled-quantity",), _by_number("cancelled-quantity", lambda seen: sum(seen.lines.values())), elsewhere=True),
    "return": Kind("return", RETURN_FIELDS, _return),
    "channel-return": Kind("return", RETURN_FIELDS, _return),
    "goods-back": Kind("return", ("received-compliant",), _by_number("received-compliant", lambda seen: not seen.rejected), elsewhere=True),
    "refund": Kind("seller-refund", ("amount",), _refund),
    "channel-refund": _kind("refund", "amount"),
    "dispute": Kind("dispute", ("outcome", "state"), _dispute),
    "payment-event": _kind("leg", "payment-state"),
    "shop": Kind("seller", ("state",), _shop),
    "listing": _kind("listing", "status", "issues"),
    "product": _kind("seller-catalog", "title", "description", "brand", "category", "gtin", "images", elsewhere=True),
    "channel-statement": _kind("statement", CREATES),
    "channel-statement-line": _kind("statement", "lines"),
    "cycle": _kind("statement", CREATES),
    "transaction": _kind("statement", "lines"),
    "gateway-settlement": _kind("statement", CREATES),
}  # fmt: skip
CREATED: Sequence[str] = ("order", "channel-order")  # whose first message makes the record
