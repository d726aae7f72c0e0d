"""Finances 2024-06-19: what moved the balance, deferred first, released later.

A deferred transaction that was released stays listed as DEFERRED_RELEASED, and a new one, RELEASED, stands beside it;
each names the other. Whoever adds up both counts the money twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import invalid
from entrepot.sandbox.amazon.money import number_of
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.state import Amount, PostedItem, Posting
from entrepot.sandbox.amazon.wire import Call, Pages, blank
from entrepot.sandbox.core import Response, json_response

STATUSES: Final = ("DEFERRED", "RELEASED", "DEFERRED_RELEASED")
PAGE_SIZE: Final = 500
SPAN_MAX: Final = timedelta(days=180)
TYPES: Final = {"Order": "Shipment", "Refund": "Refund", "A-to-z Guarantee Refund": "GuaranteeClaim"}
# The names of breakdowns are not enumerated in the reference: [guess].
GROUPS: Final = {"ItemPrice": "ProductCharges", "ItemFees": "AmazonFees", "ItemWithheldTax": "TaxWithheld"}
CONTEXT_KEYS: Final = (
    "storeName",
    "orderType",
    "channel",
    "asin",
    "sku",
    "quantityShipped",
    "fulfillmentNetwork",
    "paymentType",
    "paymentMethod",
    "paymentReference",
    "paymentDate",
    "deferralReason",
    "maturityDate",
    "startTime",
    "endTime",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One posting as one of the transactions it is listed as."""

    posting: Posting
    transaction_id: str
    status: str
    posted_at: datetime


class Finances:
    """listTransactions."""

    def __init__(self, platform: Platform, pages: Pages) -> None:
        self._platform = platform
        self._pages = pages

    def add_to(self, router: Router) -> None:
        """Register the operation."""
        router.add("listTransactions", "GET", "/finances/2024-06-19/transactions", self.list_transactions)

    def list_transactions(self, call: Call) -> Response:
        """By date or by a related identifier; 500 to a page."""
        request = self._pages.recall(call.request, "nextToken", "listTransactions")
        latest = self._platform.now() - self._platform.settings.read_lag
        since = wire.date_parameter(request, "postedAfter")
        until = wire.date_parameter(request, "postedBefore") or latest
        name, value = request.first("relatedIdentifierName"), request.first("relatedIdentifierValue")
        if since is None and not (name and value):
            raise invalid("Start date cannot be null", "Start date cannot be null")
        if name and name not in ("ORDER_ID", "FINANCIAL_EVENT_GROUP_ID"):
            raise invalid("Invalid 'relatedIdentifierName'.", name)
        if until > latest or (since is not None and since > until):
            raise invalid("postedBefore must be after postedAfter and two minutes before the request.")
        status = request.first("transactionStatus")
        if status and status not in STATUSES:
            raise invalid("Invalid 'transactionStatus'.", status)
        market = request.first("marketplaceId")
        wrong = bool(market) and market != self._platform.market.marketplace_id
        too_long = since is not None and until - since > SPAN_MAX
        found = [
            seen
            for seen in self._seen()
            if not wrong
            and not too_long
            and (since is None or since.replace(microsecond=0) <= seen.posted_at)
            and seen.posted_at < until
            and (not status or seen.status == status)
            and (not name or _identifiers(seen).get(name) == value)
        ]
        page, token = self._pages.cut(found, PAGE_SIZE, _place, request, "nextToken", "listTransactions")
        return json_response(
            200, {"payload": {"nextToken": token, "transactions": [self._view(seen) for seen in page]}}
        )

    def _seen(self) -> Iterator[Seen]:
        for posting in self._platform.postings:
            if posting.release_at is None:
                yield Seen(posting, posting.posting_id, "RELEASED", posting.posted_at)
            elif posting.release_id is None:
                yield Seen(posting, posting.posting_id, "DEFERRED", posting.posted_at)
            else:
                yield Seen(posting, posting.posting_id, "DEFERRED_RELEASED", posting.posted_at)
                yield Seen(posting, posting.release_id, "RELEASED", posting.release_at)

    # -- views -----------------------------------------------------------------------------------------------------

    def _view(self, seen: Seen) -> dict[str, Any]:
        posting, market = seen.posting, self._platform.market
        amounts = [amount for item in posting.items for amount in item.amounts]
        return {
            "sellingPartnerMetadata": {
                "sellingPartnerId": self._platform.settings.seller_id,
                "accountType": "Standard Orders",
                "marketplaceId": market.marketplace_id,
            },
            "relatedIdentifiers": [
                {"relatedIdentifierName": name, "relatedIdentifierValue": value}
                for name, value in _identifiers(seen).items()
            ],
            "transactionType": TYPES.get(posting.transaction_type, posting.transaction_type),
            "transactionId": seen.transaction_id,
            "transactionStatus": seen.status,
            "description": "Order Payment" if posting.transaction_type == "Order" else "Refund Order",
            "postedDate": wire.stamp(seen.posted_at),
            "totalAmount": self._money(posting.total_minor),
            "marketplaceDetails": {"marketplaceId": market.marketplace_id, "marketplaceName": market.name},
            "items": [self._item(posting, item) for item in posting.items],
            "contexts": self._deferral(seen),
            "breakdowns": self._breakdowns(amounts),
        }

    def _money(self, minor: int) -> dict[str, Any]:
        currency = self._platform.market.currency
        return {"currencyCode": currency, "currencyAmount": number_of(minor, currency)}

    def _item(self, posting: Posting, item: PostedItem) -> dict[str, Any]:
        product = {
            "contextType": "ProductContext",
            **blank(*CONTEXT_KEYS),
            "asin": item.asin,
            "sku": item.sku,
            "quantityShipped": item.quantity,
            "fulfillmentNetwork": posting.fulfillment,
        }
        identifier = item.merchant_adjustment_item_id or item.line_id
        name = "ORDER_ADJUSTMENT_ITEM_ID" if item.merchant_adjustment_item_id else "TRANSACTION_ID"
        return {
            "description": self._title(posting, item),
            "relatedIdentifiers": [{"itemRelatedIdentifierName": name, "itemRelatedIdentifierValue": identifier}],
            "totalAmount": self._money(item.total_minor),
            "breakdowns": self._breakdowns(list(item.amounts)),
            "contexts": [product],
        }

    def _title(self, posting: Posting, item: PostedItem) -> str:
        return self._platform.orders[posting.order_id].lines[item.line_id].title

    def _deferral(self, seen: Seen) -> list[dict[str, Any]]:
        if seen.posting.release_at is None or seen.status == "RELEASED":
            return []
        return [
            {
                "contextType": "DeferredContext",
                **blank(*CONTEXT_KEYS),
                "deferralReason": "DD7",  # [guess]: the reasons are not enumerated
                "maturityDate": wire.stamp(seen.posting.release_at),
            }
        ]

    def _breakdowns(self, amounts: list[Amount]) -> list[dict[str, Any]]:
        groups: dict[str, dict[str, int]] = {}
        for amount in amounts:
            group = groups.setdefault(GROUPS[amount.amount_type], {})
            group[amount.description] = group.get(amount.description, 0) + amount.minor
        return [
            {
                "breakdownType": name,
                "breakdownAmount": self._money(sum(parts.values())),
                "breakdowns": [
                    {"breakdownType": part, "breakdownAmount": self._money(minor), "breakdowns": []}
                    for part, minor in parts.items()
                ],
            }
            for name, parts in groups.items()
        ]


def _place(seen: Seen) -> str:
    return f"{wire.stamp_ms(seen.posted_at)} {seen.transaction_id}"


def _identifiers(seen: Seen) -> dict[str, str]:
    posting = seen.posting
    found = {"ORDER_ID": posting.order_id}
    if posting.shipment_id:
        found["SHIPMENT_ID"] = posting.shipment_id
    if posting.adjustment_id:
        found["REFUND_ID"] = posting.adjustment_id
    if seen.status == "DEFERRED_RELEASED":
        found["RELEASE_TRANSACTION_ID"] = posting.release_id or ""
    elif seen.status == "RELEASED" and posting.release_id:
        found["DEFERRED_TRANSACTION_ID"] = posting.posting_id
    if posting.settlement_id and seen.status != "DEFERRED_RELEASED":
        found["FINANCIAL_EVENT_GROUP_ID"] = posting.settlement_id
        found["SETTLEMENT_ID"] = posting.settlement_id
    return found
