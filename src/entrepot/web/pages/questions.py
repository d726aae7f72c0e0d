"""Questions: what nobody owns yet, and what is decided again and again without a rule."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from entrepot.cases.questions import Answered
from entrepot.kernel.errors import NotNow, OwnerDecides
from entrepot.web.desk import AtDesk, CheckedForm, Desk, Form, see_other
from entrepot.web.views import PlannedQuestion, QuestionRow

router = APIRouter()
TEXT_MAX_CHARS = 1000


@router.get("/questions")
def question_list(request: Request, desk: AtDesk) -> HTMLResponse:
    view = {"view": desk.reader.questions(desk.now()), "plan_hash": desk.hub.plan.hash}
    return desk.page(request, "questions/list.html", view, fragments={"question-list": "questions/_list.html"})


@router.get("/questions/plan/{name}")
def planned_form(request: Request, desk: AtDesk, name: str) -> HTMLResponse:
    return _ask_planned(request, desk, _planned(desk, name), Form({}))


@router.post("/questions/plan/{name}", response_model=None)
def planned_do(request: Request, desk: AtDesk, form: CheckedForm, name: str) -> Response:
    question = _planned(desk, name)
    try:
        done = desk.cases.decide_planned(name, request.state.visitor.name, form.one("decision")[:TEXT_MAX_CHARS])
    except (OwnerDecides, NotNow) as error:
        return _ask_planned(request, desk, question, form, problem=error.message, status=409)
    if not isinstance(done, Answered):
        return _ask_planned(request, desk, question, form, problem=done.why, status=422)
    return see_other("/questions", done.words)


def _planned(desk: Desk, name: str) -> PlannedQuestion:
    found = next((one for one in desk.reader.questions(desk.now()).planned if one.name == name), None)
    if found is None:
        raise HTTPException(404, f"The plan asks no question {name}.")
    return found


def _ask_planned(
    request: Request, desk: Desk, question: PlannedQuestion, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    view = {"question": question, "form": form, "problem": problem}
    fragments = {"dialog-body": "questions/_planned_form.html"}
    return desk.page(request, "questions/planned.html", view, fragments=fragments, status=status)


@router.get("/questions/{number}")
def question_form(request: Request, desk: AtDesk, number: int) -> HTMLResponse:
    return _ask(request, desk, _question(desk, number), Form({}))


@router.post("/questions/{number}", response_model=None)
def question_do(request: Request, desk: AtDesk, form: CheckedForm, number: int) -> Response:
    question, name = _question(desk, number), request.state.visitor.name
    decision, in_plan = form.one("decision")[:TEXT_MAX_CHARS], form.one("in_plan")
    try:
        done = desk.cases.decide(number, name, decision, in_plan)
    except (OwnerDecides, NotNow) as error:
        return _ask(request, desk, question, form, problem=error.message, status=409)
    if not isinstance(done, Answered):
        return _ask(request, desk, question, form, problem=done.why, status=422)
    return see_other("/questions", done.words)


def _question(desk: Desk, number: int) -> QuestionRow:
    found = desk.reader.question(number)
    if found is None:
        raise HTTPException(404, f"There is no question {number}.")
    return found


def _ask(
    request: Request, desk: Desk, question: QuestionRow, form: Form, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    view = {"question": question, "form": form, "problem": problem, "plan_hash": desk.hub.plan.hash}
    fragments = {"dialog-body": "questions/_form.html"}
    return desk.page(request, "questions/form.html", view, fragments=fragments, status=status)
