"""The four verbs on every case, whatever it is about: messages and outgoing actions (cases/), the differences of a statement (money/), offers (ownership/).

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
from entrepot.cases.subjects import Change, Order, OwnedSubject, Subject, Why
from entrepot.cases.verbs import Verdict
from entrepot.flows.offer_repair import OfferFields
from entrepot.flows.repair_rights import RepairRights
from entrepot.kernel.ctx import Conn, Ctx, Row
from entrepot.money.settlement import channel
from entrepot.money.settlement.decisions import DecisionRefused, decide
from entrepot.money.settlement.states import VarianceState

DECISIONS = {"suppress": VarianceState.ACCEPTED, "repair": VarianceState.CORRECTED}
WORDS = {
    "suppress": "The differences are accepted: our books follow theirs, on the account of the cause, with your name and reason.",
    "repair": "The differences are noted as to be corrected by them; nothing is posted, a later statement must show it.",
}


@dataclass(frozen=True, slots=True)
class Differences:
    """The open differences of one cause of one statement: decided by who may correct a variance."""

    case: Row
    rights: RepairRights

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        if order.verb not in DECISIONS:
            return Why(f"a difference is accepted or left for correction; {order.verb} does nothing to it")
        if not_his := self.rights.why_not(order.acts_for, "settlement", self.case["account"], ("variance",)):
            return Why(not_his)
        return Change(
            WORDS[order.verb], detail={"statement": self.case["object_id"]}, apply=partial(self._decide, ctx, order)
        )

    def _decide(self, ctx: Ctx, order: Order, conn: Conn) -> None:
        to = DECISIONS[order.verb]
        done = decide(conn, ctx, self.case["object_id"], to=to, by=order.by, reason=order.reason)
        if isinstance(done, DecisionRefused):
            raise NothingDone(done.why)


@dataclass(frozen=True, slots=True)
class ChannelStatement:
    """A statement of a channel on which we are the seller: whole, for nobody but the channel can change a line of it."""

    case: Row
    rights: RepairRights

    def change(self, ctx: Ctx, order: Order) -> Change | Why:
        if order.verb != "suppress":
            return Why(
                f"a channel's statement is accepted, or corrected by its next version; {order.verb} does nothing to it"
            )
        if not_his := self.rights.why_not(order.acts_for, "settlement", self.case["account"], ("closing",)):
            return Why(not_his)
        words = "The statement is accepted as it is and closed, with your name and reason; nothing is posted and nothing is sent."
        return Change(words, detail={"statement": self.case["object_id"]}, apply=partial(self._accept, ctx, order))

    def _accept(self, ctx: Ctx, order: Order, conn: Conn) -> None:
        why_not = channel.accept(conn, ctx, self.case["object_id"], by=order.by, reason=order.reason)
        if why_not:
            raise NothingDone(why_not)


def openers(plan: Plan) -> verbs.Openers:
    """By the case's object; a group's own object is what its members have in common."""
    fields, rights = OfferFields(plan), RepairRights(plan)

    def owned(case: Row) -> OwnedSubject:
        return OwnedSubject(case, fields)

    def statement(case: Row) -> Subject:
        account = plan.accounts.get(case["account"])
        of_channel = account is not None and account.model == "syndication"
        return ChannelStatement(case, rights) if of_channel else Differences(case, rights)

    return {"statement": statement, **dict.fromkeys(("offer", "correction", "seller", "cause", "account"), owned)}


def retry(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "") -> Verdict:
    return verbs.retry(ctx, plan, case_id, by, reason, openers(plan), team=team)


def repair(
    ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, payload: Patch, *, team: str = "", only: str = ""
) -> Verdict:
    """`only`: the one offer that is meant, where the case is about several."""
    return verbs.repair(
        ctx, plan, case_id, by, reason, payload, openers(plan), team=team, only=only, rights=RepairRights(plan)
    )


def suppress(
    ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "", until: datetime | None = None
) -> Verdict:
    return verbs.suppress(ctx, plan, case_id, by, reason, openers(plan), team=team, until=until)


def escalate(ctx: Ctx, plan: Plan, case_id: str, by: str, reason: str, *, team: str = "") -> Verdict:
    return verbs.escalate(ctx, plan, case_id, by, reason, openers(plan), team=team)


def preview(
    ctx: Ctx,
    plan: Plan,
    case_id: str,
    verb: str,
    payload: Patch | None = None,
    *,
    team: str = "",
    until: datetime | None = None,
    only: str = "",
) -> Preview:
    return verbs.preview(
        ctx, plan, case_id, verb, payload, openers(plan), team=team, until=until, only=only, rights=RepairRights(plan)
    )
