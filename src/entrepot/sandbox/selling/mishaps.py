"""What goes wrong between the company and its channels: the planned faults of a demo, and random ones of any seed."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Final, Literal

from entrepot.sandbox.faults import Fault

Faults = Literal["none", "demo", "random"]

NTH_MAX: Final = 12
INTERRUPTIONS: Final = ("429", "500", "502", "503", "504", "timeout-before", "timeout-after")
HAVE_TOKENS: Final = frozenset({"amazon", "walmart", "ebay"})
READS: Final[Mapping[str, tuple[str, ...]]] = {
    "amazon": ("searchOrders", "searchListingsItems", "getFeed", "getFeedDocument", "sqs.ReceiveMessage"),
    "walmart": ("getAllOrders", "getAnOrder", "getReturns", "getAllItems"),
    "ebay": ("getOrders", "searchReturns", "searchCancellations", "getPaymentDisputeSummaries", "getTransactions"),
    "channelengine": ("OrderGetNew", "OrderGetByFilter", "ReturnGetReturns", "NotificationIndex"),
    "mirakl-shop": ("OR11", "RT11", "OF21"),
    "back_office": ("parcels", "stock", "prices", "returns", "cancellations", "order"),
}
WRITES: Final[Mapping[str, tuple[str, ...]]] = {
    "amazon": ("confirmShipment", "createFeed", "patchListingsItem"),
    "walmart": ("acknowledgeOrders", "shippingUpdates", "cancelOrderLines", "refundOrderLines", "updatePrice"),
    "ebay": ("createShippingFulfillment", "issueRefund", "bulkUpdatePriceQuantity", "approveCancellationRequest"),
    "channelengine": ("OrderAcknowledge", "ShipmentCreate", "CancellationCreate", "OfferStockPriceUpdate"),
    "mirakl-shop": ("OR21", "ST01", "OR28", "STO01", "PRI01"),
    "back_office": ("import-order", "cancel-order", "book-refund"),
}
PAGED: Final = frozenset({("ebay", "getOrders"), ("mirakl-shop", "OR11"), ("mirakl-shop", "OF21")})
"""Lists that are read by offset, where a page can shift."""
STATES: Final[Mapping[tuple[str, str], str]] = {
    ("amazon", "searchOrders"): "fulfillmentStatus",
    ("walmart", "getAllOrders"): "status",
    ("ebay", "getOrders"): "orderFulfillmentStatus",
    ("channelengine", "OrderGetByFilter"): "Status",
    ("mirakl-shop", "OR11"): "order_state",
}
"""The field of an order that may hold a word nobody documented."""
TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "amazon": ("ORDER_CHANGE", "FEED_PROCESSING_FINISHED", "LISTINGS_ITEM_STATUS_CHANGE"),
    "walmart": ("PO_CREATED", "ORDER_INTENT_TO_CANCEL", "OFFER_UNPUBLISHED"),
    "ebay": ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED"),
    "channelengine": ("ORDERS_CREATE", "ORDERS_CHANGE", "RETURNS_CHANGE"),
    "back_office": ("stock", "price", "parcel", "cancellation", "return"),
}

DEMO_FAULTS: Final = (
    Fault("amazon", "searchOrders", 3, "429", 5),
    Fault("amazon", "searchOrders", 6, "unknown-enum", "fulfillmentStatus"),
    Fault("amazon", "confirmShipment", 1, "timeout-after"),
    Fault("amazon", "patchListingsItem", 2, "503"),
    Fault("amazon", "webhook:ORDER_CHANGE", 2, "duplicate"),
    Fault("amazon", "webhook:ORDER_CHANGE", 4, "lost"),
    Fault("walmart", "getAllOrders", 4, "expired-token"),
    Fault("walmart", "acknowledgeOrders", 1, "timeout-before"),
    Fault("walmart", "shippingUpdates", 1, "timeout-after"),
    Fault("walmart", "webhook:PO_CREATED", 2, "lost"),
    Fault("ebay", "getOrders", 5, "truncated"),
    Fault("ebay", "createShippingFulfillment", 1, "applied-late", 20),
    Fault("ebay", "webhook:ORDER_CONFIRMATION", 2, "out-of-order"),
    Fault("channelengine", "OrderAcknowledge", 2, "timeout-after"),
    Fault("channelengine", "OrderGetByFilter", 4, "html"),
    Fault("channelengine", "ShipmentCreate", 1, "503"),
    Fault("channelengine", "webhook:ORDERS_CREATE", 2, "duplicate"),
    Fault("mirakl-shop", "OR21", 1, "timeout-after"),
    Fault("mirakl-shop", "OR11", 4, "502"),
    Fault("back_office", "import-order", 2, "timeout-after"),
    Fault("back_office", "import-order", 5, "503"),
    Fault("back_office", "webhook:parcel", 2, "lost"),
    Fault("back_office", "webhook:stock", 3, "duplicate"),
)


def planned(kind: Faults, rng: Random, rate: float) -> list[Fault]:
    match kind:
        case "none":
            return []
        case "demo":
            return list(DEMO_FAULTS)
        case "random":
            return random_mishaps(rng, rate)


def random_mishaps(rng: Random, rate: float) -> list[Fault]:
    """A random subset of everything that can go wrong; `rate` is each possibility's chance. Same rng, same faults."""
    chosen = []
    for system, operation, kind in _everything():
        hit, nth, size = rng.random() < rate, rng.randint(1, NTH_MAX), rng.randint(1, 60)
        if hit:
            chosen.append(Fault(system, operation, nth, kind, _argument(system, operation, kind, size)))
    return chosen


def _argument(system: str, operation: str, kind: str, size: int) -> int | str | None:
    if kind in ("429", "applied-late"):
        return size
    if kind == "page-shift":
        return 1 if size % 2 else -1
    return STATES[system, operation] if kind == "unknown-enum" else None


def _everything() -> Iterable[tuple[str, str, str]]:
    for system, operations in READS.items():
        tokens = ("expired-token",) if system in HAVE_TOKENS else ()
        for operation in operations:
            for kind in (*INTERRUPTIONS, *tokens, "truncated", "html"):
                yield system, operation, kind
            if (system, operation) in STATES:
                yield system, operation, "unknown-enum"
            if (system, operation) in PAGED:
                yield system, operation, "page-shift"
    for system, operations in WRITES.items():
        tokens = ("expired-token",) if system in HAVE_TOKENS else ()
        for operation in operations:
            for kind in (*INTERRUPTIONS, *tokens, "applied-late", "html"):
                yield system, operation, kind
    for system, topics in TOPICS.items():
        for topic in topics:
            for kind in ("duplicate", "lost", "out-of-order"):
                yield system, f"webhook:{topic}", kind
