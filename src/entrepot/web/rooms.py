"""The console's doors to the rooms that act: each verb is one call of their service, in one transaction of theirs."""

from datetime import datetime

from entrepot.blueprint.model import Plan
from entrepot.cases import handling, questions
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.cases.questions import Answered, NotAsked
from entrepot.engine.flows import Proof
from entrepot.flows import case_desk as cases
from entrepot.flows import flow_desk
from entrepot.kernel.ctx import Ctx
from entrepot.web.ports import NO_WISH, Deed, Verb, Wish


class CaseRoom:
    def __init__(self, ctx: Ctx, plan: Plan) -> None:
        self._ctx, self._plan = ctx, plan

    def preview(self, case_id: str, verb: Verb, wish: Wish = NO_WISH) -> Preview:
        team, until = wish.team, wish.until
        return cases.preview(
            self._ctx, self._plan, case_id, verb.value, wish.patch, team=team, until=until, only=wish.only
        )

    def act(self, case_id: str, verb: Verb, by: str, reason: str, wish: Wish = NO_WISH) -> VerbDone | VerbRefused:
        ctx, plan, team = self._ctx, self._plan, wish.team
        match verb:
            case Verb.RETRY:
                return cases.retry(ctx, plan, case_id, by, reason, team=team)
            case Verb.REPAIR:
                return cases.repair(ctx, plan, case_id, by, reason, wish.patch or {}, team=team, only=wish.only)
            case Verb.SUPPRESS:
                return cases.suppress(ctx, plan, case_id, by, reason, team=team, until=wish.until)
            case Verb.ESCALATE:
                return cases.escalate(ctx, plan, case_id, by, reason, team=team)

    def handle(
        self, case_id: str, deed: Deed, by: str, to: str, text: str, *, team: str = ""
    ) -> VerbDone | VerbRefused:
        ctx, plan = self._ctx, self._plan
        match deed:
            case Deed.ASSIGN:
                return handling.assign(ctx, plan, case_id, by, to, text, team=team)
            case Deed.WORKING:
                return handling.working(ctx, plan, case_id, by, text, team=team)
            case Deed.WAITING:
                return handling.waiting(ctx, plan, case_id, by, to, text, team=team)
            case Deed.NOTE | Deed.QUESTION:
                return handling.note(ctx, plan, case_id, by, text, team=team)

    def ask(self, case_id: str, ask: str, about: str, by: str, *, team: str = "") -> Answered | NotAsked:
        return questions.raise_question(self._ctx, self._plan, questions.Asked(ask, about, case_id), by, team=team)

    def decide(self, number: int, by: str, decision: str, in_plan: str) -> Answered | NotAsked:
        if in_plan:
            return questions.in_plan(self._ctx, self._plan, number, by, in_plan)
        return questions.decide(self._ctx, self._plan, number, by, decision)

    def decide_planned(self, name: str, by: str, decision: str) -> Answered | NotAsked:
        return questions.decide_planned(self._ctx, self._plan, name, by, decision)


class FlowRoom:
    """Pauses within the blueprint's limits: a flow may forbid it, or allow it for so long at most."""

    def __init__(self, ctx: Ctx, plan: Plan) -> None:
        self._ctx, self._plan = ctx, plan

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> None:
        flow_desk.pause(self._ctx, self._plan, flow, by, reason, until)

    def empty(self, flow: str, by: str, reason: str, until: datetime) -> None:
        flow_desk.empty(self._ctx, self._plan, flow, by, reason, until)

    def proof(self, flow: str) -> Proof:
        return flow_desk.proof(self._ctx, flow)

    def resume(self, flow: str, by: str, reason: str) -> None:
        flow_desk.resume(self._ctx, self._plan, flow, by, reason)
