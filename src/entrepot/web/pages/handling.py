"""What people do with a case before it is decided: assign, note, working, waiting, and “nobody owns this”."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.cases.model import VerbDone
from entrepot.cases.questions import Answered
from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.pages.cases import case_of
from entrepot.web.ports import Deed
from entrepot.web.views import CaseDetail

router = APIRouter()
TEXT_MAX_CHARS = 1000


@router.get("/cases/{case_id}/handle/{deed}")
def deed_form(request: Request, desk: AtDesk, case_id: str, deed: Deed) -> HTMLResponse:
    return _ask(request, desk, case_of(desk, case_id), deed, Form({}))


@router.post("/cases/{case_id}/handle/{deed}", response_model=None)
def deed_do(request: Request, desk: AtDesk, form: CheckedForm, case_id: str, deed: Deed) -> Response:
    case = case_of(desk, case_id)
    words, problem = _done(request, desk, form, case, deed)
    if problem:
        return _ask(request, desk, case, deed, form, problem=problem, status=422)
    return see_other(f"/cases/{case.row.id}", words)


def _done(request: Request, desk: Desk, form: Form, case: CaseDetail, deed: Deed) -> tuple[str, str]:
    """What was done, or why it was not."""
    visitor, text = request.state.visitor, form.one("text")[:TEXT_MAX_CHARS]
    try:
        if deed is Deed.QUESTION:
            asked = desk.cases.ask(case.row.id, text, form.one("to"), visitor.name, team=visitor.team)
            return (asked.words, "") if isinstance(asked, Answered) else ("", asked.why)
        done = desk.cases.handle(case.row.id, deed, visitor.name, form.one("to"), text, team=visitor.team)
    except (OwnerDecides, NotNow) as error:
        return "", error.message
    return (done.words, "") if isinstance(done, VerbDone) else ("", done.why)


def _ask(
    request: Request, desk: Desk, case: CaseDetail, deed: Deed, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    view = {"case": case, "deed": deed, "form": form, "problem": problem}
    fragments = {"dialog-body": "cases/_deed_form.html"}
    return desk.page(request, "cases/deed.html", view, fragments=fragments, status=status)
