"""The fields of eBay's records that the hub reads, by their own names. All others are allowed and kept in the body.

Amounts are texts in the REST interfaces and numbers in the post-order interface; either way they are read digit for
digit. Enums are open strings.
"""

from decimal import Decimal

import msgspec


class Amount(msgspec.Struct):
    """`value` is in `currency`; where they converted, `convertedFrom…` says from what."""

    value: Decimal
    currency: str
    convertedFromValue: Decimal | None = None
    convertedFromCurrency: str | None = None
    exchangeRate: str | None = None


# -- orders --------------------------------------------------------------------------------------------------------


class DeliveryCost(msgspec.Struct):
    shippingCost: Amount | None = None
    handlingCost: Amount | None = None


class LineInstructions(msgspec.Struct):
    shipByDate: str | None = None
    maxEstimatedDeliveryDate: str | None = None


class OrderTax(msgspec.Struct):
    amount: Amount | None = None


class LineRefund(msgspec.Struct):
    refundId: str | None = None
    amount: Amount | None = None
    refundDate: str | None = None


class OrderLine(msgspec.Struct):
    lineItemId: str
    lineItemFulfillmentStatus: str
    quantity: int
    lineItemCost: Amount
    discountedLineItemCost: Amount | None = None
    deliveryCost: DeliveryCost | None = None
    taxes: list[OrderTax] | None = None
    sku: str | None = None
    title: str | None = None
    legacyItemId: str | None = None
    listingMarketplaceId: str | None = None
    purchaseMarketplaceId: str | None = None
    lineItemFulfillmentInstructions: LineInstructions | None = None
    refunds: list[LineRefund] | None = None


class CancelRequest(msgspec.Struct):
    cancelRequestId: str | None = None
    cancelRequestState: str | None = None
    cancelInitiator: str | None = None


class CancelStatus(msgspec.Struct):
    cancelState: str | None = None
    cancelRequests: list[CancelRequest] | None = None


class OrderRefund(msgspec.Struct):
    refundId: str | None = None
    refundStatus: str | None = None
    amount: Amount | None = None


class Payment(msgspec.Struct):
    paymentDate: str | None = None
    paymentStatus: str | None = None


class PaymentSummary(msgspec.Struct):
    payments: list[Payment] | None = None
    refunds: list[OrderRefund] | None = None


class FulfillmentProgram(msgspec.Struct):
    fulfilledBy: str | None = None


class Program(msgspec.Struct):
    fulfillmentProgram: FulfillmentProgram | None = None


class Order(msgspec.Struct):
    """getOrders, getOrder."""

    orderId: str
    orderFulfillmentStatus: str
    orderPaymentStatus: str
    lineItems: list[OrderLine]
    creationDate: str
    lastModifiedDate: str
    sellerId: str | None = None
    cancelStatus: CancelStatus | None = None
    paymentSummary: PaymentSummary | None = None
    program: Program | None = None


class OrderHead(msgspec.Struct):
    orderId: str
    lastModifiedDate: str


class FulfillmentLine(msgspec.Struct):
    lineItemId: str
    quantity: int | None = None


class Fulfillment(msgspec.Struct):
    fulfillmentId: str
    lineItems: list[FulfillmentLine] | None = None
    shipmentTrackingNumber: str | None = None
    shippingCarrierCode: str | None = None
    shippedDate: str | None = None


class RefundIssued(msgspec.Struct):
    refundId: str | None = None
    refundStatus: str | None = None


# -- listings ------------------------------------------------------------------------------------------------------


class ShipToAvailability(msgspec.Struct):
    quantity: int | None = None


class Availability(msgspec.Struct):
    shipToLocationAvailability: ShipToAvailability | None = None


class Product(msgspec.Struct):
    title: str | None = None
    description: str | None = None


class Item(msgspec.Struct):
    """An inventory item: what it is, and how many of it."""

    sku: str = ""
    availability: Availability | None = None
    product: Product | None = None

    @property
    def quantity(self) -> int | None:
        ship_to = self.availability.shipToLocationAvailability if self.availability else None
        return ship_to.quantity if ship_to else None


class Listing(msgspec.Struct):
    listingId: str | None = None
    listingStatus: str | None = None
    listingOnHold: bool | None = None


class Pricing(msgspec.Struct):
    price: Amount | None = None


class Offer(msgspec.Struct):
    """An inventory item on one site: its price, its terms, and whether it is listed."""

    offerId: str
    sku: str
    status: str | None = None
    marketplaceId: str | None = None
    categoryId: str | None = None
    availableQuantity: int | None = None
    pricingSummary: Pricing | None = None
    listing: Listing | None = None


class NamedValue(msgspec.Struct):
    name: str | None = None
    value: str | None = None


class ViolationDetail(msgspec.Struct):
    reasonCode: str | None = None
    message: str | None = None
    complianceState: str | None = None
    violationData: list[NamedValue] | None = None


class Violation(msgspec.Struct):
    """One listing's violations of one rule. Source: eBay's Compliance interface (announced to end on 2026-03-30)."""

    complianceType: str
    listingId: str | None = None
    sku: str | None = None
    violations: list[ViolationDetail] | None = None


class ListingWhole(msgspec.Struct):
    """The record the hub keeps: an item, its offers on our site, and what they find wrong with its listing."""

    sku: str
    item: Item
    offers: list[Offer]
    violations: list[Violation] = []


# -- returns, cancellations, disputes ------------------------------------------------------------------------------


class Moment(msgspec.Struct):
    """An instant of the post-order interface: wrapped."""

    value: str | None = None


class ReturnItem(msgspec.Struct):
    itemId: str | int | None = None
    transactionId: str | int | None = None
    returnQuantity: int | None = None


class ReturnCreation(msgspec.Struct):
    item: ReturnItem | None = None
    reason: str | None = None
    creationDate: Moment | None = None


class ResponseDue(msgspec.Struct):
    activityDue: str | None = None
    respondByDate: Moment | None = None


class Return(msgspec.Struct):
    """A return's summary (search, getReturn)."""

    returnId: str | int
    orderId: str
    state: str
    status: str | None = None
    creationInfo: ReturnCreation | None = None
    sellerResponseDue: ResponseDue | None = None


class ReturnHead(msgspec.Struct):
    returnId: str | int
    orderId: str


class Cancellation(msgspec.Struct):
    """A cancellation request (search, getCancellation)."""

    cancelId: str | int
    legacyOrderId: str
    cancelStatus: str
    cancelState: str | None = None
    requestorType: str | None = None
    cancelReason: str | None = None
    cancelRequestDate: Moment | None = None
    cancelCloseDate: Moment | None = None
    sellerResponseDueDate: Moment | None = None


class CancellationHead(msgspec.Struct):
    cancelId: str | int
    legacyOrderId: str


class Resolution(msgspec.Struct):
    protectionStatus: str | None = None
    reasonForClosure: str | None = None
    recoupAmount: Amount | None = None
    protectedAmount: Amount | None = None


class Dispute(msgspec.Struct):
    paymentDisputeId: str
    orderId: str
    paymentDisputeStatus: str
    openDate: str
    amount: Amount
    reason: str | None = None
    respondByDate: str | None = None
    closedDate: str | None = None
    revision: int | None = None
    sellerResponse: str | None = None
    resolution: Resolution | None = None


class DisputeHead(msgspec.Struct):
    paymentDisputeId: str
    orderId: str
    revision: int | None = None


# -- money ---------------------------------------------------------------------------------------------------------


class Payout(msgspec.Struct):
    payoutId: str
    payoutStatus: str
    amount: Amount
    payoutDate: str
    bankReference: str | None = None
    payoutStatusDescription: str | None = None
    transactionCount: int | None = None


class PayoutHead(msgspec.Struct):
    payoutId: str
    payoutDate: str


class Fee(msgspec.Struct):
    amount: Amount
    feeType: str | None = None


class TransactionLine(msgspec.Struct):
    lineItemId: str | None = None
    feeBasisAmount: Amount | None = None
    marketplaceFees: list[Fee] | None = None


class Reference(msgspec.Struct):
    referenceId: str | None = None
    referenceType: str | None = None


class Transaction(msgspec.Struct):
    """`amount` is positive; `bookingEntry` says whether the seller gets it (CREDIT) or gives it (DEBIT)."""

    transactionId: str
    transactionType: str
    bookingEntry: str
    amount: Amount
    transactionDate: str
    transactionStatus: str | None = None
    transactionMemo: str | None = None
    feeType: str | None = None
    orderId: str | None = None
    payoutId: str | None = None
    orderLineItems: list[TransactionLine] | None = None
    references: list[Reference] | None = None
    totalFeeBasisAmount: Amount | None = None
    totalFeeAmount: Amount | None = None


class TransactionPart(msgspec.Struct):
    """The record the hub keeps of a transaction's part: which one, and the whole transaction."""

    part: str
    transaction: Transaction


# -- health --------------------------------------------------------------------------------------------------------

NOTHING = msgspec.Raw(b"null")


class Metric(msgspec.Struct):
    metricKey: str
    type: str | None = None
    name: str | None = None
    value: msgspec.Raw = NOTHING  # a number, a text, or an object that holds one as `value`
    thresholdLowerBound: msgspec.Raw = NOTHING
    thresholdUpperBound: msgspec.Raw = NOTHING


class EvaluationCycle(msgspec.Struct):
    cycleType: str
    evaluationDate: str | None = None


class Standards(msgspec.Struct):
    """One seller standards profile: a region, and a cycle (CURRENT: as last decided; PROJECTED: as of today)."""

    program: str
    standardsLevel: str
    cycle: EvaluationCycle
    metrics: list[Metric] | None = None


class Rate(msgspec.Struct):
    limit: int | None = None
    remaining: int | None = None
    count: int | None = None
    reset: str | None = None
    timeWindow: int | None = None


class QuotaResource(msgspec.Struct):
    name: str
    rates: list[Rate] | None = None


class Quota(msgspec.Struct):
    apiContext: str | None = None
    apiName: str | None = None
    apiVersion: str | None = None
    resources: list[QuotaResource] | None = None


class Quotas(msgspec.Struct):
    rateLimits: list[Quota]
