"""The map of systems and flows with what they are doing now, and what happens when a system is away."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from entrepot.blueprint.draw import cards
from entrepot.blueprint.draw.architecture import MODE_WORDS, Mark, architecture, table
from entrepot.blueprint.draw.layout import CannotDraw, DrawingTooLong
from entrepot.blueprint.model import Plan
from entrepot.web.desk import AtDesk, Desk
from entrepot.web.files import csv_file, drawing
from entrepot.web.format import NBSP, link_to
from entrepot.web.views import FlowRow, Tone

router = APIRouter()


@router.get("/map")
def flow_map(request: Request, desk: AtDesk, size: str = "") -> HTMLResponse:
    """`size`: `full` shows the drawing as large as it is, to be scrolled. The table says the same in words."""
    rows = {row.name: row for row in desk.reader.flows().rows}
    drawn, problem = Markup(""), ""
    try:
        sheet = architecture(desk.hub.plan, marks(desk.hub.plan, rows), links(desk.hub.plan))
        drawn = Markup(sheet.within_a_page())  # noqa: S704  every word in it was escaped as it was drawn
    except (CannotDraw, DrawingTooLong) as error:
        problem = error.message
    view = {"drawing": drawn, "problem": problem, "size": size, "flows": desk.hub.plan.flows, "rows": rows,
            "modes": MODE_WORDS}  # fmt: skip
    return desk.page(request, "map/map.html", view, fragments={"map-body": "map/_body.html"})


@router.get("/map.svg")
def flow_map_svg(desk: AtDesk) -> Response:
    """The drawing alone, as it is now; its addresses are those of this console."""
    rows = {row.name: row for row in desk.reader.flows().rows}
    return drawing(architecture(desk.hub.plan, marks(desk.hub.plan, rows)))


@router.get("/map.csv")
def flow_map_csv(desk: AtDesk) -> Response:
    return csv_file("flows", table(desk.hub.plan))


@router.get("/systems/{name}")
def system_card(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    card = _card(desk, name)
    view = {"card": card, "rows": {row.name: row for row in desk.reader.flows().rows}, "plan": desk.hub.plan}
    return desk.page(request, "map/system.html", view)


@router.get("/systems/{name}/card.csv")
def system_csv(desk: AtDesk, name: str) -> Response:
    return csv_file("system", cards.table(_card(desk, name)))


@router.get("/systems/{name}/card.svg")
def system_svg(desk: AtDesk, name: str) -> Response:
    return drawing(cards.drawing(_card(desk, name)))


def _card(desk: Desk, name: str) -> cards.Card:
    if name not in desk.hub.plan.systems:
        raise HTTPException(404, f"There is no system {name} in the plan.")
    return cards.card(desk.hub.plan, name)


def links(plan: Plan) -> Mapping[str, Mark]:
    """Systems lead to their cards; what they are like is said there."""
    return {name: Mark("", href=link_to("systems", name)) for name in plan.systems}


def marks(plan: Plan, rows: Mapping[str, FlowRow]) -> Mapping[str, Mark]:
    """What each flow is doing now, in few words; a flow the hub does not run says so."""
    return {name: _mark(flow.mode, rows.get(name), name) for name, flow in plan.flows.items()}


def _mark(mode: str, row: FlowRow | None, name: str) -> Mark:
    if row is None:
        return Mark("Not run by this hub", "idle")
    said = ", ".join([row.state.word, *_said(mode, row)])
    return Mark(said, _tone(row).value, f"/flows#row-{name}")


def _said(mode: str, row: FlowRow) -> Iterator[str]:
    if mode != "act":
        yield MODE_WORDS[mode]
    if row.cases:
        yield f"{row.cases}{NBSP}{'case' if row.cases == 1 else 'cases'}"
    if row.waiting_in + row.waiting_out:
        yield f"{row.waiting_in + row.waiting_out}{NBSP}waiting"
    if row.parked + row.unclear:
        yield f"{row.parked + row.unclear}{NBSP}stuck"


def _tone(row: FlowRow) -> Tone:
    if row.running and (row.parked or row.unclear or row.cases or row.last_error):
        return Tone.WARN
    return row.state.tone
