"""Money given back to buyers, as listTransactions (2024-06-19) tells it: by us, or by Amazon itself.

A transaction of money not yet payable comes again when it is (DEFERRED, then DEFERRED_RELEASED and RELEASED): one refund all the
same. Nothing is to be heard for up to 48 h. The names of breakdowns are published nowhere; what the seller pays or is charged
is told by its name. [guess]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from entrepot.connectors.amazon.lists import Spec, TokenList
from entrepot.connectors.amazon.records import REFUND, Records
from entrepot.connectors.amazon.wire import SELLER, Wire
from entrepot.connectors.exchange import Call, Good, unread
from entrepot.connectors.manifest import SourceRow
from entrepot.connectors.port import Limit, Received
from entrepot.connectors.reading import (
    NOT_JSON,
    UnknownWord,
    Unreadable,
    canonical,
    elements,
    instant,
    minor,
    total,
    typed,
    unreadable_record,
)
from entrepot.connectors.roots import basket_root
from entrepot.kernel.ctx import Ctx
from entrepot.kernel.outcome import Unknown
from entrepot.trade.order.model import ChannelRefundSeen

TRANSACTIONS = "/finances/2024-06-19/transactions"
BY_TYPE = {
    "Refund": "seller",
    "GuaranteeClaim": "channel",
    "Chargeback": "channel",
}  # [guess] the words are not enumerated
AGAIN = "DEFERRED_RELEASED"
STATUSES = frozenset({"DEFERRED", "RELEASED", AGAIN})
OF_THE_SELLER = ("fee", "withheld", "commission")
ORDER_ID, REFUND_ID, ADJUSTMENT_ID = "ORDER_ID", "REFUND_ID", "ORDER_ADJUSTMENT_ITEM_ID"


class _Named(msgspec.Struct):
    relatedIdentifierName: str | None = None
    relatedIdentifierValue: str | None = None


class _ItemNamed(msgspec.Struct):
    itemRelatedIdentifierName: str | None = None
    itemRelatedIdentifierValue: str | None = None


class _Amount(msgspec.Struct):
    currencyCode: str
    currencyAmount: Decimal


class _Breakdown(msgspec.Struct):
    breakdownType: str | None = None
    breakdownAmount: _Amount | None = None


class _Item(msgspec.Struct):
    relatedIdentifiers: list[_ItemNamed] | None = None


class _Transaction(msgspec.Struct):
    transactionType: str
    transactionId: str
    transactionStatus: str
    postedDate: str
    totalAmount: _Amount
    relatedIdentifiers: list[_Named] | None = None
    description: str | None = None
    items: list[_Item] | None = None
    breakdowns: list[_Breakdown] | None = None


class _Head(msgspec.Struct):
    transactionType: str = ""
    transactionId: str = ""
    transactionStatus: str = ""
    relatedIdentifiers: list[_Named] | None = None


def _ids(named: Sequence[_Named] | None) -> dict[str, str]:
    return {one.relatedIdentifierName or "": one.relatedIdentifierValue or "" for one in named or ()}


@total
def channel_refund(body: bytes) -> ChannelRefundSeen:
    return _refund(typed(body, _Transaction))


def _refund(seen: _Transaction) -> ChannelRefundSeen:
    if seen.transactionType not in BY_TYPE:
        raise UnknownWord("transactionType", seen.transactionType)
    if seen.transactionStatus not in STATUSES:
        raise UnknownWord("transactionStatus", seen.transactionStatus)
    ids = _ids(seen.relatedIdentifiers)
    if not ids.get(ORDER_ID):
        raise Unreadable("a refund of no order", "$.relatedIdentifiers")
    currency = seen.totalAmount.currencyCode
    return ChannelRefundSeen(
        refund_id=ids.get(REFUND_ID) or seen.transactionId,
        order_id=ids[ORDER_ID],
        order_line_id="",
        amount_minor=_to_the_buyer(seen, currency),
        currency=currency,
        by=BY_TYPE[seen.transactionType],
        reason=seen.description or seen.transactionType,
        at=instant(seen.postedDate, "$.postedDate"),
    )


def _to_the_buyer(seen: _Transaction, currency: str) -> int:
    """What he got: the total less what is the seller's own affair, turned round."""
    parts = [part for part in seen.breakdowns or [] if part.breakdownAmount]
    given = 0
    for part in parts:
        amount = part.breakdownAmount
        assert amount is not None
        if amount.currencyCode != currency:
            raise Unreadable(f"{amount.currencyCode} in a transaction of {currency}", "$.breakdowns")
        if not any(word in (part.breakdownType or "").lower() for word in OF_THE_SELLER):
            given -= minor(amount.currencyAmount, currency, "$.breakdowns.breakdownAmount")
    return given if parts else -minor(seen.totalAmount.currencyAmount, currency, "$.totalAmount")


def _split(records: Records, raws: Sequence[msgspec.Raw]) -> Iterator[Received]:
    """Refunds only: what else is in the list is told by the settlement, once and completely."""
    for position, raw in enumerate(raws):
        try:
            body = canonical(raw)
            head = typed(body, _Head)
        except (Unreadable, *NOT_JSON):
            yield unreadable_record(bytes(raw), REFUND, records.flows[REFUND], position)
            continue
        ids = _ids(head.relatedIdentifiers)
        if head.transactionStatus == AGAIN or (head.transactionType not in BY_TYPE and REFUND_ID not in ids):
            continue
        name = ids.get(REFUND_ID) or head.transactionId
        if not name:
            yield unreadable_record(body, REFUND, records.flows[REFUND], position)
            continue
        root = basket_root(ids[ORDER_ID]) if ids.get(ORDER_ID) else f"refund:{name}"
        yield records.make(REFUND, name, "", body, position, root)


def transactions(row: SourceRow, wire: Wire, records: Records, limit: Limit | None) -> TokenList:
    """All marketplaces of the account: with a marketplace named, they leave out some orders of the US."""
    spec = Spec(
        name="transactions",
        row=row,
        path=lambda: TRANSACTIONS,
        at=("payload", "transactions"),
        next_at=("payload", "nextToken"),
        page_by="nextToken",
        split=lambda raws: tuple(_split(records, raws)),
        query=lambda: (),
        since="postedAfter",
        mark=_posted,
    )
    return TokenList(spec, wire, limit)


class _Posted(msgspec.Struct):
    postedDate: str = ""


def _posted(record: Received) -> datetime | None:
    try:
        return instant(typed(record.body, _Posted).postedDate, "$.postedDate")
    except Unreadable:
        return None


# ── the refunds of one order, for a look ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Booked:
    """A refund in their books. `adjustments`: numbers its items go by. [guess] They are the seller's own where he gave some; if they
    are not, ours is never found there and nothing wrong is concluded.
    """

    refund_id: str
    amount_minor: int
    at: datetime
    adjustments: frozenset[str]


def refunds_of(ctx: Ctx, wire: Wire, order_id: str, until: datetime) -> list[Booked] | Unknown:
    """By their own decision or by ours; what cannot be read makes the whole unclear."""
    query = (("relatedIdentifierName", ORDER_ID), ("relatedIdentifierValue", order_id))
    answer, _ = wire.call(ctx, SELLER, Call("GET", TRANSACTIONS, query, until=until))
    if not isinstance(answer, Good):
        failed = unread(answer)
        return failed if isinstance(failed, Unknown) else Unknown("their books cannot be read")
    found: dict[str, Booked] = {}
    try:
        for raw in elements(answer.response.body, "payload", "transactions"):
            if typed(raw, _Head).transactionType not in BY_TYPE:
                continue
            booked = _booked(bytes(raw))
            found.setdefault(booked.refund_id, booked)
    except Unreadable as error:
        return Unknown(f"their books cannot be read: {error.what}")
    except UnknownWord as error:
        return Unknown(f"their books hold a word we do not know: {error}")
    return list(found.values())


def _booked(raw: bytes) -> Booked:
    seen = typed(raw, _Transaction)
    refund = _refund(seen)
    numbers = frozenset(
        one.itemRelatedIdentifierValue
        for item in seen.items or []
        for one in item.relatedIdentifiers or []
        if one.itemRelatedIdentifierName == ADJUSTMENT_ID and one.itemRelatedIdentifierValue
    )
    return Booked(refund.refund_id, refund.amount_minor, refund.at, numbers)
