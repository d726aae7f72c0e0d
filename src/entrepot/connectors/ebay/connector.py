"""eBay joined to one account: wire, sources, lookups, operations, notification door."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from entrepot.connectors import manifest as manifests
from entrepot.connectors.around import LookAfter, LookFirst
from entrepot.connectors.ebay import care, health, listing, orders, records, statement, wire
from entrepot.connectors.ebay.asking import FULFILLMENT, order_path
from entrepot.connectors.ebay.care_writes import ANSWER_DISPUTE, RECEIVE_RETURN, dispute_path
from entrepot.connectors.ebay.lists import Step, take, unreadable
from entrepot.connectors.ebay.offer_writes import END_LISTING, PRICES, SET_PRICE, SET_STOCK, STOCKS, item_path
from entrepot.connectors.ebay.order_writes import ANSWER_CANCELLATION, CANCEL, REFUND, SHIP, CancelWhole, OneAtATime
from entrepot.connectors.ebay.records import Records
from entrepot.connectors.ebay.sources import GONE, listing_steps, sources
from entrepot.connectors.ebay.submit import LOCATION, Submit
from entrepot.connectors.ebay.webhook import EbayWebhook, hint
from entrepot.connectors.ebay.wire import Wire, open_wire, setting
from entrepot.connectors.exchange import Call, Good, problem_of
from entrepot.connectors.joined import joined
from entrepot.connectors.port import Access, Connector, Limit, Operation, Page, Problem, Received, Translator
from entrepot.connectors.reading import NOT_JSON, Unreadable, canonical
from entrepot.connectors.writes import Shape, bound
from entrepot.kernel.ctx import Ctx

PACKAGE = "entrepot.connectors.ebay"
MANIFEST = manifests.load(PACKAGE)
SUBMIT = "ebay.submit-listing"
SHAPES: Mapping[str, Shape[Any]] = {
    "ebay.ship": SHIP,
    "ebay.refund": REFUND,
    "ebay.cancel": CANCEL,
    "ebay.answer-cancellation": ANSWER_CANCELLATION,
    "ebay.set-price": SET_PRICE,
    "ebay.set-stock": SET_STOCK,
    "ebay.end-listing": END_LISTING,
    "ebay.answer-dispute": ANSWER_DISPUTE,
    "ebay.receive-return": RECEIVE_RETURN,
}
FIRST = ("ebay.ship", "ebay.refund")
AFTER = (
    "ebay.ship",  # a tracking number is taken once
    "ebay.answer-cancellation",
    "ebay.end-listing",
    "ebay.answer-dispute",
    "ebay.receive-return",
)
TRANSLATORS: Mapping[str, Translator] = {
    records.ORDER: orders.order,
    records.RETURN: care.return_file,
    records.CANCELLATION: care.cancellation,
    records.DISPUTE: care.dispute,
    records.STATEMENT: statement.payout,
    records.LINE: statement.line,
    records.REFUND: statement.refund,
    records.LISTING: listing.listing,
    records.HEALTH: health.health,
    records.HINT: hint,
}
TERMS = {
    "fulfillmentPolicyId": "fulfillment_policy",
    "paymentPolicyId": "payment_policy",
    "returnPolicyId": "return_policy",
    LOCATION: "merchant_location",
}


@dataclass(frozen=True, slots=True)
class One:
    """One record by its id: an order, a dispute."""

    code: str
    kind: str
    role: str
    path: Callable[[str], str]
    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        step = Step(self.role, Call("GET", self.path(external_id)), self.code, self._read, GONE)
        return take(ctx, self.wire, step)[0]

    def _read(self, body: bytes) -> tuple[tuple[Received, ...], tuple[()]]:
        """Nothing where there is no such thing; a record that is none of the kind is a problem, not a record."""
        if body == b"{}":
            return (), ()
        try:
            return (self.records.by_kind[self.kind](canonical(body), 0),), ()
        except NOT_JSON as error:
            raise Unreadable(f"not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class OneListing:
    """A listing by its SKU: the item, then its offers. What is wrong with it is told by the sweep alone."""

    wire: Wire
    records: Records
    limit: Limit | None

    def one(self, ctx: Ctx, external_id: str) -> Page:
        answer, _ = self.wire.call(ctx, wire.SELL, Call("GET", item_path(external_id)))
        if not isinstance(answer, Good):
            refused = getattr(answer, "response", None)
            gone = refused is not None and refused.status in GONE
            return Page("getInventoryItem", {}, b"", problem=None if gone else problem_of(answer))
        try:
            item = msgspec.json.decode(answer.response.body, type=dict[str, msgspec.Raw])
        except NOT_JSON as error:
            problem = unreadable(Unreadable(f"not the JSON object they publish: {error}"))
            return Page("getInventoryItem", answer.response.headers, answer.response.body, problem=problem)
        if not item:
            problem = unreadable(Unreadable("an empty object"))
            return Page("getInventoryItem", answer.response.headers, answer.response.body, problem=problem)
        named = {**item, "sku": msgspec.Raw(msgspec.json.encode(external_id))}  # getInventoryItem may leave the SKU out
        page = msgspec.json.encode({"inventoryItems": [named]})
        (step,) = listing_steps(self.records, self.wire, {}, page)
        return take(ctx, self.wire, step)[0]


def _operations(wire_: Wire, access: Access) -> dict[str, Operation]:
    """Every write, with what is looked at before or after it."""
    rows = MANIFEST.operations
    without = msgspec.structs.replace(MANIFEST, operations={name: row for name, row in rows.items() if name != SUBMIT})
    made: dict[str, Operation] = bound(without, wire_, access, SHAPES)
    made |= joined(MANIFEST, access, made, wire_, {"ebay.set-price": PRICES, "ebay.set-stock": STOCKS})
    made |= {name: LookFirst(made[name]) for name in FIRST}
    made |= {name: LookAfter(made[name]) for name in AFTER}
    made["ebay.refund"] = OneAtATime(made["ebay.refund"])
    made["ebay.cancel"] = LookAfter(CancelWhole(made["ebay.cancel"], wire_))
    row = rows[SUBMIT]
    terms = {name: text for name, key in TERMS.items() if (text := setting(access, key))}
    settle_s = row.settle_s if access.settle_s is None else access.settle_s
    made[SUBMIT] = Submit(
        SUBMIT, row, wire_, wire_.marketplace, terms, MANIFEST.limit(access, row.code, SUBMIT), settle_s
    )
    return made


def connect(access: Access) -> Connector:
    """Bind eBay to an account. Errors: WrongSetting without client or consent."""
    assert MANIFEST.signed is not None
    wire_, kept = open_wire(access, MANIFEST.signed), Records(MANIFEST.flows, access.account)

    def check(ctx: Ctx) -> Problem | None:
        """The seller's consent still stands: one order is asked for."""
        answer, _ = wire_.call(ctx, wire.SELL, Call("GET", f"{FULFILLMENT}/order", (("limit", "1"),)))
        return problem_of(answer)

    def limit(code: str) -> Limit | None:
        return MANIFEST.limit(access, code, code)

    return Connector(
        name=MANIFEST.name,
        account=access.account,
        operations=_operations(wire_, access),
        sources=sources(MANIFEST, wire_, kept, access),
        lookups={
            "order": One("getOrder", records.ORDER, wire.SELL, order_path, wire_, kept, limit("getOrder")),
            "dispute": One(
                "getPaymentDispute", records.DISPUTE, wire.MONEY, dispute_path, wire_, kept, limit("getPaymentDispute")
            ),
            "listing": OneListing(wire_, kept, limit("getInventoryItem")),
        },
        translators=TRANSLATORS,
        check=check,
        webhook=EbayWebhook(wire_, kept, setting(access, "verification_token"), setting(access, "endpoint")),
        width=MANIFEST.width,
    )
