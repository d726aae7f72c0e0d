"""The XML envelopes of order feeds: read message by message, applied, and reported on."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from entrepot.sandbox.amazon import wire
from entrepot.sandbox.amazon.errors import SpApiError, invalid
from entrepot.sandbox.amazon.ledger import REFUNDABLE, Ledger
from entrepot.sandbox.amazon.money import minor_of
from entrepot.sandbox.amazon.orders import Orders
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.state import CANCELLED, Line, Order, Package

ACKNOWLEDGE: Final = "POST_ORDER_ACKNOWLEDGEMENT_DATA"
FULFIL: Final = "POST_ORDER_FULFILLMENT_DATA"
ADJUST: Final = "POST_PAYMENT_ADJUSTMENT_DATA"
MESSAGE_TYPES: Final = {ACKNOWLEDGE: "OrderAcknowledgement", FULFIL: "OrderFulfillment", ADJUST: "OrderAdjustment"}
CANCEL_REASONS: Final = frozenset(
    {
        "NoInventory",
        "ShippingAddressUndeliverable",
        "CustomerExchange",
        "BuyerCanceled",
        "GeneralAdjustment",
        "CarrierCreditDecision",
        "RiskAssessmentInformationNotValid",
        "CarrierCoverageFailure",
        "CustomerReturn",
        "MerchandiseNotReceived",
    }
)
ADJUSTMENT_REASONS: Final = CANCEL_REASONS | {
    "CouldNotShip",
    "DifferentItem",
    "Abandoned",
    "CustomerCancel",
    "PriceError",
    "ProductOutofStock",
    "CustomerAddressIncorrect",
    "Exchange",
    "Other",
    "TransactionRecord",
}
REFUSED_CODE: Final = "18028"  # [guess]: the real codes of order feeds are not in our reference


class BadEnvelope(ValueError):
    """The whole file is no envelope of this feed: the feed ends FATAL."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message: `error` is None when it was applied."""

    message_id: str
    error: str | None
    order_id: str = ""


class OrderFeeds:
    """Applies order feeds. Each message is applied whole or not at all; nothing knows it again when it comes twice."""

    def __init__(self, platform: Platform, orders: Orders, ledger: Ledger) -> None:
        self._platform = platform
        self._orders = orders
        self._ledger = ledger
        self._apply: Mapping[str, Callable[[Element], str]] = {
            ACKNOWLEDGE: self._acknowledge,
            FULFIL: self._fulfil,
            ADJUST: self._adjust,
        }

    def process(self, feed_type: str, body: bytes) -> list[Result]:
        """Apply every message of a file. Errors: BadEnvelope."""
        results = []
        for message in self._messages(feed_type, body):
            message_id = _text(message, "MessageID") or "0"
            content = message.find(MESSAGE_TYPES[feed_type])
            try:
                if content is None:
                    raise invalid(f"Message {message_id} holds no {MESSAGE_TYPES[feed_type]}.")
                results.append(Result(message_id, None, self._apply[feed_type](content)))
            except SpApiError as why:
                order_id = _text(content, "AmazonOrderID") if content is not None else ""
                results.append(Result(message_id, why.message, order_id))
        return results

    def _messages(self, feed_type: str, body: bytes) -> list[Element]:
        try:
            root = ElementTree.fromstring(body)  # noqa: S314 - expat resolves nothing outside the document
        except ElementTree.ParseError as why:
            raise BadEnvelope(f"the document is not XML: {why}") from None
        if root.tag != "AmazonEnvelope" or _text(root, "MessageType") != MESSAGE_TYPES[feed_type]:
            raise BadEnvelope(f"the document is no AmazonEnvelope of {MESSAGE_TYPES[feed_type]}")
        header = root.find("Header")
        merchant = _text(header, "MerchantIdentifier") if header is not None else ""
        if merchant != self._platform.settings.seller_id:
            raise BadEnvelope(f"the MerchantIdentifier '{merchant}' is not this seller's")
        return root.findall("Message")

    # -- acknowledgement -------------------------------------------------------------------------------------------

    def _acknowledge(self, content: Element) -> str:
        order = self._order(content)
        status = _text(content, "StatusCode")
        if status == "Success":
            if order.status == CANCELLED:
                raise invalid(f"Order {order.order_id} is cancelled.")
            if self._orders.acknowledge(order, _text(content, "MerchantOrderID") or None):
                self._platform.count_applied(ACKNOWLEDGE, order.order_id)
        elif status == "Failure":
            self._fail(order, content)
        else:
            raise invalid(f"StatusCode '{status}' is not Success or Failure.")
        return order.order_id

    def _fail(self, order: Order, content: Element) -> None:
        """A Failure ends the whole order, whichever items it names; some pieces are cancelled by an adjustment."""
        reasons = []
        for item in content.findall("Item"):
            self._line(order, item)
            reasons.append(_text(item, "CancelReason"))
        unknown = [reason for reason in reasons if reason not in CANCEL_REASONS]
        if unknown:
            raise invalid(f"CancelReason '{unknown[0]}' is not valid.")
        if order.status == CANCELLED:
            raise invalid(f"Order {order.order_id} is already cancelled.")
        if not order.mine:
            raise invalid(f"Order {order.order_id} is fulfilled by Amazon.")
        self._orders.cancel(order, "seller", reasons[0] if reasons else "GeneralAdjustment")
        self._platform.count_applied(f"{ACKNOWLEDGE}.Failure", order.order_id)

    # -- fulfilment ------------------------------------------------------------------------------------------------

    def _fulfil(self, content: Element) -> str:
        order = self._order(content)
        data = content.find("FulfillmentData")
        if data is None:
            raise invalid("FulfillmentData is required.")
        carrier = _text(data, "CarrierCode") or _text(data, "CarrierName")
        if not carrier:
            raise invalid("CarrierCode or CarrierName is required.")
        items = {self._line(order, item).line_id: _count(item, "Quantity") for item in content.findall("Item")}
        if not items:
            items = {line_id: line.open for line_id, line in order.lines.items() if line.open}
        now = self._platform.now()
        package = Package(
            key=_text(content, "MerchantFulfillmentID") or self._unnamed(order, content),
            carrier=carrier,
            carrier_name=_text(data, "CarrierName") or None,
            method=_text(data, "ShippingMethod") or None,
            tracking=_text(data, "ShipperTrackingNumber"),
            shipped_at=wire.instant(_text(content, "FulfillmentDate"), "FulfillmentDate"),
            created_at=now,
            items=items,
            confirmed_late=now > order.ship_by,
        )
        if self._orders.ship(order, package):
            self._platform.count_applied(FULFIL, f"{order.order_id}/{package.key}")
        return order.order_id

    def _unnamed(self, order: Order, content: Element) -> str:
        """A key for a parcel the seller gave none: its content, so that a repetition is known for one."""
        digest = hashlib.sha256(ElementTree.tostring(content)).hexdigest()
        return str(int(digest[:12], 16))

    # -- adjustment ------------------------------------------------------------------------------------------------

    def _adjust(self, content: Element) -> str:
        order = self._order(content)
        if not order.mine:
            raise invalid(f"Order {order.order_id} is fulfilled by Amazon, who refunds it too.")
        rows = content.findall("AdjustedItem")
        if not rows:
            raise invalid("AdjustedItem is required.")
        planned = [self._planned(order, row) for row in rows]
        self._check_together(planned)
        for line, components, cancelled, reason, key in planned:
            if cancelled:
                self._orders.cancel_pieces(order, line, cancelled, "seller", reason)
            if components:
                self._orders.refund(order, line, components, by="seller", kind="Refund", key=key)
            self._platform.count_applied(ADJUST, f"{order.order_id}/{line.line_id}/{key}")
        return order.order_id

    def _planned(self, order: Order, row: Element) -> tuple[Line, dict[str, int], int, str, str]:
        line = self._line(order, row)
        reason = _text(row, "AdjustmentReason")
        if reason not in ADJUSTMENT_REASONS:
            raise invalid(f"AdjustmentReason '{reason}' is not valid.")
        components: dict[str, int] = {}
        for component in row.findall("ItemPriceAdjustments/Component"):
            name, amount = _text(component, "Type"), component.find("Amount")
            if name not in REFUNDABLE:
                raise invalid(f"Component '{name}' cannot be adjusted for this order.")
            if amount is None or amount.get("currency") != self._platform.market.currency:
                raise invalid(f"The amount of '{name}' is not in the currency of the order.")
            minor = minor_of(amount.text or "", self._platform.market.currency, name)
            components[name] = components.get(name, 0) + minor
        cancelled = _count(row, "QuantityCancelled") if row.find("QuantityCancelled") is not None else 0
        if not components and not cancelled:
            raise invalid("AdjustedItem has neither an amount nor a cancelled quantity.")
        return line, components, cancelled, reason, _text(row, "MerchantAdjustmentItemID")

    def _check_together(self, planned: list[tuple[Line, dict[str, int], int, str, str]]) -> None:
        asked: dict[tuple[str, str], int] = {}
        for line, components, cancelled, _, _ in planned:
            if cancelled > line.open:
                raise invalid(f"QuantityCancelled {cancelled} exceeds the unshipped {line.open}.")
            left = self._ledger.refundable(line)
            for name, minor in components.items():
                asked[line.line_id, name] = asked.get((line.line_id, name), 0) + minor
                if minor < 0 or asked[line.line_id, name] > left[name]:
                    raise invalid(f"{name} adjustment exceeds the refundable amount {left[name]}.")

    # -- reading ---------------------------------------------------------------------------------------------------

    def _order(self, content: Element) -> Order:
        order_id = _text(content, "AmazonOrderID")
        if order_id:
            return self._platform.order(order_id)
        own = _text(content, "MerchantOrderID")
        for order in self._platform.orders.values():
            if own and order.merchant_order_id == own:
                return order
        raise invalid("AmazonOrderID is required.")

    def _line(self, order: Order, item: Element) -> Line:
        code = _text(item, "AmazonOrderItemCode")
        line = order.lines.get(code)
        if line is None:
            raise invalid(f"AmazonOrderItemCode '{code}' is not part of order {order.order_id}.")
        return line


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _count(element: Element, name: str) -> int:
    written = _text(element, name)
    if not written.isdecimal() or int(written) < 1:
        raise invalid(f"{name} '{written}' is not a positive number.")
    return int(written)


def processing_report(feed_id: str, seller_id: str, results: list[Result]) -> bytes:
    """The XML report of a finished order feed."""
    wrong = [result for result in results if result.error is not None]
    entries = "".join(
        f"<Result><MessageID>{escape(result.message_id)}</MessageID><ResultCode>Error</ResultCode>"
        f"<ResultMessageCode>{REFUSED_CODE}</ResultMessageCode>"
        f"<ResultDescription>{escape(result.error or '')}</ResultDescription>"
        f"<AdditionalInfo><AmazonOrderID>{escape(result.order_id)}</AmazonOrderID></AdditionalInfo></Result>"
        for result in wrong
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">'
        f"<Header><DocumentVersion>1.02</DocumentVersion><MerchantIdentifier>{escape(seller_id)}</MerchantIdentifier>"
        "</Header><MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID><ProcessingReport>"
        f"<DocumentTransactionID>{feed_id}</DocumentTransactionID><StatusCode>Complete</StatusCode>"
        f"<ProcessingSummary><MessagesProcessed>{len(results)}</MessagesProcessed>"
        f"<MessagesSuccessful>{len(results) - len(wrong)}</MessagesSuccessful>"
        f"<MessagesWithError>{len(wrong)}</MessagesWithError><MessagesWithWarning>0</MessagesWithWarning>"
        f"</ProcessingSummary>{entries}</ProcessingReport></Message></AmazonEnvelope>"
    ).encode()
