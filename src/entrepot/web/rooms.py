"""The console's doors to the rooms that act: each verb is one call of their service, in one transaction of theirs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from entrepot.blueprint.model import Plan
from entrepot.cases.model import Preview, VerbDone, VerbRefused
from entrepot.flows import case_desk as cases
from entrepot.flows import flow_desk
from entrepot.kernel.ctx import Ctx
from entrepot.web.ports import Verb


class CaseRoom:
    def __init__(self, ctx: Ctx, plan: Plan) -> None:
        self._ctx, self._plan = ctx, plan

    def preview(self, case_id: str, verb: Verb, patch: Mapping[str, Any] | None = None) -> Preview:
        return cases.preview(self._ctx, self._plan, case_id, verb.value, patch)

    def act(
        self, case_id: str, verb: Verb, by: str, reason: str, patch: Mapping[str, Any] | None = None
    ) -> VerbDone | VerbRefused:
        match verb:
            case Verb.RETRY:
                return cases.retry(self._ctx, self._plan, case_id, by, reason)
            case Verb.REPAIR:
                return cases.repair(self._ctx, self._plan, case_id, by, reason, patch or {})
            case Verb.SUPPRESS:
                return cases.suppress(self._ctx, self._plan, case_id, by, reason)
            case Verb.ESCALATE:
                return cases.escalate(self._ctx, self._plan, case_id, by, reason)


class FlowRoom:
    """Pauses within the blueprint's limits: a flow may forbid it, or allow it for so long at most."""

    def __init__(self, ctx: Ctx, plan: Plan) -> None:
        self._ctx, self._plan = ctx, plan

    def pause(self, flow: str, by: str, reason: str, until: datetime) -> None:
        flow_desk.pause(self._ctx, self._plan, flow, by, reason, until)

    def resume(self, flow: str, by: str, reason: str) -> None:
        flow_desk.resume(self._ctx, self._plan, flow, by, reason)
