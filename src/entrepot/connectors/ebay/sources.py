"""eBay's sweeps bound to one account: which list is read how, and what its elements ask for."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from entrepot.connectors.ebay import wire
from entrepot.connectors.ebay.asking import FULFILLMENT, INVENTORY, POST_ORDER
from entrepot.connectors.ebay.care_writes import dispute_path
from entrepot.connectors.ebay.lists import (
    DeepList,
    EbayList,
    ListSpec,
    Query,
    Step,
    by_number,
    dated,
    some,
    stamp,
    take,
)
from entrepot.connectors.ebay.offer_writes import offers_of
from entrepot.connectors.ebay.records import (
    CANCELLATION,
    DISPUTE,
    HEALTH,
    LINE,
    ORDER,
    RETURN,
    STATEMENT,
    Records,
)
from entrepot.connectors.ebay.wire import Wire
from entrepot.connectors.exchange import Call
from entrepot.connectors.manifest import Manifest, SourceRow
from entrepot.connectors.naming import ByRow, OfPages
from entrepot.connectors.port import Access, Limit, Page, Received, Source
from entrepot.connectors.reading import NOT_JSON, Unreadable, elements, members, text_or_none, typed
from entrepot.kernel.ctx import Ctx

FINANCES, ANALYTICS, DEVELOPER = "/sell/finances/v1", "/sell/analytics/v1", "/developer/analytics/v1_beta"
VIOLATIONS = "/sell/compliance/v1/listing_violation"
GONE = frozenset({404, 410})
# Rules whose breach hides or endangers a listing. eBay announced the end of ASPECTS_ADOPTION for 2025-09-09 and of the whole interface
# for 2026-03-30: a rule they do not know (400) or an interface that is gone (404, 410) has nothing to tell. Holds and endings of
# listings are seen in the offers all the same.
COMPLIANCE = ("ASPECTS_ADOPTION", "HTTPS", "OUTSIDE_EBAY_BUYING_AND_SELLING", "PRODUCT_ADOPTION", "RETURNS_POLICY")
NOT_TOLD = GONE | {400}
VIOLATIONS_SIZE, TRANSACTIONS_SIZE = 200, 1_000
Violations = Mapping[str, list[msgspec.Raw]]


def ranged(name: str) -> "_Filter":
    return _Filter(name)


@dataclass(frozen=True, slots=True)
class _Filter:
    """The `filter` parameter: everything since an instant, and open to the future, so that nothing leaves the list while it is read."""

    name: str

    def __call__(self, start: datetime, _now: datetime) -> Query:
        return (("filter", f"{self.name}:[{stamp(start)}..]"),)


def _created_since(start: datetime, now: datetime) -> Query:
    """With no end they look 90 days ahead of the beginning only."""
    return (
        ("creation_date_range_from", stamp(start)),
        ("creation_date_range_to", stamp(now)),
        ("role", "SELLER"),
    )


def _opened_since(start: datetime, _now: datetime) -> Query:
    return (("open_date_from", stamp(start)),)


def _specs(rows: Mapping[str, SourceRow]) -> dict[str, ListSpec]:
    def spec(name: str, kind: str | None, path: str, at: str, **more: object) -> ListSpec:
        return ListSpec(name, kind, path, rows[name], (at,), **more)  # type: ignore[arg-type]

    return {
        "orders": spec(
            "orders",
            ORDER,
            f"{FULFILLMENT}/order",
            "orders",
            since=ranged("lastmodifieddate"),
            mark=dated("lastModifiedDate"),
        ),
        "returns": spec(
            "returns",
            RETURN,
            f"{POST_ORDER}/return/search",
            "members",
            since=_created_since,
            mark=dated("creationInfo", "creationDate", "value"),
            turn=by_number,
            first="1",
        ),
        "cancellations": spec(
            "cancellations",
            CANCELLATION,
            f"{POST_ORDER}/cancellation/search",
            "cancellations",
            since=_created_since,
            mark=dated("cancelRequestDate", "value"),
            turn=by_number,
            first="1",
        ),
        "disputes": spec(
            "disputes",
            None,
            f"{FULFILLMENT}/payment_dispute_summary",
            "paymentDisputeSummaries",
            since=_opened_since,
            mark=dated("openDate"),
        ),
        "payouts": spec(
            "payouts", STATEMENT, f"{FINANCES}/payout", "payouts", since=ranged("payoutDate"), mark=dated("payoutDate")
        ),
        "transactions": spec(
            "transactions",
            LINE,
            f"{FINANCES}/transaction",
            "transactions",
            since=ranged("transactionDate"),
            mark=dated("transactionDate"),
        ),
        "listings": spec("listings", None, f"{INVENTORY}/inventory_item", "inventoryItems"),
    }


class _Id(msgspec.Struct):
    """What an element is called, whichever it is."""

    paymentDisputeId: str = ""
    payoutId: str = ""
    sku: str = ""


def dispute_steps(records: Records, body: bytes) -> Sequence[Step]:
    """Each dispute by itself."""

    def read(answer: bytes) -> tuple[tuple[Received, ...], Sequence[Step]]:
        members(answer)  # what is no object is no answer; an object nobody can read is kept for a person
        return records.split(DISPUTE, [msgspec.Raw(answer)]), ()

    ids = [typed(raw, _Id).paymentDisputeId for raw in some(body, "paymentDisputeSummaries")]
    return [Step(wire.MONEY, Call("GET", dispute_path(one)), "getPaymentDispute", read) for one in ids if one]


def payout_steps(records: Records, body: bytes) -> Sequence[Step]:
    """The transactions of each payout, page by page."""

    def step(query: Query) -> Step:
        return Step(
            wire.MONEY, Call("GET", f"{FINANCES}/transaction", query), "getTransactions", lambda b: read(b, query)
        )

    def read(answer: bytes, query: Query) -> tuple[tuple[Received, ...], Sequence[Step]]:
        raws = some(answer, "transactions")
        asked = dict(query)
        if not raws or text_or_none(answer, "next") is None:
            return records.split(LINE, raws), ()
        further = {**asked, "offset": str(int(asked["offset"]) + len(raws))}
        return records.split(LINE, raws), (step(tuple(further.items())),)

    ids = [typed(raw, _Id).payoutId for raw in some(body, "payouts")]
    size = ("limit", str(TRANSACTIONS_SIZE))
    return [step((("filter", f"payoutId:{{{one}}}"), size, ("offset", "0"))) for one in ids if one]


def listing_steps(records: Records, wire_: Wire, violations: Violations, body: bytes) -> Sequence[Step]:
    """The offers of each item on our site; together they are one record."""

    def step(raw: msgspec.Raw, sku: str) -> Step:
        def read(answer: bytes) -> tuple[tuple[Received, ...], Sequence[Step]]:
            whole = {"sku": sku, "item": raw, "offers": some(answer, "offers"), "violations": violations.get(sku, [])}
            return (records.listing(whole, 0),), ()

        call = offers_of(sku)
        asked = Call("GET", call.path, (*call.query, ("marketplace_id", wire_.marketplace)))
        return Step(wire.SELL, asked, "getOffers", read, GONE)

    named = [(raw, typed(raw, _Id).sku) for raw in some(body, "inventoryItems")]
    return [step(raw, sku) for raw, sku in named if sku]


@dataclass(frozen=True, slots=True)
class Listings(OfPages):
    """What is wrong with listings, rule by rule; then all items, each with its offers."""

    pages: EbayList
    wire: Wire
    records: Records

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        found: dict[str, list[msgspec.Raw]] = {}
        waiting = deque(violation_step(found, rule, 0) for rule in COMPLIANCE)
        while waiting:
            page, more = take(ctx, self.wire, waiting.popleft())
            waiting.extendleft(more)
            yield page
            if page.problem is not None:
                return
        deep = DeepList(self.pages, lambda body: listing_steps(self.records, self.wire, found, body))
        yield from deep.fetch(ctx, cursor)


def violation_step(found: dict[str, list[msgspec.Raw]], rule: str, offset: int) -> Step:
    """A page of the listings that break one rule, gathered by SKU."""

    def read(answer: bytes) -> tuple[tuple[Received, ...], Sequence[Step]]:
        raws = some(answer, "listingViolations")
        for raw in raws:
            found.setdefault(typed(raw, _Id).sku, []).append(raw)
        further = raws and text_or_none(answer, "next")
        return (), (violation_step(found, rule, offset + len(raws)),) if further else ()

    query = (("compliance_type", rule), ("limit", str(VIOLATIONS_SIZE)), ("offset", str(offset)))
    return Step(wire.SELL, Call("GET", VIOLATIONS, query), "getListingViolations", read, NOT_TOLD)


@dataclass(frozen=True, slots=True)
class Single(ByRow):
    """One call, one page, no cursor."""

    name: str
    row: SourceRow
    wire: Wire
    step: Step
    limit: Limit | None

    def fetch(self, ctx: Ctx, cursor: str | None) -> Iterator[Page]:
        yield take(ctx, self.wire, self.step)[0]


def _standards(records: Records) -> Step:
    def read(answer: bytes) -> tuple[tuple[Received, ...], Sequence[Step]]:
        return records.split(HEALTH, elements(answer, "standardsProfiles")), ()

    return Step(wire.SELL, Call("GET", f"{ANALYTICS}/seller_standards_profile"), "findSellerStandardsProfiles", read)


def _quotas(records: Records) -> Step:
    def read(answer: bytes) -> tuple[tuple[Received, ...], Sequence[Step]]:
        if not some(answer, "rateLimits"):
            return (), ()
        try:
            return records.quotas(answer), ()
        except NOT_JSON as error:
            raise Unreadable(f"not JSON: {error}") from error

    return Step(wire.APP, Call("GET", f"{DEVELOPER}/rate_limit/"), "getRateLimits", read)


def sources(manifest: Manifest, wire_: Wire, records: Records, access: Access) -> dict[str, Source]:
    """Every source of the manifest."""
    rows = manifest.sources

    def limit(name: str) -> Limit | None:
        return manifest.limit(access, rows[name].code, rows[name].code)

    lists = {name: EbayList(spec, wire_, records, limit(name)) for name, spec in _specs(rows).items()}
    made: dict[str, Source] = {name: lists[name] for name in ("orders", "returns", "cancellations", "transactions")}
    made["disputes"] = DeepList(lists["disputes"], lambda body: dispute_steps(records, body))
    made["payouts"] = DeepList(lists["payouts"], lambda body: payout_steps(records, body))
    made["listings"] = Listings(lists["listings"], wire_, records)
    made["standards"] = Single("standards", rows["standards"], wire_, _standards(records), limit("standards"))
    made["quotas"] = Single("quotas", rows["quotas"], wire_, _quotas(records), limit("quotas"))
    return made
