"""ChannelEngine's records by their published fields (client 2.13), as far as we read them. Fields that are not here are allowed.

Amounts stand twice: in the tenant's currency, and as Original… in the one the buyer paid, which is `CurrencyCode`.
"""

from decimal import Decimal

import msgspec

Number = int | Decimal


class OrderLine(msgspec.Struct):
    """`Id` and the two shipment dates came with later clients than 2.13."""

    Status: str
    Quantity: int
    MerchantProductNo: str | None = None
    ChannelProductNo: str | None = None
    Description: str | None = None
    OriginalLineTotalInclVat: Number | None = None
    IsFulfillmentByMarketplace: bool = False
    CancellationRequestedQuantity: int = 0
    ExpectedDeliveryDate: str | None = None
    LatestDeliveryDate: str | None = None
    ExpectedShipmentDate: str | None = None
    LatestShipmentDate: str | None = None
    Id: int | None = None


class Order(msgspec.Struct):
    Id: int
    Status: str
    CurrencyCode: str
    OrderDate: str
    Lines: list[OrderLine]
    OriginalShippingCostsInclVat: Number | None = None
    CreatedAt: str | None = None
    UpdatedAt: str | None = None
    AcknowledgedDate: str | None = None
    ChannelName: str | None = None
    ChannelOrderNo: str | None = None
    MerchantOrderNo: str | None = None


class OrderHead(msgspec.Struct):
    Id: int
    OrderDate: str
    UpdatedAt: str | None = None


class OrderNumbers(msgspec.Struct):
    Id: int
    MerchantOrderNo: str | None = None


class LineOfReturn(msgspec.Struct):
    Id: int | None = None


class ReturnLine(msgspec.Struct):
    Quantity: int
    MerchantProductNo: str | None = None
    OrderLine: LineOfReturn | None = None


class Return(msgspec.Struct):
    Id: int
    Status: str
    CreatedAt: str
    Lines: list[ReturnLine]
    UpdatedAt: str | None = None
    MerchantOrderNo: str | None = None
    Reason: str | None = None


class ReturnHead(msgspec.Struct):
    Id: int
    CreatedAt: str
    UpdatedAt: str | None = None
    MerchantOrderNo: str | None = None


class ReturnOfOrder(msgspec.Struct):
    """The record of kind `channel-return`: the return, and our order's id there, which it does not name itself."""

    orderId: int | None
    record: Return


class ReturnOfOrderHead(msgspec.Struct):
    orderId: int | None
    record: ReturnHead


class Channel(msgspec.Struct):
    ChannelId: int | None = None
    ChannelName: str | None = None
    IsEnabled: bool = True


class GlobalChannel(msgspec.Struct):
    Channels: list[Channel] | None = None
    GlobalChannelName: str | None = None


class Listed(msgspec.Struct):
    ChannelStatus: str
    MerchantProductNo: str | None = None
    ExportStatus: str | None = None
    LastExportedPrice: Number | None = None
    LastExportedStock: int | None = None


class ListedHead(msgspec.Struct):
    MerchantProductNo: str | None = None


class OnChannel(msgspec.Struct):
    channelId: int
    channelName: str
    listed: Listed


class Listing(msgspec.Struct):
    """The record of kind `listing`: one product of ours on every channel behind the manager, and when it was so."""

    seenAt: str
    sku: str
    currency: str
    channels: list[OnChannel]


class HintRecord(msgspec.Struct):
    kind: str
    external_id: str


class NotificationHead(msgspec.Struct):
    CreatedAt: str


class ProductMessage(msgspec.Struct):
    Reference: str | None = None
    Errors: list[str] | None = None


class ProductsTaken(msgspec.Struct):
    RejectedCount: int
    AcceptedCount: int
    ProductMessages: list[ProductMessage] | None = None


class Product(msgspec.Struct):
    MerchantProductNo: str
    Price: Number | None = None
    Stock: int | None = None


class Numbered(msgspec.Struct):
    MerchantShipmentNo: str | None = None
    MerchantCancellationNo: str | None = None


class Event(msgspec.Struct):
    id: str
    type: str
    updatedSince: str | int
