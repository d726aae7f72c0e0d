"""The safety checks: every source of every connector, run by the engine's periodic rows. Duplicates are free, gaps are found.

Each page is recorded whole with its cursor in one transaction. A page that cannot be read is kept, the cursor stays, and the run fails: it is
counted, tried again with back-off, and becomes a case when it keeps failing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from entrepot.blueprint.model import Plan
from entrepot.cases.service import close_for, open_case
from entrepot.connectors.port import Connector, Page, ProblemCode, Source
from entrepot.engine.lease import Lease
from entrepot.engine.periodic import Periodic, Run
from entrepot.inbox.model import Arrival
from entrepot.inbox.store import cursor, insert_arrivals, waiting
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.kernel.errors import NotNow
from entrepot.outbox.store import block_route, take_token


class SourceFailed(NotNow):
    """A sweep could not read its source; what it read before stands, the cursor did not move past it."""

    code = "source-failed"


@dataclass(frozen=True, slots=True)
class Sweeps:
    plan: Plan
    connectors: Mapping[str, Connector]

    def periodic(self) -> list[Periodic]:
        """One row per account and source; the plan's own interval wins over the manifest's."""
        rows = []
        for account, connector in sorted(self.connectors.items()):
            own = self.plan.account(account).sweeps
            for name, source in sorted(connector.sources.items()):
                every = own[name].total_seconds() if name in own else source.every_s
                rows.append(Periodic(account, row_name(name), source.flow, every))
        return rows

    def runs(self) -> dict[str, Run]:
        names = {name for connector in self.connectors.values() for name in connector.sources}
        return {row_name(name): self._run(name) for name in sorted(names)}

    def _run(self, name: str) -> Callable[[Ctx, Lease, str], None]:
        def run(ctx: Ctx, lease: Lease, account: str) -> None:
            self.sweep(ctx, lease, account, self.connectors[account].sources[name])

        return run

    def sweep(self, ctx: Ctx, lease: Lease, account: str, source: Source) -> int:
        """Read a source to its end; returns how many records were new. Errors: SourceFailed."""
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            at = cursor(conn, account, source.name)
            if self._backlog(conn, account):
                return 0  # what is in goes first: fetching stops before webhooks are turned away
        pages = source.fetch(ctx, at)
        new = 0
        while self._token(ctx, lease, account, source):
            page = next(pages, None)
            if page is None:
                break
            ctx.point("sweep.fetched")
            new += self._keep(ctx, lease, account, source, page)
            if page.problem is not None:
                self._give_up(ctx, lease, account, source, page)
            lease.renew(ctx)
        return new

    def _backlog(self, conn: Conn, account: str) -> bool:
        bound = self.plan.account(account).backlog_max
        return waiting(conn, account, bound) >= bound

    def _token(self, ctx: Ctx, lease: Lease, account: str, source: Source) -> bool:
        if source.limit is None:
            return True
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            return not take_token(conn, ctx, account, source.limit)

    def _keep(self, ctx: Ctx, lease: Lease, account: str, source: Source, page: Page) -> int:
        moved = (source.name, page.cursor) if page.cursor is not None and page.problem is None else None
        arrival = Arrival(account, "page", page.route, page.body, page.received, page.headers, moved)
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            recorded = insert_arrivals(conn, ctx, [arrival])
            if page.problem is None:
                close_for(conn, ctx, "credentials-refused", "account", account, "the sweep was let in again")
            ctx.point("sweep.before-commit")
        return sum(r.is_new for r in recorded)

    def _give_up(self, ctx: Ctx, lease: Lease, account: str, source: Source, page: Page) -> None:
        problem = page.problem
        assert problem is not None
        if problem.code is ProblemCode.TOO_LONG:
            return
        with ctx.db.transaction() as conn:
            lease.hold(conn)
            if problem.after_s and source.limit:
                block_route(conn, ctx, account, source.limit.name, problem.after_s)
            if problem.code is ProblemCode.CREDENTIALS_REFUSED:
                cause = f"{source.name}: {problem.words}"
                open_case(
                    conn,
                    ctx,
                    self.plan,
                    "credentials-refused",
                    account=account,
                    object="account",
                    object_id=account,
                    cause=cause,
                    flow=source.flow,
                )
        raise SourceFailed(f"{source.name} of {account}: {problem}", account=account, source=source.name)


def row_name(source: str) -> str:
    return f"sweep-{source}"
