"""What a batch of decisions leads to beside moved rows: promises, effects, journals, cases. Collected while deciding, written once."""

from dataclasses import dataclass, field
from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.cases import obligations
from entrepot.cases import service as cases
from entrepot.cases.model import CaseAsked, Promise
from entrepot.kernel.ctx import Conn, Ctx
from entrepot.money.ledger import service as ledger
from entrepot.money.ledger.model import Journal
from entrepot.outbox.store import Intent, plan_effects


@dataclass(slots=True)
class Consequences:
    intents: list[Intent] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    cases: list[CaseAsked] = field(default_factory=list)
    kept: list[tuple[str, str, str, datetime]] = field(default_factory=list)  # kind, object, object id, when
    void: list[tuple[str, str, str, str]] = field(default_factory=list)  # kind, object, object id, because
    gone: list[tuple[str, str, str, str]] = field(default_factory=list)  # mode, object, object id, because

    def flush(self, ctx: Ctx, conn: Conn, plan: Plan) -> None:
        ledger.post(conn, ctx, self.journals)
        plan_effects(conn, ctx, self.intents)
        obligations.promise(conn, ctx, plan, self.promises)
        for kind, object_, object_id, at in self.kept:
            obligations.meet(conn, ctx, kind, object_, [object_id], at)
        for kind, object_, object_id, because in self.void:
            obligations.void(conn, ctx, kind, object_, [object_id], because)
        cases.open_cases(conn, ctx, plan, self.cases)
        for mode, object_, object_id, because in self.gone:
            cases.close_for(conn, ctx, mode, object_, object_id, because)
