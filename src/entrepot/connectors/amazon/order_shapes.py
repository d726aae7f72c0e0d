"""The fields of an order that we read, as published: the one of 2026-01-01, and the older one with its items apart.

What is not asked for is missing, not null; what they may leave out is optional here, what an order cannot be without is not.
"""

from decimal import Decimal

import msgspec


class Money(msgspec.Struct):
    amount: Decimal
    currencyCode: str


class Breakdown(msgspec.Struct):
    type: str
    subtotal: Money


class Proceeds(msgspec.Struct):
    grandTotal: Money | None = None
    breakdowns: list[Breakdown] | None = None


class ItemProceeds(msgspec.Struct):
    proceedsTotal: Money | None = None
    breakdowns: list[Breakdown] | None = None


class Price(msgspec.Struct):
    unitPrice: Money | None = None


class Product(msgspec.Struct):
    asin: str | None = None
    title: str | None = None
    sellerSku: str | None = None
    price: Price | None = None


class CancellationRequest(msgspec.Struct):
    requester: str | None = None


class CancellationExecution(msgspec.Struct):
    cancelledBy: str | None = None


class Cancellation(msgspec.Struct):
    cancellationRequest: CancellationRequest | None = None
    cancellationExecution: CancellationExecution | None = None


class ItemFulfillment(msgspec.Struct):
    quantityFulfilled: int | None = None
    quantityUnfulfilled: int | None = None


class Item(msgspec.Struct):
    orderItemId: str
    quantityOrdered: int
    product: Product
    proceeds: ItemProceeds | None = None
    cancellation: Cancellation | None = None
    fulfillment: ItemFulfillment | None = None


class Window(msgspec.Struct):
    latestDateTime: str | None = None


class Fulfillment(msgspec.Struct):
    fulfillmentStatus: str
    fulfilledBy: str | None = None
    shipByWindow: Window | None = None
    deliverByWindow: Window | None = None


class PackageStatus(msgspec.Struct):
    status: str


class PackageItem(msgspec.Struct):
    orderItemId: str
    quantity: int


class Package(msgspec.Struct):
    packageReferenceId: str
    packageStatus: PackageStatus | None = None
    carrier: str | None = None
    trackingNumber: str | None = None
    packageItems: list[PackageItem] | None = None


class SalesChannel(msgspec.Struct):
    channelName: str
    marketplaceId: str | None = None


class Order(msgspec.Struct):
    orderId: str
    createdTime: str
    lastUpdatedTime: str
    salesChannel: SalesChannel
    fulfillment: Fulfillment
    orderItems: list[Item]
    proceeds: Proceeds | None = None
    packages: list[Package] | None = None


class OrderHead(msgspec.Struct):
    orderId: str
    lastUpdatedTime: str


class OneOrder(msgspec.Struct):
    order: msgspec.Raw


# ── v0 ───────────────────────────────────────────────────────────────────────────────────────────────────────


class OldMoney(msgspec.Struct):
    CurrencyCode: str | None = None
    Amount: Decimal | None = None


class OldCancel(msgspec.Struct):
    IsBuyerRequestedCancel: str | bool | None = None


class OldBuyerInfo(msgspec.Struct):
    GiftWrapPrice: OldMoney | None = None
    GiftWrapTax: OldMoney | None = None


class OldItem(msgspec.Struct):
    ASIN: str
    OrderItemId: str
    QuantityOrdered: int
    SellerSKU: str | None = None
    Title: str | None = None
    QuantityShipped: int | None = None
    ItemPrice: OldMoney | None = None
    ShippingPrice: OldMoney | None = None
    ItemTax: OldMoney | None = None
    ShippingTax: OldMoney | None = None
    ShippingDiscount: OldMoney | None = None
    ShippingDiscountTax: OldMoney | None = None
    PromotionDiscount: OldMoney | None = None
    PromotionDiscountTax: OldMoney | None = None
    CODFee: OldMoney | None = None
    CODFeeDiscount: OldMoney | None = None
    BuyerInfo: OldBuyerInfo | None = None
    BuyerRequestedCancel: OldCancel | None = None


class OldOrder(msgspec.Struct):
    AmazonOrderId: str
    PurchaseDate: str
    LastUpdateDate: str
    OrderStatus: str
    FulfillmentChannel: str | None = None
    MarketplaceId: str | None = None
    OrderTotal: OldMoney | None = None
    NumberOfItemsUnshipped: int | None = None
    LatestShipDate: str | None = None
    LatestDeliveryDate: str | None = None


class OldHead(msgspec.Struct):
    AmazonOrderId: str
    LastUpdateDate: str


class OldWhole(msgspec.Struct):
    """A record of ours: their order and their items, each as it came."""

    order: msgspec.Raw
    items: list[msgspec.Raw]
