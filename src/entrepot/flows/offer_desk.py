"""A person's levers on offers: ownership decides and remembers; what follows for buyers and for the marketplace is planned in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.flows.offer_judgement import OfferJudgement
from entrepot.flows.offer_shelf import OFFER
from entrepot.flows.parts import Parts
from entrepot.flows.reassertion import Reassertion
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.ownership import service as ownership
from entrepot.ownership.compile import RuleSet
from entrepot.ownership.model import Value
from entrepot.ownership.service import Person, Pulled


@dataclass(frozen=True, slots=True)
class OfferDesk:
    """Errors: all of ownership's (NotYours says who may), Busy when somebody else is deciding the same offer."""

    parts: Parts
    rules: RuleSet

    def hold(
        self, ctx: Ctx, account: str, offer_id: str, field: str, *, by: Person, reason: str, until: datetime
    ) -> Pulled:
        key = (account, OFFER, offer_id)
        return self._pull(
            ctx, lambda conn: ownership.hold(conn, *self._by(ctx), key, field, by=by, reason=reason, until=until)
        )

    def release(self, ctx: Ctx, hold_id: str, *, by: Person, reason: str) -> Pulled:
        return self._pull(ctx, lambda conn: ownership.lift_hold(conn, *self._by(ctx), hold_id, by=by, reason=reason))

    def override(
        self,
        ctx: Ctx,
        account: str,
        offer_id: str,
        field: str,
        value: Value,
        *,
        by: Person,
        reason: str,
        until: datetime,
    ) -> Pulled:
        """Counts at once, or is asked of a second person when it is large."""
        key = (account, OFFER, offer_id)

        def lever(conn: Conn) -> Pulled:
            return ownership.override(conn, *self._by(ctx), key, field, value, by=by, reason=reason, until=until)

        return self._pull(ctx, lever)

    def confirm(self, ctx: Ctx, override_id: str, *, by: Person, reason: str = "") -> Pulled:
        """The second person's word on a large override."""
        return self._pull(
            ctx, lambda conn: ownership.confirm_override(conn, *self._by(ctx), override_id, by=by, reason=reason)
        )

    def end_override(self, ctx: Ctx, override_id: str, *, by: Person, reason: str) -> Pulled:
        return self._pull(
            ctx, lambda conn: ownership.end_override(conn, *self._by(ctx), override_id, by=by, reason=reason)
        )

    def _by(self, ctx: Ctx) -> tuple[Ctx, Plan, RuleSet]:
        return ctx, self.parts.plan, self.rules

    def ask(
        self, ctx: Ctx, account: str, offer_id: str, field: str, wanted: Value, *, by: Person, reason: str
    ) -> Pulled:
        """Ask the owner for another value; it goes into his next message."""
        key = (account, OFFER, offer_id)
        return self._pull(
            ctx, lambda conn: ownership.request(conn, *self._by(ctx), key, field, wanted, by=by, reason=reason)
        )

    def _pull(self, ctx: Ctx, lever: Callable[[Conn], Pulled]) -> Pulled:
        with ctx.db.transaction() as conn:
            pulled = lever(conn)
            self.follow(ctx, conn, pulled)
            ctx.point("desk.before-commit")
        return pulled

    def follow(self, ctx: Ctx, conn: Conn, pulled: Pulled) -> None:
        """What a lever leads to, in its transaction; an override that came to count is put before the marketplace as well."""
        then = OfferJudgement(self.parts).follow(ctx, conn, pulled.judged)
        laid = ownership.override_row(conn, pulled.id) if pulled.state == "live" else None
        if laid is not None:
            at = (laid["account"], laid["object_id"], laid["field"])
            then.intents += Reassertion(self.parts).assert_field(ctx, conn, *at, f"override:{pulled.id}")
        then.flush(ctx, conn, self.parts.plan)
