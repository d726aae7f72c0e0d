"""The risk register: every failure mode with what the hub has seen of it, sorted as the address says."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.blueprint.draw import risks
from entrepot.blueprint.draw.risks import Experience, Risk, Seen
from entrepot.blueprint.model import Plan
from entrepot.web.desk import AtDesk
from entrepot.web.files import csv_file, drawing
from entrepot.web.views import RiskFilter

router = APIRouter()
SORTS: Mapping[str, str] = {
    "money": "Money at risk",
    "likelihood": "Likelihood",
    "time": "Time to decide",
    "escalated": "Escalated",
    "mode": "Failure mode",
    "owner": "Owner",
    "flow": "Flow",
}


@router.get("/risks")
def register(request: Request, desk: AtDesk, sort: str = "money", owner: str = "", kind: str = "") -> HTMLResponse:
    wanted, plan = RiskFilter(sort if sort in SORTS else "money", owner, kind), desk.hub.plan
    seen = desk.reader.seen(desk.now())
    view = {
        "filter": wanted,
        "risks": chosen(plan, seen, wanted),
        "seen": seen,
        "sorts": SORTS,
        "owners": sorted({mode.owner for mode in plan.failures.values()}),
        "said": risks,
    }
    return desk.page(request, "risks/list.html", view, fragments={"risk-list": "risks/_list.html"})


@router.get("/risks.csv")
def register_csv(desk: AtDesk, sort: str = "money", owner: str = "", kind: str = "") -> Response:
    seen = desk.reader.seen(desk.now())
    return csv_file("risks", risks.table(chosen(desk.hub.plan, seen, RiskFilter(sort, owner, kind)), seen))


@router.get("/risks.svg")
def register_svg(desk: AtDesk) -> Response:
    seen = desk.reader.seen(desk.now())
    return drawing(risks.drawing(risks.register(desk.hub.plan, seen), seen))


def chosen(plan: Plan, seen: Seen, wanted: RiskFilter) -> tuple[Risk, ...]:
    """The register's own order is by money; every other one keeps it between equals."""
    found = [
        risk
        for risk in risks.register(plan, seen)
        if wanted.owner in ("", risk.owner) and wanted.kind in ("", risk.kind)
    ]
    key = _KEYS.get(wanted.sort)
    return tuple(sorted(found, key=key)) if key else tuple(found)


def _of(risk: Risk) -> Experience:
    return risk.experience or Experience()


_KEYS: Mapping[str, Callable[[Risk], tuple[float | str, ...]]] = {
    "likelihood": lambda risk: (-_of(risk).per_week,),
    "time": lambda risk: (-(_of(risk).median_to_decide or timedelta(0)).total_seconds(),),
    "escalated": lambda risk: (-_of(risk).escalated_percent,),
    "mode": lambda risk: (risk.title,),
    "owner": lambda risk: (risk.owner,),
    "flow": lambda risk: (risk.flow,),
}
