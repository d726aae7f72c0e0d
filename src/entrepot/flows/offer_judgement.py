"""What a judgement about offers leads to: cases, one per seller and cause; our values put back; news for the shelf.

Ownership has held, asked and freed already; here it is said to people and to the other systems.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.cases.model import CaseAsked
from entrepot.cases.obligations import Kept
from entrepot.flows.consequences import Consequences
from entrepot.flows.offer_shelf import FLOW, OFFER, Shelf, offers_now
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.store import Intent
from entrepot.ownership import service as ownership
from entrepot.ownership.model import Freed, Judged, TurnedAway, Why
from entrepot.trade.seller.store import sellers

MODE_BY_WHY: Mapping[Why, str] = {
    Why.UNDER_FLOOR: "offer-under-floor",
    Why.ABOVE_CEILING: "offer-above-ceiling",
    Why.OTHER_CURRENCY: "offer-other-currency",
    Why.NOT_OWNER: "ownership-refused",
    Why.NOBODY_OWNS: "ownership-refused",
    Why.LOWER_PRECEDENCE: "ownership-refused",
}
FIGHT, UNANSWERED = "ownership-fight", "correction-unanswered"
PROMISE = "answer-correction"
WORDS_MAX = 5  # offers named in a case's text


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
            then.intents += Shelf(self.parts).plan(ctx, conn, account, offer_ids)
        return then

    def _cases(self, conn: Conn, turned_away: Sequence[TurnedAway]) -> list[CaseAsked]:
        """One per seller and cause; what was refused before and stands is counted by ownership, and told once."""
        groups: dict[tuple[str, str, str], list[TurnedAway]] = defaultdict(list)
        for away in turned_away:
            if not away.again and not away.fight and away.why in MODE_BY_WHY:
                groups[away.scope.account, MODE_BY_WHY[away.why], away.scope.seller].append(away)
        return [self._case(conn, *key, group) for key, group in sorted(groups.items())]

    def _case(self, conn: Conn, account: str, mode: str, seller: str, group: Sequence[TurnedAway]) -> CaseAsked:
        standing = ownership.standing_against(conn, account, [seller])
        whys = {why for why, its in MODE_BY_WHY.items() if its == mode}
        known = sellers(conn, account, [seller]).get(seller)
        return CaseAsked(
            mode=mode,
            account=account,
            object="seller",
            object_id=seller,
            name=known["name"] if known else seller,
            root=f"seller:{seller}",
            cause=told(group),
            values={"count": sum(standing.get((seller, why), 0) for why in whys) or len(group)},
            money_minor=sum(away.stands for away in group if away.field == "price" and isinstance(away.stands, int)),
            currency=self.parts.account(account).currency,
            message_id=group[-1].message_id or None,
            flow=FLOW,
            details={"offers": sorted({away.object_id for away in group})},
        )

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
        broken: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows.values():
            if row["state"] == "expired" and row["answered_at"] is not None:
                broken[row["account"], row["seller"]].append(row)
        for (account, seller), promised in sorted(broken.items()):
            text = "; ".join(f"{r['object']} {r['object_id']}: promised, and not done" for r in promised[:WORDS_MAX])
            then.cases.append(unanswered(conn, account, seller, text))

    def answered(self, ctx: Ctx, conn: Conn, digest_ids: Sequence[str]) -> list[Kept]:
        """The promise to answer is kept, for each digest of which nothing waits for an answer any more."""
        now = ctx.clock.now()
        return [(PROMISE, "correction", one, now) for one in sorted(ownership.answered_digests(conn, digest_ids))]

    def _gone(self, conn: Conn, judged: Judged) -> list[tuple[str, str, str, str]]:
        """Cases whose cause is gone: nothing of the kind stands against the seller any more."""
        gone = [
            (FIGHT, f.object, f.object_id, f.why) for f in judged.freed if f.what == "hold" and f.reason is Why.FIGHT
        ]
        for account, offer_ids in _by_account((f.account, f.object, f.object_id) for f in judged.freed).items():
            found = {offer.row["seller_id"] for offer in offers_now(conn, account, offer_ids).values()}
            standing = ownership.standing_against(conn, account, sorted(found))
            for seller in sorted(found):
                left = {MODE_BY_WHY[why] for (who, why), n in standing.items() if who == seller and why in MODE_BY_WHY}
                over = sorted(set(MODE_BY_WHY.values()) - left)
                if not left:
                    over.append(UNANSWERED)
                gone += [
                    (mode, "seller", seller, "no offer of the seller is wrong in this way any more") for mode in over
                ]
        return gone


def unanswered(conn: Conn, account: str, seller: str, cause: str) -> CaseAsked:
    """A seller who was asked, and said no, said nothing, or could not be told: a person reaches him."""
    known = sellers(conn, account, [seller]).get(seller)
    standing = ownership.standing_against(conn, account, [seller])
    return CaseAsked(
        mode=UNANSWERED,
        account=account,
        object="seller",
        object_id=seller,
        name=known["name"] if known else seller,
        root=f"seller:{seller}",
        cause=cause,
        values={"count": sum(standing.values())},
        flow=FLOW,
    )


def told(group: Sequence[TurnedAway]) -> str:
    """What is wrong, offer by offer, for a reader in a hurry."""
    lines = [f"offer {away.object_id}: {away.words}" for away in group[:WORDS_MAX]]
    more = len(group) - WORDS_MAX
    return "; ".join([*lines, f"and {more} more"] if more > 0 else lines)


def _by_account(objects: Iterable[tuple[str, str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for account, object_, object_id in sorted(set(objects)):
        if object_ == OFFER:
            found[account].append(object_id)
    return found
