"""Our listings as they are shown: the sweep of what changed, the sweep of those with issues, one by its SKU.

A listing whose content they could not use has no summary and so no date: it is told once a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import msgspec

from entrepot.connectors.amazon.lists import Spec, TokenList, unreadable
from entrepot.connectors.amazon.records import LISTING, Records, listing_root
from entrepot.connectors.amazon.wire import NOT_FOUND, SELLER, Wire
from entrepot.connectors.amazon.words import (
    BUYABLE,
    CURRENCY_BY_MARKETPLACE,
    EXEMPT,
    LISTING_WORDS,
    SEVERITY,
    SUPPRESSIONS,
)
from entrepot.connectors.exchange import Call, Good, Rejected, problem_of
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.naming import ByRow
from entrepot.connectors.port import Limit, Page, Received
from entrepot.connectors.reading import UnknownWord, Unreadable, encoded, instant, minor, sortable, total, typed
from entrepot.kernel.ctx import Ctx
from entrepot.trade.listing.model import Issue, ListingSeen
from entrepot.trade.listing.states import ListingState

ITEMS = "/listings/2021-08-01/items"
INCLUDED = "summaries,issues,offers,fulfillmentAvailability,productTypes"
BY_SELLER, TO_CONSUMERS = "DEFAULT", "B2C"
SEEN_ON = "seen_on"


def items_path(wire: Wire) -> str:
    return f"{ITEMS}/{quote(wire.seller_id, safe='')}"


def item_path(wire: Wire, sku: str) -> str:
    return f"{items_path(wire)}/{quote(sku, safe='')}"


class Summary(msgspec.Struct):
    marketplaceId: str
    lastUpdatedDate: str
    status: list[str]
    asin: str | None = None
    productType: str | None = None
    itemName: str | None = None


class Action(msgspec.Struct):
    action: str


class Exemption(msgspec.Struct):
    status: str


class Enforcements(msgspec.Struct):
    actions: list[Action]
    exemption: Exemption | None = None


class IssueShown(msgspec.Struct):
    code: str
    message: str
    severity: str
    attributeNames: list[str] | None = None
    enforcements: Enforcements | None = None
    marketplaceIds: list[str] | None = None


class Price(msgspec.Struct):
    currencyCode: str
    amount: Decimal


class Offer(msgspec.Struct):
    marketplaceId: str
    offerType: str
    price: Price


class Availability(msgspec.Struct):
    fulfillmentChannelCode: str
    quantity: int | None = None


class ProductType(msgspec.Struct):
    marketplaceId: str
    productType: str


class Item(msgspec.Struct):
    sku: str
    summaries: list[Summary] | None = None
    issues: list[IssueShown] | None = None
    offers: list[Offer] | None = None
    fulfillmentAvailability: list[Availability] | None = None
    productTypes: list[ProductType] | None = None
    attributes: msgspec.Raw = msgspec.Raw()


class _Record(Item):
    """A record of ours: the item, in which marketplace we look, and on which day, where it names none itself."""

    marketplace: str = ""
    seen_on: str = ""


class _Head(msgspec.Struct):
    sku: str
    summaries: list[Summary] | None = None


@total
def listing(body: bytes) -> ListingSeen:
    seen = typed(body, _Record)
    summary = of_marketplace(seen, seen.marketplace)
    if summary is None and not seen.seen_on:
        raise Unreadable("neither a summary nor the day on which it was seen", "$.summaries")
    status = summary.status if summary else []
    unknown = [word for word in status if word not in LISTING_WORDS]
    if unknown:
        raise UnknownWord("summaries.status", unknown[0])
    issues = [one for one in seen.issues or [] if not one.marketplaceIds or seen.marketplace in one.marketplaceIds]
    offer = offer_of(seen, seen.marketplace)
    types = [one.productType for one in seen.productTypes or [] if one.marketplaceId == seen.marketplace]
    return ListingSeen(
        sku=seen.sku,
        state=_state(status, issues),
        their_state=",".join(sorted(status)),
        updated_at=instant(summary.lastUpdatedDate if summary else seen.seen_on, "$.summaries.lastUpdatedDate"),
        their_id=(summary.asin or "") if summary else "",
        product_type=(summary.productType or "") if summary and summary.productType else next(iter(types), ""),
        price_minor=minor(offer.price.amount, offer.price.currencyCode, "$.offers.price") if offer else None,
        currency=offer.price.currencyCode if offer else CURRENCY_BY_MARKETPLACE.get(seen.marketplace, ""),
        quantity=quantity_of(seen),
        issues=tuple(issue_of(one) for one in issues),
    )


def of_marketplace(item: Item, marketplace: str) -> Summary | None:
    return next((one for one in item.summaries or [] if one.marketplaceId == marketplace), None)


def offer_of(item: Item, marketplace: str) -> Offer | None:
    """What everybody pays there; a price for companies is another."""
    fitting = [one for one in item.offers or [] if one.marketplaceId == marketplace]
    return next((one for one in fitting if one.offerType == TO_CONSUMERS), None)


def quantity_of(item: Item) -> int | None:
    """What we say we have. What lies in their warehouse is not ours to say."""
    for one in item.fulfillmentAvailability or []:
        if one.fulfillmentChannelCode == BY_SELLER and one.quantity is not None:
            if one.quantity < 0:
                raise Unreadable(f"{one.quantity} is not a quantity", "$.fulfillmentAvailability")
            return one.quantity
    return None


def _state(status: list[str], issues: list[IssueShown]) -> ListingState:
    if any(_suppresses(one) for one in issues):
        return ListingState.SUPPRESSED
    if BUYABLE in status:
        return ListingState.LIVE
    if any(SEVERITY.get(one.severity, "error") == "error" for one in issues):
        return ListingState.ISSUE
    return ListingState.ACCEPTED


def _suppresses(issue: IssueShown) -> bool:
    told = issue.enforcements
    if told is None or (told.exemption and told.exemption.status in EXEMPT):
        return False
    return any(one.action in SUPPRESSIONS for one in told.actions)


def issue_of(shown: IssueShown) -> Issue:
    """The first attribute they name is the one whose owner is told. A severity nobody published is taken for an error."""
    return Issue(
        shown.code, shown.message, next(iter(shown.attributeNames or ()), ""), SEVERITY.get(shown.severity, "error")
    )


# ── sources and lookup ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Splitter:
    """`today`: the business day on which a page was read, for items without a date of their own."""

    wire: Wire
    records: Records
    today: str = ""

    def split(self, body: bytes, position: int) -> Received:
        head = typed(body, _Head)
        marketplace = self.wire.marketplace_id
        dates = [one.lastUpdatedDate for one in head.summaries or [] if one.marketplaceId == marketplace]
        revision = sortable(instant(dates[0], "$.summaries.lastUpdatedDate")) if dates else ""
        members = {**msgspec.json.decode(body, type=dict[str, msgspec.Raw]), "marketplace": marketplace}
        if not dates:
            members[SEEN_ON] = self.today
        return self.records.make(LISTING, head.sku, revision, encoded(members), position, listing_root(head.sku))


@dataclass(frozen=True, slots=True)
class ListingList(ByRow):
    """searchListingsItems. `spec` is made anew for each run: it knows the day."""

    row: SourceRow
    wire: Wire
    records: Records
    limit: Limit | None
    name: str
    issues_only: bool = False

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        return TokenList(self._spec(today(ctx)), self.wire, self.limit).fetch(ctx, cursor)

    def _spec(self, day: str) -> Spec:
        splitter = Splitter(self.wire, self.records, day)
        filters = (("withIssueSeverity", "WARNING,ERROR"),) if self.issues_only else ()
        order = (("sortBy", "lastUpdatedDate"), ("sortOrder", "ASC"))
        return Spec(
            name=self.name,
            row=self.row,
            path=lambda: items_path(self.wire),
            at=("items",),
            next_at=("pagination", "nextToken"),
            page_by="pageToken",
            split=self.records.of(LISTING, splitter.split),
            query=lambda: (
                ("marketplaceIds", self.wire.marketplace_id),
                ("includedData", INCLUDED),
                *order,
                *filters,
            ),
            since=None if self.issues_only else "lastUpdatedAfter",
            size="pageSize",
        )


def today(ctx: Ctx) -> str:
    at: datetime = ctx.clock.now().astimezone(UTC)
    return at.strftime("%Y-%m-%dT00:00:00Z")


@dataclass(frozen=True, slots=True)
class OneListing:
    """getListingsItem."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        query = (("marketplaceIds", self.wire.marketplace_id), ("includedData", INCLUDED))
        answer, _ = self.wire.call(ctx, SELLER, Call("GET", item_path(self.wire, external_id), query))
        if isinstance(answer, Rejected) and answer.refusal.code in NOT_FOUND:
            return Page("getListingsItem", {}, b"")
        if not isinstance(answer, Good):
            return Page("getListingsItem", {}, b"", problem=problem_of(answer))
        body, headers = answer.response.body, answer.response.headers
        try:
            typed(body, _Head)
        except Unreadable as error:
            return Page("getListingsItem", headers, body, problem=unreadable(error))
        splitter = Splitter(self.wire, self.records, today(ctx))
        received = self.records.of(LISTING, splitter.split)([msgspec.Raw(body)])
        return Page("getListingsItem", headers, body, received)
