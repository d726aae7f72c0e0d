"""offer-publication, for offers that were fed: what sellers' files changed is brought to the marketplace, and what it refuses goes back.

A file that was taken in stands in a queue. The lane `feeds` looks at its offers stretch by stretch, all at once: what is there
already is left alone; a changed price goes by the price lane, changed stock by the stock lane, everything else as a whole offer.
Each stretch makes one batch per lane, and one effect per batch. What is in a batch is settled right before it is sent, from what
counts then, so that the newest version wins; the rows travel along and are not kept with the effect. Batches of one seller
go one after the other. The import's number is stored before anybody asks what became of it; its error report says it row by row.
Rows they refuse go back to the seller like those we refuse (flows/feed_returns.py). Taken is not live: an offer is live when the
marketplace's own lists show it so, and how long that took is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from entrepot.bulk import publish_store as store
from entrepot.bulk import returns_store
from entrepot.bulk.counting import Fed, changed_overrides, count
from entrepot.bulk.following import after_returns, feed_name
from entrepot.bulk.rules import Reject
from entrepot.cases import service as cases
from entrepot.cases.model import CaseAsked
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.engine.room import Work
from entrepot.flows.feed_returns import FeedReturns
from entrepot.flows.offer_shelf import FLOW
from entrepot.flows.parts import Parts
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.outcome import Refused
from entrepot.outbox.port import Effect, Reaction
from entrepot.outbox.store import Intent, plan_effects
from entrepot.ownership.compile import RuleSet

PURPOSE, LOOK = "feeds", "feeds-look"
OPERATION_BY_LANE = {"offers": "mirakl.import-offers", "prices": "mirakl.import-prices", "stock": "mirakl.import-stock"}
ROWS_MAX = 10_000  # of a batch
SELLERS_AT_ONCE = 20
WAIT = timedelta(minutes=15)  # for what a whole offer must repeat: the marketplace's list is read once an hour
LOOK_EVERY_S = 300.0
LOOK_BACK = timedelta(hours=1)
SEEN_AT_ONCE = 50_000
SAMPLE = 20
NOT_LIVE, NOT_SENT = "offer-not-live", "offer-not-sent"
CODE, CODE_OF_OURS = "marketplace-refused", "cannot-be-sent"

FEEDS_DUE_SQL = f"""
    SELECT DISTINCT account FROM (
        SELECT account FROM feed_seller WHERE publish_at <= %(now)s
        UNION SELECT account FROM feed_seller WHERE tell_at <= %(now)s
        UNION {returns_store.LETTERS_SETTLED_SQL}
    ) AS due
     WHERE NOT EXISTS (SELECT FROM flow WHERE name = '{FLOW}' AND state = 'paused')
"""


@dataclass(frozen=True, slots=True)
class FeedPublication:
    parts: Parts
    rules: RuleSet

    @property
    def work(self) -> Work:
        return Work(PURPOSE, "bulk", FEEDS_DUE_SQL, self.drain)

    @property
    def returns(self) -> FeedReturns:
        return FeedReturns(self.parts)

    def drain(self, ctx: Ctx, lease: Lease) -> int:
        """Plan batches and tell sellers, stretch by stretch; returns how many steps were made."""
        handled = 0
        while lease.time_left(ctx) > 0:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                done = self.publish(ctx, conn, lease.account) + self.returns.tell(ctx, conn, lease.account)
                ctx.point("feeds.before-commit")
            ctx.point("feeds.committed")
            handled += done
            if not done:
                break
            lease.renew(ctx)
        return handled

    # ── planning ─────────────────────────────────────────────────────────────────────────────────────────────

    def publish(self, ctx: Ctx, conn: Conn, account: str) -> int:
        """One stretch of each seller that is due; returns how many sellers were looked at."""
        sellers = store.due_sellers(conn, account, ctx.clock.now(), SELLERS_AT_ONCE)
        for seller in sellers:
            if store.look(conn, account, seller, ctx.clock.now(), ROWS_MAX):
                self._plan(ctx, conn, account, seller)
            store.looked(conn, account, seller)
        return len(sellers)

    def _plan(self, ctx: Ctx, conn: Conn, account: str, seller: str) -> None:
        now, counts = ctx.clock.now(), store.choose(conn, account, seller)
        if counts.get("wait"):
            store.again(conn, account, seller, store.of_lane("wait"), now + WAIT)
        if counts.get("back"):
            store.put_back(conn, account, seller, store.of_lane("back"))
            returns_store.end_refused(conn, account, seller, store.of_lane("back"), now, returns_store.WITHDRAWN)
            after_returns(conn, ctx, self.parts.plan, account, seller)
        intents = []
        for lane in store.LANES:
            if counts.get(lane) and OPERATION_BY_LANE[lane] in self.parts.connectors[account].operations:
                batch_id = ctx.ids.new("bat")
                intents.append(self._intent(account, seller, lane, batch_id))
                store.plan_batch(conn, {
                    "id": batch_id, "account": account, "seller": seller, "lane": lane, "rows": counts[lane],
                    "effect_key": intents[-1].key, "at": now,
                })  # fmt: skip
        plan_effects(conn, ctx, intents)

    def _intent(self, account: str, seller: str, lane: str, batch_id: str) -> Intent:
        return Intent(
            key=f"feed:{batch_id}",
            account=account,
            operation=OPERATION_BY_LANE[lane],
            root=f"feed:{account}:{seller}",
            flow=FLOW,
            payload={"shop_id": seller, "batch_id": batch_id},
            window_s=self.parts.window_s(FLOW),
        )

    # ── accepted is not live ─────────────────────────────────────────────────────────────────────────────────

    def periodic(self) -> list[Periodic]:
        return [Periodic(account, LOOK, FLOW, LOOK_EVERY_S) for account in self._accounts()]

    def runs(self) -> dict[str, Run]:
        return {LOOK: self.look}

    def _accounts(self) -> list[str]:
        operation = OPERATION_BY_LANE["offers"]
        return sorted(name for name, one in self.parts.connectors.items() if operation in one.operations)

    def look(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """See what went live and what should have; and whether something was laid over fed offers, or is no more."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            store.see_live(conn, account, SEEN_AT_ONCE)
            self._overridden(ctx, conn, account)
            self._not_live(ctx, conn, account)
            self._not_sent(ctx, conn, account)

    def _overridden(self, ctx: Ctx, conn: Conn, account: str) -> None:
        now = ctx.clock.now()
        for seller, skus in changed_overrides(conn, account, now - LOOK_BACK):
            relation = store.stage_skus(conn, skus)
            count(conn, ctx, self.rules, Fed(account, seller, "override", now, ctx.plan_hash), relation)
            if store.again(conn, account, seller, relation, now):
                returns_store.ask(conn, account, seller, publish_at=now)

    def _not_live(self, ctx: Ctx, conn: Conn, account: str) -> None:
        """One case per seller, with a sample, until all he changed is seen live."""
        validation = self.parts.plan.flow(FLOW).validation
        patience = validation.answer_within if validation else timedelta(hours=4)
        late = store.not_live(conn, account, ctx.clock.now(), patience, SAMPLE)
        said = {
            row[
                "seller"
            ]: f"{row['n']} offers were taken more than {patience} ago and are not shown so, such as {', '.join(row['skus'])}"
            for row in late
        }
        self._open_while(ctx, conn, account, NOT_LIVE, said, "all of them are shown")

    def _not_sent(self, ctx: Ctx, conn: Conn, account: str) -> None:
        """What no seller can mend: the offer has something at the marketplace that a file would take away."""
        said = {
            row["seller"]: f"{row['n']} offers are not sent, such as {', '.join(row['skus'])}: {row['message']}"
            for row in returns_store.ours_to_mend(conn, account, SAMPLE)
        }
        self._open_while(ctx, conn, account, NOT_SENT, said, "all of them can be sent")

    def _open_while(self, ctx: Ctx, conn: Conn, account: str, mode: str, said: Mapping[str, str], over: str) -> None:
        """One case per seller named, and none of any other."""
        cases.open_cases(conn, ctx, self.parts.plan, [
            CaseAsked(
                mode=mode, account=account, object="feed", object_id=feed_name(account, seller),
                root=f"feed:{account}:{seller}", name=f"offers of seller {seller}", seller=seller, flow=FLOW, cause=cause,
            )
            for seller, cause in said.items()
        ])  # fmt: skip
        still = {feed_name(account, seller) for seller in said}
        gone = [key for key in store.cases_open(conn, mode, account) if key not in still]
        cases.close_many(conn, ctx, [(mode, "feed", key) for key in gone], over)


@dataclass(frozen=True, slots=True)
class FeedImported(Reaction):
    """The three imports: filled right before they are sent, worked in row by row when they are over."""

    parts: Parts
    carries = True

    def wanted(self, ctx: Ctx, conn: Conn, effect: Effect) -> Effect | None:
        """Offers may all have gone on with a later batch. Filling waits until it is sure to leave: a ceiling may stand before it for long."""
        return effect if store.rows_left(conn, effect.payload["batch_id"]) else None

    def cargo(self, ctx: Ctx, conn: Conn, effect: Effect) -> Sequence[Mapping[str, Any]]:
        """Filled with what counts now, once: sent again it says the same. Nothing left to say is said, and done at once."""
        found = store.batch(conn, effect.payload["batch_id"])
        if found is None:
            return ()
        if found["state"] == "planned":
            returns_store.ask(conn, found["account"], found["seller"], publish_at=ctx.clock.now())
            rows = store.freeze(conn, found, ctx.clock.now())
            store.move_batch(conn, found["id"], "frozen", rows=rows)
            ctx.point("feeds.frozen")
        return store.rows_of(conn, found)

    def done(self, ctx: Ctx, conn: Conn, effect: Effect, receipt: Mapping[str, Any]) -> None:
        found = store.batch(conn, effect.payload["batch_id"])
        assert found is not None
        account, seller, now = found["account"], found["seller"], ctx.clock.now()
        refused = [_reject(one) for one in receipt["refused"]]
        returns_store.ask(
            conn, account, seller, publish_at=now
        )  # first, as everybody does: nobody waits for one who waits for him
        store.settle(conn, found, [one.sku for one in refused], str(receipt["import_id"]), now)
        returns_store.end_refused(conn, account, seller, store.TAKEN, now)
        returns_store.add_refused(conn, account, seller, found["id"], refused, now)
        after_returns(conn, ctx, self.parts.plan, account, seller)
        ctx.point("feeds.settled")

    def refused(self, ctx: Ctx, conn: Conn, effect: Effect, refusal: Refused) -> bool:
        """The file as a whole: no seller can mend that. A person sees it; the offers are free for the next batch."""
        store.move_batch(conn, effect.payload["batch_id"], "refused", at=ctx.clock.now())
        return False


def _reject(one: Mapping[str, Any]) -> Reject:
    """A row they refused, in the form of ours; the row of the seller's file is looked up where it is written."""
    ours = bool(one["ours"])
    return Reject(
        row=0,
        sku=str(one["sku"]),
        field=str(one["field"]),
        code=CODE_OF_OURS if ours else CODE,
        value="",
        message=str(one["message"]),
        corrects="operator" if ours else "seller",
    )
