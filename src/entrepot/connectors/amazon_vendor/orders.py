"""A purchase order of Amazon in our words: read page by page, by its number, and translated. Pure and total.

What Amazon pays us for an item is its net price; taxes are between Amazon and its buyer. When an order was accepted or shipped they
do not say: where it has moved on, it was decided no later than we looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon.lists import Spec, TokenList, unreadable
from entrepot.connectors.amazon.records import ORDER, Records
from entrepot.connectors.amazon.wire import NOT_FOUND, Wire
from entrepot.connectors.amazon_vendor.wire import ORDERS, RESTRICTED
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Page, Received
from entrepot.connectors.reading import Unreadable, instant, maybe_instant, minor, sortable, total, typed
from entrepot.connectors.roots import basket_root
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Unrecognised
from entrepot.trade.order.model import LineSeen, OrderSeen
from entrepot.trade.order.states import LegState, LineState

US = "us"
NEW, ACCEPTED, SHIPPED, CANCELLED = "NEW", "ACCEPTED", "SHIPPED", "CANCELLED"
LEG_BY_STATUS: Mapping[str, LegState] = {
    NEW: LegState.AWAITING_ACCEPTANCE,
    ACCEPTED: LegState.TO_SHIP,
    SHIPPED: LegState.SHIPPED,
    CANCELLED: LegState.CANCELLED,
}
LINE_BY_STATUS: Mapping[str, LineState] = {
    NEW: LineState.AWAITING_ACCEPTANCE,
    ACCEPTED: LineState.TO_SHIP,
    SHIPPED: LineState.SHIPPED,
    CANCELLED: LineState.CANCELLED,
}
PERIOD_MAX = timedelta(days=7)  # [guess] of one getOrders; they publish that there is a maximum


class Party(msgspec.Struct):
    partyId: str = ""


class Amount(msgspec.Struct):
    currencyCode: str
    amount: Decimal


class Count(msgspec.Struct):
    amount: int
    unitOfMeasure: str = "EACH"


class Item(msgspec.Struct):
    itemSequenceNumber: str
    orderedQuantity: Count
    netPrice: Amount | None = None
    buyerProductIdentifier: str = ""
    vendorProductIdentifier: str = ""
    title: str = ""


class Dates(msgspec.Struct):
    requiredShipDate: str | None = None
    promisedDeliveryDate: str | None = None


class Shipping(msgspec.Struct):
    shipmentDates: Dates | None = None


class Details(msgspec.Struct):
    orderDate: str
    orderStatus: str
    items: list[Item]
    sellingParty: Party = msgspec.field(default_factory=Party)
    shipFromParty: Party = msgspec.field(default_factory=Party)
    shipmentDetails: Shipping | None = None
    customerOrderNumber: str = ""


class Order(msgspec.Struct):
    purchaseOrderNumber: str
    orderDetails: Details


class _Head(msgspec.Struct):
    purchaseOrderNumber: str


def order_path(number: str) -> str:
    return f"{ORDERS}/{quote(number, safe='')}"


def split(records: Records, body: bytes, position: int) -> Received:
    seen = typed(body, Order)
    revision = sortable(instant(seen.orderDetails.orderDate, "$.orderDetails.orderDate"))
    number = seen.purchaseOrderNumber
    return records.make(ORDER, number, revision, body, position, basket_root(number))


def orders(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> TokenList:
    spec = Spec(
        name="orders",
        row=row,
        path=lambda: ORDERS,
        at=("orders",),
        next_at=("pagination", "nextToken"),
        page_by="nextToken",
        split=records.of(ORDER, lambda body, position: split(records, body, position)),
        query=lambda: (("includeDetails", "true"), ("sortOrder", "ASC")),
        since="createdAfter",
        until="createdBefore",
        span=PERIOD_MAX,
        size="limit",
        role=RESTRICTED,
    )
    return TokenList(spec, wire, limit)


@dataclass(frozen=True, slots=True)
class OneOrder:
    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, RESTRICTED, Call("GET", order_path(external_id)))
        if isinstance(answer, Rejected) and answer.refusal.code in NOT_FOUND:
            return Page("getOrder", {}, b"")
        if not isinstance(answer, Good):
            return Page("getOrder", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            typed(body, _Head)
        except Unreadable as error:
            return Page("getOrder", headers, body, problem=unreadable(error))
        one = self.records.of(ORDER, lambda raw, position: split(self.records, raw, position))
        return Page("getOrder", headers, body, one([msgspec.Raw(body)]))


@total
def order(body: bytes) -> OrderSeen:
    seen = typed(body, Order)
    details, number = seen.orderDetails, seen.purchaseOrderNumber
    status, made_at = details.orderStatus, instant(details.orderDate, "$.orderDetails.orderDate")
    currencies = {item.netPrice.currencyCode for item in details.items if item.netPrice}
    if not details.items or len(currencies) != 1:
        raise Unreadable("an order without items, or without one currency of their prices", "$.orderDetails.items")
    (currency,) = currencies
    lines = tuple(_line(item, status, currency, f"$.orderDetails.items[{n}]") for n, item in enumerate(details.items))
    dates = details.shipmentDetails.shipmentDates if details.shipmentDetails else None
    return OrderSeen(
        order_id=number,
        commercial_id=number,
        seller_id=US,
        seller_name="",
        state=LEG_BY_STATUS.get(status) or Unrecognised("orderStatus", status),
        their_state=status,
        currency=currency,
        total_minor=sum(line.price_minor for line in lines),
        lines=lines,
        created_at=made_at,
        updated_at=made_at,
        decided_at=None if status == NEW else made_at,
        ship_due_at=maybe_instant(dates.requiredShipDate if dates else None, "$.shipmentDates.requiredShipDate"),
        debited_at=None,
        deliver_due_at=maybe_instant(
            dates.promisedDeliveryDate if dates else None, "$.shipmentDates.promisedDeliveryDate"
        ),
    )


def _line(item: Item, status: str, currency: str, where: str) -> LineSeen:
    count = item.orderedQuantity.amount
    if count < 1 or item.netPrice is None:
        raise Unreadable("an item without a quantity or a price", where)
    return LineSeen(
        order_line_id=item.itemSequenceNumber,
        offer_id="",
        sku=item.vendorProductIdentifier,
        title=item.title,
        category="",
        quantity=count,
        price_minor=minor(item.netPrice.amount, currency, f"{where}.netPrice") * count,
        shipping_minor=0,
        tax_minor=0,
        commission_minor=0,
        commission_tax_minor=0,
        state=LINE_BY_STATUS.get(status) or Unrecognised("orderStatus", status),
        their_state=status,
    )
