"""An order in the words of orders v0. Every documented key is there; null where there is nothing."""

from typing import Any

from entrepot.sandbox.amazon.money import text_of
from entrepot.sandbox.amazon.order_view import buyer_email, live_minor, order_total, shows_total
from entrepot.sandbox.amazon.settings import Market
from entrepot.sandbox.amazon.state import V0_STATUS, Line, Order
from entrepot.sandbox.amazon.wire import blank, stamp


def order_v0(order: Order, market: Market) -> dict[str, Any]:
    """One order as getOrders and getOrder show it."""
    total = order_total(order)
    return {
        "AmazonOrderId": order.order_id,
        "SellerOrderId": order.merchant_order_id or order.order_id,
        "PurchaseDate": stamp(order.placed_at),
        "LastUpdateDate": stamp(order.updated_at),
        "OrderStatus": V0_STATUS[order.status],
        "FulfillmentChannel": "MFN" if order.mine else "AFN",
        "SalesChannel": market.name,
        "OrderChannel": None,
        "ShipServiceLevel": "Std Dom",
        "OrderTotal": _money(total, market) if shows_total(order) else None,
        "NumberOfItemsShipped": sum(line.shipped for line in order.lines.values()),
        "NumberOfItemsUnshipped": 0 if order.pending else sum(line.open for line in order.lines.values()),
        "PaymentExecutionDetail": [],
        "PaymentMethod": "Other",
        "PaymentMethodDetails": ["Standard"],
        "MarketplaceId": market.marketplace_id,
        "ShipmentServiceLevelCategory": "Standard",
        **blank("EasyShipShipmentStatus", "CbaDisplayableShippingLabel"),
        "OrderType": "StandardOrder",
        "EarliestShipDate": stamp(order.ship_from),
        "LatestShipDate": stamp(order.ship_by),
        "EarliestDeliveryDate": stamp(order.deliver_from),
        "LatestDeliveryDate": stamp(order.deliver_by),
        "IsBusinessOrder": False,
        "IsPrime": False,
        "IsPremiumOrder": False,
        "IsGlobalExpressEnabled": False,
        "ReplacedOrderId": None,
        "IsReplacementOrder": False,
        "PromiseResponseDueDate": None,
        "IsEstimatedShipDateSet": None,
        "IsSoldByAB": False,
        "IsIBA": False,
        **blank(
            "DefaultShipFromLocationAddress",
            "BuyerInvoicePreference",
            "BuyerTaxInformation",
            "FulfillmentInstruction",
        ),
        "IsISPU": False,
        "IsAccessPointOrder": False,
        **blank("MarketplaceTaxInfo", "SellerDisplayName"),
        "ShippingAddress": None if order.pending else address_v0(order, market),
        "BuyerInfo": None if order.pending else buyer_v0(order, market),
        "AutomatedShippingSettings": {
            "HasAutomatedShippingSettings": False,
            **blank("AutomatedCarrier", "AutomatedShipMethod"),
        },
        "HasRegulatedItems": False,
        "ElectronicInvoiceStatus": "NotRequired",
    }


def _money(minor: int, market: Market) -> dict[str, str]:
    return {"CurrencyCode": market.currency, "Amount": text_of(minor, market.currency)}


def buyer_v0(order: Order, market: Market) -> dict[str, Any]:
    """Who bought."""
    return {
        "BuyerEmail": buyer_email(order, market),
        "BuyerName": order.buyer,
        **blank("BuyerCounty", "BuyerTaxInfo", "PurchaseOrderNumber"),
    }


def address_v0(order: Order, market: Market) -> dict[str, Any]:
    """Where it goes."""
    return {
        "Name": order.buyer,
        "CompanyName": None,
        "AddressLine1": f"{order.order_id[-2:]} Harbour Street",
        **blank("AddressLine2", "AddressLine3"),
        "City": market.city,
        **blank("County", "District", "StateOrRegion", "Municipality"),
        "PostalCode": market.postal_code,
        "CountryCode": market.country,
        "Phone": "+49 40 5550100",
        "ExtendedFields": None,
        "AddressType": "Residential",
    }


def item_v0(order: Order, line: Line, market: Market) -> dict[str, Any]:
    """One order item; its prices are for all its pieces, and absent while the order is pending."""

    def money(minor: int) -> dict[str, str] | None:
        return None if order.pending else _money(live_minor(line, minor), market)

    return {
        "ASIN": line.asin,
        "SellerSKU": line.sku,
        "OrderItemId": line.line_id,
        "AssociatedItems": [],
        "Title": line.title,
        # A cancelled item is shown with the quantity that is left, as MWS and its heirs do [guess].
        "QuantityOrdered": line.quantity - line.cancelled,
        "QuantityShipped": line.shipped,
        "ProductInfo": {"NumberOfItems": "1"},
        "PointsGranted": None,
        "ItemPrice": money(line.price_minor),
        "ShippingPrice": money(line.shipping_minor),
        "ItemTax": money(line.tax_minor + line.vat_minor),
        "ShippingTax": money(0),
        **blank("ShippingDiscount", "ShippingDiscountTax"),
        "PromotionDiscount": money(0),
        "PromotionDiscountTax": money(0),
        "PromotionIds": [],
        **blank("CODFee", "CODFeeDiscount"),
        "IsGift": "false",
        "ConditionNote": None,
        "ConditionId": "New",
        "ConditionSubtypeId": "New",
        **blank("ScheduledDeliveryStartDate", "ScheduledDeliveryEndDate", "PriceDesignation"),
        "TaxCollection": {"Model": "MarketplaceFacilitator", "ResponsibleParty": "Amazon Services, Inc."}
        if market.tax_on_top and not order.pending
        else None,
        "SerialNumberRequired": False,
        "IsTransparency": False,
        **blank("IossNumber", "StoreChainStoreId", "DeemedResellerCategory"),
        "BuyerInfo": None,
        "BuyerRequestedCancel": {
            "IsBuyerRequestedCancel": "true" if line.ask_reason else "false",
            "BuyerCancelReason": line.ask_reason,
        },
        "SerialNumbers": [],
        **blank("SubstitutionPreferences", "Measurement", "ShippingConstraints", "AmazonPrograms"),
    }
