"""Records as Amazon publishes their fields, written by hand: the ground of every test of a reader."""

from typing import Any

DE = "A1PA6795UKMFR9"
US = "ATVPDKIKX0DER"


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def order(**changed: Any) -> dict[str, Any]:
    return {
        "orderId": "902-1845936-5435065",
        "createdTime": "2026-11-02T09:00:00Z",
        "lastUpdatedTime": "2026-11-02T09:05:00.250Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": DE, "marketplaceName": "Amazon.de"},
        "proceeds": {"grandTotal": money("48.97")},
        "fulfillment": {
            "fulfillmentStatus": "UNSHIPPED",
            "fulfilledBy": "MERCHANT",
            "shipByWindow": {"latestDateTime": "2026-11-04T22:59:59Z"},
            "deliverByWindow": {"latestDateTime": "2026-11-07T22:59:59Z"},
        },
        "orderItems": [
            {
                "orderItemId": "05015851154158",
                "quantityOrdered": 2,
                "product": {"asin": "B00551Q3CS", "title": "Sea atlas", "sellerSku": "ATLAS-1"},
                "proceeds": {
                    "breakdowns": [
                        {"type": "ITEM", "subtotal": money("39.98")},
                        {"type": "SHIPPING", "subtotal": money("9.99")},
                        {"type": "DISCOUNT", "subtotal": money("-1.00")},
                        {"type": "TAX", "subtotal": money("7.82")},
                    ]
                },
                "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 2},
            }
        ],
        "packages": [],
        **changed,
    }


def package(status: str = "DELIVERED", quantity: int = 2) -> dict[str, Any]:
    return {
        "packageReferenceId": "7",
        "packageStatus": {"status": status},
        "carrier": "DHL",
        "trackingNumber": "JD-7",
        "packageItems": [{"orderItemId": "05015851154158", "quantity": quantity}],
    }


def old_money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"Amount": amount, "CurrencyCode": currency}


def old_order(**changed: Any) -> dict[str, Any]:
    head = {
        "AmazonOrderId": "902-1845936-5435065",
        "PurchaseDate": "2026-11-02T09:00:00Z",
        "LastUpdateDate": "2026-11-02T09:05:00Z",
        "OrderStatus": "Unshipped",
        "FulfillmentChannel": "MFN",
        "MarketplaceId": US,
        "OrderTotal": old_money("23.10"),
        "LatestShipDate": "2026-11-04T22:59:59Z",
    }
    item = {
        "ASIN": "B00551Q3CS",
        "OrderItemId": "05015851154158",
        "SellerSKU": "ATLAS-1",
        "Title": "Sea atlas",
        "QuantityOrdered": 2,
        "QuantityShipped": 0,
        "ItemPrice": old_money("20.00"),
        "ItemTax": old_money("2.10"),
        "ShippingPrice": old_money("4.00"),
        "PromotionDiscount": old_money("2.00"),
        "ShippingDiscount": old_money("1.00"),
        "BuyerRequestedCancel": {"IsBuyerRequestedCancel": "false"},
    }
    return {"order": {**head, **changed}, "items": [item]}


def listing(**changed: Any) -> dict[str, Any]:
    return {
        "sku": "ATLAS-1",
        "marketplace": DE,
        "summaries": [
            {
                "marketplaceId": DE,
                "asin": "B00551Q3CS",
                "productType": "BOOK",
                "status": ["BUYABLE", "DISCOVERABLE"],
                "itemName": "Sea atlas",
                "createdDate": "2026-01-01T00:00:00Z",
                "lastUpdatedDate": "2026-11-02T09:00:00Z",
            }
        ],
        "issues": [],
        "offers": [{"marketplaceId": DE, "offerType": "B2C", "price": money("19.99")}],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 5}],
        "productTypes": [{"marketplaceId": DE, "productType": "BOOK"}],
        **changed,
    }


def issue(severity: str = "ERROR", action: str = "", exemption: str = "NOT_EXEMPT") -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": "18027",
        "message": "Too long.",
        "severity": severity,
        "attributeNames": ["item_name", "brand"],
        "categories": ["INVALID_ATTRIBUTE"],
    }
    if action:
        told["enforcements"] = {"actions": [{"action": action}], "exemption": {"status": exemption}}
    return told


def feed(**changed: Any) -> dict[str, Any]:
    return {
        "feed": {
            "feedId": "50011020765",
            "feedType": "POST_PAYMENT_ADJUSTMENT_DATA",
            "createdTime": "2026-11-02T09:00:00Z",
            "processingStatus": "DONE",
            "processingEndTime": "2026-11-02T09:02:00Z",
            "resultFeedDocumentId": "amzn1.tortuga.4.eu.x",
            **changed,
        },
        "report": REPORT,
    }


REPORT = (
    '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope><Header><DocumentVersion>1.02</DocumentVersion></Header>'
    "<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID><ProcessingReport>"
    "<DocumentTransactionID>50011020765</DocumentTransactionID><StatusCode>Complete</StatusCode><ProcessingSummary>"
    "<MessagesProcessed>2</MessagesProcessed><MessagesSuccessful>1</MessagesSuccessful>"
    "<MessagesWithError>1</MessagesWithError><MessagesWithWarning>0</MessagesWithWarning></ProcessingSummary>"
    "<Result><MessageID>42</MessageID><ResultCode>Error</ResultCode><ResultMessageCode>18028</ResultMessageCode>"
    "<ResultDescription>Too much &amp; too late</ResultDescription>"
    "<AdditionalInfo><AmazonOrderID>902-1845936-5435065</AmazonOrderID></AdditionalInfo></Result>"
    "</ProcessingReport></Message></AmazonEnvelope>"
)


def transaction(**changed: Any) -> dict[str, Any]:
    def amount(value: float) -> dict[str, Any]:
        return {"currencyCode": "EUR", "currencyAmount": value}

    return {
        "relatedIdentifiers": [
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "902-1845936-5435065"},
            {"relatedIdentifierName": "REFUND_ID", "relatedIdentifierValue": "rf-1"},
        ],
        "transactionType": "Refund",
        "transactionId": "tr-1",
        "transactionStatus": "RELEASED",
        "description": "Refund Order",
        "postedDate": "2026-11-02T09:00:00Z",
        "totalAmount": amount(-4.25),
        "items": [{"relatedIdentifiers": []}],
        "breakdowns": [
            {"breakdownType": "ProductCharges", "breakdownAmount": amount(-5.00)},
            {"breakdownType": "AmazonFees", "breakdownAmount": amount(0.75)},
        ],
        **changed,
    }


def statement(**changed: Any) -> dict[str, Any]:
    summary = {
        "settlement-id": "12345678901",
        "settlement-start-date": "01.11.2026 00:00:00 UTC",
        "settlement-end-date": "15.11.2026 00:00:00 UTC",
        "deposit-date": "17.11.2026 00:00:00 UTC",
        "total-amount": "1234,56",
        "currency": "EUR",
    }
    told = {"announced_at": "2026-11-15T01:00:00Z", "lines": 3, "lines_minor": 123_456, "unrecognised": 1}
    return {"summary": {**summary, **changed}, **told}


def line(**changed: Any) -> dict[str, Any]:
    row = {
        "settlement-id": "12345678901",
        "transaction-type": "Order",
        "order-id": "902-1845936-5435065",
        "amount-type": "ItemPrice",
        "amount-description": "Principal",
        "amount": "19,99",
        "posted-date": "02.11.2026",
        "posted-date-time": "02.11.2026 09:00:00 UTC",
        "order-item-code": "05015851154158",
        "sku": "ATLAS-1",
    }
    head = {"line_no": 3, "settlement_id": "12345678901", "currency": "EUR", "posted_at": "15.11.2026 00:00:00 UTC"}
    return {"row": {**row, **changed}, **head}


def health(**changed: Any) -> dict[str, Any]:
    def rate(value: float, target: float, condition: str = "LESS_THAN") -> dict[str, Any]:
        return {"status": "GOOD", "rate": value, "targetValue": target, "targetCondition": condition}

    metrics = {
        "marketplaceId": DE,
        "lateShipmentRate": rate(0.01, 0.04),
        "preFulfillmentCancellationRate": rate(0.001, 0.025),
        "orderDefectRate": {"mfn": rate(0.002, 0.01), "afn": rate(0, 0.01)},
        "validTrackingRate": rate(0.99, 0.95, "GREATER_THAN"),
        "onTimeDeliveryRate": rate(0.97, 0.9, "GREATER_THAN"),
        "listingPolicyViolations": {"defectsCount": 0, "status": "GOOD", "targetValue": 0, "targetCondition": "EQUALS"},
        "accountHealthRating": {"ahrStatus": "GREAT"},
        **changed,
    }
    return {
        "account_id": "A3TH9S8BH6GOGM",
        "marketplace_id": DE,
        "measured_at": "2026-11-02T09:00:00Z",
        "report": {"accountStatuses": [{"marketplaceId": DE, "status": "NORMAL"}], "performanceMetrics": [metrics]},
    }


def hint(**changed: Any) -> dict[str, Any]:
    return {"kind": "order", "external_id": "902-1845936-5435065", **changed}


SAMPLES = {
    "channel-order": order,
    "old-order": old_order,
    "listing": listing,
    "submission": feed,
    "channel-refund": transaction,
    "channel-statement": statement,
    "channel-statement-line": line,
    "account-health": health,
    "hint": hint,
}
