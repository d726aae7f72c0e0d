"""Walmart's records by their published fields, as far as we read them. Fields that are not here are allowed.

Quantities are text ("1") in orders and numbers in returns; dates are milliseconds in lists and text where one order is read.
"""

from decimal import Decimal

import msgspec

Number = int | Decimal  # a decimal is read from a number as well as from text, digit for digit
Text = str | int  # ids and quantities that are text in one answer and a number in another


class Money(msgspec.Struct):
    currency: str
    amount: Number | None = None


class Tax(msgspec.Struct):
    taxAmount: Money | None = None


class Charge(msgspec.Struct):
    chargeType: str
    chargeAmount: Money
    chargeName: str = ""
    tax: Tax | None = None


class Charges(msgspec.Struct):
    charge: list[Charge] = []


class Units(msgspec.Struct):
    amount: Text


class CarrierName(msgspec.Struct):
    carrier: str | None = None
    otherCarrier: str | None = None


class Tracking(msgspec.Struct):
    trackingNumber: str | None = None
    carrierName: CarrierName | None = None


class LineStatus(msgspec.Struct):
    status: str
    statusQuantity: Units
    trackingInfo: Tracking | None = None


class LineStatuses(msgspec.Struct):
    orderLineStatus: list[LineStatus]


class RefundCharge(msgspec.Struct):
    charge: Charge
    refundReason: str = ""


class RefundCharges(msgspec.Struct):
    refundCharge: list[RefundCharge] = []


class Refund(msgspec.Struct):
    refundId: str | None = None
    refundComments: str | None = None
    refundCharges: RefundCharges | None = None


class Refunds(msgspec.Struct):
    refund: list[Refund] = []


class Item(msgspec.Struct):
    sku: str
    productName: str | None = None


class OrderLine(msgspec.Struct):
    lineNumber: Text
    item: Item
    orderLineQuantity: Units
    orderLineStatuses: LineStatuses
    charges: Charges | None = None
    statusDate: Text | None = None
    refund: Refund | None = None
    refunds: Refunds | None = None
    intentToCancel: str | bool | None = None


class OrderLines(msgspec.Struct):
    orderLine: list[OrderLine]


class ShippingInfo(msgspec.Struct):
    estimatedShipDate: Text | None = None
    estimatedDeliveryDate: Text | None = None


class ShipNode(msgspec.Struct):
    type: str | None = None


class Order(msgspec.Struct):
    purchaseOrderId: str
    customerOrderId: str
    orderDate: Text
    orderLines: OrderLines
    shippingInfo: ShippingInfo | None = None
    shipNode: ShipNode | None = None
    mart: str | None = None


class LineHead(msgspec.Struct):
    statusDate: Text | None = None


class LineHeads(msgspec.Struct):
    orderLine: list[LineHead]


class OrderHead(msgspec.Struct):
    purchaseOrderId: str
    customerOrderId: str
    orderDate: Text
    orderLines: LineHeads


class RawRefunds(msgspec.Struct):
    refund: list[msgspec.Raw] = []


class RefundedLine(LineHead):
    """A line as far as its refunds are split off it: the list of them, or (older) the only one."""

    lineNumber: Text = ""
    refund: msgspec.Raw = msgspec.Raw(b"null")
    refunds: RawRefunds | None = None


class RefundedLines(msgspec.Struct):
    orderLine: list[RefundedLine]


class RefundedOrder(msgspec.Struct):
    purchaseOrderId: str
    customerOrderId: str
    orderDate: Text
    orderLines: RefundedLines


class RefundOfLine(msgspec.Struct):
    """A refund with what its order says around it: the record of kind `channel-refund`."""

    purchaseOrderId: str
    customerOrderId: str
    lineNumber: Text
    number: int
    at: Text
    refund: Refund


class Measured(msgspec.Struct):
    measurementValue: Number


class ReturnTracking(msgspec.Struct):
    eventTag: str | None = None
    eventTime: str | None = None


class ReturnLine(msgspec.Struct):
    returnOrderLineNumber: int
    purchaseOrderId: str
    purchaseOrderLineNumber: Text
    quantity: Measured
    status: str
    returnReason: str | None = None
    statusTime: str | None = None
    currentRefundStatus: str | None = None
    refundedQty: Number | None = None
    returnTrackingDetail: list[ReturnTracking] | None = None


class ReturnOrder(msgspec.Struct):
    returnOrderId: str
    customerOrderId: str
    returnOrderDate: str
    returnOrderLines: list[ReturnLine]


class ReturnLineHead(msgspec.Struct):
    statusTime: str | None = None


class ReturnHead(msgspec.Struct):
    returnOrderId: str
    customerOrderId: str
    returnOrderDate: str | None = None
    returnOrderLines: list[ReturnLineHead] = []


class ItemPrice(msgspec.Struct):
    amount: Number
    currency: str


class Reasons(msgspec.Struct):
    reason: list[str] = []


class ListedItem(msgspec.Struct):
    sku: str
    publishedStatus: str
    lifecycleStatus: str | None = None
    wpid: str | None = None
    productType: str | None = None
    price: ItemPrice | None = None
    unpublishedReasons: Reasons | None = None


class ItemHead(msgspec.Struct):
    sku: str


class SeenItem(msgspec.Struct):
    """The record of kind `listing`: an item, and when it was so. They name no date, and the same words may come back."""

    seenAt: str
    item: ListedItem


class SeenItemHead(msgspec.Struct):
    seenAt: str
    item: ItemHead


class FeedHead(msgspec.Struct):
    """A feed as the list of feeds shows it."""

    feedId: str
    feedStatus: str
    feedDate: Text | None = None
    modifiedDtm: Text | None = None
    feedType: str = ""
    itemsReceived: int = 0
    itemsFailed: int = 0


class IngestionError(msgspec.Struct):
    type: str | None = None
    code: str | None = None
    description: str | None = None
    field: str | None = None


class IngestionErrors(msgspec.Struct):
    ingestionError: list[IngestionError] | None = None


class FeedItem(msgspec.Struct):
    ingestionStatus: str
    sku: str | None = None
    index: int | None = None
    ingestionErrors: IngestionErrors | None = None


class FeedItems(msgspec.Struct):
    itemIngestionStatus: list[FeedItem] = []


class FeedAnswer(msgspec.Struct):
    """One page of a feed's items."""

    feedId: str
    feedStatus: str
    itemsReceived: int = 0
    itemDetails: FeedItems | None = None


class Submission(msgspec.Struct):
    """The record of kind `submission`: the feed, and once it is worked off its items."""

    feed: FeedHead
    items: list[FeedItem] = []
    ingestionErrors: IngestionErrors | None = None


class Event(msgspec.Struct):
    eventType: str
    eventId: str


class EventEnvelope(msgspec.Struct):
    source: Event
    payload: msgspec.Raw


class HintRecord(msgspec.Struct):
    kind: str
    external_id: str
