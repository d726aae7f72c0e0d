"""The answer to a channel's dispute: what we say, what the channel reads, and why."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.flows.dispute_desk import AnswerAsked, NotAnswered
from entrepot.kernel.errors import NotNow
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.selling import channel_link
from entrepot.web.views.channels import DisputeRow
from entrepot.web.words import sentence

router = APIRouter()


@router.get("/disputes/{dispute_id}/answer")
def answer_form(request: Request, desk: AtDesk, dispute_id: str) -> HTMLResponse:
    return _ask(request, desk, _dispute(desk, dispute_id), Form({}))


@router.post("/disputes/{dispute_id}/answer", response_model=None)
def answer(request: Request, desk: AtDesk, form: CheckedForm, dispute_id: str) -> Response:
    dispute, visitor = _dispute(desk, dispute_id), request.state.visitor
    asked = AnswerAsked(dispute.id, form.one("answer"), visitor.name, form.reason, form.one("note"), visitor.team)
    try:
        said = desk.disputes.answer(asked)
    except NotNow as error:
        return _ask(request, desk, dispute, form, problem=sentence(error.message), status=409)
    if isinstance(said, NotAnswered):
        unsaid = not (form.reason and form.one("answer"))
        return _ask(request, desk, dispute, form, problem=sentence(said.why), status=422 if unsaid else 409)
    return see_other(_back(dispute), said.words)


def _dispute(desk: Desk, dispute_id: str) -> DisputeRow:
    found = desk.reader.dispute(dispute_id)
    if found is None:
        raise HTTPException(404, f"There is no dispute {dispute_id}.")
    return found


def _back(dispute: DisputeRow) -> str:
    return dispute.case.href if dispute.case else f"{channel_link(dispute.account)}?show=disputes"


def _ask(
    request: Request, desk: Desk, dispute: DisputeRow, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    view = {"dispute": dispute, "form": form, "problem": problem, "back": _back(dispute)}
    fragments = {"dialog-body": "disputes/_answer_form.html"}
    return desk.page(request, "disputes/answer.html", view, fragments=fragments, status=status)
