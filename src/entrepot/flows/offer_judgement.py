"""What a judgement about offers leads to: cases, one per seller and cause; our values put back; news for the shelf.

Ownership has held, asked and freed already; here it is said to people and to the other systems.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.cases.model import CaseAsked
from entrepot.cases.obligations import Kept
from entrepot.flows.channels import TOLD_BY_CHANNEL
from entrepot.flows.consequences import Consequences
from entrepot.flows.offer_shelf import FLOW, OFFER, Shelf
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.store import Intent
from entrepot.ownership import service as ownership
from entrepot.ownership.booking import CORRECTED
from entrepot.ownership.model import Freed, Judged, TurnedAway, Why
from entrepot.trade.listing.store import ask_restock
from entrepot.trade.seller.store import sellers

MODE_BY_WHY: Mapping[Why, str] = {
    Why.UNDER_FLOOR: "offer-under-floor",
    Why.ABOVE_CEILING: "offer-above-ceiling",
    Why.OTHER_CURRENCY: "offer-other-currency",
    Why.NOT_OWNER: "ownership-refused",
    Why.NOBODY_OWNS: "ownership-refused",
    Why.LOWER_PRECEDENCE: "ownership-refused",
}
MODES = tuple(sorted(set(MODE_BY_WHY.values())))
REFUSED, FIGHT, UNANSWERED = "ownership-refused", "ownership-fight", "correction-unanswered"
NOT_WRONG = "the offer is not wrong in this way any more"
Names = Mapping[tuple[str, str], str]  # of sellers, by account and id
PROMISE = "answer-correction"
OPERATOR, LISTING_FLOW = "operator", "listing-offer"


@dataclass(frozen=True, slots=True)
class OfferJudgement:
    parts: Parts

    def follow(self, ctx: Ctx, conn: Conn, judged: Judged) -> Consequences:
        """Collect what follows, for the caller to flush with the rest of its transaction."""
        then = Consequences()
        then.cases += self._cases(conn, judged.turned_away)
        then.cases += [self._fight(away) for away in judged.turned_away if away.fight]
        then.intents += Reassertion(self.parts).plan(ctx, conn, [a for a in judged.turned_away if a.reassert])
        then.intents += self._restored(ctx, conn, judged.freed)
        then.gone += self._gone(conn, judged)
        self._requests(ctx, conn, judged.freed, then)
        for account, offer_ids in _by_account(judged.touched).items():
            if self.ours(account):
                ask_restock(conn, ctx, offer_ids)
            else:
                then.intents += Shelf(self.parts).plan(ctx, conn, account, offer_ids)
        return then

    def ours(self, account: str) -> bool:
        """We are the seller there: what is shown is worked out by listing-offer."""
        known = self.parts.plan.accounts.get(account)
        return known is not None and known.model != OPERATOR

    def _named(self, account: str, offer_id: str) -> str:
        """An offer in a case: one article of ours is an offer on every channel."""
        return f"{account}/{offer_id}" if self.ours(account) else offer_id

    def _flow(self, account: str) -> str:
        return LISTING_FLOW if self.ours(account) else FLOW

    def _mode(self, account: str, mode: str) -> str:
        """In a plan of both models the channel's words, where it has some of its own."""
        named = TOLD_BY_CHANNEL + mode
        return named if self.ours(account) and named in self.parts.plan.failures else mode

    def _cases(self, conn: Conn, turned_away: Sequence[TurnedAway]) -> list[CaseAsked]:
        """One failure per offer, which the plan puts together by seller or by cause; what stood before is counted by ownership, and told once."""
        news = [away for away in turned_away if not away.again and not away.fight and away.why in MODE_BY_WHY]
        names = _names(conn, {(away.scope.account, away.scope.seller) for away in news})
        return [self._case(away, names) for away in news]

    def _case(self, away: TurnedAway, names: Names) -> CaseAsked:
        mode, account, seller = MODE_BY_WHY[away.why], away.scope.account, away.scope.seller
        money = away.stands if away.field == "price" and isinstance(away.stands, int) else 0
        return CaseAsked(
            mode=self._mode(account, mode),
            account=account,
            object=away.object,
            object_id=self._named(account, away.object_id),
            name=away.object_id,
            root=f"{away.object}:{away.object_id}",
            title=self._title(mode, names.get((account, seller), "")),
            cause=f"{away.object} {away.object_id}: {away.words}",
            money_minor=money,
            currency=self.parts.account(account).currency,
            message_id=away.message_id or None,
            flow=self._flow(account),
            details={"field": away.field, "value": away.value, "stands": away.stands},
            seller=seller,
            cause_key=cause_of(away),
        )

    def _title(self, mode: str, name: str) -> str:
        """A seller's case is named after him; any other names itself."""
        grouped = name and self.parts.plan.failure(mode).one_case_per == "seller"
        return f"{mode.replace('-', ' ').capitalize()}: {name}" if grouped else ""

    def _fight(self, away: TurnedAway) -> CaseAsked:
        return CaseAsked(
            mode=FIGHT,
            account=away.scope.account,
            object=away.object,
            object_id=away.object_id,
            root=f"{away.object}:{away.object_id}",
            cause=f"{away.field}: ours is “{away.stands}”, {away.actor} keeps writing “{away.value}”",
            message_id=away.message_id or None,
            flow=FLOW,
            details={"field": away.field, "ours": away.stands, "theirs": away.value},
            seller=away.scope.seller,
            cause_key=cause_of(away),
        )

    def _restored(self, ctx: Ctx, conn: Conn, freed: Sequence[Freed]) -> list[Intent]:
        """An override is over: the marketplace is to show its owner's value again, where ours had been written there."""
        again = Reassertion(self.parts)
        return [
            intent
            for f in freed
            if f.what == "override" and f.object == OFFER
            for intent in again.assert_field(ctx, conn, f.account, f.object_id, f.field, f"restore:{f.id}")
        ]

    def _requests(self, ctx: Ctx, conn: Conn, freed: Sequence[Freed], then: Consequences) -> None:
        """Requests that ended: their promise is kept, or what was promised did not come."""
        rows = ownership.asked(conn, [f.id for f in freed if f.what == "correction"])
        then.kept += self.answered(ctx, conn, [row["digest_id"] for row in rows.values() if row["digest_id"]])
        broken = [row for row in rows.values() if row["state"] == "expired" and row["answered_at"] is not None]
        then.cases += unanswered(conn, broken, "promised, and not done")

    def answered(self, ctx: Ctx, conn: Conn, digest_ids: Sequence[str]) -> list[Kept]:
        """The promise to answer is kept, for each digest of which nothing waits for an answer any more."""
        now = ctx.clock.now()
        return [(PROMISE, "correction", one, now) for one in sorted(ownership.answered_digests(conn, digest_ids))]

    def _gone(self, conn: Conn, judged: Judged) -> list[tuple[str, str, str, str]]:
        """Cases whose cause is gone: the offer is not wrong in this way any more."""
        gone = [
            (FIGHT, f.object, f.object_id, f.why) for f in judged.freed if f.what == "hold" and f.reason is Why.FIGHT
        ]
        unsettled = {(f.account, f.object_id) for f in judged.freed if f.what == "correction" and f.why != CORRECTED}
        for account, offer_ids in _by_account((f.account, f.object, f.object_id) for f in judged.freed).items():
            still = ownership.refused_still(conn, account, OFFER, offer_ids)
            for offer_id in offer_ids:
                left = {MODE_BY_WHY[why] for why in still.get(offer_id, ()) if why in MODE_BY_WHY}
                over = [mode for mode in MODES if mode not in left]
                if not left and (account, offer_id) not in unsettled:
                    over.append(UNANSWERED)
                gone += [(self._mode(account, mode), OFFER, self._named(account, offer_id), NOT_WRONG) for mode in over]
        return gone


def offer_named(account: str, object_id: str) -> str:
    """The offer that a case names."""
    return object_id.removeprefix(f"{account}/")


def cause_of(away: TurnedAway) -> str:
    """What the same cause of other offers has in common: a bad value of a field, or who writes what is not his."""
    if MODE_BY_WHY.get(away.why) != REFUSED:
        return f"{away.field}:{away.why.value}"
    whose = f":{away.scope.seller}" if away.actor.partition("@")[0] == "seller" else ""
    return f"{away.field}:{away.actor}{whose}"


def unanswered(conn: Conn, requests: Sequence[Row], cause: str) -> list[CaseAsked]:
    """Sellers who were asked, and said no, said nothing, or could not be told: a person reaches them. One failure per request."""
    names = _names(conn, {(row["account"], row["seller"]) for row in requests})
    return [
        CaseAsked(
            mode=UNANSWERED,
            account=row["account"],
            object=row["object"],
            object_id=row["object_id"],
            root=f"{row['object']}:{row['object_id']}",
            cause=f"{names.get((row['account'], row['seller'])) or row['seller']}, {row['object']} {row['object_id']}: {cause}",
            flow=FLOW,
            details={"field": row["field"], "value": row["refused_value"], "request": row["id"]},
            seller=row["seller"],
            cause_key=f"{row['field']}:{row['cause']}",
        )
        for row in requests
    ]


def _names(conn: Conn, whose: Iterable[tuple[str, str]]) -> Names:
    """What sellers are called, by account and id."""
    of_account: dict[str, set[str]] = defaultdict(set)
    for account, seller in whose:
        of_account[account].add(seller)
    return {
        (account, seller): row["name"]
        for account, ids in sorted(of_account.items())
        for seller, row in sellers(conn, account, sorted(ids)).items()
    }


def _by_account(objects: Iterable[tuple[str, str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for account, object_, object_id in sorted(set(objects)):
        if object_ == OFFER:
            found[account].append(object_id)
    return found
