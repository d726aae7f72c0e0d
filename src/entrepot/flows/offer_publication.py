"""offer-publication: what sellers show at the marketplace, judged by who owns it, and published to the storefront.

An export tells every few minutes which offers changed; a list tells once an hour what the export does not. Both are kept raw,
then asked of ownership: a value from its owner is let in; a price outside the limits is turned away, the value before goes on
counting, the offer is held and its seller asked to correct it (flows/corrections.py); a value from somebody who does not own
the field stays out, and where it undid ours, ours is put back a few times a day before it is called a fight. Whatever changes
for buyers is published as a new version of the offer's page. A hold, an override or a request that ends is looked for by a
lane of its own, so that the owner's value returns by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.offer_shelf import FLOW, OFFER, Shelf
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import COLUMN_BY_FIELD
from entrepot.inbox.model import Decided, Ignored, Message, Parked, Verdict
from entrepot.inbox.store import positions
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.ownership import service as ownership
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.model import Observed, Value
from entrepot.ownership.rules import scope_of
from entrepot.trade.offer import store
from entrepot.trade.offer.model import OfferDetails, OfferSeen
from entrepot.trade.seller.model import SellerSeen
from entrepot.trade.seller.store import keep_sellers

OPEN = "OPEN"  # the one word with which a marketplace lets a seller sell; any other does not
FIRST_ROW = 2  # of a file with a header


@dataclass(frozen=True, slots=True)
class OfferPublication:
    parts: Parts
    rules: RuleSet

    # ── what arrives ─────────────────────────────────────────────────────────────────────────────────────────

    def decide_offers(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """The export's rows: the newest of each offer is judged."""
        account, read = messages[0].account, [self.parts.read(m) for m in messages]
        newest: dict[str, tuple[OfferSeen, Message]] = {}
        for seen, message in zip(read, messages, strict=True):
            if isinstance(seen, OfferSeen):
                known = newest.get(seen.offer_id)
                if known is None or known[0].updated_at <= seen.updated_at:
                    newest[seen.offer_id] = (seen, message)
        kept = store.keep_newest(conn, ctx, account, [seen for seen, _ in newest.values()])
        because = {offer_id: message for offer_id, (_, message) in newest.items() if offer_id in kept}
        self._judge(ctx, conn, account, because, "offer export")
        return [_verdict(seen, kept) for seen in read]

    def decide_details(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """The list's records: kept beside the export's, and judged with them once the export has named their seller."""
        account, read = messages[0].account, [self.parts.read(m) for m in messages]
        newest: dict[str, tuple[OfferDetails, datetime]] = {}
        because: dict[str, Message] = {}
        for seen, message in zip(read, messages, strict=True):
            if isinstance(seen, OfferDetails) and _is_newer(newest.get(seen.offer_id), message):
                newest[seen.offer_id], because[seen.offer_id] = (seen, message.received_at), message
        store.keep_details(conn, account, newest)
        self._judge(ctx, conn, account, because, "offer list")
        return [seen if isinstance(seen, Parked) else Decided() for seen in read]

    def decide_sellers(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> None:
        """A seller who may not sell any more, or may again: all his offers follow."""
        account, read = messages[0].account, [self.parts.read(m) for m in messages]
        seen = [
            SellerSeen(one.shop_id, one.name, one.their_state == OPEN, one.their_state, one.updated_at)
            for one in read
            if not isinstance(one, Parked)
        ]
        turned = keep_sellers(conn, ctx, account, seen)
        if turned:
            offers = store.offers_of(conn, account, turned)
            Shelf(self.parts).publish(ctx, conn, account, offers)

    # ── judging ──────────────────────────────────────────────────────────────────────────────────────────────

    def _judge(self, ctx: Ctx, conn: Conn, account: str, because: Mapping[str, Message], source: str) -> None:
        """Ask ownership about these offers as they are known now, and write down what follows."""
        rows = store.known(conn, account, because)
        places = positions(conn, [because[offer_id].id for offer_id in rows])
        laid_over = ownership.laid_over(conn, account, OFFER, list(rows))
        observed = [
            self._observed(row, because[offer_id], source, places.get(because[offer_id].id, 0), laid_over)
            for offer_id, row in rows.items()
        ]
        judged = ownership.observe(conn, ctx, self.parts.plan, self.rules, observed)
        OfferJudgement(self.parts).follow(ctx, conn, judged).flush(ctx, conn, self.parts.plan)

    def _observed(
        self,
        row: Row,
        message: Message,
        source: str,
        position: int,
        laid_over: Mapping[tuple[str, str], Value],
    ) -> Observed:
        system = self.parts.plan.system_of(row["account"])
        heard = message.received_at.astimezone(ZoneInfo(system.timezone))
        return Observed(
            object=OFFER,
            object_id=row["offer_id"],
            actor=f"seller@{system.name}",
            scope=scope_of(self.rules, row["account"], row["seller_id"], row["category"]),
            values=_news(row, laid_over),
            changed_at=row["changed_at"],
            message_id=message.id,
            source=f"{source} of {heard:%H:%M}, row {position + FIRST_ROW}",
        )


def values_of(row: Row) -> dict[str, Any]:
    """An offer's fields by the names the plan gives them; what was not told yet is left out."""
    told = {
        "price": row["price_minor"],
        "currency": row["currency"],
        "quantity": row["quantity"],
        "active": row["active"],
        "description": row["description"],
        "condition": row["state_code"],
    }
    if row["details_at"] is not None:
        told |= {"category": row["category"], "title": row["title"]}
    return told


def _news(row: Row, laid_over: Mapping[tuple[str, str], Value]) -> dict[str, Any]:
    """What is observed, without what cannot be news: the marketplace never comes to show an override that is not written to it.

    That it goes on showing the owner's value beneath is no undoing; another value of the owner's is news all the same.
    """
    return {
        field: value
        for field, value in values_of(row).items()
        if field in COLUMN_BY_FIELD or laid_over.get((row["offer_id"], field), NOTHING) != value
    }


NOTHING = object()


def _is_newer(known: tuple[OfferDetails, datetime] | None, message: Message) -> bool:
    return known is None or known[1] <= message.received_at


def _verdict(seen: object, kept: set[str]) -> Verdict:
    if isinstance(seen, Parked):
        return seen
    assert isinstance(seen, OfferSeen)
    return Decided() if seen.offer_id in kept else Ignored(f"offer {seen.offer_id}: older than what we know")


__all__ = ["FLOW", "OfferPublication", "values_of"]
