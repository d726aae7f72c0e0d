"""settlement: what others say about money, held against our books, until every cent of a difference is explained and owned.

Billing cycles and transaction lines of the marketplace, and the gateway's own reports, arrive by sweep and become statements. A periodic run
takes each statement as far as it goes: it adds up, its lines are matched to postings, what is left over is a variance with a cause and an
owner, and it closes when nothing is left to decide. The gateway's reports go first: they are the witness of what the marketplace says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.cases.model import Promise
from entrepot.cases.service import close_for, meet, open_cases, promise
from entrepot.connectors.payment.settlements import StatementSeen
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.flows.parts import Parts
from entrepot.flows.payout import confirmed_elsewhere
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.payout import service as payouts
from entrepot.money.settlement import service
from entrepot.money.settlement.model import Author, CycleSeen, StatementLineSeen
from entrepot.money.settlement.policy import Policy
from entrepot.outbox.store import seen_elsewhere

FLOW = "settlement"
UNCONFIRMED = "payout-unconfirmed"
PAID_WITHIN = timedelta(days=5)  # of a cycle's close
RECONCILE = "reconcile"
RECONCILE_EVERY_S = 900.0  # business


@dataclass(frozen=True, slots=True)
class Settlement:
    parts: Parts

    def decide_cycles(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """Announced statements: a seller's billing cycle, which also is a payout to be made, or a gateway's report."""
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        cycles = [c for c in read if isinstance(c, CycleSeen)]
        service.record_cycles(conn, ctx, account, cycles)
        open_cases(conn, ctx, self.parts.plan, payouts.compute(conn, ctx, account, cycles))
        self._watch_payouts(ctx, conn, account, cycles)
        return [seen if isinstance(seen, Parked) else Decided() for seen in read]

    def _watch_payouts(self, ctx: Ctx, conn: Conn, account: str, cycles: Sequence[CycleSeen]) -> None:
        """What a cycle owes a seller is paid and confirmed in time, even when the news that it was paid gets lost."""
        owner = self.parts.plan.failure(UNCONFIRMED).owner
        owed = [c for c in cycles if c.author is Author.MARKETPLACE and c.their_total_minor > 0 and c.voucher]
        promised = [
            Promise(
                kind="confirm-payout",
                flow="payout",
                account=account,
                object="payout",
                object_id=c.external_id,
                name=c.voucher,
                root=f"seller:{account}:{c.seller_id}",
                mode=UNCONFIRMED,
                owner=owner,
                starts_at=c.announced_at,
                due_at=c.announced_at + PAID_WITHIN,
                money_minor=c.their_total_minor,
                currency=c.currency,
            )
            for c in owed
        ]
        promise(conn, ctx, self.parts.plan, promised)
        paid = [c.external_id for c in owed if c.payout_state == "paid"]
        meet(conn, ctx, "confirm-payout", "payout", paid, ctx.clock.now())
        if self.parts.plan.only_observes("payout"):
            done = confirmed_elsewhere(ctx, conn, account, paid)
            seen_elsewhere(conn, done.elsewhere, ctx.clock.now())
            open_cases(conn, ctx, self.parts.plan, done.cases)

    def decide_reports(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        """Reports of the gateway that come whole: a statement with its lines."""
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        reports = [r for r in read if isinstance(r, StatementSeen)]
        service.record_cycles(conn, ctx, account, [r.cycle for r in reports])
        kept = service.record_lines(conn, ctx, account, Author.GATEWAY, [line for r in reports for line in r.lines])
        open_cases(conn, ctx, self.parts.plan, kept.cases)
        return [seen if isinstance(seen, Parked) else Decided() for seen in read]

    def decide_lines(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.parts.read(m) for m in messages]
        account = messages[0].account
        lines = [line for line in read if isinstance(line, StatementLineSeen)]
        kept = service.record_lines(conn, ctx, account, Author.MARKETPLACE, lines)
        open_cases(conn, ctx, self.parts.plan, kept.cases)
        return [seen if isinstance(seen, Parked) else Decided() for seen in read]

    def periodic(self) -> list[Periodic]:
        """Where we are the seller, settlement-intake looks."""
        ours = [one for one in sorted(self.parts.connectors) if self.parts.account(one).model != "syndication"]
        return [
            Periodic(account, RECONCILE, FLOW, RECONCILE_EVERY_S) for account in ours if FLOW in self.parts.plan.flows
        ]

    @property
    def _policy(self) -> Policy:
        return Policy(case_from_minor=max(1, self.parts.plan.flow(FLOW).case_above_minor))

    def runs(self) -> Mapping[str, Run]:
        return {RECONCILE: self.reconcile}

    def reconcile(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """Take every statement of the account as far as it goes, each in a transaction of its own."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            waiting = service.due(conn, account)
        for statement_id in waiting:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                done = service.advance(conn, ctx, statement_id, self._policy)
                open_cases(conn, ctx, self.parts.plan, done.cases)
                for mode, object_, object_id, because in done.gone:
                    close_for(conn, ctx, mode, object_, object_id, because)
                ctx.point("reconcile.before-commit")
            ctx.point("reconcile.committed")
            lease.renew(ctx)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            for mode, object_, object_id, because in service.recheck(conn, ctx, account):
                close_for(conn, ctx, mode, object_, object_id, because)
