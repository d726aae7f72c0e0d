"""Flows: which business movements run, what waits in each, and pausing one without losing anything."""

from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.render import link_to
from entrepot.web.views import FlowRow

router = APIRouter()
PAUSE_HOURS = (1, 2, 4, 8, 24)
REASON_NEEDED = "A reason is needed: it is kept in the audit trail."


@router.get("/flows")
def flow_list(request: Request, desk: AtDesk) -> HTMLResponse:
    view = desk.reader.flows()
    return desk.page(request, "flows/list.html", {"view": view}, fragments={"flow-list": "flows/_list.html"})


@router.get("/flows/{name}/pause")
def pause_form(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    return _ask(request, desk, flow_of(desk, name), "pause")


@router.get("/flows/{name}/empty")
def empty_form(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    return _ask(request, desk, flow_of(desk, name), "empty")


@router.get("/flows/{name}/proof")
def proof_page(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    """What is in the flow now, by state: when it was emptied, the proof that nothing is left."""
    view = {"flow": flow_of(desk, name), "proof": desk.flows.proof(name)}
    return desk.page(request, "flows/proof.html", view, fragments={"flow-proof": "flows/_proof.html"})


@router.get("/flows/{name}/resume")
def resume_form(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    return _ask(request, desk, flow_of(desk, name), "resume")


@router.post("/flows/{name}/pause", response_model=None)
def pause(request: Request, desk: AtDesk, form: CheckedForm, name: str) -> Response:
    flow = flow_of(desk, name)
    hours = hours_of(form)
    if not form.reason or hours is None:
        return _ask(request, desk, flow, "pause", problem="A pause needs a reason and an end.", status=422)
    until = desk.now() + timedelta(hours=hours)
    try:
        desk.flows.pause(name, request.state.visitor.name, form.reason, until)
    except (OwnerDecides, NotNow) as error:
        return _ask(request, desk, flow, "pause", problem=error.message, status=409)
    return see_other("/flows", f"{flow.word} is paused for {hours} h. Nothing is lost: arrivals are still recorded.")


@router.post("/flows/{name}/empty", response_model=None)
def empty(request: Request, desk: AtDesk, form: CheckedForm, name: str) -> Response:
    flow = flow_of(desk, name)
    hours = hours_of(form)
    if not form.reason or hours is None:
        return _ask(request, desk, flow, "empty", problem="Emptying needs a reason and an end.", status=422)
    try:
        desk.flows.empty(name, request.state.visitor.name, form.reason, desk.now() + timedelta(hours=hours))
    except (OwnerDecides, NotNow) as error:
        return _ask(request, desk, flow, "empty", problem=error.message, status=409)
    words = f"{flow.word} is emptied: what is in goes out, nothing new comes in. It stands still when nothing is left."
    return see_other(link_to("flows", name, "proof"), words)


@router.post("/flows/{name}/resume", response_model=None)
def resume(request: Request, desk: AtDesk, form: CheckedForm, name: str) -> Response:
    flow = flow_of(desk, name)
    if not form.reason:
        return _ask(request, desk, flow, "resume", problem=REASON_NEEDED, status=422)
    try:
        desk.flows.resume(name, request.state.visitor.name, form.reason)
    except (OwnerDecides, NotNow) as error:
        return _ask(request, desk, flow, "resume", problem=error.message, status=409)
    return see_other("/flows", f"{flow.word} runs again.")


def _ask(
    request: Request, desk: Desk, flow: FlowRow, verb: str, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    view = {"flow": flow, "verb": verb, "problem": problem, "hours": PAUSE_HOURS}
    return desk.page(
        request, "flows/verb.html", view, fragments={"dialog-body": "flows/_verb_form.html"}, status=status
    )


def flow_of(desk: Desk, name: str) -> FlowRow:
    found = next((row for row in desk.reader.flows().rows if row.name == name), None)
    if found is None:
        raise HTTPException(404, f"There is no flow {name}.")
    return found


def hours_of(form: Form) -> int | None:
    return int(form.one("hours")) if form.one("hours") in {str(hours) for hours in PAUSE_HOURS} else None
