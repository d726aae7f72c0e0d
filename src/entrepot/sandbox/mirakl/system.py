"""The system "mirakl": its parts joined, its operations routed."""

from typing import Any

from entrepot.sandbox.core import Clock, Request, Response, World
from entrepot.sandbox.mirakl.access import ANYONE, FRONT_OR_OPERATOR, SHOP_ONLY, Access, Ceilings
from entrepot.sandbox.mirakl.billing import Billing
from entrepot.sandbox.mirakl.billing_calls import BillingCalls
from entrepot.sandbox.mirakl.books import books_of
from entrepot.sandbox.mirakl.call import Call
from entrepot.sandbox.mirakl.checkout import Checkout
from entrepot.sandbox.mirakl.errors import MiraklError
from entrepot.sandbox.mirakl.imports import Imports
from entrepot.sandbox.mirakl.lanes import Lanes
from entrepot.sandbox.mirakl.ledger import Ledger
from entrepot.sandbox.mirakl.offers import Offers
from entrepot.sandbox.mirakl.order_calls import OrderCalls
from entrepot.sandbox.mirakl.order_queries import OrderQueries
from entrepot.sandbox.mirakl.orders import Orders
from entrepot.sandbox.mirakl.payments import Payments
from entrepot.sandbox.mirakl.platform import (
    CYCLE_CLOSED,
    ORDER_CREATED,
    ORDER_UPDATED,
    REFUND_CREATED,
    RETURN_UPDATED,
    SHIPMENT_UPDATED,
    Platform,
)
from entrepot.sandbox.mirakl.portal import Portal
from entrepot.sandbox.mirakl.reference import Reference
from entrepot.sandbox.mirakl.refunds import Refunds
from entrepot.sandbox.mirakl.render import order_json, refund_dict
from entrepot.sandbox.mirakl.returns import Returns
from entrepot.sandbox.mirakl.router import Router
from entrepot.sandbox.mirakl.settings import Settings
from entrepot.sandbox.mirakl.shipments import Shipments
from entrepot.sandbox.mirakl.shops import Shops
from entrepot.sandbox.mirakl.threads import OPEN_THREAD, Threads
from entrepot.sandbox.mirakl.transactions import CHUNKS, Transactions
from entrepot.sandbox.mirakl.webhooks import Webhooks

TOKEN_OPERATION = "oauth"
CHUNK_OPERATION = "TL05"


class Mirakl:
    """One marketplace. `portal` is its back office in process; `hub_url` hears its webhooks (None: nobody does)."""

    def __init__(self, world: World, machine_clock: Clock, hub_url: str | None, settings: Settings) -> None:
        self.settings = settings
        self.platform = Platform(world, settings)
        self.ledger = Ledger(self.platform)
        self.billing = Billing(self.platform, self.ledger)
        self.shops = Shops(self.platform, self.ledger, self.billing.kyc_done)
        self.offers = Offers(self.platform)
        self.threads = Threads(self.platform)
        self.orders = Orders(self.platform, self.ledger)
        self.refunds = Refunds(self.platform, self.ledger, self.orders)
        self.shipments = Shipments(self.platform, self.orders)
        self.returns = Returns(self.platform, self.refunds)
        self.billing_calls = BillingCalls(self.platform, self.billing)
        self.transactions = Transactions(self.platform)
        self.access = Access(world, settings, self.platform.tables.shops)
        self.ceilings = Ceilings(world, settings)
        self.router = self._routes()
        self.portal = Portal(self)
        self.webhooks: Webhooks | None = None
        if hub_url is not None:
            self.webhooks = Webhooks(self.platform, hub_url, machine_clock, self._descriptions())
            self.platform.listeners.append(self.webhooks.hear)

    # -- System ----------------------------------------------------------------------------------------------------

    def operation(self, request: Request) -> str | None:
        """The code of a request's operation."""
        if request.path == "/oauth/token":
            return TOKEN_OPERATION
        if request.path.startswith(CHUNKS):
            return CHUNK_OPERATION
        found = self.router.find(request)
        return found[0].operation if found else None

    def handle(self, request: Request) -> Response:
        """Answer one request: who, may he, how often, then what."""
        if request.path == "/oauth/token" and request.method == "POST":
            return self.access.token(request)
        if request.path.startswith(CHUNKS) and request.method == "GET":
            return self.transactions.tl05(request)
        found = self.router.find(request)
        if found is None:
            return MiraklError(404, f"No resource {request.method} {request.path}").response()
        route, ids = found
        try:
            caller = self.access.caller(request, route.roles)
            refused = self.ceilings.refuse(caller, route.operation)
            if refused is not None:
                return refused
            return route.handler(Call(request, caller, ids))
        except MiraklError as why:
            return why.response()
        finally:
            self.platform.settle()

    def books(self) -> dict[str, Any]:
        """What this marketplace believes happened."""
        return {**books_of(self.platform), "webhooks": dict(self.webhooks.counts) if self.webhooks else {}}

    # -- parts -----------------------------------------------------------------------------------------------------

    def _routes(self) -> Router:
        router, platform = Router(), self.platform
        reference, queries = Reference(platform), OrderQueries(platform)
        checkout = Checkout(platform, self.orders, self.offers)
        calls = OrderCalls(platform, self.orders, self.refunds, self.shipments)
        payments = Payments(platform, self.orders, self.refunds)
        imports, lanes, transactions = Imports(platform, self.offers), Lanes(platform), self.transactions
        billing, shipments, returns, add = self.billing_calls, self.shipments, self.returns, router.add
        add("V01", "GET", "/api/version", ANYONE, reference.v01)
        add("PC01", "GET", "/api/platform/configuration", ANYONE, reference.pc01)
        add("RE01", "GET", "/api/reasons", ANYONE, reference.re01)
        add("A01", "GET", "/api/account", SHOP_ONLY, self.shops.a01)
        add("S20", "GET", "/api/shops", FRONT_OR_OPERATOR, self.shops.s20)
        add("S07", "PUT", "/api/shops", FRONT_OR_OPERATOR, self.shops.s07)
        add("SH02", "GET", "/api/shipping/rates", FRONT_OR_OPERATOR, checkout.sh02)
        add("OR01", "POST", "/api/orders", FRONT_OR_OPERATOR, checkout.or01)
        add("OR11", "GET", "/api/orders", ANYONE, queries.or11)
        add("OR12", "GET", "/api/orders/{order_id}", ANYONE, queries.or12)
        add("OR21", "PUT", "/api/orders/{order_id}/accept", ANYONE, calls.accept)
        add("OR23", "PUT", "/api/orders/{order_id}/tracking", ANYONE, calls.track)
        add("OR24", "PUT", "/api/orders/{order_id}/ship", ANYONE, calls.ship)
        add("OR28", "PUT", "/api/orders/refund", ANYONE, calls.refund)
        add("OR29", "PUT", "/api/orders/{order_id}/cancel", ANYONE, calls.cancel)
        add("OR30", "PUT", "/api/orders/cancel", ANYONE, calls.cancel_lines)
        add("PA11", "GET", "/api/payment/debit", FRONT_OR_OPERATOR, payments.pa11)
        add("PA01", "PUT", "/api/payment/debit", FRONT_OR_OPERATOR, payments.pa01)
        add("PA12", "GET", "/api/payment/refund", FRONT_OR_OPERATOR, payments.pa12)
        add("PA02", "PUT", "/api/payment/refund", FRONT_OR_OPERATOR, payments.pa02)
        add("ST01", "POST", "/api/shipments", ANYONE, shipments.st01)
        add("ST11", "GET", "/api/shipments", ANYONE, shipments.st11)
        add("ST23", "POST", "/api/shipments/tracking", ANYONE, shipments.st23)
        add("ST24", "PUT", "/api/shipments/ship", ANYONE, shipments.st24)
        add("RT01", "POST", "/api/returns", ANYONE, returns.rt01)
        add("RT11", "GET", "/api/returns", ANYONE, returns.rt11)
        add("RT21", "PUT", "/api/returns/accept", ANYONE, returns.rt21)
        add("RT25", "PUT", "/api/returns/receive", ANYONE, returns.rt25)
        add("RT26", "PUT", "/api/returns/compliance", ANYONE, returns.rt26)
        add("RT27", "PUT", "/api/returns/close", ANYONE, returns.rt27)
        add("OF01", "POST", "/api/offers/imports", ANYONE, imports.of01)
        add("OF02", "GET", "/api/offers/imports/{import}", ANYONE, imports.of02)
        add("OF03", "GET", "/api/offers/imports/{import}/error_report", ANYONE, imports.of03)
        add("OF04", "GET", "/api/offers/imports", ANYONE, imports.of04)
        add("STO01", "POST", "/api/offers/stock/imports", ANYONE, lanes.sto01)
        add("STO02", "GET", "/api/offers/stock/imports/{import_id}/status", ANYONE, lanes.sto02)
        add("STO03", "GET", "/api/offers/stock/imports/{import_id}/error_report", ANYONE, lanes.sto03)
        add("PRI01", "POST", "/api/offers/pricing/imports", ANYONE, lanes.pri01)
        add("PRI02", "GET", "/api/offers/pricing/imports", ANYONE, lanes.pri02)
        add("PRI03", "GET", "/api/offers/pricing/imports/{import_id}/error_report", ANYONE, lanes.pri03)
        add("OF22", "GET", "/api/offers/{offer}", ANYONE, self.offers.of22)
        add("OF61", "GET", "/api/offers/states", ANYONE, self.offers.of61)
        add("SH21", "GET", "/api/shipping/carriers", ANYONE, reference.sh21)
        add("OF21", "GET", "/api/offers", ANYONE, self.offers.of21)
        add("OF24", "POST", "/api/offers", ANYONE, imports.of24)
        add("OF51", "GET", "/api/offers/export", ANYONE, self.offers.of51)
        add("M11", "GET", "/api/inbox/threads", ANYONE, self.threads.m11)
        add("M10", "GET", "/api/inbox/threads/{thread_id}", ANYONE, self.threads.m10)
        add("M12", "POST", "/api/inbox/threads/{thread_id}/message", ANYONE, self.threads.m12)
        add(OPEN_THREAD, "POST", "/api/inbox/threads", FRONT_OR_OPERATOR, self.threads.open_call)
        add("IV01", "GET", "/api/invoices", ANYONE, billing.iv01)
        add("SBC11", "GET", "/api/seller-billing-cycles", ANYONE, billing.sbc11)
        add("SBC07", "PUT", "/api/seller-billing-cycles", FRONT_OR_OPERATOR, billing.sbc07)
        add("TL02", "GET", "/api/sellerpayment/transactions_logs", ANYONE, transactions.tl02)
        add("TL03", "POST", "/api/sellerpayment/transactions_logs/async", ANYONE, transactions.tl03)
        add("TL04", "GET", "/api/sellerpayment/transactions_logs/async/status/{tracking_id}", ANYONE, transactions.tl04)
        return router

    def _descriptions(self) -> dict[str, Any]:
        """What a webhook says about a change, by topic."""
        tables = self.platform.tables

        def order(order_id: str) -> dict[str, Any]:
            found = tables.orders[order_id]
            return {
                "order_id": order_id,
                "commercial_id": found.commercial_id,
                "shop_id": found.shop_id,
                "order_state": found.state,
                "order": order_json(found),
            }

        def refund(refund_id: str) -> dict[str, Any]:
            found = tables.refunds[refund_id]
            currency = tables.orders[found.order_id].currency
            return {
                "refund_id": refund_id,
                "order_id": found.order_id,
                "order_line_id": found.line_id,
                "currency_iso_code": currency,
                "refund": refund_dict(found, currency),
            }

        def shipment(shipment_id: str) -> dict[str, Any]:
            found = tables.shipments[shipment_id]
            return {
                "shipment_id": shipment_id,
                "order_id": found.order_id,
                "shipment": self.shipments.shipment_dict(found),
            }

        def returned(return_id: str) -> dict[str, Any]:
            found = tables.returns[return_id]
            return {"return_id": return_id, "order_id": found.order_id, "return": self.returns.return_dict(found)}

        def cycle(cycle_id: str) -> dict[str, Any]:
            found = tables.cycles[cycle_id]
            return {
                "seller_billing_cycle_id": cycle_id,
                "shop_id": found.shop_id,
                "cycle": self.billing_calls.cycle_dict(found),
            }

        return {
            ORDER_CREATED: order,
            ORDER_UPDATED: order,
            REFUND_CREATED: refund,
            SHIPMENT_UPDATED: shipment,
            RETURN_UPDATED: returned,
            CYCLE_CLOSED: cycle,
        }
