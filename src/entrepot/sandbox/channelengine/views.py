"""Records as the API shows them: every field of the public clients 2.13 and 2.17, null when there is nothing."""

from typing import Any, Final

from entrepot.sandbox.channelengine.lifecycle import line_status, vat_inside
from entrepot.sandbox.channelengine.model import Cancellation, Item, Line, Order, Return, ReturnLine, Shipment
from entrepot.sandbox.channelengine.platform import Platform
from entrepot.sandbox.channelengine.settings import Channel
from entrepot.sandbox.channelengine.wire import maybe, number, percent, stamp

MILLION: Final = 1_000_000
HERE: Final = {"NL": ("Keizersgracht", "1015 CN", "Amsterdam"), "DE": ("Torstrasse", "10119", "Berlin")}


class Views:
    """Renders records; amounts come twice: in the tenant's currency, and as Original… in the one the buyer paid."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._settings = platform.settings

    def order(self, order: Order) -> dict[str, Any]:
        """MerchantOrderResponse."""
        rate = self._settings.vat_per_100k
        goods, shipping = order.goods_minor, order.shipping_minor
        goods_vat = sum(line.vat_minor * line.quantity for line in order.lines.values())
        shipping_vat = vat_inside(shipping, rate)
        fees = sum(order_fee(order.channel, line) for line in order.lines.values())
        address = _address(order)
        return {
            "Id": order.order_id,
            "ChannelName": order.channel.name,
            "ChannelId": order.channel.channel_id,
            "GlobalChannelName": order.channel.global_channel_name,
            "GlobalChannelId": order.channel.global_channel_id,
            "ChannelOrderSupport": "SPLIT_ORDER_LINES",
            "ChannelOrderNo": order.channel_order_no,
            "CommercialOrderNo": order.channel_order_no,
            "MerchantOrderNo": order.merchant_order_no,
            "Status": order.status,
            "IsBusinessOrder": False,
            "AcknowledgedDate": maybe(order.acknowledged_at),
            "CreatedAt": stamp(order.placed_at),
            "UpdatedAt": stamp(order.updated_at),
            "ClosedAt": maybe(order.closed_at),
            "MerchantComment": order.merchant_comment,
            "BillingAddress": address,
            "ShippingAddress": address,
            **self._amounts(order.channel, "SubTotal", goods, goods_vat),
            **self._amounts(order.channel, "ShippingCosts", shipping, shipping_vat),
            **self._amounts(order.channel, "Total", goods + shipping, goods_vat + shipping_vat),
            **self._both(order.channel, "SubTotalFee", fees),
            **self._both(order.channel, "OrderFee", 0),
            **self._both(order.channel, "TotalFee", fees),
            "Lines": [self.line(order, line) for line in order.lines.values()],
            "Phone": None,
            "Email": order.buyer,
            "LanguageCode": order.channel.language,
            "CompanyRegistrationNo": None,
            "VatNo": None,
            "PaymentMethod": order.channel.global_channel_name,
            "PaymentReferenceNo": None,
            "CurrencyCode": order.currency,
            "OrderDate": stamp(order.placed_at),
            "ChannelCustomerNo": None,
            "ExtraData": {},
        }

    def line(self, order: Order, line: Line) -> dict[str, Any]:
        """MerchantOrderLineResponse."""
        channel = order.channel
        return {
            "Id": line.line_id,
            "ChannelOrderLineNo": str(line.line_id),
            "Status": line_status(order, line),
            "IsFulfillmentByMarketplace": order.fulfilled_by == "channel",
            "Gtin": line.gtin,
            "Description": line.title,
            "StockLocation": {"Id": self._settings.stock_location_id, "Name": self._settings.stock_location_name},
            **self._amounts(channel, "UnitPrice", line.price_minor, line.vat_minor, "UnitVat"),
            **self._amounts(
                channel, "LineTotal", line.price_minor * line.quantity, line.vat_minor * line.quantity, "LineVat"
            ),
            "OriginalFeeFixed": number(channel.fee_fixed_minor, channel.currency),
            "FeeFixed": self._ours(channel, channel.fee_fixed_minor),
            "FeeRate": percent(channel.commission_per_100k),
            "BundleProductMerchantProductNo": None,
            "JurisCode": None,
            "JurisName": None,
            "VatRate": percent(self._settings.vat_per_100k),
            "ExtraData": [],
            "ChannelProductNo": line.channel_product_no,
            "MerchantProductNo": line.sku,
            "Quantity": line.quantity,
            "CancellationRequestedQuantity": line.cancellation_requested,
            "Condition": "NEW",
            "ExactDeliveryDate": None,
            "ExpectedDeliveryDate": stamp(order.deliver_by),
            "LatestDeliveryDate": stamp(order.deliver_by),
            "ExpectedShipmentDate": stamp(order.ship_by),
            "LatestShipmentDate": stamp(order.ship_by),
        }

    def _amounts(
        self, channel: Channel, name: str, gross: int, vat: int, vat_name: str | None = None
    ) -> dict[str, Any]:
        vat_name = vat_name or f"{name}Vat"
        return {
            **self._both(channel, f"{name}InclVat", gross),
            **self._both(channel, f"{name}ExclVat", gross - vat),
            **self._both(channel, vat_name, vat),
        }

    def _both(self, channel: Channel, name: str, minor: int) -> dict[str, Any]:
        return {name: self._ours(channel, minor), f"Original{name}": number(minor, channel.currency)}

    def _ours(self, channel: Channel, minor: int) -> float:
        """An amount in the tenant's currency, at the rate of the order; rounded half up."""
        converted = (2 * minor * channel.rate_per_million + MILLION) // (2 * MILLION)
        return number(converted, self._settings.currency)

    def shipment(self, shipment: Shipment) -> dict[str, Any]:
        """MerchantShipmentResponse."""
        order = self._platform.orders[shipment.order_id]
        return {
            "MerchantShipmentNo": shipment.shipment_no,
            "MerchantOrderNo": order.merchant_order_no,
            "ChannelShipmentNo": shipment.channel_shipment_no,
            "ChannelOrderNo": order.channel_order_no,
            "Lines": [
                {
                    "MerchantProductNo": order.lines[line_id].sku,
                    "ChannelProductNo": order.lines[line_id].channel_product_no,
                    "OrderLine": self.line(order, order.lines[line_id]),
                    "ShipmentStatus": "SHIPPED",
                    "ExtraData": {},
                    "Quantity": quantity,
                }
                for line_id, quantity in shipment.lines.items()
            ],
            "CreatedAt": stamp(shipment.created_at),
            "UpdatedAt": stamp(shipment.updated_at),
            "ExtraData": shipment.extra,
            "TrackTraceNo": shipment.track_trace_no,
            "TrackTraceUrl": shipment.track_trace_url,
            "ReturnTrackTraceNo": shipment.return_track_trace_no,
            "Method": shipment.method,
            "ShippedFromCountryCode": shipment.country,
            "ShipmentDate": maybe(shipment.shipped_on),
        }

    def cancellation(self, done: Cancellation) -> dict[str, Any]:
        """MerchantCancellationResponse."""
        order = self._platform.orders[done.order_id]
        return {
            "Id": done.cancellation_id,
            "MerchantCancellationNo": done.cancellation_no,
            "MerchantOrderNo": order.merchant_order_no,
            "ChannelOrderNo": order.channel_order_no,
            "Lines": [
                {
                    "Quantity": quantity,
                    "MerchantProductNo": order.lines[line_id].sku,
                    "ChannelProductNo": order.lines[line_id].channel_product_no,
                }
                for line_id, quantity in done.lines.items()
            ],
            "CreatedAt": stamp(done.created_at),
            "Reason": done.reason,
            "ReasonCode": done.reason_code,
        }

    def returned(self, one: Return) -> dict[str, Any]:
        """MerchantReturnResponse."""
        order = self._platform.orders[one.order_id]
        return {
            **self._return_head(one, order),
            "ChannelOrderNo": order.channel_order_no,
            "AcknowledgedDate": maybe(one.acknowledged_at),
            "Lines": [self._return_line(order, line) for line in one.lines.values()],
        }

    def single_return(self, one: Return) -> dict[str, Any]:
        """MerchantSingleOrderReturnResponse: with the decision on each line."""
        order = self._platform.orders[one.order_id]
        lines = [
            {
                **self._return_line(order, line),
                "AcceptedQuantity": line.accepted,
                "RejectedQuantity": line.rejected,
            }
            for line in one.lines.values()
        ]
        return {**self._return_head(one, order), "Lines": lines}

    def _return_head(self, one: Return, order: Order) -> dict[str, Any]:
        vat = vat_inside(one.refund_minor, self._settings.vat_per_100k)
        return {
            "MerchantOrderNo": order.merchant_order_no,
            "ChannelId": order.channel.channel_id,
            "GlobalChannelId": order.channel.global_channel_id,
            "GlobalChannelName": order.channel.global_channel_name,
            "CreatedAt": stamp(one.created_at),
            "UpdatedAt": stamp(one.updated_at),
            "MerchantReturnNo": one.merchant_return_no,
            "ChannelReturnNo": one.channel_return_no,
            "Status": one.status,
            "Id": one.return_id,
            "Reason": one.reason,
            "CustomerComment": one.customer_comment,
            "MerchantComment": one.merchant_comment,
            "RefundInclVat": number(one.refund_minor, order.currency),
            "RefundExclVat": number(one.refund_minor - vat, order.currency),
            "ReturnDate": maybe(one.returned_on),
            "ExtraData": {},
        }

    def _return_line(self, order: Order, line: ReturnLine) -> dict[str, Any]:
        ordered = order.lines[line.line_id]
        return {
            "MerchantProductNo": ordered.sku,
            "OrderLine": self.line(order, ordered),
            "ShipmentStatus": "SHIPPED",
            "ExtraData": {},
            "Quantity": line.quantity,
        }

    def product(self, item: Item) -> dict[str, Any]:
        """MerchantProductResponse."""
        given: dict[str, Any] = {name: item.data.get(name) for name in PRODUCT_TEXTS}
        currency = self._settings.currency
        for name in PRODUCT_AMOUNTS:
            value = item.data.get(name)
            given[name] = None if value is None else number(value, currency)
        return {
            **given,
            "MerchantProductNo": item.sku,
            "IsActive": item.active,
            "ExtraData": item.data.get("ExtraData") or [],
            "Stock": item.stock,
            "Price": number(item.price_minor, currency),
            "VatRateType": item.data.get("VatRateType") or "STANDARD",
        }


PRODUCT_TEXTS: Final = (
    *("Name", "Description", "Brand", "Size", "Color", "Ean", "ManufacturerProductNumber"),
    *("ShippingTime", "Url", "ImageUrl", *(f"ExtraImageUrl{n}" for n in range(1, 10)), "CategoryTrail"),
)
PRODUCT_AMOUNTS: Final = ("MSRP", "PurchasePrice", "ShippingCost")


def order_fee(channel: Channel, line: Line) -> int:
    """What the channel will keep of a line, as it tells beforehand; goods only. Rounded half up."""
    gross = line.price_minor * line.quantity
    return (2 * gross * channel.commission_per_100k + 100_000) // 200_000 + channel.fee_fixed_minor


def _address(order: Order) -> dict[str, Any]:
    street, zip_code, city = HERE.get(order.channel.country, HERE["NL"])
    house = str(order.order_id % 200 + 1)
    return {
        "Line1": f"{street} {house}",
        "Line2": None,
        "Line3": None,
        "Gender": "NOT_APPLICABLE",
        "CompanyName": None,
        "FirstName": "Ada",
        "LastName": "Buyer",
        "StreetName": street,
        "HouseNr": house,
        "HouseNrAddition": None,
        "ZipCode": zip_code,
        "City": city,
        "Region": None,
        "CountryIso": order.channel.country,
        "Original": f"{street} {house}, {zip_code} {city}",
    }
