"""settlement-intake: what a channel pays us, held against our own orders and refunds, to the cent.

A statement and its lines arrive by the safety check, in any order. It is looked at until it adds up and each line is borne out by what we know; what
is not is finance's, with the words of the line. A statement that comes out again with other amounts is a new version of itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entrepot.cases.model import CaseAsked
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.flows.channels import SalesChannels
from entrepot.flows.consequences import Consequences
from entrepot.inbox.model import Decided, Message, Parked, Verdict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.settlement import channel
from entrepot.money.settlement.intake import record_cycles, record_lines
from entrepot.money.settlement.model import Author, CycleSeen, StatementLineSeen
from entrepot.money.settlement.policy import STATEMENTS_PER_RUN
from entrepot.money.settlement.states import StatementState

FLOW = "settlement-intake"
CHECK, CHECK_EVERY_S = "statement-check", 900.0
UNBALANCED, VARIANCE = "statement-unbalanced", "settlement-variance"


@dataclass(frozen=True, slots=True)
class SettlementIntake:
    channels: SalesChannels

    def decide_statements(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.channels.parts.read(m) for m in messages]
        record_cycles(conn, ctx, messages[0].account, [r for r in read if isinstance(r, CycleSeen)])
        return [r if isinstance(r, Parked) else Decided() for r in read]

    def decide_lines(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        read = [self.channels.parts.read(m) for m in messages]
        lines = [r for r in read if isinstance(r, StatementLineSeen)]
        record_lines(conn, ctx, messages[0].account, Author.MARKETPLACE, lines)
        return [r if isinstance(r, Parked) else Decided() for r in read]

    def periodic(self) -> list[Periodic]:
        return [Periodic(account, CHECK, FLOW, CHECK_EVERY_S) for account in self.channels.accounts]

    def runs(self) -> Mapping[str, Run]:
        return {CHECK: self.check}

    def check(self, ctx: Ctx, lease: Lease, account: str) -> None:
        """Take every statement of the account as far as it goes, each in a transaction of its own."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            waiting = channel.due(conn, account, STATEMENTS_PER_RUN)
        for statement_id in waiting:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                found = channel.check(conn, ctx, statement_id)
                self._tell(ctx, conn, account, statement_id, found)
                ctx.point("statement.before-commit")
            lease.renew(ctx)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            self.catch_up(ctx, conn, account)

    def catch_up(self, ctx: Ctx, conn: Conn, account: str) -> None:
        """Orders that arrived after their money explain what waited for finance: the statement closes, and its case."""
        then = Consequences()
        for statement_id in channel.caught_up(conn, ctx, account, STATEMENTS_PER_RUN):
            then.gone.append((self.channels.mode(VARIANCE), "statement", statement_id, "our records bear it out now"))
        then.flush(ctx, conn, self.channels.parts.plan)

    def _tell(self, ctx: Ctx, conn: Conn, account: str, statement_id: str, found: channel.Checked) -> None:
        then = Consequences()
        if found.unbalanced:
            then.cases.append(self._case(UNBALANCED, account, statement_id, found.unbalanced, 0))
        elif found.state in (StatementState.EXPLAINED, StatementState.CLOSED):
            then.gone.append((self.channels.mode(UNBALANCED), "statement", statement_id, "it adds up"))
        if found.unexplained:
            more = len(found.unexplained) - channel.SHOWN
            words = "; ".join(found.unexplained[: channel.SHOWN]) + (f"; and {more} more" if more > 0 else "")
            then.cases.append(self._case(VARIANCE, account, statement_id, words, found.unexplained_minor))
        then.flush(ctx, conn, self.channels.parts.plan)

    def _case(self, mode: str, account: str, statement_id: str, cause: str, money_minor: int) -> CaseAsked:
        currency = self.channels.parts.account(account).currency
        return CaseAsked(mode=self.channels.mode(mode), account=account, object="statement", object_id=statement_id, cause=cause, flow=FLOW,
                         money_minor=money_minor, currency=currency, values={"words": cause})  # fmt: skip
