"""Amazon joined to one account: one seller in one marketplace. Wire, sources, lookups, operations."""

from collections.abc import Mapping

from entrepot.connectors import manifest as manifests
from entrepot.connectors.amazon import (
    health,
    listings,
    notifications,
    order_report,
    order_sources,
    orders,
    settlements,
    submissions,
    transactions,
)
from entrepot.connectors.amazon.listings import items_path
from entrepot.connectors.amazon.operations import operations
from entrepot.connectors.amazon.records import (
    HEALTH,
    HINT,
    LISTING,
    ORDER,
    REFUND,
    STATEMENT,
    STATEMENT_LINE,
    SUBMISSION,
    Records,
)
from entrepot.connectors.amazon.wire import SELLER, Wire, open_wire
from entrepot.connectors.exchange import Call, problem_of
from entrepot.connectors.port import Access, Connector, Limit, Lookup, Problem, Source, Translator
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.errors import WrongSetting

PACKAGE = "entrepot.connectors.amazon"
MANIFEST = manifests.load(PACKAGE)
ORDERS_API, NEW, OLD = "orders_api", "2026-01-01", "v0"

TRANSLATORS: Mapping[str, Translator] = {
    ORDER: orders.order,
    HINT: notifications.hint,
    LISTING: listings.listing,
    SUBMISSION: submissions.submission,
    REFUND: transactions.channel_refund,
    STATEMENT: settlements.statement,
    STATEMENT_LINE: settlements.statement_line,
    HEALTH: health.health,
}


def orders_api(access: Access) -> str:
    """By which of their interfaces orders are read. Errors: WrongSetting for a word that is neither."""
    chosen = access.secret(ORDERS_API) if ORDERS_API in access.secrets else NEW
    if chosen not in (NEW, OLD):
        raise WrongSetting(f"account {access.account}: {ORDERS_API} is {NEW} or {OLD}, not “{chosen}”")
    return chosen


def _sources(wire: Wire, records: Records, access: Access) -> dict[str, Source]:
    rows = MANIFEST.sources

    def limit(code: str) -> Limit | None:
        return MANIFEST.limit(access, code, code)

    def of(name: str) -> Limit | None:
        return limit(rows[name].code)

    listing = {
        name: listings.ListingList(rows[name], wire, records, of(name), name, issues_only=only)
        for name, only in (("listings", False), ("listings-with-issues", True))
    }
    if orders_api(access) == NEW:
        order_source: Source = order_sources.search_orders(rows["orders"], wire, records, of("orders"))
    else:
        order_source = order_sources.OldOrders(rows["orders"], wire, records, limit("v0.getOrderItems"))
    return {
        **listing,
        "orders": order_source,
        "order-report": order_report.order_report(rows["order-report"], wire, records, of("order-report")),
        "submissions": submissions.submissions(rows["submissions"], wire, records, of("submissions")),
        "settlements": settlements.settlements(rows["settlements"], wire, records, of("settlements")),
        "transactions": transactions.transactions(rows["transactions"], wire, records, of("transactions")),
        "account-health": health.account_health(rows["account-health"], wire, records, of("account-health")),
        "notifications": notifications.Notifications(rows["notifications"], wire, records, of("notifications")),
    }


def _lookups(wire: Wire, records: Records, access: Access) -> dict[str, Lookup]:
    def limit(code: str) -> Limit | None:
        return MANIFEST.limit(access, code, code)

    if orders_api(access) == NEW:
        order: Lookup = order_sources.OneOrder(wire, records, limit("getOrder"))
    else:
        order = order_sources.OneOldOrder(wire, records, limit("v0.getOrderItems"))
    return {
        "order": order,
        "listing": listings.OneListing(wire, records, limit("getListingsItem")),
        "submission": submissions.OneSubmission(wire, records, limit("feeds")),
    }


def connect(access: Access) -> Connector:
    """Bind Amazon to an account. Errors: WrongSetting names what the account does not declare."""
    wire, records = open_wire(access), Records(MANIFEST.flows, access.account)

    def check(ctx: Ctx) -> Problem | None:
        """Are we let in, and is the seller ours? The shortest list of listings there is."""
        query = (("marketplaceIds", wire.marketplace_id), ("pageSize", "1"))
        answer, _ = wire.call(ctx, SELLER, Call("GET", items_path(wire), query))
        return problem_of(answer)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=operations(MANIFEST, wire, access),
        sources=_sources(wire, records, access),
        lookups=_lookups(wire, records, access),
        translators=TRANSLATORS,
        check=check,
        width=MANIFEST.width,
    )
