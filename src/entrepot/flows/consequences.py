"""What a batch of decisions leads to beside moved rows: promises, effects, journals, cases. Collected while deciding, written once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrepot.blueprint.model import Plan
from entrepot.cases import obligations
from entrepot.cases import service as cases
from entrepot.cases.model import CaseAsked, Promise
from entrepot.cases.obligations import Kept, Voided
from entrepot.change.mapping import Use
from entrepot.change.store import record_uses
from entrepot.identity.model import Conflict
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.model import Journal
from entrepot.outbox.store import Intent, plan_effects, seen_elsewhere
from entrepot.trade.order.book import Book
from entrepot.trade.order.store import flush

ADVISED = "action-advised"


@dataclass(slots=True)
class Consequences:
    intents: list[Intent] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    cases: list[CaseAsked] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    void: list[Voided] = field(default_factory=list)
    gone: list[tuple[str, str, str, str]] = field(default_factory=list)  # mode, object, object id, because
    uses: list[Use] = field(default_factory=list)  # words that mappings changed
    elsewhere: dict[str, str] = field(default_factory=dict)  # by key: what somebody else did that we only observed

    def flush(self, ctx: Ctx, conn: Conn, plan: Plan) -> None:
        ledger.post(conn, ctx, self.journals)
        held = plan_effects(conn, ctx, self.intents).advised
        record_uses(conn, ctx, self.uses)
        seen_elsewhere(conn, self.elsewhere, ctx.clock.now())
        obligations.promise(conn, ctx, plan, self.promises)
        obligations.meet_many(conn, ctx, self.kept)
        obligations.void_many(conn, ctx, self.void)
        cases.open_cases(conn, ctx, plan, [*self.cases, *(advised_case(effect_id, i) for effect_id, i in held)])
        cases.close_each(conn, ctx, self.gone)


def keep(conn: Conn, ctx: Ctx, plan: Plan, book: Book) -> None:
    """Write a batch of baskets; what could not be joined becomes cases. Errors: as `flush`."""
    tell_conflicts(conn, ctx, plan, flush(conn, ctx, book))


def tell_conflicts(conn: Conn, ctx: Ctx, plan: Plan, conflicts: Sequence[Conflict]) -> None:
    """An identifier that two objects carry is a case with both of them: which one it names, a person says."""
    asked = [
        CaseAsked(
            mode="record-unjoined",
            account=one.asked.account,
            object=one.asked.object,
            object_id=one.asked.object_id,
            cause=one.words,
            name=one.asked.value,
            details={"stands": one.stands.object_id, "scheme": one.asked.scheme, "value": one.asked.value},
        )
        for one in conflicts
    ]
    cases.open_cases(conn, ctx, plan, asked)


def advised_case(effect_id: str, intent: Intent) -> CaseAsked:
    """The flow only advises: a person releases the action, changes it first, or takes it back."""
    return CaseAsked(
        mode=ADVISED,
        account=intent.account,
        object="effect",
        object_id=effect_id,
        root=intent.root,
        name=intent.key,
        cause=f"{intent.operation} ({intent.key})",
        money_minor=int(intent.payload.get("amount_minor", 0)),
        currency=str(intent.payload.get("currency", "EUR")),
        effect_id=effect_id,
        flow=intent.flow,
        seller=str(intent.payload.get("seller") or intent.payload.get("shop_id") or ""),
        cause_key=intent.operation,
    )
