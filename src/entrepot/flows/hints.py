"""What channels only hint at: something changed, read it again. At least once and in any order, so a hint says nothing by itself.

A hint asks for one record by its id, in a lane of its own, within the ceiling of that call; many hints of one record are one look. Where there is no
look by id, the safety check that would find it runs now. A look that keeps failing is given up: the safety check finds the record anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from entrepot.connectors.port import Lookup, ProblemCode
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import hasten
from entrepot.engine.room import Work
from entrepot.flows.channels import SalesChannels
from entrepot.flows.sweeps import row_name
from entrepot.inbox import lookups
from entrepot.inbox.model import Arrival, Decided, Message, Parked, Verdict
from entrepot.inbox.store import insert_arrivals
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.outbox.store import block_route, take_token
from entrepot.trade.order.model import Hint

PURPOSE = "look-up"
FLOW = "order-intake"
AT_ONCE, TRIES_MAX, FIRST_S = 50, 6, 20.0
DUE_SQL = f"""
    SELECT DISTINCT account FROM lookup_asked WHERE due_at <= %(now)s
       AND NOT EXISTS (SELECT FROM flow WHERE name = '{FLOW}' AND state = 'paused')
"""


@dataclass(frozen=True, slots=True)
class Hints:
    channels: SalesChannels

    def decide_hints(self, ctx: Ctx, conn: Conn, messages: Sequence[Message]) -> list[Verdict]:
        account, now = messages[0].account, ctx.clock.now()
        read = [self.channels.parts.read(m) for m in messages]
        asked = {(one.kind, one.external_id) for one in read if isinstance(one, Hint)}
        by_id = self.channels.parts.connectors[account].lookups
        rows = [
            {"account": account, "kind": kind, "external_id": id_, "asked_at": now, "due_at": now}
            for kind, id_ in sorted(asked)
            if kind in by_id
        ]
        lookups.ask(conn, rows)
        for kind in sorted({kind for kind, _ in asked if kind not in by_id}):
            hasten(conn, ctx, account, row_name(f"{kind}s"))
        return [one if isinstance(one, Parked) else Decided() for one in read]

    @property
    def work(self) -> Work:
        return Work(PURPOSE, "urgent", DUE_SQL, self.drain)

    def drain(self, ctx: Ctx, lease: Lease) -> int:
        """Read what was hinted at, one record after the other; returns how many were read."""
        handled = 0
        while lease.time_left(ctx) > 0:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                rows = lookups.due(conn, lease.account, ctx.clock.now(), AT_ONCE)
            for row in rows:
                if not self._look(ctx, lease, row):
                    return handled
                handled += 1
            if not rows:
                break
            lease.renew(ctx)
        return handled

    def _look(self, ctx: Ctx, lease: Lease, row: Row) -> bool:
        """One look by id; False when the ceiling is reached."""
        account = lease.account
        lookup: Lookup = self.channels.parts.connectors[account].lookups[row["kind"]]
        if lookup.limit is not None:
            with ctx.db.transaction() as conn:
                lease.hold(conn)
                wait = take_token(conn, ctx, account, lookup.limit)
                if wait:
                    self._later(ctx, conn, account, row, float(wait), again=False)
                    return False
        page = lookup.one(ctx, row["external_id"])
        ctx.point("look-up.fetched")
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            if page.problem is None:
                insert_arrivals(conn, ctx, [Arrival(account, "page", page.route, page.body, page.received, page.headers)])  # fmt: skip
                lookups.answered(conn, account, row)
            elif row["tries"] + 1 >= TRIES_MAX or page.problem.code is ProblemCode.REFUSED:
                lookups.answered(conn, account, row)
            else:
                wait_s = page.problem.after_s or FIRST_S * 2 ** row["tries"]
                if page.problem.code is ProblemCode.RATE_LIMITED and lookup.limit is not None:
                    block_route(conn, ctx, account, lookup.limit.name, wait_s)
                self._later(ctx, conn, account, row, wait_s)
        return True

    @staticmethod
    def _later(ctx: Ctx, conn: Conn, account: str, row: Row, wait_s: float, *, again: bool = True) -> None:
        due = ctx.clock.now() + timedelta(seconds=wait_s)
        lookups.postpone(conn, account, row, due, failed=again)
