"""The system "amazon": its parts joined, its operations routed."""

import dataclasses
from typing import Any, Final

from entrepot.sandbox.amazon.access import RDT_PATH, Access, Buckets
from entrepot.sandbox.amazon.books import books_of
from entrepot.sandbox.amazon.documents import Documents
from entrepot.sandbox.amazon.errors import SpApiError, not_found
from entrepot.sandbox.amazon.events import Events
from entrepot.sandbox.amazon.feed_json import ListingFeeds
from entrepot.sandbox.amazon.feed_xml import OrderFeeds
from entrepot.sandbox.amazon.feeds import Feeds
from entrepot.sandbox.amazon.finances import Finances
from entrepot.sandbox.amazon.health import Health
from entrepot.sandbox.amazon.ledger import Ledger
from entrepot.sandbox.amazon.listing_calls import ListingCalls
from entrepot.sandbox.amazon.listings import Listings
from entrepot.sandbox.amazon.notifications import Notifications
from entrepot.sandbox.amazon.order_calls import OrderCalls
from entrepot.sandbox.amazon.orders import Orders
from entrepot.sandbox.amazon.platform import Platform
from entrepot.sandbox.amazon.portal import Portal
from entrepot.sandbox.amazon.product_types import ProductTypes
from entrepot.sandbox.amazon.reports import Reports
from entrepot.sandbox.amazon.router import Router
from entrepot.sandbox.amazon.settings import Settings
from entrepot.sandbox.amazon.settlement import Settlements
from entrepot.sandbox.amazon.vendor import Vendor
from entrepot.sandbox.amazon.wire import Call, Pages
from entrepot.sandbox.core import Clock, Request, Response, World
from entrepot.sandbox.queue import Queue, QueueSettings

TOKEN_PATH: Final = "/auth/o2/token"
TOKEN_OPERATION: Final = "token"


class Amazon:
    """One seller account on one marketplace, behind the Selling Partner API.

    `hub_url` is taken because every channel takes one; Amazon calls nobody, it puts events into the seller's queue.
    `machine_clock` judges the age of queue signatures.
    """

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.settings = settings
        self.platform = platform = Platform(world, settings)
        self.queue = _queue(platform, machine_clock)
        self.notifications = Notifications(platform)
        self.events = Events(platform, self.queue, self.notifications.subscriptions)
        self.ledger = Ledger(platform)
        self.orders = Orders(platform, self.ledger, self.events.order_changed)
        self.listings = Listings(platform, self.events.listing_changed)
        self.documents = Documents(platform)
        self.health = Health(platform)
        pages = Pages(settings.document_secret, settings.pagination_life, platform.now)
        self.reports = Reports(platform, self.documents, self.health, pages, self.events.report_ended)
        self.settlements = Settlements(platform, self.ledger, self.reports.publish)
        self.feeds = Feeds(
            platform,
            self.documents,
            OrderFeeds(platform, self.orders, self.ledger),
            ListingFeeds(platform, self.listings),
            pages,
            self.events.feed_ended,
        )
        self.access = Access(platform)
        self.vendor = Vendor(platform, pages)
        self.buckets = Buckets(platform)
        self.router = Router()
        OrderCalls(platform, self.orders, pages).add_to(self.router)
        ListingCalls(platform, self.listings, pages).add_to(self.router)
        ProductTypes(platform, self.documents).add_to(self.router)
        Finances(platform, pages).add_to(self.router)
        self.feeds.add_to(self.router)
        self.reports.add_to(self.router)
        self.notifications.add_to(self.router)
        self.vendor.add_to(self.router)
        self.router.add("createRestrictedDataToken", "POST", RDT_PATH, self.access.restricted)
        self.portal = Portal(
            platform,
            self.orders,
            self.listings,
            self.ledger,
            self.settlements,
            self.health,
            self.events,
            self.queue,
        )
        self.portal.seed(settings.products)
        self._request_ids = world.stream(f"{settings.account} requests")

    # -- System ----------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """The code of a request's operation."""
        if request.path == TOKEN_PATH and request.method == "POST":
            return TOKEN_OPERATION
        other = self.queue.operation(request) or self.documents.operation(request)
        if other is not None:
            return other
        found = self.router.find(request)
        return found[0].operation if found else None

    def handle(self, request: Request) -> Response:
        """Answer one request: who, how often, then what."""
        try:
            if request.path == TOKEN_PATH and request.method == "POST":
                return self._named(self.access.token(request), None)
            if self.queue.operation(request) is not None:
                return self._named(self.queue.handle(request), None)
            if self.documents.operation(request) is not None:
                return self.documents.handle(request)
            return self._api(request)
        finally:
            self.platform.settle()

    def books(self) -> dict[str, Any]:
        """What this marketplace believes happened."""
        undelivered = len(self.queue.messages) + self.events.on_the_way
        return {
            **books_of(self.platform, self.health.rates(), undelivered),
            "vendor_orders": self.vendor.books(),
            "notifications": {"sent": self.events.sent, "deleted": self.queue.deleted},
        }

    # -- inside ----------------------------------------------------------------------------------------------------

    def _api(self, request: Request) -> Response:
        found = self.router.find(request)
        if found is None:
            return self._named(not_found(f"No resource {request.method} {request.path}.").response(), None)
        route, ids = found
        try:
            self.access.check(request, route.operation)
            self.buckets.take(route.operation)
            answer = route.handler(Call(request, ids))
        except SpApiError as no:
            answer = no.response()
        return self._named(answer, route.operation)

    def _named(self, answer: Response, operation: str | None) -> Response:
        """The same answer with the headers every answer has."""
        drawn = f"{self._request_ids.getrandbits(128):032x}"
        request_id = f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:]}"
        rate = {} if operation is None else self.buckets.header(operation)
        return dataclasses.replace(answer, headers={**answer.headers, "x-amzn-requestid": request_id, **rate})


def _queue(platform: Platform, machine_clock: Clock) -> Queue:
    """The seller's own queue, into which events are put."""
    of = platform.settings
    settings = QueueSettings(of.queue_arn, of.queue_keys, of.visibility, of.base_url)
    return Queue(settings, platform.now, machine_clock, platform.world.stream(f"{of.account} queue"))
