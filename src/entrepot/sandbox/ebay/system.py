"""eBay over HTTP, seen by one seller's application: routes, tokens, quotas, books."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrepot.sandbox.core import Clock, Request, Response, World
from entrepot.sandbox.ebay.access import Access, Quotas
from entrepot.sandbox.ebay.books import books_of
from entrepot.sandbox.ebay.cancellation_calls import CancellationCalls
from entrepot.sandbox.ebay.dispute_calls import DisputeCalls
from entrepot.sandbox.ebay.disputes import Disputes
from entrepot.sandbox.ebay.errors import EbayError, not_found, too_many_requests
from entrepot.sandbox.ebay.finance_calls import FinanceCalls
from entrepot.sandbox.ebay.finances import Finances
from entrepot.sandbox.ebay.listing_calls import ListingCalls
from entrepot.sandbox.ebay.listings import Listings
from entrepot.sandbox.ebay.market import Market
from entrepot.sandbox.ebay.notification_calls import NotificationCalls
from entrepot.sandbox.ebay.notifications import Notifications
from entrepot.sandbox.ebay.order_calls import OrderCalls
from entrepot.sandbox.ebay.order_view import OrderView
from entrepot.sandbox.ebay.orders import Orders
from entrepot.sandbox.ebay.portal import Portal
from entrepot.sandbox.ebay.return_calls import ReturnCalls
from entrepot.sandbox.ebay.returns import Returns
from entrepot.sandbox.ebay.router import Call, Handler, Route, Router
from entrepot.sandbox.ebay.settings import Settings
from entrepot.sandbox.ebay.signatures import Signatures
from entrepot.sandbox.ebay.standards import Standards

TOKEN_PATH: Final = "/identity/v1/oauth2/token"
MINT: Final = "mintToken"


@dataclass(frozen=True, slots=True)
class Group:
    """An interface: where it begins, the quota it counts in, the scope it asks for, whose token it takes."""

    prefix: str
    resource: str
    scope: str
    user: bool = True
    application: bool = False


INVENTORY: Final = Group("/sell/inventory/v1", "sell.inventory", "sell.inventory")
COMPLIANCE: Final = Group("/sell/compliance/v1", "sell.compliance", "sell.inventory")
FULFILLMENT: Final = Group("/sell/fulfillment/v1", "sell.fulfillment", "sell.fulfillment")
REFUND: Final = Group("/sell/fulfillment/v1", "sell.fulfillment", "sell.finances")
DISPUTE: Final = Group("/sell/fulfillment/v1", "sell.fulfillment", "sell.payment.dispute")
POST_ORDER: Final = Group("/post-order/v2", "post-order", "")
FINANCES: Final = Group("/sell/finances/v1", "sell.finances", "sell.finances")
ANALYTICS: Final = Group("/sell/analytics/v1", "sell.analytics", "sell.analytics.readonly")
NOTIFICATION: Final = Group("/commerce/notification/v1", "commerce.notification", "", application=True)
KEYS: Final = Group("/developer/key_management/v1", "developer.key_management", "", application=True)
LIMITS: Final = Group("/developer/analytics/v1_beta", "developer.analytics", "", user=False, application=True)


class Ebay:
    """The system "ebay": one seller's account on one eBay site.

    Construct: Ebay(world, machine_clock, hub_url or None, Settings(...)), then world.mount(settings.system, it).
    """

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self._world = world
        self.settings = settings
        self.market = Market(world, settings)
        self.quotas = Quotas(world, settings)
        self.access = Access(world, settings, self.quotas)
        self.listings = Listings(self.market)
        self.finances = Finances(self.market)
        self.orders = Orders(self.market, self.listings, self.finances)
        self.returns = Returns(self.market, self.orders)
        self.disputes = Disputes(self.market, self.finances)
        self.standards = Standards(self.market)
        self.signatures = Signatures(world, machine_clock, settings)
        self.notifications = Notifications(self.market, hub_url, machine_clock)
        self.orders.when_paid.append(self.notifications.order_paid)
        self.orders.when_shipped.append(self.notifications.order_shipped)
        self.portal = Portal(
            self.market,
            self.listings,
            self.orders,
            self.returns,
            self.disputes,
            self.finances,
            self.standards,
            self.notifications,
            self.access,
        )
        self.router = Router()
        self._add_listings()
        self._add_orders()
        self._add_after_sales()
        self._add_money()
        self._add_notifications()
        self._add_keys()

    # -- as a system -----------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """The operation's name in eBay's specification."""
        if request.path.rstrip("/") == TOKEN_PATH:
            return MINT if request.method == "POST" else None
        found = self.router.find(request)
        return found[0].operation if found else None

    def handle(self, request: Request) -> Response:
        """Answer one call."""
        if self.operation(request) == MINT:
            return self.access.mint(request)
        found = self.router.find(request)
        try:
            if found is None:
                raise not_found()
            route, ids = found
            return self._answer(request, route, ids)
        except EbayError as no:
            return no.response()
        finally:
            self.market.settle()

    def _answer(self, request: Request, route: Route, ids: Mapping[str, str]) -> Response:
        self.access.check(request, route)
        self.signatures.check(request, route)
        if self.quotas.exhausted(route.resource):
            raise too_many_requests()
        self.quotas.count(route.resource)
        return route.handler(Call(request, ids))

    def books(self) -> dict[str, Any]:
        """What this channel believes happened."""
        undelivered = self.notifications.undelivered()
        return books_of(self.market, self.listings, self.standards.health(), undelivered)

    # -- routes ----------------------------------------------------------------------------------------------------

    def _add(self, group: Group, operation: str, method: str, path: str, handler: Handler) -> None:
        route = Route(operation, group.resource, group.scope, group.user, group.application, handler)
        self.router.add(method, group.prefix + path, route)

    def _add_listings(self) -> None:
        calls, add = ListingCalls(self.market, self.listings), self._add
        add(INVENTORY, "getInventoryItem", "GET", "/inventory_item/{sku}", calls.get_item)
        add(INVENTORY, "getInventoryItems", "GET", "/inventory_item", calls.get_items)
        add(INVENTORY, "createOrReplaceInventoryItem", "PUT", "/inventory_item/{sku}", calls.put_item)
        add(INVENTORY, "deleteInventoryItem", "DELETE", "/inventory_item/{sku}", calls.delete_item)
        add(INVENTORY, "getOffers", "GET", "/offer", calls.get_offers)
        add(INVENTORY, "createOffer", "POST", "/offer", calls.create_offer)
        add(INVENTORY, "getOffer", "GET", "/offer/{offerId}", calls.get_offer)
        add(INVENTORY, "updateOffer", "PUT", "/offer/{offerId}", calls.update_offer)
        add(INVENTORY, "publishOffer", "POST", "/offer/{offerId}/publish", calls.publish_offer)
        add(INVENTORY, "withdrawOffer", "POST", "/offer/{offerId}/withdraw", calls.withdraw_offer)
        add(INVENTORY, "bulkCreateOffer", "POST", "/bulk_create_offer", calls.bulk_create)
        add(INVENTORY, "bulkPublishOffer", "POST", "/bulk_publish_offer", calls.bulk_publish)
        add(INVENTORY, "bulkUpdatePriceQuantity", "POST", "/bulk_update_price_quantity", calls.bulk_update)
        add(COMPLIANCE, "getListingViolations", "GET", "/listing_violation", calls.violations)
        add(COMPLIANCE, "getListingViolationsSummary", "GET", "/listing_violation_summary", calls.violations_summary)

    def _add_orders(self) -> None:
        calls, add = OrderCalls(self.market, self.orders, OrderView(self.market)), self._add
        parcels = "/order/{orderId}/shipping_fulfillment"
        add(FULFILLMENT, "getOrders", "GET", "/order", calls.get_orders)
        add(FULFILLMENT, "getOrder", "GET", "/order/{orderId}", calls.get_order)
        add(FULFILLMENT, "getShippingFulfillments", "GET", parcels, calls.get_fulfillments)
        add(FULFILLMENT, "createShippingFulfillment", "POST", parcels, calls.create_fulfillment)
        add(FULFILLMENT, "getShippingFulfillment", "GET", f"{parcels}/{{fulfillmentId}}", calls.get_fulfillment)
        add(REFUND, "issueRefund", "POST", "/order/{order_id}/issue_refund", calls.issue_refund)

    def _add_after_sales(self) -> None:
        add = self._add
        cancels = CancellationCalls(self.market, self.orders)
        add(POST_ORDER, "createCancellation", "POST", "/cancellation", cancels.create)
        add(POST_ORDER, "checkCancellationEligibility", "POST", "/cancellation/check_eligibility", cancels.check)
        add(POST_ORDER, "searchCancellations", "GET", "/cancellation/search", cancels.search)
        add(POST_ORDER, "getCancellation", "GET", "/cancellation/{cancelId}", cancels.get)
        add(POST_ORDER, "approveCancellationRequest", "POST", "/cancellation/{cancelId}/approve", cancels.approve)
        add(POST_ORDER, "rejectCancellationRequest", "POST", "/cancellation/{cancelId}/reject", cancels.reject)
        returns = ReturnCalls(self.market, self.returns)
        add(POST_ORDER, "searchReturns", "GET", "/return/search", returns.search)
        add(POST_ORDER, "getReturn", "GET", "/return/{returnId}", returns.get)
        add(POST_ORDER, "processReturnRequest", "POST", "/return/{returnId}/decide", returns.decide)
        add(POST_ORDER, "markReturnReceived", "POST", "/return/{returnId}/mark_as_received", returns.received)
        add(POST_ORDER, "issueReturnRefund", "POST", "/return/{returnId}/issue_refund", returns.refund)
        shown = "/inquiry/{inquiryId}/provide_shipment_info"
        add(POST_ORDER, "searchInquiries", "GET", "/inquiry/search", returns.search_inquiries)
        add(POST_ORDER, "getInquiry", "GET", "/inquiry/{inquiryId}", returns.get_inquiry)
        add(POST_ORDER, "provideInquiryShipmentInfo", "POST", shown, returns.inquiry_shipment)
        add(POST_ORDER, "issueInquiryRefund", "POST", "/inquiry/{inquiryId}/issue_refund", returns.inquiry_refund)
        disputes, one = DisputeCalls(self.market, self.disputes), "/payment_dispute/{payment_dispute_id}"
        add(DISPUTE, "getPaymentDisputeSummaries", "GET", "/payment_dispute_summary", disputes.search)
        add(DISPUTE, "getPaymentDispute", "GET", one, disputes.get)
        add(DISPUTE, "getActivities", "GET", f"{one}/activity", disputes.activity)
        add(DISPUTE, "contestPaymentDispute", "POST", f"{one}/contest", disputes.contest)
        add(DISPUTE, "acceptPaymentDispute", "POST", f"{one}/accept", disputes.accept)
        add(DISPUTE, "uploadEvidenceFile", "POST", f"{one}/upload_evidence_file", disputes.upload)
        add(DISPUTE, "addEvidence", "POST", f"{one}/add_evidence", disputes.add_evidence)
        add(DISPUTE, "updateEvidence", "POST", f"{one}/update_evidence", disputes.update_evidence)
        add(DISPUTE, "fetchEvidenceContent", "GET", f"{one}/fetch_evidence_content", disputes.fetch)

    def _add_money(self) -> None:
        calls, add = FinanceCalls(self.market, self.finances), self._add
        add(FINANCES, "getTransactions", "GET", "/transaction", calls.transactions)
        add(FINANCES, "getTransactionSummary", "GET", "/transaction_summary", calls.transaction_summary)
        add(FINANCES, "getPayouts", "GET", "/payout", calls.payouts)
        add(FINANCES, "getPayout", "GET", "/payout/{payout_Id}", calls.payout)
        add(FINANCES, "getPayoutSummary", "GET", "/payout_summary", calls.payout_summary)
        add(FINANCES, "getTransfer", "GET", "/transfer/{transfer_Id}", calls.transfer)
        add(FINANCES, "getSellerFundsSummary", "GET", "/seller_funds_summary", calls.funds)
        profile, standards = "/seller_standards_profile", self.standards
        add(ANALYTICS, "findSellerStandardsProfiles", "GET", profile, standards.find)
        add(ANALYTICS, "getSellerStandardsProfile", "GET", f"{profile}/{{program}}/{{cycle}}", standards.get)
        add(LIMITS, "getRateLimits", "GET", "/rate_limit", self.quotas.get_rate_limits)

    def _add_notifications(self) -> None:
        calls, add = NotificationCalls(self.market, self.notifications), self._add
        add(NOTIFICATION, "getConfig", "GET", "/config", calls.get_config)
        add(NOTIFICATION, "updateConfig", "PUT", "/config", calls.put_config)
        add(NOTIFICATION, "getTopics", "GET", "/topic", calls.get_topics)
        add(NOTIFICATION, "getTopic", "GET", "/topic/{topic_id}", calls.get_topic)
        add(NOTIFICATION, "getPublicKey", "GET", "/public_key/{public_key_id}", calls.get_public_key)
        one = "/destination/{destination_id}"
        add(NOTIFICATION, "getDestinations", "GET", "/destination", calls.get_destinations)
        add(NOTIFICATION, "createDestination", "POST", "/destination", calls.create_destination)
        add(NOTIFICATION, "getDestination", "GET", one, calls.get_destination)
        add(NOTIFICATION, "updateDestination", "PUT", one, calls.update_destination)
        add(NOTIFICATION, "deleteDestination", "DELETE", one, calls.delete_destination)
        one = "/subscription/{subscription_id}"
        add(NOTIFICATION, "getSubscriptions", "GET", "/subscription", calls.get_subscriptions)
        add(NOTIFICATION, "createSubscription", "POST", "/subscription", calls.create_subscription)
        add(NOTIFICATION, "getSubscription", "GET", one, calls.get_subscription)
        add(NOTIFICATION, "deleteSubscription", "DELETE", one, calls.delete_subscription)
        add(NOTIFICATION, "enableSubscription", "POST", f"{one}/enable", calls.enable_subscription)
        add(NOTIFICATION, "disableSubscription", "POST", f"{one}/disable", calls.disable_subscription)
        add(NOTIFICATION, "testSubscription", "POST", f"{one}/test", calls.test_subscription)

    def _add_keys(self) -> None:
        add, keys = self._add, self.signatures
        add(KEYS, "createSigningKey", "POST", "/signing_key", keys.create)
        add(KEYS, "getSigningKeys", "GET", "/signing_key", keys.every)
        add(KEYS, "getSigningKey", "GET", "/signing_key/{signing_key_id}", keys.one)
