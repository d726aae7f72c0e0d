"""Runbooks: what may fail, whose it is, and what to do. Each failure mode of the plan is one."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.blueprint.draw import risks
from entrepot.blueprint.draw.table import Table
from entrepot.blueprint.draw.words import span_word
from entrepot.blueprint.model import FailureMode, Plan
from entrepot.web.desk import AtDesk
from entrepot.web.files import csv_file
from entrepot.web.views import CaseFilter, RunbookFilter

router = APIRouter()
CASES_SHOWN = 10


@router.get("/runbooks")
def runbook_list(request: Request, desk: AtDesk, flow: str = "", owner: str = "", kind: str = "") -> HTMLResponse:
    wanted, plan = RunbookFilter(flow, owner, kind), desk.hub.plan
    modes = chosen(plan, wanted)
    view = {
        "filter": wanted,
        "modes": modes,
        "flows": sorted({mode.flow for mode in plan.failures.values()}),
        "owners": sorted({mode.owner for mode in plan.failures.values()}),
    }
    return desk.page(request, "runbooks/list.html", view, fragments={"runbook-list": "runbooks/_list.html"})


@router.get("/runbooks.csv")
def runbook_csv(desk: AtDesk, flow: str = "", owner: str = "", kind: str = "") -> Response:
    return csv_file("runbooks", table(desk.hub.plan, chosen(desk.hub.plan, RunbookFilter(flow, owner, kind))))


@router.get("/runbooks/{mode}")
def runbook_page(request: Request, desk: AtDesk, mode: str) -> HTMLResponse:
    plan = desk.hub.plan
    failure = plan.failures.get(mode)
    if failure is None:
        raise HTTPException(404, f"There is no failure mode {mode} in the plan.")
    found = desk.reader.cases(CaseFilter(mode=mode), desk.now())
    view = {
        "mode": failure,
        "owner": plan.teams.get(failure.owner),
        "heard": heard(plan, failure),
        "controls": risks.controls(plan, failure),
        "cases": found.rows[:CASES_SHOWN],
        "total": found.total,
        "capped": found.total_is_capped,
        "place": desk.places(f"failures.{mode}"),
    }
    return desk.page(request, "runbooks/mode.html", view)


def chosen(plan: Plan, wanted: RunbookFilter) -> list[FailureMode]:
    """In the order of their flows; those of any flow come last."""
    order = {name: at for at, name in enumerate(plan.flows)}
    modes = sorted(plan.failures.values(), key=lambda mode: (order.get(mode.flow, len(order)), mode.name))
    return [
        mode
        for mode in modes
        if wanted.flow in ("", mode.flow) and wanted.owner in ("", mode.owner) and wanted.kind in ("", mode.kind)
    ]


def heard(plan: Plan, failure: FailureMode) -> list[tuple[str, str]]:
    """Who hears of it when, the team above last."""
    said = [(f"{share} % of its time used", team) for share, team in plan.steps(failure.name)]
    owner = plan.teams.get(failure.owner)
    above = owner.escalates_to if owner and owner.escalates_to else failure.owner
    return [("when it is opened", failure.owner), *said, ("all of its time used", above)]


def table(plan: Plan, modes: list[FailureMode]) -> Table:
    columns = ("Failure mode", "Flow", "Kind", "Owner", "Decided within", "Verbs", "Other actions", "What it means", "Why", "Steps", "Who hears of it",
               "Data is corrected by", "May ask for it")  # fmt: skip
    rows = (
        (m.name, m.flow, m.kind, m.owner, span_word(m.within), ", ".join(m.may), ", ".join(m.actions), m.effect, m.cause, " / ".join(m.recovery),
         ", ".join(f"{when}: {team}" for when, team in heard(plan, m)), m.corrects or "", ", ".join(m.requests))
        for m in modes
    )  # fmt: skip
    return Table("Runbooks", columns, tuple(rows))
