"""What happens to offers by itself: holds, overrides and requests that end, requests to be told, and what people changed meanwhile.

The lane looks at what is due; a periodic look publishes what somebody changed by another road (a command, a page), so that no
road has to know of the storefront.
"""

from dataclasses import dataclass
from datetime import timedelta

from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.engine.room import Work
from entrepot.flows.corrections import Corrections
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.offer_shelf import FLOW, OFFER, Shelf
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.outbox.store import plan_effects
from entrepot.ownership import service as ownership
from entrepot.ownership.compile import RuleSet
from entrepot.trade.offer.store import withheld
from entrepot.trade.seller.conversations import LETTERS_SETTLED_SQL

PURPOSE = "offers"
LOOK = "offers-look"
SOURCE = "offers"  # as often as its safety check, unless the plan names `offers-look`
LOOK_BACK = timedelta(days=7)  # how long after its end a hold or an override is still looked at
LOOK_EVERY_S = 300.0
AT_ONCE = 500

OFFERS_DUE_SQL = f"""
    SELECT DISTINCT account FROM (
        SELECT account FROM ({ownership.EXPIRE_DUE_SQL}) AS ends
        UNION SELECT account FROM ({ownership.DIGEST_DUE_SQL}) AS digests
        UNION {LETTERS_SETTLED_SQL}
    ) AS due
     WHERE NOT EXISTS (SELECT FROM flow WHERE name = '{FLOW}' AND state = 'paused')
"""


@dataclass(frozen=True, slots=True)
class OfferLane:
    parts: Parts
    rules: RuleSet

    @property
    def work(self) -> Work:
        return Work(PURPOSE, "normal", OFFERS_DUE_SQL, self.drain)

    def drain(self, ctx: Ctx, lease: Lease) -> int:
        """End what is over and tell what is to be told; returns how many things were done."""
        handled = 0
        while lease.time_left(ctx) > 0:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                done = self._end(ctx, conn) + Corrections(self.parts, self.rules).tell(ctx, conn, lease.account)
                ctx.point("offers.before-commit")
            ctx.point("offers.committed")
            handled += done
            if not done:
                break
            lease.renew(ctx)
        return handled

    def _end(self, ctx: Ctx, conn: Conn) -> int:
        judged = ownership.expire(conn, ctx, self.parts.plan, self.rules)
        OfferJudgement(self.parts).follow(ctx, conn, judged).flush(ctx, conn, self.parts.plan)
        return len(judged.freed) + len(judged.turned_away)

    # ── the periodic look ────────────────────────────────────────────────────────────────────────────────────

    def periodic(self) -> list[Periodic]:
        plan = self.parts.plan
        rows = []
        for account in sorted(self.parts.connectors):
            if plan.system_of(account).party == "marketplace" and plan.account(account).model != "syndication":
                sweeps = plan.account(account).sweeps
                every = sweeps.get(LOOK) or sweeps.get(SOURCE)
                rows.append(Periodic(account, LOOK, FLOW, every.total_seconds() if every else LOOK_EVERY_S))
        return rows

    def runs(self) -> dict[str, Run]:
        return {LOOK: self.look}

    def look(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """Publish whatever of the held and overridden is not shown as it should be, and write live overrides to the marketplace."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            disturbed = ownership.disturbed(conn, account, OFFER, ctx.clock.now() - LOOK_BACK)
            offer_ids = sorted({row["object_id"] for row in disturbed} | withheld(conn, account))
        for start in range(0, len(offer_ids), AT_ONCE):
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                Shelf(self.parts).publish(ctx, conn, account, offer_ids[start : start + AT_ONCE])
            lease.renew(ctx)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            for row in disturbed:
                if row["override_id"]:
                    key = f"override:{row['override_id']}"
                    again = Reassertion(self.parts)
                    plan_effects(conn, ctx, again.assert_field(ctx, conn, account, row["object_id"], row["field"], key))
