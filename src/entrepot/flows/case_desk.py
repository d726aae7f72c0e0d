"""The four verbs on every case, whatever it is about: messages and outgoing actions (cases/), and the differences of a statement (money/).

The console and the terminal press these, never the rooms' own.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from entrepot.blueprint.model import Plan
from entrepot.cases import verbs
from entrepot.cases.model import Preview
from entrepot.cases.patch import Patch
from entrepot.cases.subject_store import NothingDone
from entrepot.cases.subjects import Change, Order, Why
from entrepot.cases.verbs import Verdict
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.money.settlement.decisions import DecisionRefused, decide
from entrepot.money.settlement.states import VarianceState

DECISIONS = {"suppress": VarianceState.ACCEPTED, "repair": VarianceState.CORRECTED}
WORDS = {
    "suppress": "The differences are accepted: our books follow theirs, on the account of the cause, with your name and reason.",
    "repair": "The differences are noted as to be corrected by them; nothing is posted, a later statement must show it.",
}


@dataclass(frozen=True, slots=True)
class Differences:
    """The open differences of one cause of one statement."""

    case: Row

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        if order.verb not in DECISIONS:
            return Why(f"a difference is accepted or left for correction; {order.verb} does nothing to it")
        return Change(
            WORDS[order.verb], detail={"statement": self.case["object_id"]}, apply=partial(self._decide, ctx, order)
        )

    def _decide(self, ctx: Ctx, order: Order, conn: Conn) -> None:
        to = DECISIONS[order.verb]
        done = decide(conn, ctx, self.case["object_id"], to=to, by=order.by, reason=order.reason)
        if isinstance(done, DecisionRefused):
            raise NothingDone(done.why)


OPENERS: verbs.Openers = {"statement": Differences}


def retry(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "") -> Verdict:
    return verbs.retry(ctx, plan, case_id, by, reason, OPENERS, team=team)


def repair(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, payload: Patch, *, team: str = "") -> Verdict:
    return verbs.repair(ctx, plan, case_id, by, reason, payload, OPENERS, team=team)


def suppress(
    ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "", until: datetime | None = None
) -> Verdict:
    return verbs.suppress(ctx, plan, case_id, by, reason, OPENERS, team=team, until=until)


def escalate(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "") -> Verdict:
    return verbs.escalate(ctx, plan, case_id, by, reason, OPENERS, team=team)


def preview(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    verb: str,
    payload: Patch | None = None,
    *,
    team: str = "",
    until: datetime | None = None,
) -> Preview:
    return verbs.preview(ctx, plan, case_id, verb, payload, OPENERS, team=team, until=until)
